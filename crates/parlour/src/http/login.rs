//! `POST /login`: a name and a password for a session and a first ticket (docs/seeds.md, 2.01 to
//! 2.06, D26, D27).

use axum::Json;
use axum::extract::Request;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Response};
use parlour_proto::SessionId;
use serde::{Deserialize, Serialize};

use super::api::{self, ApiError};
use super::seconds::Seconds;
use super::{body, session};
use crate::accounts::{Password, Session, SessionSecret};
use crate::doors::Doors;
use crate::source::Source;
use crate::tickets::Holder;

const SHAPE: &str = r#"{"username":"ann","password":"…"}"#;

/// Unknown fields are ignored.
#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

#[derive(Serialize)]
struct Given<'a> {
    /// First, as clients of seed 2 may look for it.
    otp: &'a str,
    user: &'a str,
    expires_in: Seconds,
    session: &'a str,
    session_expires_in: Seconds,
    max_message_bytes: usize,
}

/// Answers a request to `/login`.
pub(crate) async fn answer(doors: Doors, request: Request) -> Response {
    api::post(&doors, request, |request| log_in(&doors, request)).await
}

async fn log_in(doors: &Doors, request: Request) -> Result<Response, ApiError> {
    let visit = doors.visit(&request);
    doors.check_post_origin(&visit, request.headers())?;
    body::check_type(request.headers())?;
    let limits = &doors.config().limits;
    let body = body::read(request.into_body(), limits.body_bytes_max, limits).await?;
    let credentials = body::parse(&body, SHAPE)?;
    let source = Source::of(visit.address);
    let (session, secret) = check(doors, source, credentials).await?;
    let holder = Holder {
        who: session.user.clone(),
        session: session.id,
    };
    let ticket = match doors.issue(holder, source) {
        Ok(ticket) => ticket,
        Err(error) => {
            end(doors, session.id).await?; // Nobody will ever hold its secret.
            return Err(error.into());
        }
    };
    doors.counters().logins.add();
    let given = Given {
        otp: ticket.expose(),
        user: session.user.as_str(),
        expires_in: Seconds(doors.tickets().lifetime()),
        session: secret.expose(),
        session_expires_in: Seconds(session.expires_in),
        max_message_bytes: doors.hub().limits().message_bytes_max,
    };
    let cookie = session::cookie(visit.scheme, &secret, &session).ok_or(ApiError::Unavailable)?;
    Ok(([(SET_COOKIE, cookie)], Json(given)).into_response())
}

/// Asks the accounts, if as many may be asked. An unknown name and a wrong password are one.
async fn check(
    doors: &Doors,
    source: Source,
    credentials: Credentials,
) -> Result<(Session, SessionSecret), ApiError> {
    let Credentials { username, password } = credentials;
    let password = Password::new(password);
    let accounts = doors.accounts().ok_or(ApiError::Unavailable)?;
    let attempt = doors.logins().begin(source, &username, doors.now());
    let attempt = attempt.map_err(ApiError::TooManyLogins)?;
    match accounts.sign_in(&username, password).await {
        Ok(Some(signed_in)) => {
            attempt.was_right(doors.now());
            Ok(signed_in)
        }
        Ok(None) => Err(ApiError::BadCredentials),
        Err(error) => {
            attempt.was_not_checked(doors.now());
            Err(error.into())
        }
    }
}

/// Ends a session for good, also when the client goes away meanwhile.
pub(super) async fn end(doors: &Doors, session: SessionId) -> Result<(), ApiError> {
    let accounts = doors.accounts().ok_or(ApiError::Unavailable)?.clone();
    let doors = doors.clone();
    let ended = tokio::spawn(async move {
        let ended = accounts.end_session(session).await;
        doors.end_session(session);
        ended
    });
    // It only fails if the accounts panicked.
    ended.await.map_err(|_| ApiError::Unavailable)??;
    Ok(())
}
