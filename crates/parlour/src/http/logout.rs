//! `POST /logout`: ends a session, its tickets and its connections.

use axum::extract::Request;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::api::{self, ApiError};
use super::{body, login, session};
use crate::doors::Doors;

/// Answers a request to `/logout`.
pub(crate) async fn answer(doors: Doors, request: Request) -> Response {
    api::post(&doors, request, |request| log_out(&doors, request)).await
}

async fn log_out(doors: &Doors, request: Request) -> Result<Response, ApiError> {
    let visit = doors.visit(&request);
    let headers = request.headers();
    doors.check_post_origin(&visit, headers)?;
    body::check_type(headers)?;
    let claimed = session::claimed(doors, &visit, headers)?.ok_or(ApiError::BadSession(None))?;
    login::end(doors, claimed.session.id).await?;
    doors.counters().logouts.add();
    let clear = HeaderValue::from_static(session::clearing_cookie(visit.scheme));
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, clear)]).into_response())
}
