//! Who may come in.

use crate::support::{Chatter, Client, Raw, Server};

fn request(host: &str, headers: &str) -> String {
    format!(
        "GET /plain HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

#[test]
fn pages_of_this_host_and_programs_come_in_and_pages_of_others_do_not() {
    let server = Server::start();
    let own = format!("http://{}", server.address());
    let upper = own.to_uppercase().replace("HTTP", "http");
    for origin in [&own, &upper] {
        assert!(
            Client::open(&server, "/plain", &[("origin", origin)]).is_ok(),
            "{origin}"
        );
    }
    assert!(Client::open(&server, "/plain", &[]).is_ok());
    for origin in [
        "http://evil.example",
        "null",
        &format!("{own}.evil.example"),
    ] {
        let refused = Client::open(&server, "/plain", &[("origin", origin)]);
        assert_eq!(refused.err().unwrap(), 403, "{origin}");
    }
}

#[test]
fn it_is_open_on_this_machine_and_elsewhere_only_by_name() {
    let ask = |server: &Server| {
        let mut raw: Raw = server.raw();
        raw.send(request("chat.example", "").as_bytes());
        raw.answer().status
    };
    assert_eq!(ask(&Server::start()), 403);
    assert_eq!(ask(&Server::start_with(&["--door", "echo"])), 403);
    assert_eq!(ask(&Server::start_with(&["--door", "plain"])), 101);
}

#[test]
fn a_subprotocol_is_answered_with_only_when_it_was_offered() {
    let server = Server::start();
    let chosen = |offer: &str| {
        let answer = server.ask(&request(
            "{host}",
            &format!("Sec-WebSocket-Protocol: {offer}\r\n"),
        ));
        assert_eq!(answer.status, 101);
        answer.header("sec-websocket-protocol").map(str::to_owned)
    };
    assert_eq!(chosen("chat"), None);
    assert_eq!(
        chosen("chat, parlour.plain").as_deref(),
        Some("parlour.plain")
    );
}

#[test]
fn d02_failed_handshakes_end_nothing_and_take_no_name() {
    let mut server = Server::start();
    let good = request("{host}", "");
    for (bad, status) in [
        (
            "GET /plain HTTP/1.1\r\nHost: {host}\r\n\r\n".to_owned(),
            426,
        ),
        (request("{host}", "Origin: http://evil.example\r\n"), 403),
        (good.replace("Sec-WebSocket-Version: 13\r\n", ""), 400),
        (
            good.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
            400,
        ),
        (good.replace("GET", "POST"), 405),
    ] {
        for _ in 0..3 {
            assert_eq!(server.ask(&bad).status, status, "{bad}");
        }
    }
    assert!(server.is_running());
    assert_eq!(Chatter::new(&server).first, "AnonymousUser0");
}
