//! `GET /rooms/{room}/history`: who may read, which page, and what is refused.

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use parlour::policy::{Denied, Policy};
use parlour::{
    Door, Draft, HubConfig, Limits, RoomKind, RoomKinds, RoomName, Token, Told, UserName,
};

use crate::support::{Answer, Fate, Faulty, House, Request, Socket, login, request};

const TOKEN: &str = "0123456789-operator";

const PROTOCOL: &str = include_str!("../../../../docs/protocol.md");

/// What the document says of this door.
fn document() -> &'static str {
    let (_, section) = PROTOCOL
        .split_once("## Reading without a connection\n")
        .unwrap();
    section.split("\n## ").next().unwrap()
}

/// The refusals of the document.
fn documented() -> BTreeSet<(u16, String)> {
    let rows = document().lines().filter(|line| line.starts_with("| "));
    let refusals = rows.skip(1).flat_map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let status: u16 = cells[1].parse().unwrap();
        let codes = cells[2].split(", ").map(|code| code.trim_matches('`'));
        codes
            .map(move |code| (status, code.to_owned()))
            .collect::<Vec<_>>()
    });
    refusals.collect()
}

/// It is refused like this, and the document says so.
fn is_refused(answer: &Answer, status: u16, code: &str) {
    let refusal = (status, code.to_owned());
    assert_eq!(answer.refusal(), refusal);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(
        documented().contains(&refusal),
        "{refusal:?} is not in docs/protocol.md"
    );
    let is_later = matches!(status, 429 | 503);
    assert_eq!(answer.header("retry-after").is_some(), is_later);
}

fn read(query: &str) -> Request {
    request("GET", &format!("/rooms/den/history{query}"))
}

/// Publishes so many entries in the room `den`, and stays out of it.
fn say(house: &House, count: usize) {
    let den = RoomName::new("den").unwrap();
    for number in 1..=count {
        let draft = Draft::message("$clock", &number.to_string());
        house
            .block_on(house.hub.publish(den.clone(), draft))
            .unwrap();
    }
}

/// The numbers on the page, and whether there are more.
fn numbers(house: &House, query: &str) -> (Vec<u64>, bool) {
    let answer = house.send(&read(query));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    match Told::parse(&answer.body).unwrap() {
        Told::Page {
            room,
            id: None,
            entries,
            more,
        } => {
            assert_eq!(room.as_str(), "den");
            let numbers = entries.iter().map(|entry| entry.position.seq.0).collect();
            (numbers, more)
        }
        other => panic!("{other:?} is no page"),
    }
}

#[test]
fn a_page_is_the_one_that_is_asked_for_in_both_directions() {
    let house = House::start();
    say(&house, 60);
    for (query, page, more) in [
        ("", 11..61, true),
        ("?limit=500", 1..61, false),
        ("?limit=2", 59..61, true),
        ("?before=3", 1..3, false),
        ("?before=10&limit=3", 7..10, true),
        ("?after=57", 58..61, false),
        ("?after=10&limit=3&more=0", 11..14, true),
        ("?after=60", 61..61, false),
        ("?before=1", 1..1, false),
        ("?before=9007199254740991&limit=1", 60..61, true),
    ] {
        assert_eq!(numbers(&house, query), (page.collect(), more), "{query}");
    }
    assert_eq!(house.doors.counts().pages, 10);
    let mut socket = Socket::open(house.address);
    let head = socket.ask(&request("HEAD", "/rooms/den/history?limit=1"));
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(
        socket.ask(&read("?limit=1")).status,
        200,
        "and no body before it"
    );
}

#[test]
fn what_is_no_question_is_refused_by_name() {
    let house = House::start();
    say(&house, 1);
    for (request, status, code) in [
        (read("?before=-1"), 400, "bad_payload"),
        (read("?before=x"), 400, "bad_payload"),
        (read("?before="), 400, "bad_payload"),
        (read("?after=1.5"), 400, "bad_payload"),
        (read("?after=9007199254740992"), 400, "bad_payload"),
        (read("?before=1&before=2"), 400, "bad_payload"),
        (read("?before=1&after=2"), 400, "bad_payload"),
        (read("?limit=0"), 400, "bad_payload"),
        (read("?limit=501"), 400, "bad_payload"),
        (read("?limit=65536"), 400, "bad_payload"),
        (request("GET", "/rooms/$x/history"), 400, "bad_room"),
        (request("GET", "/rooms/%ff/history"), 400, "bad_room"),
        (request("GET", "/rooms/hall/history"), 404, "no_such_room"),
        (
            request("POST", "/rooms/den/history"),
            405,
            "method_not_allowed",
        ),
        (
            read("").header("Origin", "http://evil.example"),
            403,
            "foreign_origin",
        ),
        (
            read("").header("Sec-Fetch-Site", "cross-site"),
            403,
            "foreign_origin",
        ),
        (read("").bearer("x"), 401, "bad_session"),
    ] {
        let answer = house.send(&request);
        is_refused(&answer, status, code);
        let allow = (status == 405).then_some("GET, HEAD");
        assert_eq!(answer.header("allow"), allow);
    }
    let counts = house.doors.counts();
    assert_eq!((counts.pages, counts.pages_refused), (0, 13));
}

