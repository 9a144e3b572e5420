//! Sizes, silence, and the end of the server.

use rustix::process::Signal;
use tungstenite::Message;

use crate::support::{Chatter, Raw, Server, frame};

/// A connection that answers nothing by itself.
fn come_in(server: &Server) -> Raw {
    let mut raw = server.raw();
    let request = "GET /plain HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    raw.send(server.named(request).as_bytes());
    assert_eq!(raw.answer().status, 101);
    raw
}

/// Whether a close frame of that code is in what it has been sent.
fn is_closed_with(raw: &mut Raw, code: u16) -> bool {
    let rest = raw.rest();
    let is_close = |it: &[u8]| it[0] == 0x88 && it[2..] == code.to_be_bytes();
    rest.windows(4).any(is_close)
}

#[test]
fn a_message_of_512_bytes_passes_and_one_of_513_ends_its_sender_with_1009() {
    let server = Server::start_with(&["--max-message-bytes", "512"]);
    let mut ann = Chatter::new(&server);
    let mut bob = Chatter::new(&server);
    ann.sees_come(&bob.first);
    // Counted in bytes, of which each of these has two.
    let longest = "\u{e9}".repeat(256);
    ann.say(&longest);
    assert_eq!(bob.heard().1, longest);
    ann.heard();
    ann.say(&format!("{longest}x"));
    assert_eq!(ann.client.closed(), Some(1009));
    bob.sees_go("AnonymousUser0");
}

#[test]
fn d36_a_text_that_is_not_utf8_ends_its_sender_with_1007() {
    let server = Server::start();
    let mut bob = Chatter::new(&server);
    let mut raw = come_in(&server);
    bob.sees_come("AnonymousUser1");
    raw.send(&frame(0x81, b"\xff\xfe"));
    bob.sees_go("AnonymousUser1");
    assert!(is_closed_with(&mut raw, 1007));
}

#[test]
fn who_gives_no_sign_of_life_is_closed_and_any_frame_is_one() {
    let server = Server::start_with(&["--ping-interval", "300ms", "--pong-timeout", "300ms"]);
    let mut ann = Chatter::new(&server);
    let mut silent = come_in(&server);
    ann.sees_come("AnonymousUser1");
    // Whoever reads answers pings; whoever does not is gone.
    ann.sees_go("AnonymousUser1");
    assert!(is_closed_with(&mut silent, 1008));
}

#[test]
fn e6_everybody_is_told_1001_when_the_server_stops() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut server = Server::start();
        let mut clients = [Chatter::new(&server), Chatter::new(&server)];
        server.signal(signal);
        for client in &mut clients {
            assert_eq!(client.client.closed(), Some(1001));
        }
        assert_eq!(server.wait().code(), Some(0));
    }
}

#[test]
fn a_burst_of_messages_joined_into_one_write_is_not_joined_into_one_frame() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    let mut bob = Chatter::new(&server);
    ann.sees_come(&bob.first);
    for number in 0..50 {
        ann.client
            .socket
            .write(Message::text(number.to_string()))
            .unwrap();
    }
    ann.client.socket.flush().unwrap();
    for number in 0..50 {
        assert_eq!(bob.heard().1, number.to_string());
    }
}
