//! What the JSON API answers: every POST goes through [`post`], every GET through [`get`], every
//! refusal is an [`ApiError`].

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
use super::health::is_reading;
use crate::accounts::AccountsError;
use crate::doors::{Counter, Counters, Doors, Guests};
use crate::hub::{HistoryError, PublishError};
use crate::limits;
use crate::origin::OriginRefusal;
use crate::policy::Denied;
use crate::tickets::TicketError;

/// Why a request of the API is refused. Told as `{"error": CODE, "message": WORDS}`.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// With the methods that it is asked for with.
    #[error("it is asked for with {0}")]
    Method(&'static str),
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
    #[error(
        "this asks for a session, POST /login gives one, or for the operator's token: \
             Authorization: Bearer"
    )]
    NoReader,
    #[error("too many publishes and pages; try again in {}s", .0.as_secs() + 1)]
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
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenOff | Self::BadJson { .. } | Self::BadName(_) => StatusCode::BAD_REQUEST,
            Self::Origin(_) | Self::NoGuests(_) | Self::NotOpen | Self::Denied(_) => {
                StatusCode::FORBIDDEN
            }
            Self::BadCredentials | Self::BadSession(_) | Self::BadToken | Self::NoReader => {
                StatusCode::UNAUTHORIZED
            }
            Self::Ticket(TicketError::NoRandom)
            | Self::Busy(_)
            | Self::Unavailable
            | Self::GoingAway => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooManyLogins(_) | Self::Ticket(_) | Self::TooManyPublishes(_) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Refused(refusal) => refused(*refusal),
        }
    }

    /// What programs match on.
    fn code(&self) -> &'static str {
        match self {
            Self::Method(_) => "method_not_allowed",
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
            Self::BadToken | Self::NoReader => "bad_token",
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
    fn counter<'a>(&self, counts: &'a Counters, asked: Asked) -> Option<&'a Counter> {
        Some(match self {
            Self::Method(_)
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
            Self::NotOpen | Self::BadToken | Self::NoReader => &counts.bad_tokens,
            Self::TooManyPublishes(_) | Self::Refused(_) | Self::Denied(_) | Self::GoingAway => {
                match asked {
                    Asked::ToDo => &counts.publishes_refused,
                    Asked::ToRead => &counts.pages_refused,
                }
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

impl From<HistoryError> for ApiError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Refused(refusal) => Self::Refused(refusal),
            HistoryError::GoingAway => Self::GoingAway,
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
            Self::Method(methods) => {
                headers.insert(ALLOW, HeaderValue::from_static(methods));
            }
            // RFC 9110, 15.5.2: no browser asks for a password by these.
            Self::BadCredentials => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Parlour-Login"));
            }
            Self::BadToken | Self::NoReader => {
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

/// RFC 9110, 15.5.10, and RFC 4918, 11.5.
fn refused(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::NoSuchRoom => StatusCode::NOT_FOUND,
        Refusal::IdReused | Refusal::IdForgotten => StatusCode::CONFLICT,
        Refusal::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        later if later.may_pass_later() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    ToDo,
    ToRead,
}

impl Asked {
    /// As `Allow` writes them.
    fn methods(self) -> &'static str {
        match self {
            Self::ToDo => "POST",
            Self::ToRead => "GET, HEAD",
        }
    }

    fn is_by(self, method: &Method) -> bool {
        match self {
            Self::ToDo => method == Method::POST,
            Self::ToRead => is_reading(method),
        }
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
    asked(doors, Asked::ToDo, request, answer).await
}

/// The same for a GET, and for a HEAD.
pub(super) async fn get<F>(
    doors: &Doors,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Result<Response, ApiError>>,
{
    asked(doors, Asked::ToRead, request, answer).await
}

async fn asked<F>(
    doors: &Doors,
    asked: Asked,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Result<Response, ApiError>>,
{
    let origins = &doors.config().origins;
    let cross_origin = CrossOrigin::of(origins, request.method(), request.headers());
    let answered = match cross_origin.preflight(asked.methods()) {
        Some(preflight) => Ok(preflight),
        None if asked.is_by(request.method()) => answer(request).await,
        None => Err(ApiError::Method(asked.methods())),
    };
    let mut response = answered.unwrap_or_else(|error| {
        if let Some(counter) = error.counter(doors.counters(), asked) {
            counter.add();
        }
        error.into_response()
    });
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    cross_origin.open(response.headers_mut());
    response
}
