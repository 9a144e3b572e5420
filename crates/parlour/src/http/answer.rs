//! Answers in one form each: two lines of text at the doors, JSON for the API.

use std::time::Duration;

use axum::Json;
use axum::http::header::{
    ALLOW, CONNECTION, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use parlour_ws::handshake::{HandshakeError, VERSION};
use serde::Serialize;

use crate::limits;
use crate::occupancy::Full;

/// Why a request to a WebSocket's door is not answered with 101.
#[derive(Debug, thiserror::Error)]
pub(super) enum DoorError {
    #[error("{0}")]
    Handshake(#[from] HandshakeError),
    #[error("this door speaks the subprotocol {0}: offer it too, or none at all")]
    Protocol(&'static str),
    #[error("this door asks for a ticket: POST /ticket gives one, which works once within 5 s")]
    NoTicket,
    #[error("this ticket is unknown, used or too old: POST /ticket gives a fresh one")]
    BadTicket,
    #[error("pages of another site may not use this server (the Origin header is not its address)")]
    ForeignOrigin,
    #[error("{PUBLIC_RULES}")]
    NotLocal,
    #[error("{0}")]
    Room(#[from] parlour_proto::RoomNameError),
    #[error("{0}")]
    Full(#[from] Full),
    #[error("the operating system gave no random bytes; try again later")]
    NoRandom,
    #[error("there is no such door here")]
    NoDoor,
    #[error("this connection cannot be upgraded; speak HTTP/1.1 to the server itself")]
    NoUpgrade,
}

/// Said wherever only this machine is let in.
pub(super) const PUBLIC_RULES: &str = "guests are let in from this machine only, at the server's \
    own loopback address and not through a proxy: open http://127.0.0.1 or http://localhost with \
    the server's port in a browser on the machine that it runs on (who embeds Parlour: bind to \
    loopback, and give Doors::new that address)";

impl DoorError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Handshake(error) => {
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::NoTicket | Self::BadTicket => StatusCode::UNAUTHORIZED,
            Self::ForeignOrigin | Self::NotLocal => StatusCode::FORBIDDEN,
            Self::Protocol(_) | Self::Room(_) => StatusCode::BAD_REQUEST,
            Self::Full(Full::Address) => StatusCode::TOO_MANY_REQUESTS,
            Self::Full(_) | Self::NoRandom => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoDoor => StatusCode::NOT_FOUND,
            Self::NoUpgrade => StatusCode::NOT_IMPLEMENTED,
        }
    }
}

impl IntoResponse for DoorError {
    /// The status's text on the first line, the reason in words on the second.
    fn into_response(self) -> Response {
        let status = self.status();
        let body = format!(
            "{}\n{self}\n",
            status.canonical_reason().unwrap_or_default()
        );
        let version = [(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION))];
        let mut response = (status, version, body).into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Parlour-Ticket"));
            }
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, seconds(limits::RETRY_AFTER));
            }
            _ => {}
        }
        response
    }
}

/// An error of the API: `{"error": CODE, "message": WORDS}`.
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    /// What programs match on.
    pub(super) code: &'static str,
    /// What people read.
    pub(super) message: String,
}

#[derive(Serialize)]
struct ApiErrorBody<'a> {
    error: &'a str,
    message: &'a str,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ApiErrorBody {
            error: self.code,
            message: &self.message,
        };
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let wait = seconds(limits::RETRY_AFTER);
            response.headers_mut().insert(RETRY_AFTER, wait);
        }
        response
    }
}

/// A `Retry-After` header's value.
pub(super) fn seconds(duration: Duration) -> HeaderValue {
    HeaderValue::from(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_to_come_back_is_told_when() {
        let no_ticket = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "");
        for answer in [
            no_ticket.into_response(),
            DoorError::NoRandom.into_response(),
            DoorError::Full(Full::Address).into_response(),
        ] {
            assert_eq!(answer.headers()[RETRY_AFTER], "5", "{answer:?}");
        }
    }
}
