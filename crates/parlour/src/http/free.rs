//! Doors without tickets, for this machine unless the operator opens them: `GET /plain`,
//! `GET /subscribe`, `GET /echo`, and those of an embedder's dialects.

use axum::extract::Request;
use axum::response::Response;
use parlour_hub::Attach;
use parlour_proto::dialect::{Dialect as _, Echo, Feed, Plain};
use parlour_proto::{Author, ClientId, RoomName, UserName};

use super::answer::DoorError;
use super::{guest, handshake};
use crate::doors::{Door, Doors};
use crate::nicknames::First;
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
    let wire = doors.hub().wire(dialect);
    let agreed = wire.map(|wire| handshake::agree(doors, wire, &shape));
    let accept = shape.accept;
    let visit = doors.visit(&request);
    doors.check_origin(&visit, request.headers())?;
    if !doors.is_open_to(door(dialect), &visit) {
        return Err(DoorError::NotLocal);
    }
    let (wire, agreed) = agreed.ok_or(DoorError::NoDoor)?;
    let on_upgrade = handshake::take_upgrade(&mut request)?;
    let newcomer = Newcomer::of(doors, dialect).await?;
    let mut attach = Attach {
        room,
        author: newcomer.author,
        ..Attach::new(wire, newcomer.who)
    };
    let (head, _) = request.into_parts();
    doors.hub().admit(&mut attach, dialect, head).await?;
    let place = doors.take_place(visit.address)?;
    doors.hub().begin_in_room(&mut attach).await?;
    let nickname = newcomer.nickname;
    upgrade::hand_over_later(on_upgrade, doors.hub().clone(), attach, place, || {
        if let Some(nickname) = nickname {
            nickname.goes_in();
        }
    });
    Ok(handshake::switching(&accept, protocol, agreed))
}

/// Who comes in without a name.
struct Newcomer {
    who: UserName,
    author: Author,
    /// At `/plain`: nobody else's from here on.
    nickname: Option<First>,
}

impl Newcomer {
    async fn of(doors: &Doors, dialect: &str) -> Result<Self, DoorError> {
        if dialect != Plain.name() {
            return Ok(Self {
                who: guest::name().ok_or(DoorError::NoRandom)?,
                author: Author::Named,
                nickname: None,
            });
        }
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| DoorError::NoRandom)?;
        let nickname = doors.hub().nicknames().first().await.map_err(|error| {
            tracing::error!(%error, "whether a nickname is a user's could not be asked");
            DoorError::NoAccounts
        })?;
        Ok(Self {
            who: nickname.who.clone(),
            author: Author::Plain(ClientId::from_bytes(id)),
            nickname: Some(nickname),
        })
    }
}

fn door(dialect: &'static str) -> Door {
    if dialect == Echo.name() {
        Door::Echo
    } else if dialect == Plain.name() {
        Door::Plain
    } else if dialect == Feed.name() {
        Door::Subscribe
    } else {
        Door::Free(dialect)
    }
}
