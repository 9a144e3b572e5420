//! What every WebSocket's door does with a request: its shape first, the 101 last.

use axum::extract::Request;
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use parlour_ws::handshake::{self, HandshakeError, Upgrade};

use super::answer::DoorError;
use crate::doors::Doors;

/// Checks the shape of a request for an upgrade (docs/seeds.md, 3.16, 4.05 to 4.07).
pub(super) fn check<'a>(
    method: &'a Method,
    headers: &'a HeaderMap,
) -> Result<Upgrade<'a>, HandshakeError> {
    let lines: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    handshake::check(method.as_str(), lines.iter().copied())
}

/// Counts how a handshake went, and answers.
pub(super) fn counted(doors: &Doors, opened: Result<Response, DoorError>) -> Response {
    let counts = doors.counters();
    match opened {
        Ok(response) => {
            counts.handshakes.add();
            response
        }
        Err(error) => {
            error.counter(counts).add();
            error.into_response()
        }
    }
}

/// What hyper holds ready for who wants the socket; HTTP/2 and tests have none.
pub(super) fn take_upgrade(request: &mut Request) -> Result<OnUpgrade, DoorError> {
    request
        .extensions_mut()
        .remove()
        .ok_or(DoorError::NoUpgrade)
}

/// The 101.
pub(super) fn switching(accept: &str, protocol: Option<&'static str>) -> Response {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    response
}
