//! `GET /healthz`: whether this server can serve, for who watches over it.

use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::answer::seconds;
use crate::doors::Doors;
use crate::limits;

/// Why it cannot. Told to everybody, so it says no more than who is to look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unhealthy {
    #[error("the server is going away")]
    GoingAway,
    #[error("a shard has failed: the process must be started again, its log says why")]
    ShardFailed,
    #[error("the accounts cannot be read: the server's log says why")]
    Accounts,
    #[error("{0}")]
    Rooms(String),
}

/// Answers a request to `/healthz`: 200 `ok`, or 503 and the reason.
pub(crate) async fn answer(doors: Doors, request: Request) -> Response {
    let mut response = match (is_reading(request.method()), doors.health()) {
        (false, _) => method_not_allowed(),
        (true, Ok(())) => "ok\n".into_response(),
        (true, Err(why)) => {
            let retry = [(RETRY_AFTER, seconds(limits::RETRY_AFTER))];
            (StatusCode::SERVICE_UNAVAILABLE, retry, format!("{why}\n")).into_response()
        }
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// `HEAD` works wherever `GET` does.
pub(super) fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

pub(super) fn method_not_allowed() -> Response {
    let allow = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
    let words = "Method Not Allowed\nit is asked for with GET\n";
    (StatusCode::METHOD_NOT_ALLOWED, allow, words).into_response()
}
