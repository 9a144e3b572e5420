//! What every WebSocket's door does with a request: its shape first, the 101 last.

use axum::extract::Request;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use parlour_hub::WireIndex;
use parlour_ws::deflate::{Agreed, negotiate};
use parlour_ws::handshake::{self, HandshakeError, Upgrade};

use super::answer::DoorError;
use crate::doors::{Compression, Doors};
use crate::wires;

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

/// What both sides agree on of what the client offers: a wire of the same dialect, and what it is
/// answered.
pub(super) fn agree(
    doors: &Doors,
    wire: WireIndex,
    shape: &Upgrade<'_>,
) -> (WireIndex, Option<Agreed>) {
    let agreed = match doors.config().compression {
        Compression::On => negotiate(shape.extensions.iter().copied()),
        Compression::Off => None,
    };
    let wire = agreed.map_or(wire, |it| wires::compressed(wire, it.window));
    (wire, agreed)
}

/// The 101.
pub(super) fn switching(
    accept: &str,
    protocol: Option<&'static str>,
    agreed: Option<Agreed>,
) -> Response {
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
    if let Some(agreed) = agreed {
        let answer = HeaderValue::from_static(agreed.answer());
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, answer);
    }
    response
}
