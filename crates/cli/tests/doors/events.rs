//! `/ws` with the events dialect: docs/seeds.md, 2.15 to 2.24, E2, D20, D22.

use serde_json::json;
use tungstenite::Message;

use crate::support::{Client, Server};

#[test]
fn a_message_goes_to_everybody_in_the_room_the_sender_too_with_the_same_bytes() {
    let server = Server::start();
    let mut ann = server.join("ann", "den");
    let mut bob = server.join("bob", "den");
    ann.settle();
    ann.say("h\u{e9}llo \"<b>\u{1f4a1}\n");
    let texts = [&mut ann, &mut bob].map(Client::told_text);
    assert_eq!(texts[0], texts[1]);
    let event: serde_json::Value = serde_json::from_str(&texts[0]).unwrap();
    let payload = &event["payload"];
    assert_eq!(payload["message"], "h\u{e9}llo \"<b>\u{1f4a1}\n");
    assert_eq!(
        payload["from"], "guest-ann",
        "the ticket's name, not what the client claims"
    );
    let sent = payload["sent"].as_str().unwrap();
    assert_eq!(
        (sent.len(), &sent[10..11], &sent[29..]),
        (30, "T", "Z"),
        "{sent}"
    );
    let fields: Vec<&String> = payload.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["from", "message", "sent"]);
}

#[test]
fn a_connection_that_names_no_room_is_in_general() {
    let server = Server::start();
    let mut named = server.join("ann", "general");
    let (otp, _) = server.ticket("bob");
    let mut unnamed = Client::open(&server, &format!("/ws?otp={otp}"), &[]).unwrap();
    unnamed.settle();
    named.say("hello");
    assert_eq!(unnamed.told()["message"], "hello");
}

#[test]
fn changing_the_room_takes_effect_at_once_and_says_nothing() {
    let server = Server::start();
    let mut ann = server.join("ann", "one");
    let mut bob = server.join("bob", "two");
    // Without a pause: what follows the change is said in the new room.
    ann.event("change_room", &json!({ "name": "two" }));
    ann.say("in two");
    assert_eq!(
        bob.told()["message"],
        "in two",
        "and no word of the change before it"
    );
    assert_eq!(
        ann.told()["message"],
        "in two",
        "and no answer to the change before it"
    );

    let mut carl = server.join("carl", "one");
    carl.say("in one");
    bob.say("also in two");
    assert_eq!(ann.told()["message"], "also in two", "the old room is left");
}

#[test]
fn a_newcomer_is_told_nothing_of_what_was_before() {
    let server = Server::start();
    let mut ann = server.join("ann", "den");
    ann.say("before");
    assert_eq!(ann.told()["message"], "before");
    let mut bob = server.join("bob", "den");
    ann.say("after");
    assert_eq!(bob.told()["message"], "after");
}

#[test]
fn messages_of_one_sender_arrive_in_order_everywhere() {
    let server = Server::start();
    let mut members: Vec<_> = (0..4)
        .map(|n| server.join(&format!("m{n}"), "den"))
        .collect();
    for n in 0..400 {
        members[0].say(&n.to_string());
    }
    for member in &mut members {
        for n in 0..400 {
            assert_eq!(member.told()["message"], n.to_string());
        }
    }
}

#[test]
fn binary_frames_are_read_as_text() {
    let server = Server::start();
    let mut ann = server.join("ann", "den");
    let frame = json!({ "type": "send_message", "payload": { "message": "bytes" } });
    ann.send(Message::binary(frame.to_string().into_bytes()));
    assert_eq!(ann.told()["message"], "bytes");
}

#[test]
fn bad_frames_are_refused_by_name_and_the_connection_stays() {
    let server = Server::start();
    let mut ann = server.join("ann", "den");
    let mut bob = server.join("bob", "den");
    for (frame, code) in [
        ("hello", "bad_json"),
        ("", "bad_json"),
        ("{}", "unknown_type"),
        (
            r#"{"type":"new_message","payload":{"message":"m"}}"#,
            "unknown_type",
        ),
        (r#"{"type":"send_message","payload":{}}"#, "bad_payload"),
        (
            r#"{"type":"send_message","payload":{"message":7}}"#,
            "bad_payload",
        ),
        (
            r#"{"type":"change_room","payload":{"name":""}}"#,
            "bad_room",
        ),
        (
            r#"{"type":"change_room","payload":{"name":"$inside"}}"#,
            "bad_room",
        ),
    ] {
        ann.send(Message::text(frame));
        assert_eq!(ann.refused_past_settling(), code, "{frame}");
    }
    ann.say("still here");
    assert_eq!(
        bob.told()["message"],
        "still here",
        "and nobody else was told of the errors"
    );
}

#[test]
fn ten_bad_frames_in_a_row_end_the_connection() {
    let server = Server::start();
    let mut ann = server.join("ann", "den");
    for _ in 0..9 {
        ann.send(Message::text("bad"));
        assert_eq!(ann.refused(), "bad_json");
    }
    ann.say("a good one in between");
    assert_eq!(ann.told()["message"], "a good one in between");
    for _ in 0..10 {
        ann.send(Message::text("bad"));
    }
    assert_eq!(ann.closed(), Some(1008));
}

#[test]
fn rooms_with_their_home_on_any_shard_work_alike() {
    let server = Server::start();
    for n in 0..16 {
        let room = format!("room-{n}");
        let mut ann = server.join("ann", &room);
        let mut bob = server.join("bob", &room);
        ann.say("ping");
        assert_eq!(bob.told()["message"], "ping");
        bob.say("pong");
        assert_eq!(ann.told()["message"], "ping");
        assert_eq!(ann.told()["message"], "pong");
    }
}
