//! The events dialect with types of the application's own.

use super::Routed;
use crate::dialect::shown::{self, text};
use crate::{Command, Dialect, Draft, EntryKind, Event, Frame, FrameKind, Refusal};

fn dialect() -> Routed {
    Routed::new("my.events")
        .asks("wave")
        .asks("send_message")
        .tells("waved")
}

fn asked(text: &str) -> Option<(String, String)> {
    match dialect().decode(Frame::Text(text)) {
        Ok(Command::Ask { kind, payload, .. }) => {
            Some((kind, String::from_utf8(payload.to_vec()).unwrap()))
        }
        _ => None,
    }
}

fn shown(event: &Event<'_>) -> Option<String> {
    let mut out = Vec::new();
    text((dialect().encode(event, &mut out), out))
}

fn entry(draft: Draft) -> Option<String> {
    text(shown::entry(&dialect(), draft))
}

#[test]
fn row_2_15_the_payload_stays_raw_until_its_handler_decodes_it() {
    let frame = r#"{"payload": {"a" : [1, 2.50]} ,"type":"wave"}"#;
    let expected = ("wave".to_owned(), r#"{"a" : [1, 2.50]}"#.to_owned());
    assert_eq!(asked(frame), Some(expected));
    assert_eq!(asked(r#"{"type":"wave"}"#).unwrap().1, "null");
}

#[test]
fn row_2_16_a_handler_takes_a_type_also_one_that_the_dialect_knows_itself() {
    let frame = r#"{"type":"send_message","payload":{"message":"hi"}}"#;
    assert_eq!(asked(frame).unwrap().0, "send_message");
    let plain = Routed::new("my.events").decode(Frame::Text(frame));
    assert!(matches!(plain, Ok(Command::Publish { .. })));
    let frame = r#"{"type":"change_room","payload":{"name":"den"}}"#;
    let command = dialect().decode(Frame::Text(frame));
    assert!(matches!(command, Ok(Command::Enter { .. })));
}

#[test]
fn bad_frames_are_refused_before_the_application_sees_them() {
    for (frame, refusal) in [
        ("wave", Refusal::BadJson),
        ("[]", Refusal::BadPayload),
        (r#"{"type":"dance"}"#, Refusal::UnknownType),
        (r#"{"type":"wave","payload":"\ud800"}"#, Refusal::BadPayload),
        (r#"{"type":"wave","payload":1e999}"#, Refusal::BadPayload),
    ] {
        assert_eq!(
            dialect().decode(Frame::Text(frame)).err(),
            Some(refusal),
            "{frame}"
        );
    }
}

#[test]
fn kinds_that_were_named_and_what_is_told_are_shown_as_type_and_payload() {
    let waved = Draft::new("app", EntryKind::named("waved"), r#"{"hand":1}"#);
    let expected = r#"{"type":"waved","payload":{"hand":1}}"#;
    assert_eq!(entry(waved).as_deref(), Some(expected));
    assert_eq!(
        entry(Draft::new("app", EntryKind::named("other"), "1")),
        None
    );
    assert!(
        entry(Draft::message("app", "hi"))
            .unwrap()
            .contains("new_message")
    );
    let tell = |payload: &str| {
        shown(&Event::Told {
            kind: "a\"b",
            payload: payload.as_bytes(),
            frame: FrameKind::Binary,
        })
    };
    assert_eq!(tell("[1]").unwrap(), r#"{"type":"a\"b","payload":[1]}"#);
    // A payload that is no JSON breaks no frame.
    assert_eq!(
        tell(r#"1},"x":{"#).unwrap(),
        r#"{"type":"a\"b","payload":null}"#
    );
}

#[test]
fn row_2_16_an_error_of_a_handler_becomes_an_error_event() {
    let failed = shown(&Event::Failed {
        room: None,
        id: None,
        code: "no_hands",
        message: "you have none",
    });
    let expected = r#"{"type":"error","payload":{"code":"no_hands","message":"you have none"}}"#;
    assert_eq!(failed.as_deref(), Some(expected));
}
