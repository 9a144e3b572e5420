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
const PUBLISHED_AFTER: usize = 32 << 20;
const MESSAGES: usize = (UNTIL_BLOCKED + PUBLISHED_AFTER).div_ceil(MESSAGE_BYTES);
/// Messages that a listener may be behind; they fit a ring.
const WINDOW: usize = 8;
/// A log and two rings of 1 MiB each, a begun frame of each stuck reader, and what the allocator holds
/// back for a while: it is the same 13 to 25 MB after 16 MiB and after 200 MiB were published. A queue
/// for each stuck reader would be 768 MiB after the first 64.
const MEMORY_BYTES_MAX: usize = 32 << 20;
/// What is bounded reaches its bound, on a busy machine later than on a quiet one, and from then on only
/// what the allocator holds back moves. So while as much is published again and again, once it must not
/// grow by more than this. A queue for one single stuck reader would grow by 32 MiB each time.
const AT_REST_BYTES_MAX: usize = 2 << 20;
const AGAIN_MAX: usize = 5;
/// Tells the listeners that this was all.
const LAST: usize = 99_999_999;

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
    publish(&mut publisher, &receipts, 0..MESSAGES);
    let mut held = vec![private_bytes(&server)];
    let is_at_rest = (1..=AGAIN_MAX).any(|part| {
        publish(
            &mut publisher,
            &receipts,
            part * MESSAGES..(part + 1) * MESSAGES,
        );
        let (now, last) = (private_bytes(&server), held[part - 1]);
        held.push(now);
        now.saturating_sub(last) <= AT_REST_BYTES_MAX
    });
    say(&mut publisher, LAST);
    for listener in listeners {
        listener.join().unwrap();
    }
    assert!(is_at_rest, "it grows with what is published: {held:?}");
    let grown = held[held.len() - 1].saturating_sub(before);
    assert!(
        grown <= MEMORY_BYTES_MAX,
        "the server grew by {grown} bytes: {held:?}"
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
        let mut next = 0;
        loop {
            match number_of(&client.told_text()) {
                LAST => return,
                number => assert_eq!(number, next),
            }
            next += 1;
            receipt.send(()).unwrap();
        }
    });
    (receipts, listener)
}

/// Publishes no faster than the listeners hear, so that none of them is slow.
fn publish(publisher: &mut Client, receipts: &[Receiver<()>], numbers: Range<usize>) {
    for number in numbers {
        say(publisher, number);
        if number >= WINDOW {
            receipts
                .iter()
                .for_each(|receipts| receipts.recv().unwrap());
        }
    }
}

fn say(publisher: &mut Client, number: usize) {
    let padding = "x".repeat(MESSAGE_BYTES - 8);
    publisher.say(&format!("{number:08}{padding}"));
    assert_eq!(number_of(&publisher.told_text()), number);
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
