//! `GET /debug`: the number of connections (docs/seeds.md, 2.35, D34), and with `?format=json` all
//! counters.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, Request};
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::bearer::{Bearer, bearer};
use super::health::{is_reading, method_not_allowed};
use crate::doors::{Door, DoorCounts, Doors};

#[derive(Deserialize)]
struct Parameters {
    format: Option<String>,
}

#[derive(Serialize)]
struct Everything {
    connections: usize,
    doors: DoorCounts,
    hub: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<BTreeMap<&'static str, u64>>,
}

/// Answers a request to `/debug`.
pub(crate) async fn answer(doors: Doors, request: Request) -> Response {
    let mut response = if !is_reading(request.method()) {
        method_not_allowed()
    } else if !is_allowed(&doors, &request) {
        doors.counters().bad_tokens.add();
        refused()
    } else {
        show(&doors, &request)
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

fn is_allowed(doors: &Doors, request: &Request) -> bool {
    if doors.is_open_to(Door::Debug, &doors.visit(request)) {
        return true;
    }
    let token = doors.config().operator_token.as_ref();
    match (token, bearer(request.headers())) {
        (Some(token), Bearer::Token(shown)) => token.is(shown),
        _ => false,
    }
}

fn refused() -> Response {
    let challenge = [(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
    let words = "Unauthorized\nthis is shown on the server's own machine, or to who sends the \
                 operator's token: Authorization: Bearer TOKEN\n";
    (StatusCode::UNAUTHORIZED, challenge, words).into_response()
}

fn show(doors: &Doors, request: &Request) -> Response {
    let connections = doors.hub().connections();
    let format = Query::<Parameters>::try_from_uri(request.uri());
    match format.ok().and_then(|Query(it)| it.format).as_deref() {
        None | Some("text") => format!("{connections}\n").into_response(),
        Some("json") => Json(Everything {
            connections,
            doors: doors.counts(),
            hub: doors.hub().stats().named().collect(),
            rooms: (doors.config().rooms.as_ref()).map(|it| it.counts().into_iter().collect()),
        })
        .into_response(),
        Some(_) => {
            let words = "Bad Request\nthe formats are text and json\n";
            (StatusCode::BAD_REQUEST, words).into_response()
        }
    }
}
