//! Members that never read: they disturb nobody, cost little, and learn what became of them.

use std::net::TcpStream;
use std::ops::Range;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use rustix::process::Signal;
use tungstenite::{Message, WebSocket};

use super::support::{Client, Server};

const STUCK: usize = 12;
const HEALTHY: usize = 6;
/// Text of one message; the frame around it stays below the limit of 65,536 bytes.
const MESSAGE_BYTES: usize = 60_000;
/// More than a stuck reader's socket buffers hold on both sides: from here on it is blocked.
const UNTIL_BLOCKED: usize = 2 << 20;
const PUBLISHED_AFTER: usize = 64 << 20;
const MESSAGES: usize = (UNTIL_BLOCKED + PUBLISHED_AFTER).div_ceil(MESSAGE_BYTES);
/// Messages that a listener may be behind; they fit a ring.
const WINDOW: usize = 8;
/// A log and two rings of 1 MiB each, a begun frame of each stuck reader, and what the allocator holds
/// back for a while: it is the same 13 to 25 MB after 16 MiB and after 200 MiB were published. A queue
/// for each stuck reader would be 768 MiB.
const MEMORY_BYTES_MAX: usize = 32 << 20;
/// Of that, in the second half of what is published: what is bounded has reached its bound by then,
/// and only what the allocator holds back still moves, by 2 MiB or so. A queue for one single stuck
/// reader would be 32 MiB.
const LATER_BYTES_MAX: usize = 8 << 20;

#[test]
fn members_that_never_read_disturb_nobody_and_are_told() {
    // The publisher says as much as the healthy ones hear, which is more than a person says.
    // What such a room no longer has is gone; in a durable one they would go on from the disk.
    let flags = ["--messages-per-second", "0", "--rooms", "*=volatile"];
    let mut server = Server::start_with(&flags);
    let stuck: Vec<_> = (0..STUCK)
        .map(|n| server.join(&format!("stuck{n}"), "room"))
        .collect();
    let healthy: Vec<_> = (0..HEALTHY)
        .map(|n| server.join(&format!("ok{n}"), "room"))
        .collect();
    let mut publisher = server.join("publisher", "room");
    let before = private_bytes(&server);

    let (receipts, listeners): (Vec<_>, Vec<_>) = healthy.into_iter().map(listen).unzip();
    publish(&mut publisher, &receipts, 0..MESSAGES / 2);
    let half_way = private_bytes(&server);
    publish(&mut publisher, &receipts, MESSAGES / 2..MESSAGES);
    for listener in listeners {
        listener.join().unwrap();
    }

    let after = private_bytes(&server);
    let (grown, later) = (after.saturating_sub(before), after.saturating_sub(half_way));
    assert!(
        grown <= MEMORY_BYTES_MAX,
        "the server grew by {grown} bytes"
    );
    assert!(
        later <= LATER_BYTES_MAX,
        "{later} bytes of that came in the second half: it grows with what is published"
    );
    for client in stuck {
        hear_the_start_and_the_close(client);
    }
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    let log = server.log();
    assert!(
        count_in(&log, "blocked_sends") > 0,
        "nobody was ever blocked: {log}"
    );
    assert_eq!(count_in(&log, "slow_closes"), STUCK, "{log}");
}

/// Hears everything in a thread of its own, with a receipt for each message.
fn listen(mut client: Client) -> (Receiver<()>, JoinHandle<()>) {
    let (receipt, receipts) = sync_channel(MESSAGES);
    let listener = thread::spawn(move || {
        for number in 0..MESSAGES {
            assert_eq!(number_of(&client.told_text()), number);
            receipt.send(()).unwrap();
        }
    });
    (receipts, listener)
}

/// Publishes no faster than the listeners hear, so that none of them is slow.
fn publish(publisher: &mut Client, receipts: &[Receiver<()>], numbers: Range<usize>) {
    let padding = "x".repeat(MESSAGE_BYTES - 8);
    for number in numbers {
        publisher.say(&format!("{number:08}{padding}"));
        assert_eq!(number_of(&publisher.told_text()), number);
        if number >= WINDOW {
            receipts
                .iter()
                .for_each(|receipts| receipts.recv().unwrap());
        }
    }
}

/// A reader that wakes up late hears everything up to a point, in order and whole, and then why
/// that is all.
fn hear_the_start_and_the_close(client: Client) {
    let mut socket: WebSocket<TcpStream> = client.socket;
    let mut heard = 0;
    loop {
        match socket.read().unwrap() {
            Message::Text(text) if text.contains("settled ") => {}
            Message::Text(text) => {
                assert_eq!(number_of(&text), heard);
                heard += 1;
            }
            Message::Close(Some(frame)) => {
                assert_eq!(u16::from(frame.code), 1008);
                assert_eq!(
                    frame.reason.as_str(),
                    "connection too slow: entries were missed"
                );
                break;
            }
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let heard_bytes = heard * MESSAGE_BYTES;
    assert!(
        heard_bytes <= UNTIL_BLOCKED,
        "it was not blocked before {heard_bytes} bytes were published"
    );
}

fn number_of(event: &str) -> usize {
    let text = event
        .strip_prefix(r#"{"type":"new_message","payload":{"message":""#)
        .unwrap();
    text[..8].parse().unwrap()
}

/// Bytes that belong to the server's process alone.
fn private_bytes(server: &Server) -> usize {
    let path = format!("/proc/{}/smaps_rollup", server.pid().as_raw_nonzero());
    let rollup = std::fs::read_to_string(path).unwrap();
    let private = rollup.lines().filter(|line| line.starts_with("Private_"));
    private
        .map(|line| {
            line.split_whitespace()
                .nth(1)
                .unwrap()
                .parse::<usize>()
                .unwrap()
                * 1024
        })
        .sum()
}

fn count_in(log: &str, name: &str) -> usize {
    let (_, rest) = log.rsplit_once(&format!("{name}=")).unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}
