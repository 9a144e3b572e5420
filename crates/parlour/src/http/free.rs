//! Doors without tickets, for this machine only: `GET /echo`, and those of an embedder's dialects.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use parlour_hub::Attach;
use parlour_proto::{RoomName, SessionId};

use super::answer::DoorError;
use super::{guest, handshake};
use crate::doors::{Doors, peer};
use crate::{origin, upgrade};

/// Answers a request to a free door.
pub(crate) async fn answer(
    doors: Doors,
    dialect: &'static str,
    room: Option<RoomName>,
    request: Request,
) -> Response {
    open(&doors, dialect, room, request).unwrap_or_else(IntoResponse::into_response)
}

fn open(
    doors: &Doors,
    dialect: &'static str,
    room: Option<RoomName>,
    mut request: Request,
) -> Result<Response, DoorError> {
    let shape = handshake::check(request.method(), request.headers())?;
    let protocol = shape.protocols.contains(&dialect).then_some(dialect);
    let accept = shape.accept;
    if !origin::is_allowed(doors.scheme(), request.headers()) {
        return Err(DoorError::ForeignOrigin);
    }
    let address = peer(request.extensions());
    if !doors.is_local(address, request.headers()) {
        return Err(DoorError::NotLocal);
    }
    let wire = doors.hub().wire(dialect).ok_or(DoorError::NoDoor)?;
    let who = guest::name().ok_or(DoorError::NoRandom)?;
    let on_upgrade = handshake::take_upgrade(&mut request)?;
    let place = doors.take_place(address)?;
    upgrade::hand_over_later(
        on_upgrade,
        doors.hub().clone(),
        Attach {
            wire,
            who,
            session: SessionId::NONE,
            room,
        },
        place,
        || {},
    );
    Ok(handshake::switching(&accept, protocol))
}
