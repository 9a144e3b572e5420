//! `GET /healthz` and `GET /debug`: docs/seeds.md, 2.35, D34.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use parlour::{Door, RoomsHealth, Token};

use crate::support::{House, Socket, request};

#[test]
fn a_server_that_can_serve_says_so_to_everybody() {
    let house = House::public(|_| {});
    let answer = house.send(&request("GET", "/healthz"));
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let head = house.send(&request("HEAD", "/healthz"));
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("3"))
    );
    let post = house.send(&request("POST", "/healthz"));
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD"))
    );
}

#[test]
fn a_server_that_cannot_serve_says_why() {
    let house = House::start();
    let unhealthy = |reason: &str| {
        let answer = house.send(&request("GET", "/healthz"));
        assert_eq!(answer.status, 503);
        assert!(
            answer.retry_after() > 0 && answer.body.contains(reason),
            "{answer:?}"
        );
        assert!(
            !answer.body.contains("burnt"),
            "what exactly is in the log only"
        );
        assert_eq!(house.send(&request("HEAD", "/healthz")).status, 503);
    };
    house.users.is_broken.store(true, SeqCst);
    unhealthy("accounts cannot be read");
    house.users.is_broken.store(false, SeqCst);
    assert_eq!(house.send(&request("GET", "/healthz")).status, 200);
    house.shut_down(Duration::from_secs(60));
    unhealthy("going away");
}

#[test]
fn debug_tells_how_many_are_connected() {
    let house = House::start();
    let debug = || house.send(&request("GET", "/debug"));
    assert_eq!((debug().status, debug().body.as_str()), (200, "0\n"));
    assert_eq!(debug().header("cache-control"), Some("no-store"));
    let (_, ticket) = house.ann();
    let here = house.connect(&ticket);
    assert_eq!(debug().body, "1\n");
    let mut head = Socket::open(house.address);
    assert_eq!(head.ask(&request("HEAD", "/debug")).status, 200);
    assert_eq!(
        head.ask(&request("GET", "/debug")).body,
        "1\n",
        "and no body before it"
    );
    assert_eq!(house.send(&request("DELETE", "/debug")).status, 405);
    assert_eq!(house.send(&request("GET", "/debug?format=xml")).status, 400);
    drop(here);
}

#[test]
fn debug_as_json_has_all_counters() {
    let house = House::start();
    house.log_in("ann", "wrong");
    let (_, ticket) = house.ann();
    assert_eq!(house.status_of(&ticket), 101);
    let all = house.send(&request("GET", "/debug?format=json")).json();
    assert_eq!(all["doors"]["logins"], 1);
    assert_eq!(all["doors"]["logins_failed"], 1);
    assert_eq!(all["doors"]["handshakes"], 1);
    assert_eq!(all["doors"]["tickets"]["spent"], 1);
    assert!(
        all["hub"]["attached"].is_u64() && all["connections"].is_u64(),
        "{all}"
    );
}

#[test]
fn beyond_this_machine_debug_asks_for_the_operators_token() {
    let token = "0123456789-operator";
    let house = House::public(|config| {
        config.operator_token = Some(Token::new(token.to_owned()).unwrap());
        config.publish_token = Some(Token::new("0123456789-publisher".to_owned()).unwrap());
    });
    let debug = || request("GET", "/debug");
    for refused in [
        debug(),
        debug().bearer("0123456789-operatoR"),
        debug().bearer("0123456789-publisher"),
        debug().bearer(""),
        debug().header("Authorization", &format!("Basic {token}")),
        debug().bearer(token).bearer(token),
    ] {
        let answer = house.send(&refused);
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(house.send(&debug().bearer(token)).body, "0\n");
    assert_eq!(house.doors.counts().bad_tokens, 6);

    let without = House::public(|_| {});
    assert_eq!(without.send(&debug().bearer("")).status, 401);
    let open = House::public(|config| config.open_doors = vec![Door::Debug]);
    assert_eq!(open.send(&debug()).status, 200);
}

/// Rooms that are in trouble while it is so.
struct Rooms(Arc<AtomicBool>);

impl RoomsHealth for Rooms {
    fn trouble(&self) -> Option<String> {
        self.0
            .load(SeqCst)
            .then(|| "the disk is full: free some space".to_owned())
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![("full", u64::from(self.0.load(SeqCst)))]
    }
}

#[test]
fn rooms_that_cannot_be_stored_are_told_with_what_to_do_until_they_can() {
    let is_full = Arc::new(AtomicBool::new(false));
    let house = House::with(|config| config.rooms = Some(Arc::new(Rooms(Arc::clone(&is_full)))));
    let health = || house.send(&request("GET", "/healthz"));
    assert_eq!(health().status, 200);
    is_full.store(true, SeqCst);
    let full = health();
    assert_eq!(
        (full.status, full.body.as_str()),
        (503, "the disk is full: free some space\n")
    );
    assert!(full.retry_after() > 0);
    let counters = house.send(&request("GET", "/debug?format=json")).json();
    assert_eq!(counters["rooms"]["full"], 1);
    is_full.store(false, SeqCst);
    assert_eq!((health().status, health().body.as_str()), (200, "ok\n"));
}
