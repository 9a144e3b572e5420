//! `POST /logout`, and what else ends a session: tickets and connections end with it.

use std::sync::atomic::Ordering::SeqCst;

use parlour::UserName;

use crate::support::{House, Request, Socket, request, upgrade};

fn logout(secret: &str) -> Request {
    request("POST", "/logout").bearer(secret)
}

fn is_signed_out(socket: Socket) -> bool {
    socket.closed() == (1008, "signed out: the session has ended".to_owned())
}

#[test]
fn a_logout_ends_the_session_its_tickets_and_its_connections_and_no_others() {
    let house = House::start();
    let (mine, ticket) = house.ann();
    let (other, other_ticket) = house.ann();
    let fresh = house
        .send(&request("POST", "/ticket").bearer(&mine))
        .text("otp");
    let guest = house.guest_ticket();
    let here = house.connect(&ticket);
    let also_here = house.connect(
        &house
            .send(&request("POST", "/ticket").bearer(&mine))
            .text("otp"),
    );

    let cookie = format!("parlour_session={mine}");
    let answer = house.send(&request("POST", "/logout").header("Cookie", &cookie));
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let cleared = "parlour_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";
    assert_eq!(answer.header("set-cookie"), Some(cleared));

    assert!(is_signed_out(here) && is_signed_out(also_here));
    assert_eq!(house.status_of(&fresh), 401);
    let gone = house.send(&request("POST", "/ticket").bearer(&mine));
    assert_eq!(gone.refusal(), (401, "bad_session".to_owned()));
    assert_eq!(house.status_of(&other_ticket), 101);
    assert_eq!(
        house
            .send(&request("POST", "/ticket").bearer(&other))
            .status,
        200
    );
    assert_eq!(house.status_of(&guest), 101);
    let counts = house.doors.counts();
    assert_eq!((counts.logouts, counts.tickets.revoked), (1, 1));
}

#[test]
fn a_logout_without_an_open_session_is_refused() {
    let house = House::start();
    let (secret, _) = house.ann();
    assert_eq!(house.send(&logout(&secret)).status, 204);
    for request in [
        request("POST", "/logout"),
        logout(&secret),
        logout("unknown"),
    ] {
        let answer = house.send(&request);
        assert_eq!(answer.refusal(), (401, "bad_session".to_owned()));
    }
    assert_eq!(house.send(&request("GET", "/logout")).status, 405);
}

#[test]
fn a_logout_that_could_not_be_recorded_says_so() {
    let house = House::start();
    let (secret, _) = house.ann();
    house.users.is_broken.store(true, SeqCst);
    assert_eq!(
        house.send(&logout(&secret)).refusal(),
        (503, "unavailable".to_owned())
    );
    house.users.is_broken.store(false, SeqCst);
    assert_eq!(house.send(&logout(&secret)).status, 204);
}

#[test]
fn a_connection_whose_101_is_under_way_is_closed_too() {
    let house = House::start();
    for _ in 0..20 {
        let (_, ticket) = house.ann();
        // Asked before the ticket is spent, answered with yes; the session ends before the answer
        // is heard, and nothing of the connection is there yet that could be closed.
        house.users.after_next_question({
            let (users, hub) = (house.users.clone(), house.hub.clone());
            move |session| {
                users.forget(session);
                hub.close_session(session);
            }
        });
        let mut socket = Socket::open(house.address);
        let answer = socket.ask(&upgrade(&format!("/ws?otp={ticket}")));
        assert_eq!(answer.status, 101);
        assert!(is_signed_out(socket));
    }
}

#[test]
fn a_ticket_is_not_given_out_for_a_session_that_ends_meanwhile() {
    let house = House::start();
    let (secret, _) = house.ann();
    let before = house.doors.counts().tickets;
    // The session was looked at and is good; it ends before the question behind the ticket.
    let users = house.users.clone();
    house
        .users
        .before_next_question(move |session| users.forget(session));
    let answer = house.send(&request("POST", "/ticket").bearer(&secret));
    assert_eq!(answer.refusal(), (401, "bad_session".to_owned()));
    let after = house.doors.counts().tickets;
    assert_eq!(after.issued, before.issued + 1);
    assert_eq!(
        after.revoked,
        before.revoked + 2,
        "the first one of the login, and this one"
    );
}

#[test]
fn a_user_who_is_removed_loses_everything_at_once() {
    let house = House::start();
    let (first, here) = house.ann();
    let (second, unused) = house.ann();
    let bob = house.log_in("bob", "also right");
    let here = house.connect(&here);
    for secret in [&first, &second] {
        house.users.forget(house.users.id(secret));
    }
    house.doors.end_user(&UserName::user("ann").unwrap());
    assert!(is_signed_out(here));
    assert_eq!(house.status_of(&unused), 401);
    assert_eq!(house.status_of(&bob.text("otp")), 101);
}
