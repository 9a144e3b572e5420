//! What the JSON API answers: every POST goes through [`post`], every refusal is an [`ApiError`].

use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use parlour_proto::{NameError, Refusal};
use serde::Serialize;

use super::answer::{guests_words, seconds};
use super::cross_origin::CrossOrigin;
use crate::accounts::AccountsError;
use crate::doors::{Counter, Counters, Doors, Guests};
use crate::hub::PublishError;
use crate::limits;
use crate::origin::OriginRefusal;
use crate::policy::Denied;
use crate::tickets::TicketError;

/// Why a request of the API is refused. Told as `{"error": CODE, "message": WORDS}`.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("it is asked for with POST")]
    Method,
    #[error("send JSON, with the header Content-Type: application/json")]
    MediaType,
    #[error("the body may have at most {0} bytes")]
    TooLarge(usize),
    #[error("the body did not come in time")]
    TooSlow,
    #[error("the body broke off")]
    BrokenOff,
    #[error("the body is not JSON like {shape}: {reason}")]
    BadJson { shape: &'static str, reason: String },
    #[error("{0}")]
    BadName(#[from] NameError),
    #[error("{0}")]
    Origin(#[from] OriginRefusal),
    #[error("{}", guests_words(*.0))]
    NoGuests(Guests),
    #[error("the name or the password is wrong")]
    BadCredentials,
    /// With the header's value that takes back the cookie which named it, if one did.
    #[error("this session is unknown or has ended: sign in with POST /login")]
    BadSession(Option<&'static str>),
    #[error("too many sign-ins; try again in {}s", .0.as_secs() + 1)]
    TooManyLogins(Duration),
    #[error("{0}")]
    Ticket(TicketError),
    #[error("too many passwords are being checked; try again in {}s", .0.as_secs().max(1))]
    Busy(Duration),
    #[error("the server has a problem with its accounts; try again later")]
    Unavailable,
    #[error("publishing is not open here: the operator opens it with a token, see the docs")]
    NotOpen,
    #[error("this asks for the token for publishing: Authorization: Bearer TOKEN")]
    BadToken,
    #[error("too many publishes; try again in {}s", .0.as_secs() + 1)]
    TooManyPublishes(Duration),
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}")]
    Denied(#[from] Denied),
    #[error("the server is going away; come back later")]
    GoingAway,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    message: &'a str,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenOff | Self::BadJson { .. } | Self::BadName(_) => StatusCode::BAD_REQUEST,
            Self::Origin(_) | Self::NoGuests(_) | Self::NotOpen | Self::Denied(_) => {
                StatusCode::FORBIDDEN
            }
            Self::BadCredentials | Self::BadSession(_) | Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::Ticket(TicketError::NoRandom)
            | Self::Busy(_)
            | Self::Unavailable
            | Self::GoingAway => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooManyLogins(_) | Self::Ticket(_) | Self::TooManyPublishes(_) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Refused(refusal) if refusal.may_pass_later() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// What programs match on.
    fn code(&self) -> &'static str {
        match self {
            Self::Method => "method_not_allowed",
            Self::MediaType => "unsupported_media_type",
            Self::TooLarge(_) => "too_large",
            Self::TooSlow => "timeout",
            Self::BrokenOff | Self::BadJson { .. } => "bad_json",
            Self::BadName(_) => "bad_name",
            Self::Origin(_) => "foreign_origin",
            Self::NoGuests(_) => "guests_not_allowed",
            Self::BadCredentials => "bad_credentials",
            Self::BadSession(_) => "bad_session",
            Self::TooManyLogins(_) => "too_many_logins",
            Self::Ticket(TicketError::NoRandom) | Self::Unavailable => "unavailable",
            Self::Ticket(_) => "too_many_tickets",
            Self::Busy(_) => "busy",
            Self::NotOpen => "not_open",
            Self::BadToken => "bad_token",
            Self::TooManyPublishes(_) => "rate_limited",
            Self::Refused(refusal) => refusal.code(),
            Self::Denied(_) => Denied::CODE,
            Self::GoingAway => "going_away",
        }
    }

    /// When the same request may succeed.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyLogins(wait) | Self::Busy(wait) | Self::TooManyPublishes(wait) => {
                Some(*wait)
            }
            Self::Refused(refusal) if refusal.may_pass_later() => Some(limits::RETRY_AFTER),
            Self::Ticket(
                TicketError::TooMany { retry_after }
                | TicketError::TooManyOfGuests { retry_after }
                | TicketError::TooManyOfSource { retry_after },
            ) => Some(*retry_after),
            Self::Ticket(TicketError::NoRandom) | Self::Unavailable | Self::GoingAway => {
                Some(limits::RETRY_AFTER)
            }
            _ => None,
        }
    }

    /// Where it is counted; tickets count themselves.
    fn counter<'a>(&self, counts: &'a Counters) -> Option<&'a Counter> {
        Some(match self {
            Self::Method
            | Self::MediaType
            | Self::BrokenOff
            | Self::BadJson { .. }
            | Self::BadName(_) => &counts.bad_requests,
            Self::TooLarge(_) => &counts.bodies_too_large,
            Self::TooSlow => &counts.bodies_too_slow,
            Self::Origin(_) => &counts.foreign_posts,
            Self::NoGuests(_) => &counts.guests_refused,
            Self::BadCredentials => &counts.logins_failed,
            Self::BadSession(_) => &counts.bad_sessions,
            Self::TooManyLogins(_) => &counts.logins_limited,
            Self::Busy(_) => &counts.logins_busy,
            Self::Ticket(TicketError::NoRandom) | Self::Unavailable => &counts.unavailable,
            Self::Ticket(_) => return None,
            Self::NotOpen | Self::BadToken => &counts.bad_tokens,
            Self::TooManyPublishes(_) | Self::Refused(_) | Self::Denied(_) | Self::GoingAway => {
                &counts.publishes_refused
            }
        })
    }
}

