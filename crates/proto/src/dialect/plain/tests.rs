//! `/plain`, row by row of docs/seeds.md.

use super::Plain;
use crate::dialect::shown::{self, text};
use crate::{
    Author, ClientId, Command, Dialect, Draft, EntryKind, Event, Frame, Refusal, RoomName,
    UserName, json, renamed,
};

const KIM: Author = Author::Plain(ClientId::SERVER);
const ZEROS: &str = "00000000000000000000000000000000";

fn decode(text: &str) -> Command<'_> {
    Plain.decode(Frame::Text(text)).unwrap()
}

fn said(frame: Frame<'_>) -> String {
    match Plain.decode(frame) {
        Ok(Command::Publish {
            room: None,
            id: None,
            since: None,
            kind,
            payload,
        }) if kind == EntryKind::MESSAGE => json::text(&payload).unwrap().into_owned(),
        other => panic!("{frame:?} is {other:?}"),
    }
}

fn shown(event: &Event<'_>) -> Option<String> {
    let mut out = Vec::new();
    text((Plain.encode(event, &mut out), out))
}

fn entry(draft: Draft) -> Option<String> {
    text(shown::entry(&Plain, draft))
}

fn notice(author: Author, name: &str, came: bool) -> Option<String> {
    let room = &RoomName::general();
    shown(&Event::Notice {
        room,
        author,
        name,
        came,
    })
}

#[test]
fn row_1_06_one_message_per_frame_without_an_envelope_and_binary_as_text() {
    for text in ["hi", "", " ", "{\"type\":\"message\"}", "a\nb"] {
        assert_eq!(said(Frame::Text(text)), text);
        assert_eq!(said(Frame::Binary(text.as_bytes())), text);
    }
    let refused = Plain.decode(Frame::Binary(&[0xff])).err();
    assert_eq!(refused, Some(Refusal::BadPayload));
}

#[test]
fn row_1_07_type_id_nickname_message_in_this_order_and_nothing_else() {
    let message = Draft::message("guest-kim", "hi").by(KIM);
    let expected =
        format!(r#"{{"type":"message","id":"{ZEROS}","nickname":"kim","message":"hi"}}"#);
    assert_eq!(entry(message), Some(expected));
}

#[test]
fn row_1_09_an_id_is_32_lower_case_hexadecimal_digits() {
    let bytes = [0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
    let id = ClientId::from_bytes(bytes).to_string();
    assert_eq!(id, "abcdef0102030405060708090a0b0c0d");
    for name in ["percy", "guest-kim", "$app", ""] {
        let id = ClientId::of_name(name).to_string();
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        assert!(id.len() == 32 && id.bytes().all(is_digit), "{id}");
    }
}

#[test]
fn who_is_not_at_plain_has_his_full_name_and_a_stable_id() {
    for (from, author) in [
        ("percy", Author::Named),
        ("guest-kim", Author::Named),
        ("guest-ci", Author::Published),
    ] {
        let id = ClientId::of_name(from);
        let expected =
            format!(r#"{{"type":"message","id":"{id}","nickname":"{from}","message":"hi"}}"#);
        assert_eq!(entry(Draft::message(from, "hi").by(author)), Some(expected));
    }
}

#[test]
fn row_1_12_nick_renames_to_the_first_word_behind_it() {
    for (text, asked) in [
        ("/nick bob", "bob"),
        ("/nick  x", "x"),
        ("/nick bob and more", "bob"),
        ("/nick\tbob\n", "bob"),
    ] {
        let command = decode(text);
        assert!(
            matches!(&command, Command::Rename { name } if name == asked),
            "{text}"
        );
    }
    let (was, now) = (
        UserName::guest("kim").unwrap(),
        UserName::guest("b\"b").unwrap(),
    );
    let draft = Draft::new(now.shared(), EntryKind::NICK, renamed(&was, &now)).by(KIM);
    let expected = format!(
        r#"{{"type":"nick_update","id":"{ZEROS}","nickname":"b\"b","message":"Client kim changed to b\"b"}}"#
    );
    assert_eq!(entry(draft), Some(expected));
}

#[test]
fn row_1_13_nick_alone_is_ignored() {
    for text in ["/nick", "/nick ", "/nick \t \n"] {
        assert!(matches!(decode(text), Command::Nothing), "{text:?}");
    }
}

#[test]
fn row_1_14_text_that_only_looks_like_the_command_is_a_message() {
    for text in [
        "/nickname x",
        "/NICK x",
        " /nick x",
        "/nic",
        "/",
        "//nick x",
        "say /nick x",
    ] {
        assert_eq!(said(Frame::Text(text)), text);
    }
}

#[test]
fn rows_1_15_1_16_and_e9_who_comes_and_goes_is_a_notification_of_his_own() {
    assert!(Plain.announces());
    let of_kim = |what| {
        format!(
            r#"{{"type":"notification","id":"{ZEROS}","nickname":"kim","message":"kim has {what}"}}"#
        )
    };
    assert_eq!(notice(KIM, "guest-kim", true), Some(of_kim("connected")));
    assert_eq!(
        notice(KIM, "guest-kim", false),
        Some(of_kim("disconnected"))
    );
}

#[test]
fn row_1_18_quotes_controls_markup_and_other_scripts_survive() {
    let text = "\"\\ \u{1}\u{7f}<b>&\u{2028}é\u{1f600}";
    assert_eq!(said(Frame::Text(text)), text);
    let shown = entry(Draft::message("guest-kim", text).by(KIM)).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(parsed["message"], text);
}

#[test]
fn what_is_refused_is_told_by_the_servers_own_voice() {
    let refused = shown(&Event::Refused {
        room: None,
        id: None,
        refusal: Refusal::RateLimited,
        retry_after: None,
    });
    let expected = format!(
        r#"{{"type":"notification","id":"{ZEROS}","nickname":"*","message":"too many messages; slow down"}}"#
    );
    assert_eq!(refused, Some(expected));
    let failed = shown(&Event::Failed {
        room: None,
        id: None,
        code: "closed",
        message: "the bar is \"closed\"",
    });
    assert!(
        failed
            .unwrap()
            .contains(r#""nickname":"*","message":"the bar is \"closed\""}"#)
    );
}

#[test]
fn what_the_door_has_no_words_for_is_not_shown() {
    let typed = Draft::new("app", EntryKind::named("moved"), r#"{"x":1}"#);
    assert_eq!(entry(typed), None);
    // An application's own mistake breaks no frame.
    assert_eq!(entry(Draft::new("app", EntryKind::NICK, "7")), None);
    let pong = Event::Pong { id: None };
    assert_eq!(shown(&pong), None);
}
