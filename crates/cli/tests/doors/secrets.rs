//! A ticket is never logged, at whatever level (docs/seeds.md, D28, D33).

use rustix::process::Signal;
use tungstenite::Message;

use crate::handshake::request;
use crate::support::{Client, Server};

#[test]
fn no_ticket_is_in_the_log_at_the_most_talkative_level() {
    for format in ["text", "json"] {
        let mut server = Server::start_with(&["--log", "trace", "--log-format", format]);
        let used = server.ticket("ann").0;
        let mut client = Client::open(&server, &format!("/ws?otp={used}"), &[]).unwrap();
        client.settle();
        let by_protocol = server.ticket("ann").0;
        let offer = format!("parlour.events, ticket.{by_protocol}");
        let headers = [("sec-websocket-protocol", offer.as_str())];
        drop(Client::open(&server, "/ws", &headers).unwrap());
        let unused = server.ticket("bob").0;
        let refused = server.ticket("bob").0;
        let foreign = request(&server, &format!("/ws?otp={refused}"))
            .replace("Upgrade: W", "Origin: http://evil.example\r\nUpgrade: W");
        assert_eq!(server.ask(&foreign).status, 403);
        let wrong = "wrong-but-still-a-secret-0123456789-abcdefg";
        assert_eq!(
            server
                .ask(&request(&server, &format!("/ws?otp={wrong}")))
                .status,
            401
        );
        let broken = format!("GET /ws?otp={refused} HTTP/1.1\r\nHost: \u{7f}\r\n\r\n");
        server.ask(&broken);
        client.send(Message::text("not json"));
        client.refused();
        server.signal(Signal::TERM);
        client.closed();
        drop(client);
        assert_eq!(server.wait().code(), Some(0));

        let log = server.log();
        assert!(log.contains("listening"), "the log is on: {log}");
        for secret in [&*used, &by_protocol, &unused, &refused, wrong, "otp="] {
            assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        }
    }
}
