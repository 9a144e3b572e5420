//! `GET /ws`: the door to rooms. A ticket opens it (docs/seeds.md, 2.07 to 2.13, D23, D28).

use axum::extract::{Query, Request};
use axum::http::Uri;
use axum::response::Response;
use parlour_hub::Attach;
use parlour_proto::RoomName;
use parlour_proto::dialect::{Dialect, Events};

use super::answer::DoorError;
use super::handshake;
use crate::doors::Doors;
use crate::tickets::Holder;
use crate::upgrade;
use crate::visit::Visit;

/// An offered subprotocol that begins like this carries a ticket, and is never answered with.
const TICKET_PROTOCOL: &str = "ticket.";

/// What can be spoken here, if the hub speaks it. The first is spoken by who offers nothing.
const SPOKEN: [&str; 2] = ["parlour.events", "parlour.v1"];

/// Answers a request to `/ws`.
pub(crate) async fn answer(doors: Doors, request: Request) -> Response {
    let opened = open(&doors, request).await;
    handshake::counted(&doors, opened)
}

/// Everything is looked at before the ticket is spent, and spending it is the last thing that can
/// refuse: a request that is turned away leaves its ticket good.
async fn open(doors: &Doors, mut request: Request) -> Result<Response, DoorError> {
    let query = Parameters::of(request.uri());
    let shape = handshake::check(request.method(), request.headers())?;
    let spoken = choose(&shape.protocols, |dialect| {
        doors.hub().wire(dialect).is_some()
    })?;
    let secret = secret(&query, &shape.protocols)
        .ok_or(DoorError::NoTicket)?
        .to_owned();
    let protocol = (!shape.protocols.is_empty()).then_some(spoken);
    let wire = doors.hub().wire(spoken).ok_or(DoorError::NoDoor)?;
    let (wire, agreed) = handshake::agree(doors, wire, &shape);
    let accept = shape.accept;

    let holder = doors.tickets().holder(&secret, doors.now());
    let holder = holder.ok_or(DoorError::BadTicket)?;
    let visit = doors.visit(&request);
    check_visit(doors, &visit, &request, &holder)?;
    let room = query.room.as_deref().map(RoomName::new).transpose()?;
    let room = room.or_else(|| (spoken == Events.name()).then(RoomName::general));
    let on_upgrade = handshake::take_upgrade(&mut request)?;
    let Holder { who, session } = holder;
    let mut attach = Attach {
        session,
        room,
        ..Attach::new(wire, who)
    };
    let (head, _) = request.into_parts();
    doors.hub().admit(&mut attach, spoken, head).await?;
    let place = doors.take_place(visit.address)?;
    doors.hub().begin_in_room(&mut attach).await?;
    let spent = doors.tickets().spend(&secret, doors.now());
    spent.ok_or(DoorError::BadTicket)?;

    let after = {
        let doors = doors.clone();
        move || doors.close_if_ended(session)
    };
    upgrade::hand_over_later(on_upgrade, doors.hub().clone(), attach, place, after);
    Ok(handshake::switching(&accept, protocol, agreed))
}

/// What is spoken: the first that is offered and known. A browser that offers and is answered with
/// none breaks off after the 101, so such an offer must fail before.
fn choose(offered: &[&str], is_known: impl Fn(&str) -> bool) -> Result<&'static str, DoorError> {
    let known = || SPOKEN.into_iter().filter(|dialect| is_known(dialect));
    if offered.is_empty() {
        return known().next().ok_or(DoorError::NoDoor);
    }
    let chosen = offered
        .iter()
        .find_map(|offer| known().find(|dialect| dialect == offer));
    chosen.ok_or_else(|| DoorError::Protocol(known().collect::<Vec<_>>().join(", ")))
}

/// The ticket in the address, or else in an offered subprotocol.
fn secret<'a>(query: &'a Parameters, offered: &[&'a str]) -> Option<&'a str> {
    let mut offered = offered.iter();
    let by_protocol = || offered.find_map(|it| it.strip_prefix(TICKET_PROTOCOL));
    query.otp.as_deref().or_else(by_protocol)
}

/// A user's ticket opens the door from everywhere, a guest's where guests are let in.
fn check_visit(
    doors: &Doors,
    visit: &Visit,
    request: &Request,
    holder: &Holder,
) -> Result<(), DoorError> {
    doors.check_origin(visit, request.headers())?;
    if holder.is_guest() && !doors.lets_guests_in(visit) {
        return Err(DoorError::no_guest(doors.config().guests));
    }
    if !doors.is_open(holder.session) {
        return Err(DoorError::BadTicket);
    }
    Ok(())
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
    fn the_first_offer_that_is_known_is_spoken_and_events_without_one() {
        let both = |_: &str| true;
        for (offered, spoken) in [
            (&[][..], "parlour.events"),
            (&["chat", "parlour.v1", "parlour.events"], "parlour.v1"),
            (
                &["ticket.x", "parlour.events", "parlour.v1"],
                "parlour.events",
            ),
        ] {
            assert_eq!(choose(offered, both).unwrap(), spoken, "{offered:?}");
        }
        for offered in [&["chat"][..], &["ticket.x"], &["PARLOUR.V1"]] {
            let refused = choose(offered, both).unwrap_err().to_string();
            assert!(refused.contains("parlour.events, parlour.v1"), "{refused}");
        }
        let only_v1 = |dialect: &str| dialect == "parlour.v1";
        assert_eq!(choose(&[], only_v1).unwrap(), "parlour.v1");
        assert!(matches!(choose(&[], |_| false), Err(DoorError::NoDoor)));
    }

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
