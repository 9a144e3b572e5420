//! What is said, and how everybody sees it.

use serde_json::Value;
use tungstenite::Message;

use crate::support::{Chatter, Server};

/// The server and two who see each other.
fn two() -> (Server, Chatter, Chatter) {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    let bob = Chatter::new(&server);
    ann.sees_come(&bob.first);
    (server, ann, bob)
}

#[test]
fn everybody_the_sender_too_gets_the_same_object_of_four_fields_in_their_order() {
    let (_server, mut ann, mut bob) = two();
    ann.say("hello");
    let texts = [&mut ann, &mut bob].map(|it| it.client.next().into_text().unwrap().to_string());
    let id = &ann.id;
    let expected = format!(
        r#"{{"type":"message","id":"{id}","nickname":"AnonymousUser0","message":"hello"}}"#
    );
    assert_eq!(texts, [expected.clone(), expected]);
}

#[test]
fn an_id_is_32_hexadecimal_digits_and_stays_one_persons() {
    let (_server, mut ann, mut bob) = two();
    assert_ne!(ann.id, bob.id);
    for id in [&ann.id, &bob.id] {
        let is_digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
        assert!(id.len() == 32 && id.bytes().all(is_digit), "{id}");
    }
    ann.say("one");
    ann.heard();
    ann.becomes("ann");
    ann.say("two");
    let ids: Vec<Value> = (0..3).map(|_| bob.next()["id"].clone()).collect();
    assert_eq!(ids, [ann.id.as_str(); 3]);
}

#[test]
fn d01_short_texts_and_empty_ones_are_messages() {
    let (_server, mut ann, mut bob) = two();
    for text in ["", "hi", "ok", "/", "/n", "/nic"] {
        ann.say(text);
        assert_eq!(bob.heard(), (ann.first.clone(), text.to_owned()));
        ann.heard();
    }
}

#[test]
fn a_slash_that_is_not_the_command_is_part_of_a_message() {
    let (_server, mut ann, mut bob) = two();
    for text in [
        "/nickname x",
        "/NICK x",
        "/join den",
        " /nick x",
        "say /nick x",
        "/nick\u{301} x",
    ] {
        ann.say(text);
        assert_eq!(bob.heard().1, text);
        assert_eq!(ann.heard(), (ann.first.clone(), text.to_owned()));
    }
}

#[test]
fn quotes_markup_control_characters_and_all_scripts_arrive_as_they_were_sent() {
    let (_server, mut ann, mut bob) = two();
    for text in [
        "\"quoted\" and \\ and \u{8}\u{c}\n\r\t\u{1}\u{7f}",
        "<script>alert('&amp;')</script>",
        "caf\u{e9} \u{65e5}\u{672c} \u{1f980} \u{202e}abc \u{2028}",
        "{\"type\":\"message\"}",
    ] {
        ann.say(text);
        assert_eq!(bob.heard().1, text);
        ann.heard();
    }
}

#[test]
fn a_binary_frame_is_taken_as_text() {
    let (_server, mut ann, mut bob) = two();
    ann.client
        .send(Message::binary("caf\u{e9}".as_bytes().to_vec()));
    assert_eq!(bob.heard().1, "caf\u{e9}");
    ann.client.send(Message::binary(b"/nick kim".to_vec()));
    assert_eq!(bob.told("nick_update").0, "kim");
}

#[test]
fn messages_of_one_sender_arrive_in_their_order() {
    let (_server, mut ann, mut bob) = two();
    let texts: Vec<String> = (0..100).map(|it| format!("message {it}")).collect();
    for text in &texts {
        ann.say(text);
    }
    let heard: Vec<String> = texts.iter().map(|_| bob.heard().1).collect();
    assert_eq!(heard, texts);
}

#[test]
fn d03_a_thousand_messages_without_a_pause_reach_everybody_and_remove_nobody() {
    let server = Server::start_with(&["--messages-per-second", "0"]);
    let mut ann = Chatter::new(&server);
    let mut bob = Chatter::new(&server);
    ann.sees_come(&bob.first);
    for number in 0..1_000 {
        ann.say(&number.to_string());
    }
    for client in [&mut bob, &mut ann] {
        for number in 0..1_000 {
            assert_eq!(client.heard().1, number.to_string());
        }
    }
    bob.say("still here");
    assert_eq!(ann.heard().1, "still here");
}

#[test]
fn who_speaks_too_fast_is_told_so_and_nobody_else_hears_of_it() {
    let server = Server::start_with(&["--messages-per-second", "1", "--message-burst", "2"]);
    let mut ann = Chatter::new(&server);
    let mut bob = Chatter::new(&server);
    ann.sees_come(&bob.first);
    for number in 0..3 {
        ann.say(&number.to_string());
    }
    // The refusal is ordered with nothing; what was taken is.
    let told: Vec<Value> = (0..3).map(|_| ann.next()).collect();
    let (refusals, messages): (Vec<_>, Vec<_>) = told.iter().partition(|it| it["nickname"] == "*");
    assert_eq!((refusals.len(), messages.len()), (1, 2), "{told:?}");
    assert_eq!(refusals[0]["type"], "notification");
    assert_eq!([bob.heard().1, bob.heard().1], ["0", "1"]);
    drop(ann);
    bob.sees_go("AnonymousUser0");
}

#[test]
fn nothing_is_replayed_to_a_newcomer() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    ann.say("before");
    ann.heard();
    let mut bob = Chatter::new(&server);
    ann.say("after");
    assert_eq!(bob.heard().1, "after");
}
