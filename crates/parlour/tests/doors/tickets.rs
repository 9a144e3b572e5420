//! What a ticket opens, once, and what does not use it up: docs/seeds.md, 2.07 to 2.13, E14, D21, D23.

use std::sync::Barrier;
use std::time::Duration;

use parlour::{Guests, HubConfig, Limits};

use crate::support::{House, Socket, request, upgrade};

fn with_ticket(ticket: &str) -> String {
    format!("/ws?otp={ticket}")
}

#[test]
fn of_two_who_race_with_one_ticket_exactly_one_gets_in() {
    let house = House::start();
    for round in 0..200 {
        let ticket = if round % 2 == 0 {
            house.ann().1
        } else {
            house.guest_ticket()
        };
        let request = upgrade(&with_ticket(&ticket));
        let start = Barrier::new(2);
        let racer = || {
            let mut socket = Socket::open(house.address);
            start.wait();
            socket.ask(&request).status
        };
        let mut statuses = std::thread::scope(|scope| {
            [scope.spawn(racer), scope.spawn(racer)].map(|racer| racer.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [101, 401], "round {round}");
    }
    assert_eq!(house.doors.counts().tickets.spent, 200);
}

#[test]
fn a_request_that_is_turned_away_leaves_its_ticket_good() {
    let house = House::start();
    for ticket in [house.ann().1, house.guest_ticket()] {
        let good = || upgrade(&with_ticket(&ticket));
        for (status, request) in [
            (403, good().header("Origin", "http://evil.example")),
            (403, good().header("Origin", "null")),
            (426, request("GET", &with_ticket(&ticket))),
            (426, request("HEAD", &with_ticket(&ticket))),
            (400, good().without("Sec-WebSocket-Key")),
            (400, upgrade(&format!("{}&room=$x", with_ticket(&ticket)))),
            (400, upgrade(&format!("{}&room=", with_ticket(&ticket)))),
            (400, good().header("Sec-WebSocket-Protocol", "chat")),
            (405, request("POST", &with_ticket(&ticket))),
        ] {
            assert_eq!(house.send(&request).status, status, "{request:?}");
        }
        assert_eq!(house.status_of(&ticket), 101);
    }
}

#[test]
fn a_full_server_and_a_full_address_leave_the_ticket_good() {
    let of_server = HubConfig {
        limits: Limits {
            connections_max: 1,
            ..Limits::default()
        },
        ..HubConfig::default()
    };
    let full_server = House::with_hub(of_server, |_| {});
    let full_address = House::with(|config| config.limits.connections_per_loopback_address = 1);
    for (house, status) in [(full_server, 503), (full_address, 429)] {
        let (_, first) = house.ann();
        let (_, second) = house.ann();
        let here = house.connect(&first);
        let mut refused = Socket::open(house.address);
        let answer = refused.ask(&upgrade(&with_ticket(&second)));
        assert_eq!((answer.status, answer.retry_after()), (status, 5));
        drop(here);
        while house.hub.connections() > 0 {
            std::thread::yield_now();
        }
        assert_eq!(house.status_of(&second), 101);
    }
}

#[test]
fn a_ticket_lives_as_long_as_it_is_set_to() {
    let never = House::with(|config| config.limits.ticket_lifetime = Duration::ZERO);
    let answer = never.log_in("ann", "right");
    assert_eq!(answer.json()["expires_in"], 0);
    assert_eq!(never.status_of(&answer.text("otp")), 401);
    let short = House::with(|config| config.limits.ticket_lifetime = Duration::from_millis(1_500));
    let answer = short.log_in("ann", "right");
    assert_eq!(answer.json()["expires_in"], 1.5);
    assert_eq!(
        short.send(&request("POST", "/ticket")).json()["expires_in"],
        1.5
    );
    let long = House::with(|config| config.limits.ticket_lifetime = Duration::from_secs(90));
    let answer = long.log_in("ann", "right");
    assert_eq!(answer.json()["expires_in"], 90);
    assert_eq!(long.status_of(&answer.text("otp")), 101);
}

#[test]
fn guests_are_let_in_by_the_rule_that_is_set() {
    let local: fn(Guests) -> House = |guests| House::with(|config| config.guests = guests);
    let public: fn(Guests) -> House = |guests| House::public(|config| config.guests = guests);
    for (guests, place, status) in [
        (Guests::Nobody, local, 403),
        (Guests::Nobody, public, 403),
        (Guests::Loopback, local, 200),
        (Guests::Loopback, public, 403),
        (Guests::Everybody, local, 200),
        (Guests::Everybody, public, 200),
    ] {
        let house = place(guests);
        let answer = house.send(&request("POST", "/ticket").json(r#"{"name":"kim"}"#));
        assert_eq!(answer.status, status, "{guests:?}");
        if status == 200 {
            let given = answer.json();
            assert_eq!(
                (&given["name"], &given["guest"]),
                (&"guest-kim".into(), &true.into())
            );
            assert_eq!(house.status_of(&answer.text("otp")), 101);
        } else {
            assert_eq!(answer.refusal().1, "guests_not_allowed");
            assert_eq!(house.doors.counts().guests_refused, 1);
        }
    }
}

#[test]
fn a_guests_ticket_opens_the_door_only_where_guests_are_let_in() {
    let house = House::start();
    let ticket = house.guest_ticket();
    let elsewhere = upgrade(&with_ticket(&ticket)).header("Via", "1.1 proxy");
    let answer = house.send(&elsewhere);
    assert_eq!(answer.status, 403);
    assert!(
        answer
            .body
            .contains("guests are let in from this machine only")
    );
    assert_eq!(house.status_of(&ticket), 101);
    let (_, ticket) = house.ann();
    let elsewhere = upgrade(&with_ticket(&ticket)).header("Via", "1.1 proxy");
    assert_eq!(
        house.send(&elsewhere).status,
        101,
        "a user's opens it from everywhere"
    );
}

#[test]
fn a_bad_ticket_counts_before_a_bad_origin() {
    let house = House::start();
    let request = upgrade("/ws?otp=x").header("Origin", "http://evil.example");
    assert_eq!(house.send(&request).status, 401);
}
