//! Slow subscribers, and the end of the server.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tungstenite::Message;

use crate::support::{PATIENCE, Server, free_client, publish};
use crate::{subscriber, told};

#[test]
fn e6_everybody_is_told_1001_and_the_server_ends_well() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut server = Server::start();
        let mut clients = [subscriber(&server), subscriber(&server)];
        publish(&server, "kim", "the last one");
        server.signal(signal);
        for client in &mut clients {
            let last = r#"{"name":"kim","msg":"the last one"}"#;
            assert_eq!(told(client), last, "D19: it is not lost");
            assert_eq!(client.closed(), Some(1001));
        }
        assert_eq!(server.wait().code(), Some(0), "D18");
    }
}

#[test]
fn e5_d04_a_subscriber_that_fell_behind_the_log_is_told_1008_and_the_others_miss_nothing() {
    let mut server = Server::start_with(&[
        "--messages-per-second",
        "0",
        // What such a room no longer has is gone; a durable one would give it later.
        "--rooms",
        "*=volatile",
        "--room-log-entries",
        "20",
        "--room-log-bytes",
        "256KiB",
    ]);
    let mut stuck = free_client(&server, "/subscribe");
    let mut good = subscriber(&server);
    let msg = "x".repeat(60_000);
    let deadline = Instant::now() + PATIENCE;
    // More than the kernel and the log keep together for who does not read.
    for number in 0..400 {
        assert_eq!(publish(&server, &number.to_string(), &msg).status, 204);
        assert!(told(&mut good).starts_with(&format!(r#"{{"name":"{number}","#)));
        assert!(Instant::now() < deadline);
    }
    let mut last = None;
    let frame = loop {
        match stuck.next() {
            Message::Close(frame) => break frame.unwrap(),
            Message::Text(text) => last = Some(text),
            _ => {}
        }
    };
    assert!(last.is_some_and(|it| !it.starts_with(r#"{"name":"399""#)));
    assert_eq!(u16::from(frame.code), 1008);
    assert!(frame.reason.contains("too slow"), "{}", frame.reason);
    publish(&server, "kim", "and on");
    assert_eq!(told(&mut good), r#"{"name":"kim","msg":"and on"}"#);
    assert!(server.is_running());
}

#[test]
fn who_does_not_take_anything_for_too_long_is_closed() {
    let server = Server::start_with(&["--slow-reader-timeout", "1s", "--messages-per-second", "0"]);
    let mut stuck = free_client(&server, "/subscribe");
    let mut good = subscriber(&server);
    let msg = "x".repeat(60_000);
    for number in 0..100 {
        publish(&server, &number.to_string(), &msg);
        told(&mut good);
    }
    let begun = Instant::now();
    let debug = "GET /debug HTTP/1.1\r\nHost: {host}\r\n\r\n";
    while server.ask(debug).body != "1\n" {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    // Cut within what was on its way.
    while stuck.socket.read().is_ok() {}
}
