//! `POST /ticket`, and what a ticket opens: docs/seeds.md, 2.07 to 2.13, E14, D23, D28.

use std::sync::Barrier;

use crate::handshake::request;
use crate::support::{Answer, Client, Server};

fn post(server: &Server, headers: &str, body: &str) -> Answer {
    server.ask(&format!(
        "POST /ticket HTTP/1.1\r\nHost: {{host}}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn code(answer: &Answer) -> String {
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert!(
        body["message"]
            .as_str()
            .is_some_and(|words| !words.is_empty())
    );
    body["error"].as_str().unwrap().to_owned()
}

fn status(server: &Server, path: &str) -> u16 {
    server.ask(&request(server, path)).status
}

#[test]
fn a_ticket_tells_its_name_and_its_life_and_is_not_kept_by_caches() {
    let server = Server::start();
    let answer = post(
        &server,
        "Content-Type: application/json\r\n",
        r#"{"name":"ann"}"#,
    );
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let given: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(given["name"], "guest-ann");
    assert_eq!(given["expires_in"], 5);
    assert_eq!(given["max_message_bytes"], 65_536);
    assert_eq!(given["otp"].as_str().unwrap().len(), 43);
}

#[test]
fn who_wishes_for_no_name_gets_one() {
    let server = Server::start();
    let mut names = Vec::new();
    for (headers, body) in [
        ("", ""),
        ("Content-Type: text/plain;charset=UTF-8\r\n", "{}"),
        (
            "Content-Type: APPLICATION/JSON\r\n",
            r#"{"name":null,"more":1}"#,
        ),
    ] {
        let answer = post(&server, headers, body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let given: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let name = given["name"].as_str().unwrap().to_owned();
        assert_eq!((name.len(), &name[..6]), (12, "guest-"));
        names.push(name);
    }
    names.dedup();
    assert_eq!(names.len(), 3);
}

#[test]
fn bad_requests_for_a_ticket_are_refused_by_name() {
    let server = Server::start();
    let json = "Content-Type: application/json\r\n";
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(16 * 1024));
    for (headers, body, status, error) in [
        (json, "name", 400, "bad_json"),
        (json, r#"{"name":7}"#, 400, "bad_json"),
        (json, r#"["ann"]"#, 400, "bad_json"),
        (json, r#"{"name":" "}"#, 400, "bad_name"),
        (json, r#"{"name":"a\nb"}"#, 400, "bad_name"),
        (json, &large, 413, "too_large"),
        (form, "name=ann", 415, "unsupported_media_type"),
        (
            "Content-Type: multipart/form-data\r\n",
            "",
            415,
            "unsupported_media_type",
        ),
        ("Origin: http://evil.example\r\n", "", 403, "foreign_origin"),
        ("Origin: null\r\n", "", 403, "foreign_origin"),
    ] {
        let answer = post(&server, headers, body);
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (status, error),
            "{headers}{body:.20}"
        );
    }
    for method in ["GET", "PUT", "DELETE"] {
        let answer = server.ask(&format!(
            "{method} /ticket HTTP/1.1\r\nHost: {{host}}\r\n\r\n"
        ));
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (405, "method_not_allowed")
        );
        assert_eq!(answer.header("allow"), Some("POST"));
    }
}

#[test]
fn without_a_good_ticket_the_door_stays_shut() {
    let server = Server::start();
    for path in [
        "/ws",
        "/ws?otp=",
        "/ws?otp=unknown",
        "/ws?otp=%ff",
        "/ws?room=general",
    ] {
        assert_eq!(status(&server, path), 401, "{path}");
    }
    let unknown = format!("/ws?otp={}", "A".repeat(43));
    let answer = server.ask(&request(&server, &unknown));
    assert_eq!(answer.status, 401);
    // RFC 9110, 15.5.2
    assert_eq!(answer.header("www-authenticate"), Some("Parlour-Ticket"));
}

#[test]
fn a_ticket_opens_the_door_once() {
    let server = Server::start();
    let (otp, _) = server.ticket("ann");
    let path = format!("/ws?otp={otp}");
    assert_eq!(status(&server, &path), 101);
    assert_eq!(status(&server, &path), 401);
}

#[test]
fn of_two_who_race_with_one_ticket_exactly_one_gets_in() {
    let server = Server::start();
    for _ in 0..20 {
        let (otp, _) = server.ticket("ann");
        let path = format!("/ws?otp={otp}");
        let start = Barrier::new(2);
        let racer = || {
            start.wait();
            status(&server, &path)
        };
        let mut statuses = std::thread::scope(|scope| {
            [scope.spawn(racer), scope.spawn(racer)].map(|racer| racer.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [101, 401]);
    }
}

#[test]
fn a_request_that_is_turned_away_leaves_its_ticket_good() {
    let server = Server::start();
    let (otp, _) = server.ticket("ann");
    let path = format!("/ws?otp={otp}");
    let good = request(&server, &path);
    for (status, request) in [
        (
            403,
            good.replace("Upgrade: W", "Origin: http://evil.example\r\nUpgrade: W"),
        ),
        (
            403,
            good.replace("Upgrade: W", "Forwarded: for=192.0.2.1\r\nUpgrade: W"),
        ),
        (426, good.replace("Upgrade: WebSocket\r\n", "")),
        (400, good.replace("Version: 13", "Version: 12")),
        (400, good.replace("otp=", "room=$x&otp=")),
    ] {
        assert_eq!(server.ask(&request).status, status);
    }
    assert_eq!(server.ask(&good).status, 101);
}

#[test]
fn a_bad_ticket_counts_before_a_bad_origin() {
    let server = Server::start();
    let request = request(&server, "/ws?otp=x");
    let answer =
        server.ask(&request.replace("Upgrade: W", "Origin: http://evil.example\r\nUpgrade: W"));
    assert_eq!(answer.status, 401);
}

#[test]
fn a_ticket_as_subprotocol_opens_the_door_and_is_not_echoed() {
    let server = Server::start();
    let (otp, _) = server.ticket("ann");
    let offer = format!("ticket.{otp}, parlour.events");
    let mut client = Client::open(&server, "/ws", &[("sec-websocket-protocol", &offer)]).unwrap();
    assert_eq!(
        client.response.headers()["sec-websocket-protocol"],
        "parlour.events"
    );
    assert!(!format!("{:?}", client.response).contains(&otp));
    client.settle();

    let (otp, _) = server.ticket("bob");
    let offering = |protocols: &str| {
        request(&server, "/ws?otp=").replace(
            "Upgrade: W",
            &format!("Sec-WebSocket-Protocol: {protocols}\r\nUpgrade: W"),
        )
    };
    let alone = server.ask(&offering(&format!("ticket.{otp}")));
    assert_eq!(alone.status, 400, "a browser could not take any answer");
    assert!(alone.body.contains("parlour.events"));
    let good = server.ask(&offering(&format!("parlour.events, ticket.{otp}")));
    assert_eq!(good.status, 101, "an empty otp hides nothing: {good:?}");
}
