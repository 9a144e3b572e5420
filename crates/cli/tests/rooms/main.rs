//! Rooms on disk, as people and programs meet them: over restarts, by `parlour room`, and in trouble.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod durable;
mod trouble;

use serde_json::{Value, json};
use support::{Answer, Client, Server};
use tungstenite::Message;

/// Publishes over HTTP.
fn try_publish(server: &Server, room: &str, body: &Value) -> Answer {
    server.post(&format!("/rooms/{room}/publish"), "", &body.to_string())
}

/// The same where it must be taken; its place.
fn publish(server: &Server, room: &str, body: &Value) -> Value {
    let answer = try_publish(server, room, body);
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

/// Publishes the messages `text 1` and so on under the ids `m-1` and so on; the first place.
fn say(server: &Server, room: &str, count: u64) -> Value {
    let places = (1..=count).map(|number| {
        let text = format!("text {number}");
        publish(
            server,
            room,
            &json!({"payload": text, "id": format!("m-{number}")}),
        )
    });
    places.collect::<Vec<_>>().swap_remove(0)
}

fn get(server: &Server, path: &str) -> Answer {
    server.ask(&format!("GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n"))
}

/// All entries that are kept, and their epoch.
fn history(server: &Server, room: &str) -> (Value, Vec<Value>) {
    let answer = get(server, &format!("/rooms/{room}/history?after=0&limit=500"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut page: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(page["more"], false);
    let entries = page["entries"].as_array_mut().unwrap();
    let entries = std::mem::take(entries);
    (page["epoch"].clone(), entries)
}

/// Comes back to a room with a position; everything that is told up to the room's head, or a gap.
fn come_back(server: &Server, room: &str, from: &Value) -> (Client, Vec<Value>) {
    let mut client = server.v1("late");
    let join = json!({"t": "join", "rooms": [{"room": room, "from": from}]});
    client.send(Message::text(join.to_string()));
    let joined = client.next_event();
    assert_eq!(joined["t"], "joined", "{joined}");
    let head = joined["head"].as_u64().unwrap();
    let mut told = Vec::new();
    loop {
        let event = client.next_event();
        let is_last = event["seq"].as_u64() == Some(head) || event["reason"] == "new_epoch";
        told.push(event);
        if is_last {
            return (client, told);
        }
    }
}

fn seqs(entries: &[Value]) -> Vec<u64> {
    entries
        .iter()
        .map(|entry| entry["seq"].as_u64().unwrap())
        .collect()
}
