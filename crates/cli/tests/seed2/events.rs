//! The events and their errors: rows 2.15 to 2.28, 2.31.

use serde_json::{Value, json};
use tungstenite::Message;

use crate::wire::{House, Socket};
use crate::{ANN, BOB, both_ways};

/// Both users, in the first room.
fn both_users(house: &House) -> [Socket; 2] {
    [ANN, BOB].map(|(user, password)| {
        let ticket = house.way.login(user, password).unwrap();
        house.way.enter(&ticket, None).unwrap()
    })
}

/// Rows 2.15, 2.17 to 2.19; D22: `from` is who the server knows.
#[test]
fn a_message_comes_to_all_in_the_room_the_sender_too_with_the_same_bytes() {
    both_ways(|house| {
        let [mut ann, mut bob] = both_users(&house);
        ann.settle().unwrap();
        let words = "h\u{e9} \"<b>\u{1f4a1}\n";
        ann.say(words).unwrap();
        let mut texts = [&mut ann, &mut bob].map(|socket| {
            loop {
                let text = socket.next_text().unwrap();
                if !text.contains("settled ") {
                    break text;
                }
            }
        });
        assert_eq!(texts[0], texts[1]);
        let event: Value = serde_json::from_str(&std::mem::take(&mut texts[0])).unwrap();
        assert_eq!(event["type"], "new_message");
        let payload = &event["payload"];
        assert_eq!(
            (&payload["message"], &payload["from"]),
            (&json!(words), &json!(ANN.0))
        );
        let sent = payload["sent"].as_str().unwrap();
        assert_eq!(
            (sent.len(), &sent[10..11], &sent[19..20], &sent[29..]),
            (30, "T", ".", "Z")
        );
    });
}

/// Rows 2.20, 2.21; D20: the first room is the one that the page names.
#[test]
fn everybody_begins_in_general_and_is_in_one_room_at_a_time() {
    both_ways(|house| {
        let [mut ann, mut bob] = both_users(&house);
        bob.event("change_room", &json!({ "name": "general" }))
            .unwrap();
        bob.settle().unwrap();
        ann.say("one").unwrap();
        bob.expect_heard("one").unwrap();
        ann.expect_heard("one").unwrap();

        ann.event("change_room", &json!({ "name": "any string: é/7" }))
            .unwrap();
        // At once: what follows is said there, and bob is told nothing of either.
        ann.say("two").unwrap();
        ann.expect_heard("two").unwrap();
        bob.say("three").unwrap();
        bob.expect_heard("three").unwrap();
        ann.say("four").unwrap();
        ann.expect_heard("four").unwrap();
    });
}

/// Rows 2.22, 2.23.
#[test]
fn order_is_kept_and_a_newcomer_is_told_nothing_of_before() {
    const MESSAGES: usize = 300;
    both_ways(|house| {
        let [mut ann, mut bob] = both_users(&house);
        for number in 0..MESSAGES {
            ann.say(&number.to_string()).unwrap();
        }
        for socket in [&mut ann, &mut bob] {
            for number in 0..MESSAGES {
                socket.expect_heard(&number.to_string()).unwrap();
            }
        }
        let ticket = house.way.login(BOB.0, BOB.1).unwrap();
        // It is settled, so anything of before would have come first.
        let mut late = house.way.enter(&ticket, None).unwrap();
        ann.say("after").unwrap();
        late.expect_heard("after").unwrap();
    });
}

/// Row 2.24.
#[test]
fn a_binary_frame_is_read_as_if_it_were_text() {
    both_ways(|house| {
        let [mut ann, _bob] = both_users(&house);
        let event = json!({ "type": "send_message", "payload": { "message": "bytes" } });
        ann.send(Message::binary(event.to_string().into_bytes()))
            .unwrap();
        ann.expect_heard("bytes").unwrap();
    });
}

/// Rows 2.25 to 2.28 as E2, E11 and design.md decide them: told by name, and the connection stays.
#[test]
fn what_is_wrong_is_told_by_name_to_its_sender_alone() {
    both_ways(|house| {
        let [mut ann, mut bob] = both_users(&house);
        ann.settle().unwrap();
        let own = r#"{"type":"new_message","payload":{"message":"m","from":"ann"}}"#;
        for (frame, code) in [
            ("hello", "bad_json"),
            (r#"{"type":"send_message""#, "bad_json"),
            (r#"{"payload":{}}"#, "unknown_type"),
            (r#"{"type":"delete_room","payload":{}}"#, "unknown_type"),
            (own, "unknown_type"),
            (r#"{"type":"send_message"}"#, "bad_payload"),
            (r#"{"type":"send_message","payload":"text"}"#, "bad_payload"),
            (r#"{"type":"send_message","payload":{}}"#, "bad_payload"),
            (
                r#"{"type":"send_message","payload":{"message":7}}"#,
                "bad_payload",
            ),
        ] {
            ann.send_text(frame).unwrap();
            assert_eq!(ann.refused().unwrap(), code, "{frame}");
        }
        ann.say("still here").unwrap();
        bob.expect_heard("still here").unwrap();
    });
}

/// E2.
#[test]
fn ten_bad_frames_in_a_row_end_with_1008() {
    both_ways(|house| {
        let [mut ann, _bob] = both_users(&house);
        for _ in 0..10 {
            ann.send_text("no json").unwrap();
        }
        for _ in 0..9 {
            assert_eq!(ann.refused().unwrap(), "bad_json");
        }
        assert_eq!(ann.end().unwrap().code(), Some(1008));
    });
}
