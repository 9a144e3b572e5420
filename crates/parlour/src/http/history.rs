//! `GET /rooms/{room}/history`: a page of a room's log without a WebSocket. For who is signed in, on
//! loopback, and with the operator's token.

use std::net::IpAddr;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request};
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse as _, Response};
use parlour_hub::History;
use parlour_proto::dialect::{Dialect as _, V1};
use parlour_proto::{Event, Page, PageFrom, Refusal, RoomName, Seq, UserName};
use serde::Deserialize;

use super::api::{self, ApiError};
use super::bearer::{Bearer, bearer};
use super::session;
use crate::doors::Doors;
use crate::source::Source;
use crate::visit::Visit;

/// Who reads without a name.
const NOBODY: &str = "reader";

/// Unknown fields are ignored. What the fields may be is what `parlour.v1` says of its `history`.
#[derive(Deserialize)]
struct Wish {
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<u16>,
}

/// Who asks, and how long the browser is to keep its cookie.
struct Reader {
    who: UserName,
    cookie: Option<HeaderValue>,
}

/// Answers a request for a page of the room that the path names.
pub(crate) async fn answer(doors: Doors, room: Option<Path<String>>, request: Request) -> Response {
    let room = room.map(|Path(room)| room);
    api::get(&doors, request, |request| give(&doors, room, request)).await
}

async fn give(doors: &Doors, room: Option<String>, request: Request) -> Result<Response, ApiError> {
    let visit = doors.visit(&request);
    doors.check_program_origin(&visit, request.headers())?;
    let Reader { who, cookie } = reader(doors, &visit, request.headers())?;
    let room = room.and_then(|room| RoomName::new(&room).ok());
    let room = room.ok_or(ApiError::Refused(Refusal::BadRoom))?;
    let page = page(request.uri())?;
    drop(request);
    spend(doors, visit.address)?;
    doors.hub().may_join(&who, &room).await?;
    let history = doors.hub().history(room.clone(), page).await?;
    doors.counters().pages.add();
    let cookie = cookie.map(|cookie| [(SET_COOKIE, cookie)]);
    let json = [(CONTENT_TYPE, "application/json")];
    Ok((cookie, json, frame(&room, &history)).into_response())
}

/// Who may read in what the policy lets him join: a user with a session, the operator, and who is on
/// this machine.
fn reader(doors: &Doors, visit: &Visit, headers: &HeaderMap) -> Result<Reader, ApiError> {
    let nobody = || -> Result<Reader, ApiError> {
        let who = UserName::guest(NOBODY)?;
        Ok(Reader { who, cookie: None })
    };
    let token = doors.config().operator_token.as_ref();
    if let (Some(token), Bearer::Token(shown)) = (token, bearer(headers))
        && token.is(shown)
    {
        return nobody();
    }
    match session::claimed(doors, visit, headers)? {
        Some(claimed) => Ok(Reader {
            cookie: claimed.renewed_cookie(visit.scheme),
            who: claimed.session.user,
        }),
        None if visit.is_local => nobody(),
        None => Err(ApiError::NoReader),
    }
}

fn page(uri: &Uri) -> Result<Page, ApiError> {
    let bad = |_: QueryRejection| ApiError::Refused(Refusal::BadPayload);
    let Query(wish) = Query::<Wish>::try_from_uri(uri).map_err(bad)?;
    wish.page().map_err(ApiError::Refused)
}

impl Wish {
    fn page(&self) -> Result<Page, Refusal> {
        let from = match (self.after, self.before) {
            (Some(_), Some(_)) => return Err(Refusal::BadPayload),
            (Some(after), None) => PageFrom::After(seq(after)?),
            (None, Some(before)) => PageFrom::Before(seq(before)?),
            (None, None) => PageFrom::Before(Seq(u64::MAX)),
        };
        let limit = self.limit.unwrap_or(Page::LIMIT);
        if !(1..=Page::LIMIT_MAX).contains(&limit) {
            return Err(Refusal::BadPayload);
        }
        Ok(Page { from, limit })
    }
}

fn seq(number: u64) -> Result<Seq, Refusal> {
    let seq = Seq(number);
    (seq <= Seq::MAX).then_some(seq).ok_or(Refusal::BadPayload)
}

/// An address asks as often as one connection might.
fn spend(doors: &Doors, address: Option<IpAddr>) -> Result<(), ApiError> {
    let spent = doors
        .publishes()
        .map(|rates| rates.take(Source::of(address), doors.now()));
    spent.transpose().map_err(ApiError::TooManyPublishes)?;
    Ok(())
}

/// The frame `page` of `parlour.v1`.
fn frame(room: &RoomName, history: &History) -> Vec<u8> {
    let event = Event::Page {
        room,
        id: None,
        epoch: history.epoch,
        entries: &history.entries,
        more: history.more,
    };
    let mut body = Vec::new();
    V1.encode(&event, &mut body);
    body
}
