//! Answers of the doors that are no 101: two lines of text, and headers.

use std::time::Duration;

use axum::http::header::{
    ALLOW, CONNECTION, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use parlour_ws::handshake::{HandshakeError, VERSION};

use crate::doors::Counter;
use crate::doors::{Counters, Guests};
use crate::limits;
use crate::occupancy::Full;
use crate::origin::OriginRefusal;
use crate::policy::Denied;

/// Why a request to a WebSocket's door is not answered with 101.
#[derive(Debug, thiserror::Error)]
pub(super) enum DoorError {
    #[error("{0}")]
    Handshake(#[from] HandshakeError),
    #[error("this door speaks the subprotocols {0}: offer one of them too, or none at all")]
    Protocol(String),
    #[error("this door asks for a ticket: POST /ticket gives one, which works once and soon ends")]
    NoTicket,
    #[error("this ticket is unknown, used or too old: POST /ticket gives a fresh one")]
    BadTicket,
    #[error("{0}")]
    Origin(#[from] OriginRefusal),
    #[error("{PUBLIC_RULES}")]
    NotLocal,
    #[error("{NO_GUESTS}")]
    NoGuests,
    #[error("{0}")]
    Denied(#[from] Denied),
    #[error("{0}")]
    Room(#[from] parlour_proto::RoomNameError),
    #[error("{0}")]
    Full(#[from] Full),
    #[error("the operating system gave no random bytes; try again later")]
    NoRandom,
    #[error("the server has a problem with its accounts; try again later")]
    NoAccounts,
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

/// Said where nobody is let in without an account.
pub(super) const NO_GUESTS: &str = "guests are not let in here: sign in with POST /login";

/// What a guest is told who is not let in by this rule.
pub(super) fn guests_words(guests: Guests) -> &'static str {
    match guests {
        Guests::Nobody => NO_GUESTS,
        Guests::Loopback | Guests::Everybody => PUBLIC_RULES,
    }
}

impl DoorError {
    /// What a guest is told who is not let in by this rule.
    pub(super) fn no_guest(guests: Guests) -> Self {
        match guests {
            Guests::Nobody => Self::NoGuests,
            Guests::Loopback | Guests::Everybody => Self::NotLocal,
        }
    }

    /// Where it is counted.
    pub(super) fn counter<'a>(&self, counts: &'a Counters) -> &'a Counter {
        match self {
            Self::Handshake(_) | Self::Protocol(_) => &counts.handshakes_malformed,
            Self::NoTicket | Self::BadTicket => &counts.handshakes_without_ticket,
            Self::Origin(_) => &counts.handshakes_foreign,
            Self::NotLocal | Self::NoGuests => &counts.handshakes_not_local,
            Self::Denied(_) => &counts.handshakes_not_allowed,
            Self::Room(_) => &counts.handshakes_bad_room,
            Self::Full(Full::Address) => &counts.handshakes_address_full,
            Self::Full(Full::Server) => &counts.handshakes_server_full,
            Self::Full(Full::GoingAway) => &counts.handshakes_going_away,
            Self::NoRandom | Self::NoAccounts | Self::NoDoor | Self::NoUpgrade => {
                &counts.handshakes_failed
            }
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Handshake(error) => {
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::NoTicket | Self::BadTicket => StatusCode::UNAUTHORIZED,
            Self::Origin(_) | Self::NotLocal | Self::NoGuests | Self::Denied(_) => {
                StatusCode::FORBIDDEN
            }
            Self::Protocol(_) | Self::Room(_) => StatusCode::BAD_REQUEST,
            Self::Full(Full::Address) => StatusCode::TOO_MANY_REQUESTS,
            Self::Full(_) | Self::NoRandom | Self::NoAccounts => StatusCode::SERVICE_UNAVAILABLE,
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

/// A `Retry-After` header's value: whole seconds, at least one, and not too few.
pub(super) fn seconds(duration: Duration) -> HeaderValue {
    let up = u64::from(duration.subsec_nanos() > 0);
    HeaderValue::from((duration.as_secs() + up).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_to_come_back_is_told_when() {
        for error in [DoorError::NoRandom, DoorError::Full(Full::Address)] {
            let answer = error.into_response();
            assert_eq!(answer.headers()[RETRY_AFTER], "5", "{answer:?}");
        }
        for (wait, told) in [
            (0, "1"),
            (1, "1"),
            (1_000, "1"),
            (1_001, "2"),
            (61_000, "61"),
        ] {
            assert_eq!(seconds(Duration::from_millis(wait)), told);
        }
    }
}
