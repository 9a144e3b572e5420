//! Doors without tickets, for this machine unless the operator opens them: `GET /echo`, and those of an embedder's dialects.

use axum::extract::Request;
use axum::response::Response;
use parlour_hub::Attach;
use parlour_proto::RoomName;
use parlour_proto::dialect::{Dialect as _, Echo};

use super::answer::DoorError;
use super::{guest, handshake};
use crate::doors::{Door, Doors};
use crate::upgrade;

/// Answers a request to a free door.
pub(crate) async fn answer(
    doors: Doors,
    dialect: &'static str,
    room: Option<RoomName>,
    request: Request,
) -> Response {
    let opened = open(&doors, dialect, room, request).await;
    handshake::counted(&doors, opened)
}

async fn open(
    doors: &Doors,
    dialect: &'static str,
    room: Option<RoomName>,
    mut request: Request,
) -> Result<Response, DoorError> {
    let shape = handshake::check(request.method(), request.headers())?;
    let protocol = shape.protocols.contains(&dialect).then_some(dialect);
    let accept = shape.accept;
    let visit = doors.visit(&request);
    doors.check_origin(&visit, request.headers())?;
    if !doors.is_open_to(door(dialect), &visit) {
        return Err(DoorError::NotLocal);
    }
    let wire = doors.hub().wire(dialect).ok_or(DoorError::NoDoor)?;
    let who = guest::name().ok_or(DoorError::NoRandom)?;
    let on_upgrade = handshake::take_upgrade(&mut request)?;
    let mut attach = Attach {
        room,
        ..Attach::new(wire, who)
    };
    let (head, _) = request.into_parts();
    doors.hub().admit(&mut attach, dialect, head).await?;
    let place = doors.take_place(visit.address)?;
    upgrade::hand_over_later(on_upgrade, doors.hub().clone(), attach, place, || {});
    Ok(handshake::switching(&accept, protocol))
}

fn door(dialect: &'static str) -> Door {
    if dialect == Echo.name() {
        Door::Echo
    } else {
        Door::Free(dialect)
    }
}
