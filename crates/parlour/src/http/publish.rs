//! `POST /publish` and `POST /rooms/{room}/publish`: an entry without a WebSocket (docs/seeds.md, 3.09
//! to 3.14, D17, D31). On loopback, or where the door is open with the token for publishing.

use std::net::IpAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use parlour_proto::dialect::{Dialect, V1};
use parlour_proto::{Author, Command, Draft, Frame, Position, Refusal, RoomName, UserName};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::api::{self, ApiError};
use super::bearer::{Bearer, bearer};
use super::body;
use crate::doors::{Door, Doors};
use crate::source::Source;
use crate::visit::Visit;

const SHAPE: &str = r#"{"payload":"hello"}"#;
/// Who publishes without a name.
const NOBODY: &str = "publisher";
const FEED_SHAPE: &str = r#"{"name":"kim","msg":"hello"}"#;

/// What `POST /publish` takes. Unknown fields are ignored.
#[derive(Deserialize)]
struct Message {
    name: String,
    msg: String,
}

/// Unknown fields are ignored. What the fields may be is what `parlour.v1` says.
#[derive(Deserialize)]
struct Wish<'a> {
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    since: Option<&'a RawValue>,
    from: Option<String>,
}

/// The same as a frame of `parlour.v1`.
#[derive(Serialize)]
struct Publish<'a> {
    t: &'a str,
    room: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    kind: Option<&'a RawValue>,
    payload: &'a RawValue,
}

#[derive(Serialize)]
struct Published<'a> {
    room: &'a str,
    /// 16 hexadecimal digits.
    epoch: String,
    seq: u64,
}

/// Answers a request to publish in the room that the path names.
pub(crate) async fn answer(doors: Doors, room: Option<Path<String>>, request: Request) -> Response {
    let room = room.map(|Path(room)| room);
    api::post(&doors, request, |request| in_room(&doors, room, request)).await
}

/// Answers a request to publish what `/subscribe` shows.
pub(crate) async fn answer_to_feed(doors: Doors, request: Request) -> Response {
    api::post(&doors, request, |request| to_feed(&doors, request)).await
}

async fn in_room(
    doors: &Doors,
    room: Option<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let address = check(doors, &request)?;
    let room = room.and_then(|room| RoomName::new(&room).ok());
    let room = room.ok_or(ApiError::Refused(Refusal::BadRoom))?;
    let body = read(doors, request).await?;
    let draft = draft(&room, &body)?;
    let Position { epoch, seq } = publish(doors, address, room.clone(), draft).await?;
    let published = Published {
        room: room.as_str(),
        epoch: format!("{:016x}", epoch.0),
        seq: seq.0,
    };
    Ok(Json(published).into_response())
}

/// 204 once the room has numbered it (E13), whether or not somebody is there.
async fn to_feed(doors: &Doors, request: Request) -> Result<Response, ApiError> {
    let address = check(doors, &request)?;
    let body = read(doors, request).await?;
    let draft = feed_draft(&body)?;
    let room = doors.config().subscribe_room.clone();
    publish(doors, address, room, draft).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whether this request may publish; where it comes from.
fn check(doors: &Doors, request: &Request) -> Result<Option<IpAddr>, ApiError> {
    let visit = doors.visit(request);
    check_visit(doors, &visit, request.headers())?;
    body::check_type(request.headers())?;
    Ok(visit.address)
}

async fn read(doors: &Doors, request: Request) -> Result<Bytes, ApiError> {
    let bytes_max = doors.hub().limits().message_bytes_max;
    body::read(request.into_body(), bytes_max, &doors.config().limits).await
}

async fn publish(
    doors: &Doors,
    address: Option<IpAddr>,
    room: RoomName,
    (who, draft): (UserName, Draft),
) -> Result<Position, ApiError> {
    let source = Source::of(address);
    let allowed = doors
        .publishes()
        .map(|rates| rates.take(source, doors.now()));
    allowed.transpose().map_err(ApiError::TooManyPublishes)?;
    doors.hub().may_publish(&who, &room, &draft).await?;
    let position = doors.hub().publish(room, draft).await?;
    doors.counters().publishes.add();
    Ok(position)
}

/// Programs name no origin, and need none here: elsewhere they have a token.
fn check_visit(doors: &Doors, visit: &Visit, headers: &HeaderMap) -> Result<(), ApiError> {
    doors.check_program_origin(visit, headers)?;
    if visit.is_local {
        return Ok(());
    }
    let token = doors.config().publish_token.as_ref();
    let Some(token) = token.filter(|_| doors.is_open_to(Door::Publish, visit)) else {
        return Err(ApiError::NotOpen);
    };
    match bearer(headers) {
        Bearer::Token(shown) if token.is(shown) => Ok(()),
        _ => Err(ApiError::BadToken),
    }
}

/// Reads what is to be published, by the rules of `parlour.v1`. Its publisher is a guest: no name
/// that he gives himself can be a user's.
fn draft(room: &RoomName, body: &[u8]) -> Result<(UserName, Draft), ApiError> {
    let wish: Wish<'_> = body::parse(body, SHAPE)?;
    let from = UserName::guest(wish.from.as_deref().unwrap_or(NOBODY))?;
    let frame = Publish {
        t: "publish",
        room: room.as_str(),
        id: wish.id,
        since: wish.since,
        kind: wish.kind,
        payload: wish.payload,
    };
    let bad = ApiError::Refused(Refusal::BadPayload);
    let Ok(frame) = serde_json::to_string(&frame) else {
        return Err(bad); // No JSON of a client is none.
    };
    match V1.decode(Frame::Text(&frame)) {
        Ok(Command::Publish {
            id,
            since,
            kind,
            payload,
            ..
        }) => {
            let draft = Draft {
                id,
                since,
                ..Draft::new(from.shared(), kind, payload)
            };
            Ok((from, draft.by(Author::Published)))
        }
        Ok(Command::Refused { refusal, .. }) | Err(refusal) => Err(ApiError::Refused(refusal)),
        Ok(_) => Err(bad),
    }
}

/// A message under a name that no user can have. Neither may be empty (E10).
fn feed_draft(body: &[u8]) -> Result<(UserName, Draft), ApiError> {
    let Message { name, msg } = body::parse(body, FEED_SHAPE)?;
    let from = UserName::guest(&name)?;
    if msg.is_empty() {
        return Err(ApiError::Refused(Refusal::BadPayload));
    }
    let draft = Draft::message(from.shared(), &msg).by(Author::Published);
    Ok((from, draft))
}
