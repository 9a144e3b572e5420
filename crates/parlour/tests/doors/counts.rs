//! Whoever is turned away is counted, under the reason.

use parlour::DoorCounts;

use crate::support::{House, Request, login, request, upgrade};

/// What one request changes, as names of counters.
fn counted(house: &House, request: &Request) -> Vec<String> {
    let before = named(house.doors.counts());
    house.send(request);
    let after = named(house.doors.counts());
    let changed = before
        .into_iter()
        .zip(after)
        .filter(|(before, after)| before != after);
    changed.map(|((name, _), _)| name).collect()
}

fn named(counts: DoorCounts) -> Vec<(String, serde_json::Value)> {
    let mut json = serde_json::to_value(counts).unwrap();
    let tickets = json.as_object_mut().unwrap().remove("tickets").unwrap();
    let tickets = tickets.as_object().unwrap().clone();
    let of_tickets = tickets
        .into_iter()
        .map(|(name, count)| (format!("tickets.{name}"), count));
    let of_doors = json.as_object().unwrap().clone().into_iter();
    of_doors.chain(of_tickets).collect()
}

#[test]
fn each_refusal_has_its_counter() {
    let house = House::with(|config| {
        config.limits.connections_per_loopback_address = 1;
        config.limits.failed_logins_per_minute_per_name = 1;
        config.limits.body_bytes_max = 100;
    });
    let (session, first) = house.ann();
    let ticket = || {
        house
            .send(&request("POST", "/ticket").bearer(&session))
            .text("otp")
    };
    let with = |ticket: &str| upgrade(&format!("/ws?otp={ticket}"));
    let evil = ("Origin", "http://evil.example");
    for (request, counters) in [
        (login("ann", "wrong"), &["logins_failed"][..]),
        (login("ann", "wrong"), &["logins_limited"]),
        (login("bob", &"x".repeat(100)), &["bodies_too_large"]),
        (request("POST", "/login"), &["bad_requests"]),
        (request("GET", "/login"), &["bad_requests"]),
        (
            request("POST", "/ticket").headers(&[evil]),
            &["foreign_posts"],
        ),
        (request("POST", "/ticket").bearer("x"), &["bad_sessions"]),
        (
            request("POST", "/ticket").header("Via", "x"),
            &["guests_refused"],
        ),
        (
            request("POST", "/ticket"),
            &["tickets.issued", "tickets.outstanding"],
        ),
        (request("GET", "/ws"), &["handshakes_malformed"]),
        (upgrade("/ws"), &["handshakes_without_ticket"]),
        (with("x"), &["handshakes_without_ticket"]),
        (with(&ticket()).headers(&[evil]), &["handshakes_foreign"]),
        (
            upgrade("/echo").header("Via", "x"),
            &["handshakes_not_local"],
        ),
        (
            upgrade(&format!("/ws?room=$x&otp={}", ticket())),
            &["handshakes_bad_room"],
        ),
        (
            login("bob", "also right"),
            &["logins", "tickets.issued", "tickets.outstanding"],
        ),
        (
            request("POST", "/logout").bearer(&session),
            &["logouts", "tickets.outstanding", "tickets.revoked"],
        ),
    ] {
        assert_eq!(counted(&house, &request), counters, "{request:?}");
    }
    assert_eq!(house.status_of(&first), 401);
    let (_, ticket) = {
        let bob = house.log_in("bob", "also right");
        (bob.text("session"), bob.text("otp"))
    };
    let _here = house.connect(&ticket);
    let other = house.log_in("bob", "also right").text("otp");
    assert_eq!(counted(&house, &with(&other)), ["handshakes_address_full"]);
}

#[test]
fn a_connection_that_is_let_in_is_counted_once() {
    let house = House::start();
    let (_, ticket) = house.ann();
    let request = upgrade(&format!("/ws?otp={ticket}"));
    let counters = ["handshakes", "tickets.outstanding", "tickets.spent"];
    assert_eq!(counted(&house, &request), counters);
    assert_eq!(counted(&house, &upgrade("/echo")), ["handshakes"]);
}
