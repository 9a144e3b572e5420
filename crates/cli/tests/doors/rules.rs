//! Who may use what from where: docs/seeds.md, E3, E15, and what "on loopback only" means.

use crate::handshake::request;
use crate::support::{Answer, Server};

fn ticket_with(server: &Server, host: &str, headers: &str) -> Answer {
    server.ask(&format!(
        "POST /ticket HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: 0\r\n\r\n"
    ))
}

#[test]
fn every_name_of_this_machine_is_local() {
    let server = Server::start();
    let port = server.address().port();
    for host in ["localhost", "127.0.0.1", "127.3.2.1", "[::1]"] {
        let answer = ticket_with(&server, &format!("{host}:{port}"), "");
        assert_eq!(answer.status, 200, "{host}");
    }
}

#[test]
fn a_foreign_host_or_a_proxy_gets_the_public_rules_which_know_no_guests() {
    let server = Server::start();
    let port = server.address().port();
    let own = server.address().to_string();
    let mut refused = vec![
        ticket_with(&server, &format!("chat.example:{port}"), ""),
        ticket_with(&server, "localhost", ""),
        ticket_with(&server, &format!("localhost:{}", port ^ 1), ""),
    ];
    for header in [
        "Forwarded: for=192.0.2.1",
        "X-Forwarded-For: 192.0.2.1",
        "x-forwarded-proto: https",
        "Via: 1.1 proxy",
        "X-Real-IP: 192.0.2.1",
    ] {
        refused.push(ticket_with(&server, &own, &format!("{header}\r\n")));
        let echo =
            request(&server, "/echo").replace("Upgrade: W", &format!("{header}\r\nUpgrade: W"));
        refused.push(server.ask(&echo));
    }
    for answer in refused {
        assert_eq!(answer.status, 403);
        assert!(
            answer
                .body
                .contains("guests are let in from this machine only"),
            "{answer:?}"
        );
    }
    let foreign = request(&server, "/echo").replace(&own, &format!("chat.example:{port}"));
    assert_eq!(server.ask(&foreign).status, 403);
}

#[test]
fn pages_of_this_host_may_use_the_doors_and_others_may_not() {
    let server = Server::start();
    let own = format!("http://{}", server.address());
    let upper = own.to_uppercase().replace("HTTP", "http");
    let with_origin = |origin: &str| {
        let request = request(&server, "/echo");
        server
            .ask(&request.replace("Upgrade: W", &format!("Origin: {origin}\r\nUpgrade: W")))
            .status
    };
    for origin in [&own, &upper] {
        assert_eq!(with_origin(origin), 101, "{origin}");
    }
    for origin in [
        "http://evil.example",
        "null",
        "http://127.0.0.1:1",
        &format!("{own}.evil.example"),
    ] {
        assert_eq!(with_origin(origin), 403, "{origin}");
    }
}

#[test]
fn an_address_has_room_for_only_so_many_tickets() {
    let server = Server::start();
    let mut raw = server.raw();
    let request = format!(
        "POST /ticket HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
        server.address()
    );
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(4);
    let mut refused = None;
    for _ in 0..7_501 {
        raw.send(request.as_bytes());
        let answer = raw.answer();
        if answer.status != 200 {
            refused = Some(answer);
        }
    }
    if std::time::Instant::now() > deadline {
        return; // The machine is so slow that the first tickets have ended; tickets.rs covers it.
    }
    let refused = refused.expect("there is a bound");
    assert_eq!(refused.status, 429);
    assert!(
        refused
            .header("retry-after")
            .is_some_and(|wait| wait.parse::<u8>().is_ok())
    );
    assert!(refused.body.contains("too_many_tickets"));
}