impl From<TicketError> for ApiError {
    fn from(error: TicketError) -> Self {
        match error {
            TicketError::SessionEnded => Self::BadSession(None),
            error => Self::Ticket(error),
        }
    }
}

impl From<AccountsError> for ApiError {
    /// What is broken is the operator's business and stands in the log, not in the answer.
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Busy(wait) => Self::Busy(wait),
            AccountsError::Broken(_) => {
                tracing::error!(%error, "a request could not be served");
                Self::Unavailable
            }
        }
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Busy { retry_after } => Self::TooManyPublishes(retry_after),
            PublishError::Refused(refusal) => Self::Refused(refusal),
            PublishError::TooLarge(bytes_max) => Self::TooLarge(bytes_max),
            PublishError::GoingAway => Self::GoingAway,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let message = self.to_string();
        let body = Body {
            error: self.code(),
            message: &message,
        };
        let mut response = (self.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds(wait));
        }
        match self {
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            // RFC 9110, 15.5.2: no browser asks for a password by these.
            Self::BadCredentials => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Parlour-Login"));
            }
            Self::BadToken => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::BadSession(cookie) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                if let Some(cookie) = cookie {
                    headers.insert(SET_COOKIE, HeaderValue::from_static(cookie));
                }
            }
            _ => {}
        }
        response
    }
}

/// Answers a POST, and browsers that ask whether a page may send one: other methods are refused,
/// refusals are counted, and no cache keeps an answer.
pub(super) async fn post<F>(
    doors: &Doors,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Result<Response, ApiError>>,
{
    let origins = &doors.config().origins;
    let cross_origin = CrossOrigin::of(origins, request.method(), request.headers());
    let answered = match cross_origin.preflight() {
        Some(preflight) => Ok(preflight),
        None if request.method() == Method::POST => answer(request).await,
        None => Err(ApiError::Method),
    };
    let mut response = answered.unwrap_or_else(|error| {
        if let Some(counter) = error.counter(doors.counters()) {
            counter.add();
        }
        error.into_response()
    });
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    cross_origin.open(response.headers_mut());
    response
}
