//! Messages, and what rooms keep of them.

use std::time::Instant;

use serde_json::{Value, json};
use tungstenite::Message;

use super::SOON;
use super::support::{Client, Server};

fn tell(client: &mut Client, frame: &Value) {
    client.send(Message::text(frame.to_string()));
}

/// The next frame of that kind; others are skipped.
fn wait_for(client: &mut Client, kind: &str) -> Value {
    loop {
        let event = client.next_event();
        if event["t"] == kind {
            return event;
        }
        assert_ne!(event["t"], "error", "instead of {kind}: {event}");
    }
}

fn join(client: &mut Client, room: &str) -> Value {
    tell(client, &json!({"t": "join", "rooms": [{"room": room}]}));
    wait_for(client, "joined")
}

/// Publishes so many messages of so many bytes; the epoch and number of the first.
fn publish(client: &mut Client, room: &str, count: usize, bytes: usize) -> Value {
    let text = "x".repeat(bytes);
    let acks = (0..count).map(|_| {
        tell(
            client,
            &json!({"t": "publish", "room": room, "payload": text}),
        );
        let ack = wait_for(client, "ack");
        json!({"epoch": ack["epoch"], "seq": ack["seq"]})
    });
    acks.collect::<Vec<_>>().swap_remove(0)
}

/// Whether who comes back with this position has missed something.
fn is_gap(server: &Server, room: &str, from: &Value) -> bool {
    let mut client = server.v1("late");
    tell(
        &mut client,
        &json!({"t": "join", "rooms": [{"room": room, "from": from}]}),
    );
    loop {
        let event = client.next_event();
        match event["t"].as_str().unwrap() {
            "gap" => return true,
            "entry" => return false,
            _ => {}
        }
    }
}

/// How many of these messages, said at once, are refused.
fn refused_of(server: &Server, count: usize) -> usize {
    let mut client = server.v1("fast");
    join(&mut client, "den");
    for number in 0..count {
        tell(&mut client, &json!({"t": "ping", "id": number.to_string()}));
    }
    let answers = (0..count).map(|_| {
        loop {
            let event = client.next_event();
            match event["t"].as_str().unwrap() {
                "pong" => break 0,
                "error" => {
                    assert_eq!(event["code"], "rate_limited", "{event}");
                    break 1;
                }
                _ => {}
            }
        }
    });
    answers.sum()
}

effects! {
    "max-message-bytes" => fn a_larger_message_ends_its_connection() {
        let server = Server::start_with(&["--max-message-bytes", "512"]);
        let mut client = server.echo();
        client.send(Message::text("x".repeat(512)));
        assert_eq!(client.next().len(), 512);
        client.send(Message::text("x".repeat(513)));
        assert_eq!(client.closed(), Some(1009));
    }

    "messages-per-second" => fn who_speaks_too_much_is_told_so() {
        let free = Server::start_with(&["--messages-per-second", "0"]);
        assert_eq!(refused_of(&free, 2_000), 0);
        let slow = Server::start_with(&["--messages-per-second", "1"]);
        assert!(refused_of(&slow, 2_000) > 500, "after a burst of 500");
    }

    "message-burst" => fn who_was_silent_may_say_so_much_at_once() {
        let limits = ["--messages-per-second", "1", "--message-burst"];
        let small = Server::start_with(&[&limits[..], &["10"]].concat());
        assert!(refused_of(&small, 100) > 50);
        let large = Server::start_with(&[&limits[..], &["200"]].concat());
        assert_eq!(refused_of(&large, 100), 0);
    }

    "max-rooms" => fn there_are_so_many_rooms_and_no_more() {
        let server = Server::start_with(&["--max-rooms", "1"]);
        let mut first = server.v1("ann");
        join(&mut first, "one");
        let mut second = server.v1("bob");
        tell(&mut second, &json!({"t": "join", "rooms": [{"room": "one"}, {"room": "two"}]}));
        wait_for(&mut second, "joined");
        let refused = second.next_event();
        assert_eq!((&refused["code"], &refused["room"]), (&json!("too_many_rooms"), &json!("two")));
    }

    "max-rooms-per-connection" => fn one_connection_is_in_so_many_rooms() {
        let server = Server::start_with(&["--max-rooms-per-connection", "2"]);
        let mut client = server.v1("ann");
        join(&mut client, "one");
        join(&mut client, "two");
        tell(&mut client, &json!({"t": "join", "rooms": [{"room": "three"}]}));
        assert_eq!(client.next_event()["code"], "too_many_rooms_here");
    }

    "room-log-entries" => fn a_room_keeps_so_many_entries() {
        for (entries, gap) in [("10", true), ("100", false)] {
            let server = Server::start_with(&["--room-log-entries", entries, "--rooms", "*=volatile"]);
            let mut client = server.v1("ann");
            join(&mut client, "den");
            let first = publish(&mut client, "den", 40, 10);
            assert_eq!(is_gap(&server, "den", &first), gap, "{entries}");
        }
    }

    "room-log-bytes" => fn a_room_keeps_so_many_bytes() {
        for (bytes, gap) in [("256KiB", true), ("1MiB", false)] {
            let server = Server::start_with(&["--room-log-bytes", bytes, "--rooms", "*=volatile"]);
            let mut client = server.v1("ann");
            join(&mut client, "den");
            let first = publish(&mut client, "den", 12, 50_000);
            assert_eq!(is_gap(&server, "den", &first), gap, "{bytes}");
        }
    }

    "total-log-bytes" => fn all_rooms_keep_so_many_bytes() {
        for (bytes, gap) in [("1MiB", true), ("64MiB", false)] {
            let server = Server::start_with(&["--total-log-bytes", bytes, "--rooms", "*=volatile"]);
            let mut client = server.v1("ann");
            let rooms = ["a", "b", "c", "d"];
            let firsts = rooms.map(|room| {
                join(&mut client, room);
                publish(&mut client, room, 12, 50_000)
            });
            let gaps = rooms.iter().zip(&firsts).filter(|(room, first)| is_gap(&server, room, first));
            assert_eq!(gaps.count() > 0, gap, "{bytes}");
        }
    }

    "empty-room-kept" => fn an_empty_room_is_forgotten_in_its_time() {
        let server = Server::start_with(&["--empty-room-kept", "100ms", "--rooms", "*=volatile"]);
        let epoch = |first: bool| {
            let mut client = server.v1("ann");
            let joined = join(&mut client, "den");
            if first {
                publish(&mut client, "den", 1, 10);
            }
            joined["epoch"].clone()
        };
        let first = epoch(true);
        let longest = Instant::now() + SOON;
        while epoch(false) == first {
            assert!(Instant::now() < longest, "the room is still there");
            // Who asks is in the room, which keeps it; so it is left alone for longer than its time.
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    }

    "presence-members" => fn a_larger_room_tells_only_how_many_there_are() {
        for (members, names) in [("1", false), ("2", true)] {
            let server = Server::start_with(&["--presence-members", members]);
            let mut first = server.v1("ann");
            join(&mut first, "den");
            let mut second = server.v1("bob");
            tell(&mut second, &json!({"t": "join", "rooms": [{"room": "den", "presence": true}]}));
            loop {
                let presence = wait_for(&mut second, "presence");
                if presence["count"] == 2 {
                    assert_eq!(presence["users"].is_array(), names, "{presence}");
                    break;
                }
            }
        }
    }
}
