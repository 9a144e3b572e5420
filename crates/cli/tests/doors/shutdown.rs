//! The end of the server: docs/seeds.md, E6, rows 3.26 to 3.28, D18.

use rustix::process::Signal;
use tungstenite::Message;

use crate::handshake::upgraded;
use crate::support::Server;

#[test]
fn every_client_is_told_and_the_status_is_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start();
        let mut members: Vec<_> = (0..20)
            .map(|n| server.join(&format!("m{n}"), "den"))
            .collect();
        let mut echo = server.echo();
        echo.send(Message::text("one"));
        assert_eq!(echo.next(), Message::text("one"));
        server.signal(signal);
        assert_eq!(echo.closed(), Some(1001));
        for member in &mut members {
            assert_eq!(member.closed(), Some(1001));
        }
        drop((members, echo));
        assert_eq!(server.wait().code(), Some(0));
        let log = server.log();
        let last = log.lines().last().unwrap();
        assert!(
            last.contains("stopped") && last.contains("connections=21"),
            "{log}"
        );
    }
}

#[test]
fn a_client_that_does_not_answer_holds_up_nothing() {
    let mut server = Server::start();
    let mut raw = upgraded(&server, "/echo");
    let idle_http = server.connect();
    let start = std::time::Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(raw.take(4), *b"\x88\x1a\x03\xe9");
    // It keeps its socket open and says nothing.
    assert_eq!(server.wait().code(), Some(0));
    assert!(start.elapsed().as_secs() <= 10, "a stop may take 10 s");
    drop(idle_http);
}

#[test]
fn a_second_signal_stops_at_once() {
    let mut server = Server::start();
    let mut raw = upgraded(&server, "/echo");
    server.signal(Signal::INT);
    assert_eq!(raw.take(2), *b"\x88\x1a");
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(1));
    assert!(server.log().contains("stopped at once"));
}

#[test]
fn nobody_is_let_in_any_more() {
    let server = Server::start();
    let mut raw = upgraded(&server, "/echo");
    server.signal(Signal::TERM);
    assert_eq!(raw.take(2), *b"\x88\x1a");
    assert!(std::net::TcpStream::connect(server.address()).is_err());
}
