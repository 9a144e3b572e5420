//! `POST /ticket`: a guest's ticket (contract E14, E15).

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use parlour_proto::UserName;
use serde::{Deserialize, Serialize};

use super::answer::{ApiError, PUBLIC_RULES, seconds};
use super::guest;
use crate::doors::{Doors, peer};
use crate::limits::{BODY_BYTES_MAX, HANDSHAKE_TIME};
use crate::origin;
use crate::source::Source;
use crate::tickets::{Holder, TicketError};

/// What a client may ask for. Unknown fields are ignored.
#[derive(Default, Deserialize)]
struct Wish {
    name: Option<String>,
}

#[derive(Serialize)]
struct Given<'a> {
    otp: &'a str,
    name: &'a str,
    expires_in: u64,
    /// So that a client can stop its user before the server must (contract E7, D42).
    max_message_bytes: usize,
}

/// Answers a request to `/ticket`.
pub(crate) async fn answer(doors: Doors, request: Request) -> Response {
    if request.method() != Method::POST {
        let error = ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "a ticket is asked for with POST",
        );
        return ([(ALLOW, HeaderValue::from_static("POST"))], error).into_response();
    }
    let mut response = give(&doors, request)
        .await
        .unwrap_or_else(IntoResponse::into_response);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn give(doors: &Doors, request: Request) -> Result<Response, Response> {
    check_source(doors, &request).map_err(IntoResponse::into_response)?;
    let source = Source::of(peer(request.extensions()));
    check_content_type(request.headers()).map_err(IntoResponse::into_response)?;
    let body = read(request.into_body())
        .await
        .map_err(IntoResponse::into_response)?;
    let who = name(&body).map_err(IntoResponse::into_response)?;

    let issued = doors
        .tickets()
        .issue(Holder::guest(who.clone()), source, doors.now());
    let secret = issued.map_err(refused)?;
    let given = Given {
        otp: secret.expose(),
        name: who.as_str(),
        expires_in: doors.tickets().lifetime().as_secs(),
        max_message_bytes: doors.hub().limits().message_bytes_max,
    };
    Ok(Json(given).into_response())
}

fn check_source(doors: &Doors, request: &Request) -> Result<(), ApiError> {
    if !origin::is_allowed(doors.scheme(), request.headers()) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "pages of another site may not use this server (the Origin header is not its address)",
        ));
    }
    if !doors.is_local(peer(request.extensions()), request.headers()) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "guests_not_allowed",
            PUBLIC_RULES,
        ));
    }
    Ok(())
}

/// Types that a form of a foreign page can send are refused; what is taken is read as JSON.
fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = value
        .as_bytes()
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    let taken = [&b"application/json"[..], b"text/plain"];
    if taken
        .iter()
        .any(|it| essence.trim_ascii().eq_ignore_ascii_case(it))
    {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "send JSON, with the header Content-Type: application/json",
    ))
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    let body = Limited::new(body, BODY_BYTES_MAX).collect();
    let collected = tokio::time::timeout(HANDSHAKE_TIME, body)
        .await
        .map_err(|_| {
            let words = "the body did not come in time";
            ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", words)
        })?;
    let collected = collected.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let words = format!("the body may have at most {BODY_BYTES_MAX} bytes");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words)
        } else {
            ApiError::new(StatusCode::BAD_REQUEST, "bad_body", "the body broke off")
        }
    })?;
    Ok(collected.to_bytes())
}

/// The name that the body wishes for, or one that is made up.
fn name(body: &[u8]) -> Result<UserName, ApiError> {
    match wish(body)?.name {
        Some(name) => UserName::guest(&name)
            .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "bad_name", error.to_string())),
        None => guest::name().ok_or_else(|| no_random(&TicketError::NoRandom)),
    }
}

fn wish(body: &[u8]) -> Result<Wish, ApiError> {
    let bad_json = |reason: &str| {
        let words = format!("the body is not JSON like {{\"name\":\"ann\"}}: {reason}");
        ApiError::new(StatusCode::BAD_REQUEST, "bad_json", words)
    };
    if body.is_empty() {
        return Ok(Wish::default());
    }
    // serde would take an array of the fields, too.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(bad_json("it is no object"));
    }
    serde_json::from_slice(body).map_err(|error| bad_json(&error.to_string()))
}

fn refused(error: TicketError) -> Response {
    match error {
        TicketError::TooMany { retry_after } | TicketError::TooManyOfSource { retry_after } => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let refusal = ApiError::new(status, "too_many_tickets", error.to_string());
            ([(RETRY_AFTER, seconds(retry_after))], refusal).into_response()
        }
        TicketError::NoRandom => no_random(&error).into_response(),
    }
}

fn no_random(error: &TicketError) -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        error.to_string(),
    )
}