#[test]
fn beyond_this_machine_a_user_reads_by_his_session_and_the_operator_by_his_token() {
    let token = |text: &str| Some(Token::new(text.to_owned()).unwrap());
    let house = House::public(|config| {
        config.operator_token = token(TOKEN);
        config.publish_token = token("0123456789-publisher");
        config.open_doors = vec![Door::Publish];
        config.origins.allowed = vec!["https://app.example".parse().unwrap()];
    });
    say(&house, 1);
    let answer = house.send(&read(""));
    is_refused(&answer, 401, "bad_token");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    for wrong in ["0123456789-publisher", "0123456789-operatoR"] {
        let answer = house.send(&read("").bearer(wrong));
        is_refused(&answer, 401, "bad_session");
    }
    assert_eq!(house.send(&read("").bearer(TOKEN)).status, 200);

    let signed_in = house.send(&login("ann", "right"));
    let session = signed_in.text("session");
    assert_eq!(house.send(&read("").bearer(&session)).status, 200);
    let cookie = signed_in.header("set-cookie").unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let by_cookie = house.send(&read("").header("Cookie", cookie));
    assert_eq!(by_cookie.status, 200);
    assert!(by_cookie.header("set-cookie").unwrap().starts_with(cookie));

    let page = [
        ("Origin", "https://app.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    let answer = house.send(&read("").bearer(&session).headers(&page));
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some(page[0].1)
    );
    let preflight = request("OPTIONS", "/rooms/den/history").headers(&page);
    let asked = house.send(&preflight.header("Access-Control-Request-Method", "GET"));
    assert_eq!(asked.status, 204);
    assert_eq!(
        asked.header("access-control-allow-methods"),
        Some("GET, HEAD")
    );

    house.send(&request("POST", "/logout").bearer(&session));
    let answer = house.send(&read("").bearer(&session));
    is_refused(&answer, 401, "bad_session");
}

/// Lets nobody but ann into the den.
struct OnlyAnn;

impl Policy for OnlyAnn {
    async fn join(&self, who: &UserName, room: &RoomName) -> Result<(), Denied> {
        match (who.as_str(), room.as_str()) {
            ("ann", _) | (_, "hall") => Ok(()),
            (who, _) => Err(Denied::because(format!("{who} may not"))),
        }
    }
}

#[test]
fn who_may_not_join_may_not_read() {
    let house = House::with_hub(HubConfig::default().policy(OnlyAnn), |_| {});
    say(&house, 1);
    let session = |name, password| house.log_in(name, password).text("session");
    let (ann, bob) = (session("ann", "right"), session("bob", "also right"));
    assert_eq!(house.send(&read("").bearer(&ann)).status, 200);
    for (request, words) in [
        (read("").bearer(&bob), "bob may not"),
        (read(""), "guest-reader may not"),
        (
            request("GET", "/rooms/nowhere/history"),
            "guest-reader may not",
        ),
    ] {
        let answer = house.send(&request);
        is_refused(&answer, 403, "not_allowed");
        assert_eq!(answer.text("message"), words);
    }
}

#[test]
fn an_address_reads_no_faster_than_a_connection_may() {
    let limits = Limits {
        messages_per_second: 1,
        message_burst: 3,
        ..Limits::default()
    };
    let hub = HubConfig {
        limits,
        ..HubConfig::default()
    };
    let house = House::with_hub(hub, |_| {});
    say(&house, 1);
    let mut socket = Socket::open(house.address);
    let mut answers = (0..100).map(|_| socket.ask(&read("")));
    let refused = answers
        .find(|it| it.status != 200)
        .expect("there is a limit");
    is_refused(&refused, 429, "rate_limited");
    assert_eq!(refused.retry_after(), 1);
}

#[test]
fn a_server_that_goes_away_shows_nothing() {
    let house = House::start();
    house.shut_down(Duration::from_secs(60));
    let answer = house.send(&read(""));
    is_refused(&answer, 503, "going_away");
}

#[test]
fn the_request_of_the_document_is_answered_as_it_says() {
    let house = House::start();
    say(&house, 20);
    let example = document()
        .lines()
        .find_map(|line| line.strip_prefix("GET "));
    let path = example.unwrap().replace("ROOM", "den");
    let answer = house.send(&request("GET", &path));
    let Told::Page { entries, more, .. } = Told::parse(&answer.body).unwrap() else {
        panic!("{answer:?} is no page");
    };
    let numbers: Vec<_> = entries.iter().map(|entry| entry.position.seq.0).collect();
    assert_eq!((numbers, more), (vec![12, 13], true));
}

#[test]
fn what_cannot_be_read_is_said_by_name() {
    let logs = Faulty::new();
    let limits = Limits {
        rooms_max: 1,
        log_entries_max: 10,
        ..Limits::default()
    };
    let hub = HubConfig {
        limits,
        rooms: RoomKinds::default().with("*", RoomKind::DURABLE),
        store: Some(Arc::new(logs.clone())),
        shards: NonZeroU16::new(1),
        ..HubConfig::default()
    };
    let house = House::with_hub(hub, |_| {});
    say(&house, 50);
    logs.meets(Fate::Unreadable);
    assert_eq!(numbers(&house, "?limit=5"), ((46..51).collect(), true));
    is_refused(&house.send(&read("?before=5")), 503, "store_failed");
    let answer = house.send(&request("GET", "/rooms/hall/history"));
    is_refused(&answer, 503, "too_many_rooms");
    house.users.is_broken.store(true, SeqCst);
    is_refused(&house.send(&read("").bearer("x")), 503, "unavailable");
}

#[test]
fn the_document_says_no_more_than_is_so() {
    // Each is in a test above.
    let seen = [
        (400, "bad_room"),
        (400, "bad_payload"),
        (401, "bad_session"),
        (401, "bad_token"),
        (403, "foreign_origin"),
        (403, "not_allowed"),
        (404, "no_such_room"),
        (405, "method_not_allowed"),
        (429, "rate_limited"),
        (503, "store_failed"),
        (503, "too_many_rooms"),
        (503, "unavailable"),
        (503, "going_away"),
    ];
    let seen = seen.map(|(status, code)| (status, code.to_owned()));
    assert_eq!(documented(), BTreeSet::from(seen));
}
