//! `POST /ticket`: a fresh ticket for who is signed in, or a guest's (docs/seeds.md, E14, E15).

use axum::Json;
use axum::extract::Request;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Response};
use parlour_proto::UserName;
use serde::{Deserialize, Serialize};

use super::api::{self, ApiError};
use super::seconds::Seconds;
use super::{body, guest, session};
use crate::doors::Doors;
use crate::source::Source;
use crate::tickets::{Holder, TicketError};
use crate::visit::Visit;

const SHAPE: &str = r#"{"name":"ann"}"#;

/// What a guest may ask for. Unknown fields are ignored.
#[derive(Default, Deserialize)]
struct Wish {
    name: Option<String>,
}

#[derive(Serialize)]
struct Given<'a> {
    otp: &'a str,
    name: &'a str,
    guest: bool,
    expires_in: Seconds,
    /// So that a client can stop its user before the server must (docs/seeds.md, E7, D42).
    max_message_bytes: usize,
}

/// Answers a request to `/ticket`.
pub(crate) async fn answer(doors: Doors, request: Request) -> Response {
    api::post(&doors, request, |request| give(&doors, request)).await
}

async fn give(doors: &Doors, request: Request) -> Result<Response, ApiError> {
    let visit = doors.visit(&request);
    let headers = request.headers();
    doors.check_post_origin(&visit, headers)?;
    body::check_type(headers)?;
    let claimed = session::claimed(doors, &visit, headers)?;
    let (holder, cookie) = match claimed {
        Some(claimed) => {
            let cookie = claimed.renewed_cookie(visit.scheme);
            let holder = Holder {
                who: claimed.session.user,
                session: claimed.session.id,
            };
            (holder, cookie)
        }
        None => (guest_holder(doors, &visit, request).await?, None),
    };
    let (who, is_guest) = (holder.who.clone(), holder.is_guest());
    let secret = doors.issue(holder, Source::of(visit.address))?;
    let given = Given {
        otp: secret.expose(),
        name: who.as_str(),
        guest: is_guest,
        expires_in: Seconds(doors.tickets().lifetime()),
        max_message_bytes: doors.hub().limits().message_bytes_max,
    };
    let cookie = cookie.map(|cookie| [(SET_COOKIE, cookie)]);
    Ok((cookie, Json(given)).into_response())
}

async fn guest_holder(doors: &Doors, visit: &Visit, request: Request) -> Result<Holder, ApiError> {
    if !doors.lets_guests_in(visit) {
        return Err(ApiError::NoGuests(doors.config().guests));
    }
    let limits = &doors.config().limits;
    let body = body::read(request.into_body(), limits.body_bytes_max, limits).await?;
    let wish = if body.is_empty() {
        Wish::default()
    } else {
        body::parse(&body, SHAPE)?
    };
    let who = match wish.name {
        Some(name) => UserName::guest(&name)?,
        None => guest::name().ok_or(TicketError::NoRandom)?,
    };
    Ok(Holder::guest(who))
}
