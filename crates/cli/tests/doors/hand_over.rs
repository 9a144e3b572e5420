//! The way of a socket from HTTP to its shard loses no byte, however they come.

use std::time::Duration;

use crate::handshake::request;
use crate::support::{Raw, Server, frame};

fn expect_echo(raw: &mut Raw, text: &[u8]) {
    let mut expected = vec![0x81, u8::try_from(text.len()).unwrap()];
    expected.extend_from_slice(text);
    assert_eq!(raw.take(expected.len()), expected);
}

#[test]
fn frames_in_the_packet_of_the_request_are_not_lost() {
    let server = Server::start();
    let mut raw = server.raw();
    let mut bytes = request(&server, "/echo").into_bytes();
    bytes.extend(frame(0x81, b"first"));
    bytes.extend(frame(0x81, b"second"));
    bytes.extend(&frame(0x81, b"third")[..4]);
    raw.send(&bytes);
    assert_eq!(raw.answer().status, 101);
    expect_echo(&mut raw, b"first");
    expect_echo(&mut raw, b"second");
    raw.send(&frame(0x81, b"third")[4..]);
    expect_echo(&mut raw, b"third");
}

#[test]
fn more_frames_than_one_read_takes_are_not_lost() {
    let server = Server::start();
    let mut raw = server.raw();
    let mut bytes = request(&server, "/echo").into_bytes();
    for _ in 0..2_000 {
        bytes.extend(frame(0x81, &[b'x'; 100]));
    }
    raw.send(&bytes);
    assert_eq!(raw.answer().status, 101);
    for _ in 0..2_000 {
        expect_echo(&mut raw, &[b'x'; 100]);
    }
}

#[test]
fn a_request_that_comes_byte_by_byte_is_served() {
    let server = Server::start();
    let mut raw = server.raw();
    let mut bytes = request(&server, "/echo").into_bytes();
    bytes.extend(frame(0x81, b"slow"));
    bytes.extend(frame(0x01, b"in "));
    bytes.extend(frame(0x80, b"parts"));
    for byte in bytes {
        raw.send(&[byte]); // TCP_NODELAY: each is a packet of its own.
    }
    assert_eq!(raw.answer().status, 101);
    expect_echo(&mut raw, b"slow");
    expect_echo(&mut raw, b"in parts");
}

#[test]
fn who_ends_his_side_at_once_still_gets_what_he_asked_for_or_an_end() {
    let server = Server::start();
    let mut raw = server.raw();
    let mut bytes = request(&server, "/echo").into_bytes();
    bytes.extend(frame(0x88, b"\x03\xe8"));
    raw.send(&bytes);
    assert_eq!(raw.answer().status, 101);
    assert_eq!(raw.rest(), b"\x88\x02\x03\xe8");
}

/// Row 4.12: the listener's time for a request's head does not touch an open WebSocket. The head's
/// time is 10 s, so this test takes longer than that.
#[test]
fn the_http_servers_deadlines_do_not_touch_an_open_socket() {
    let server = Server::start();
    let mut raw = server.raw();
    raw.send(request(&server, "/echo").as_bytes());
    assert_eq!(raw.answer().status, 101);
    std::thread::sleep(Duration::from_millis(10_500));
    raw.send(&frame(0x81, b"still here"));
    expect_echo(&mut raw, b"still here");
}
