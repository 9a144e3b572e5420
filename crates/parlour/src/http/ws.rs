//! `GET /ws`: the events door. A ticket opens it (contract rows 2.07 to 2.13, D23, D28).

use std::net::IpAddr;

use axum::extract::{Query, Request};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use parlour_hub::Attach;
use parlour_proto::RoomName;
use parlour_proto::dialect::{Dialect, Events};

use super::answer::DoorError;
use super::handshake;
use crate::doors::{Doors, peer};
use crate::{origin, upgrade};

/// An offered subprotocol that begins like this carries a ticket, and is never answered with.
const TICKET_PROTOCOL: &str = "ticket.";

/// Answers a request to `/ws`.
pub(crate) async fn answer(doors: Doors, request: Request) -> Response {
    open(&doors, request).unwrap_or_else(IntoResponse::into_response)
}

/// Everything is looked at before the ticket is spent, and spending it is the last thing that can
/// refuse: a request that is turned away leaves its ticket good.
fn open(doors: &Doors, mut request: Request) -> Result<Response, DoorError> {
    let query = Parameters::of(request.uri());
    let shape = handshake::check(request.method(), request.headers())?;
    let protocol = choose(&shape.protocols)?;
    let by_protocol = || {
        shape
            .protocols
            .iter()
            .find_map(|it| it.strip_prefix(TICKET_PROTOCOL))
    };
    let secret = query.otp.as_deref().or_else(by_protocol);
    let secret = secret.ok_or(DoorError::NoTicket)?.to_owned();
    if doors.tickets().holder(&secret, doors.now()).is_none() {
        return Err(DoorError::BadTicket);
    }
    let accept = shape.accept;

    let address = check_source(doors, &request)?;
    let room = query
        .room
        .as_deref()
        .map_or_else(|| Ok(RoomName::general()), RoomName::new)?;
    let wire = doors.hub().wire(Events.name()).ok_or(DoorError::NoDoor)?;
    let on_upgrade = handshake::take_upgrade(&mut request)?;
    let place = doors.take_place(address)?;
    let holder = doors
        .tickets()
        .spend(&secret, doors.now())
        .ok_or(DoorError::BadTicket)?;

    let session = holder.session;
    let attach = Attach {
        wire,
        who: holder.who,
        session,
        room: Some(room),
    };
    let after = {
        let doors = doors.clone();
        move || doors.close_if_ended(session)
    };
    upgrade::hand_over_later(on_upgrade, doors.hub().clone(), attach, place, after);
    Ok(handshake::switching(&accept, protocol))
}

/// What is spoken, if anything was offered. A browser that offers and is answered with none breaks
/// off after the 101, so such an offer must fail before.
fn choose(offered: &[&str]) -> Result<Option<&'static str>, DoorError> {
    if offered.is_empty() {
        return Ok(None);
    }
    let spoken = Events.name();
    if offered.contains(&spoken) {
        Ok(Some(spoken))
    } else {
        Err(DoorError::Protocol(spoken))
    }
}

/// Every ticket is a guest's today, so it opens the door only where guests are let in.
fn check_source(doors: &Doors, request: &Request) -> Result<Option<IpAddr>, DoorError> {
    if !origin::is_allowed(doors.scheme(), request.headers()) {
        return Err(DoorError::ForeignOrigin);
    }
    let address = peer(request.extensions());
    if !doors.is_local(address, request.headers()) {
        return Err(DoorError::NotLocal);
    }
    Ok(address)
}

/// The first of each, decoded. An empty ticket is none.
#[derive(Default)]
struct Parameters {
    otp: Option<String>,
    room: Option<String>,
}

impl Parameters {
    /// A query that cannot be decoded names nothing.
    fn of(uri: &Uri) -> Self {
        let pairs: Vec<(String, String)> =
            Query::try_from_uri(uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
        let mut found = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "otp" if !value.is_empty() => found.otp.get_or_insert(value),
                "room" => found.room.get_or_insert(value),
                _ => continue,
            };
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_the_first_counts() {
        let uri = "/ws?x=1&otp=a-b_&room=caf%C3%A9+bar&otp=second"
            .parse()
            .unwrap();
        let query = Parameters::of(&uri);
        assert_eq!(query.otp.as_deref(), Some("a-b_"));
        assert_eq!(query.room.as_deref(), Some("café bar"));
        for uri in ["/ws", "/ws?otp="] {
            let none = Parameters::of(&uri.parse().unwrap());
            assert!(none.otp.is_none() && none.room.is_none(), "{uri}");
        }
    }
}
