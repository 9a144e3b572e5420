//! Who may subscribe, and what a bad handshake is told (rows 3.15, 3.16).

use std::time::Duration;

use crate::support::{Client, Server, publish};
use crate::{subscriber, told};

const GOOD: &str = "GET /subscribe HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn a_bad_handshake_is_told_what_is_wrong() {
    let server = Server::start();
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let plain = "GET /subscribe HTTP/1.1\r\nHost: {host}\r\n\r\n".to_owned();
    for (status, request) in [
        (426, plain),
        (405, GOOD.replace("GET", "POST")),
        (400, GOOD.replace("Version: 13", "Version: 8")),
        (400, GOOD.replace(key, "")),
        (400, GOOD.replace(key, &key.repeat(2))),
        (400, GOOD.replace(version, "")),
    ] {
        let answer = server.ask(&request);
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        if status == 426 {
            assert_eq!(answer.header("upgrade"), Some("websocket"));
            assert!(
                answer
                    .header("connection")
                    .is_some_and(|it| it.contains("Upgrade"))
            );
        }
    }
    subscriber(&server);
}

#[test]
fn pages_of_others_and_other_machines_do_not_come_in_unless_it_is_opened() {
    let server = Server::start();
    let foreign = Client::open(&server, "/subscribe", &[("origin", "http://evil.example")]);
    assert_eq!(foreign.err().unwrap(), 403);
    let elsewhere = GOOD.replace("{host}", "chat.example");
    assert_eq!(server.ask(&elsewhere).status, 403);
    let open = Server::start_with(&["--door", "subscribe"]);
    assert_eq!(open.ask(&elsewhere).status, 101);
}

#[test]
fn the_times_of_http_do_not_touch_an_open_socket() {
    let short = [
        "--handshake-timeout",
        "300ms",
        "--http-write-timeout",
        "300ms",
    ];
    let server = Server::start_with(&short);
    let mut client = subscriber(&server);
    std::thread::sleep(Duration::from_millis(900));
    publish(&server, "kim", "still here");
    assert_eq!(told(&mut client), r#"{"name":"kim","msg":"still here"}"#);
}
