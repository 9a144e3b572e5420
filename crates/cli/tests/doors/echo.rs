//! `/echo`: docs/seeds.md, 4.01 to 4.12.

use std::io::{Read, Write};

use tungstenite::Message;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::{PATIENCE, Server, frame};

#[test]
fn every_message_comes_back_unchanged_and_in_order() {
    let server = Server::start();
    let mut client = server.echo();
    let messages = [
        Message::text("hello"),
        Message::text(""),
        Message::text("größer \u{1F4A1} \u{0} end"),
        Message::binary(vec![]),
        Message::binary((0..=255).collect::<Vec<u8>>()),
        Message::text("x".repeat(65_536)),
        Message::binary(vec![7; 65_536]),
    ];
    for message in &messages {
        client.send(message.clone());
        assert_eq!(client.next(), *message);
    }
    for message in &messages {
        client.send(message.clone());
    }
    for message in &messages {
        assert_eq!(client.next(), *message);
    }
}

#[test]
fn fragments_come_back_as_one_message_of_their_type() {
    let server = Server::start();
    let mut client = server.echo();
    for (kind, whole) in [
        (Data::Text, Message::text("one two")),
        (Data::Binary, Message::binary(&b"one two"[..])),
    ] {
        let mut part = |payload: &'static str, kind, last| {
            let frame = Frame::message(payload, OpCode::Data(kind), last);
            client.send(Message::Frame(frame));
        };
        part("one", kind, false);
        part("", Data::Continue, false);
        client.send(Message::Ping("between".into()));
        let mut part = |payload: &'static str, kind, last| {
            let frame = Frame::message(payload, OpCode::Data(kind), last);
            client.send(Message::Frame(frame));
        };
        part(" two", Data::Continue, true);
        assert_eq!(client.next(), Message::Pong("between".into()));
        assert_eq!(client.next(), whole);
    }
}

#[test]
fn a_ping_is_answered_with_its_payload() {
    let server = Server::start();
    let mut client = server.echo();
    for payload in [vec![], b"payload".to_vec(), vec![0xff; 125]] {
        client.send(Message::Ping(payload.clone().into()));
        assert_eq!(client.next(), Message::Pong(payload.into()));
    }
    client.send(Message::Pong("nobody asked".into()));
    client.send(Message::text("still here"));
    assert_eq!(client.next(), Message::text("still here"));
}

#[test]
fn a_close_is_answered_with_its_code_and_the_connection_ends() {
    let server = Server::start();
    for (sent, answered) in [
        (frame(0x88, &[0x03, 0xe8]), &b"\x88\x02\x03\xe8"[..]),
        (frame(0x88, b"\x0f\xa0reason"), b"\x88\x02\x0f\xa0"),
        (frame(0x88, b""), b"\x88\x00"),
    ] {
        let mut raw = crate::handshake::upgraded(&server, "/echo");
        raw.send(&sent);
        assert_eq!(raw.rest(), answered);
    }
}

#[test]
fn a_message_may_have_the_size_that_is_set_and_not_a_byte_more() {
    let server = Server::start_with(&["--max-message-bytes", "512"]);
    let mut client = server.echo();
    client.send(Message::text("x".repeat(512)));
    assert_eq!(client.next().len(), 512);
    client.send(Message::text("x".repeat(513)));
    assert_eq!(client.closed(), Some(1009));

    let mut client = server.echo();
    let part = |payload: String, kind, last| {
        Message::Frame(Frame::message(payload, OpCode::Data(kind), last))
    };
    client.send(part("x".repeat(500), Data::Text, false));
    client.send(part("x".repeat(13), Data::Continue, true));
    assert_eq!(client.closed(), Some(1009));
}

#[test]
fn who_breaks_the_protocol_is_told_and_nobody_else_notices() {
    let server = Server::start();
    let mut bystander = server.echo();
    let code = |bytes: &[u8]| {
        let mut raw = crate::handshake::upgraded(&server, "/echo");
        raw.send(bytes);
        let rest = raw.rest();
        assert_eq!(
            rest[0], 0x88,
            "a close frame and nothing before it: {rest:?}"
        );
        u16::from_be_bytes([rest[2], rest[3]])
    };
    assert_eq!(code(&frame(0x81, b"\xff")), 1007);
    assert_eq!(code(b"\x81\x05Hello"), 1002);
    assert_eq!(code(&frame(0xc1, b"reserved bit")), 1002);
    assert_eq!(code(&frame(0x83, b"reserved opcode")), 1002);
    assert_eq!(code(&frame(0x80, b"nothing to continue")), 1002);
    bystander.send(Message::text("still here"));
    assert_eq!(bystander.next(), Message::text("still here"));
}

#[test]
fn who_just_goes_away_disturbs_nobody() {
    let server = Server::start();
    let mut bystander = server.echo();
    for bytes in [&b""[..], b"\x81", &frame(0x81, b"cut")[..7]] {
        let mut raw = crate::handshake::upgraded(&server, "/echo");
        raw.send(bytes);
        raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(raw.rest(), b"");
    }
    bystander.send(Message::text("still here"));
    assert_eq!(bystander.next(), Message::text("still here"));
}

#[test]
fn who_sends_without_reading_is_not_read_and_gets_all_of_it_when_he_reads() {
    const MUCH: usize = 64 << 20;
    const TEXT: [u8; 120] = [b'x'; 120];
    let server = Server::start();
    let raw = crate::handshake::upgraded(&server, "/echo");
    let mut stream = raw.stream;
    let message = frame(0x81, &TEXT);
    let messages = message.repeat(1_000);

    // Until the server has taken nothing for so long: what it has read is bounded.
    let pause = std::time::Duration::from_millis(300);
    stream.set_write_timeout(Some(pause)).unwrap();
    let mut sent = 0;
    while let Ok(len) = stream.write(&messages[sent % messages.len()..]) {
        sent += len;
        assert!(sent < MUCH, "the server reads on and on");
    }

    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let count = sent.div_ceil(message.len());
    let all_came_back = std::thread::spawn(move || {
        for n in 0..count {
            let mut echoed = [0; 2 + TEXT.len()];
            reader.read_exact(&mut echoed).unwrap();
            assert!(
                echoed[..2] == [0x81, 120] && echoed[2..] == TEXT,
                "message {n}: {echoed:?}"
            );
        }
    });
    let begun = sent % message.len();
    if begun > 0 {
        stream.write_all(&message[begun..]).unwrap();
    }
    all_came_back.join().unwrap();
}
