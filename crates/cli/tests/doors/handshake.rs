//! The answers to requests that are no good handshake: docs/seeds.md, 3.16, 4.05 to 4.10.

use crate::support::{Raw, Server};

const GOOD: &str = "GET /echo HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A connection that has been upgraded at a free door.
pub(crate) fn upgraded(server: &Server, path: &str) -> Raw {
    let mut raw = server.raw();
    raw.send(request(server, path).as_bytes());
    assert_eq!(raw.answer().status, 101);
    raw
}

/// A good request for an upgrade.
pub(crate) fn request(server: &Server, path: &str) -> String {
    GOOD.replace("/echo", path)
        .replace("{host}", &server.address().to_string())
}

#[test]
fn a_good_handshake_is_answered_by_the_book() {
    let server = Server::start();
    let answer = server.ask(GOOD);
    assert_eq!(answer.status, 101);
    // RFC 6455, 1.3
    assert_eq!(
        answer.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert_eq!(answer.header("connection"), Some("Upgrade"));
    assert_eq!(answer.header("sec-websocket-protocol"), None);
    assert_eq!(answer.header("sec-websocket-extensions"), None);
}

#[test]
fn a_bad_handshake_is_told_what_is_wrong() {
    let server = Server::start();
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let cases = [
        (
            "no upgrade",
            426,
            GOOD.replace("Upgrade: WebSocket\r\n", ""),
        ),
        (
            "another upgrade",
            426,
            GOOD.replace("WebSocket\r\n", "h2c\r\n"),
        ),
        (
            "not connected",
            400,
            GOOD.replace("Connection: keep-alive, Upgrade\r\n", ""),
        ),
        ("no version", 400, GOOD.replace(version, "")),
        (
            "an old version",
            400,
            GOOD.replace("Version: 13", "Version: 8"),
        ),
        (
            "two versions",
            400,
            GOOD.replace(version, &version.repeat(2)),
        ),
        ("no key", 400, GOOD.replace(key, "")),
        ("two keys", 400, GOOD.replace(key, &key.repeat(2))),
        (
            "a short key",
            400,
            GOOD.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="),
        ),
        (
            "no base64",
            400,
            GOOD.replace("dGhlIHNhbXBsZSBub25jZQ==", "????????????????????????"),
        ),
        (
            "a body of known length",
            400,
            GOOD.replace("Upgrade: W", "Content-Length: 5\r\nUpgrade: W"),
        ),
        (
            "a body in chunks",
            400,
            GOOD.replace("Upgrade: W", "Transfer-Encoding: chunked\r\nUpgrade: W"),
        ),
        ("a POST", 405, GOOD.replace("GET", "POST")),
        ("a DELETE", 405, GOOD.replace("GET", "DELETE")),
    ];
    for path in ["/echo", "/ws"] {
        for (what, status, request) in &cases {
            let answer = server.ask(&request.replace("/echo", path));
            assert_eq!(answer.status, *status, "{what} at {path}: {answer:?}");
            assert_eq!(answer.header("sec-websocket-version"), Some("13"), "{what}");
            let lines: Vec<&str> = answer.body.lines().collect();
            let name = match status {
                426 => "Upgrade Required",
                405 => "Method Not Allowed",
                _ => "Bad Request",
            };
            assert_eq!(
                (lines.len(), lines[0]),
                (2, name),
                "{what}: {:?}",
                answer.body
            );
            if *status == 426 {
                assert_eq!(answer.header("upgrade"), Some("websocket"));
                assert!(
                    answer
                        .header("connection")
                        .is_some_and(|it| it.contains("Upgrade"))
                );
            }
            if *status == 405 {
                assert_eq!(answer.header("allow"), Some("GET, HEAD"));
            }
        }
    }
}

#[test]
fn a_plain_head_is_answered_like_a_plain_get() {
    let server = Server::start();
    for path in ["/echo", "/ws"] {
        let mut raw = server.raw();
        raw.send(format!("HEAD {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address()).as_bytes());
        assert_eq!(raw.answer_without_body().status, 426);
    }
}

#[test]
fn a_subprotocol_is_answered_with_only_when_it_was_offered() {
    let server = Server::start();
    let offer = |path: &str, offer: &str| {
        let request = GOOD.replace("/echo", path);
        server.ask(&request.replace(
            "Upgrade: W",
            &format!("Sec-WebSocket-Protocol: {offer}\r\nUpgrade: W"),
        ))
    };
    let chosen = |answer: &crate::support::Answer| {
        assert_eq!(answer.status, 101);
        answer.header("sec-websocket-protocol").map(str::to_owned)
    };
    assert_eq!(chosen(&offer("/echo", "chat")), None);
    assert_eq!(
        chosen(&offer("/echo", "chat, parlour.echo")).as_deref(),
        Some("parlour.echo")
    );
    let events = |protocols: &str| {
        let (otp, _) = server.ticket("ann");
        chosen(&offer(&format!("/ws?otp={otp}"), protocols))
    };
    assert_eq!(
        events("chat, parlour.events").as_deref(),
        Some("parlour.events")
    );
    assert_eq!(events("parlour.v1").as_deref(), Some("parlour.v1"));
    let (otp, _) = server.ticket("ann");
    let path = format!("/ws?otp={otp}");
    let answer = offer(&path, "chat, parlour.v0");
    assert_eq!(answer.status, 400);
    for spoken in ["parlour.events", "parlour.v1"] {
        assert!(answer.body.contains(spoken), "{answer:?}");
    }
    assert_eq!(
        offer(&path, "parlour.events").status,
        101,
        "its ticket is good"
    );
}
