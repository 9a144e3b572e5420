//! What the examples of docs/protocol.md do not show: hostile frames, and what is told of them.

use super::V1;
use crate::{
    Command, Dialect, EntryId, EntryKind, Epoch, Event, Frame, Join, Position, ROOMS_PER_FRAME_MAX,
    Refusal, RoomName, Seq,
};

fn decode(text: &str) -> Result<Command<'_>, Refusal> {
    V1.decode(Frame::Text(text))
}

fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

/// The refusal of a frame, and what its answer can name.
fn refused(text: &str) -> (Refusal, Option<RoomName>, Option<EntryId>) {
    match decode(text) {
        Err(refusal) => (refusal, None, None),
        Ok(Command::Refused { room, id, refusal }) => (refusal, room, id),
        Ok(command) => panic!("{text} is {command:?}"),
    }
}

#[test]
fn bad_frames_are_refused_by_name() {
    for (frame, refusal) in [
        ("", Refusal::BadJson),
        ("hello", Refusal::BadJson),
        (r#"{"t":"join""#, Refusal::BadJson),
        ("[]", Refusal::BadPayload),
        (r#"["join"]"#, Refusal::BadPayload),
        ("{}", Refusal::UnknownType),
        (r#"{"t":null}"#, Refusal::UnknownType),
        (r#"{"t":"dance"}"#, Refusal::UnknownType),
        (r#"{"t":"entry"}"#, Refusal::UnknownType),
        (r#"{"t":7}"#, Refusal::BadPayload),
        (r#"{"t":"ping","t":"ping"}"#, Refusal::BadPayload),
        (r#"{"t":"join"}"#, Refusal::BadPayload),
        (r#"{"t":"join","rooms":[]}"#, Refusal::BadPayload),
        (r#"{"t":"join","rooms":"den"}"#, Refusal::BadPayload),
        (r#"{"t":"join","rooms":["den"]}"#, Refusal::BadPayload),
        (r#"{"t":"join","rooms":[["den"]]}"#, Refusal::BadPayload),
        (r#"{"t":"join","rooms":[{"room":7}]}"#, Refusal::BadPayload),
        (r#"{"t":"join","rooms":[{"room":"$x"}]}"#, Refusal::BadRoom),
        (
            r#"{"t":"join","rooms":[{"room":"den","presence":1}]}"#,
            Refusal::BadPayload,
        ),
        (r#"{"t":"leave","rooms":[]}"#, Refusal::BadPayload),
        (r#"{"t":"leave","rooms":[""]}"#, Refusal::BadRoom),
        (r#"{"t":"ping","id":""}"#, Refusal::BadPayload),
        (r#"{"t":"ping","id":7}"#, Refusal::BadPayload),
        (r#"{"t":"publish","payload":"x"}"#, Refusal::BadPayload),
        (r#"{"t":"publish","room":"den"}"#, Refusal::BadPayload),
    ] {
        assert_eq!(refused(frame).0, refusal, "{frame}");
    }
}

#[test]
fn hostile_positions_are_refused_and_nothing_of_the_frame_is_taken() {
    for from in [
        r#"{"epoch":"9f3c5d20a1b4e687","seq":-1}"#,
        r#"{"epoch":"9f3c5d20a1b4e687","seq":1.5}"#,
        r#"{"epoch":"9f3c5d20a1b4e687","seq":1e3}"#,
        r#"{"epoch":"9f3c5d20a1b4e687","seq":9007199254740992}"#,
        r#"{"epoch":"9f3c5d20a1b4e687","seq":99999999999999999999999}"#,
        r#"{"epoch":"9f3c5d20a1b4e687","seq":"12"}"#,
        r#"{"epoch":"9f3c5d20a1b4e687"}"#,
        r#"{"epoch":"9f3c","seq":1}"#,
        r#"{"epoch":"+f3c5d20a1b4e687","seq":1}"#,
        r#"{"epoch":1,"seq":1}"#,
        r#"["9f3c5d20a1b4e687",1]"#,
        "12",
    ] {
        let frame =
            format!(r#"{{"t":"join","rooms":[{{"room":"hall"}},{{"room":"den","from":{from}}}]}}"#);
        assert_eq!(refused(&frame).0, Refusal::BadPayload, "{frame}");
    }
    let largest = r#"{"t":"join","rooms":[{"room":"den","from":{"seq":9007199254740991,"epoch":"FFFFFFFFFFFFFFFF"}}]}"#;
    let from = Position {
        epoch: Epoch(u64::MAX),
        seq: Seq::MAX,
    };
    let expected = Join {
        from: Some(from),
        ..Join::next(room("den"))
    };
    assert!(matches!(decode(largest), Ok(Command::Join { rooms }) if rooms == [expected]));
}

#[test]
fn one_frame_has_so_many_rooms_and_no_more() {
    let frame = |count: usize| {
        let rooms: Vec<_> = (0..count).map(|n| format!(r#""r{n}""#)).collect();
        format!(r#"{{"t":"leave","rooms":[{}]}}"#, rooms.join(","))
    };
    let most = frame(ROOMS_PER_FRAME_MAX);
    let command = decode(&most).unwrap();
    assert_eq!(command.cost(), 1 + 62);
    assert!(matches!(command, Command::Leave { rooms } if rooms.len() == ROOMS_PER_FRAME_MAX));
    assert_eq!(
        refused(&frame(ROOMS_PER_FRAME_MAX + 1)).0,
        Refusal::BadPayload
    );
}

#[test]
fn a_publish_that_is_refused_is_named_as_far_as_it_has_a_name() {
    let long = "x".repeat(65);
    let (den, id) = (Some(room("den")), EntryId::new("m").ok());
    for (frame, refusal, in_room, with_id) in [
        (
            r#"{"t":"publish","room":"den","id":"m","payload":7}"#.to_owned(),
            Refusal::BadPayload,
            &den,
            &id,
        ),
        (
            r#"{"t":"publish","room":"den","id":"m"}"#.to_owned(),
            Refusal::BadPayload,
            &den,
            &id,
        ),
        (
            r#"{"t":"publish","room":"den","id":"m","type":"a b","payload":1}"#.to_owned(),
            Refusal::BadPayload,
            &den,
            &id,
        ),
        (
            r#"{"t":"publish","room":"$x","id":"m","payload":"x"}"#.to_owned(),
            Refusal::BadRoom,
            &None,
            &id,
        ),
        (
            format!(r#"{{"t":"publish","room":"den","id":"{long}","payload":"x"}}"#),
            Refusal::BadPayload,
            &den,
            &None,
        ),
    ] {
        assert_eq!(
            refused(&frame),
            (refusal, in_room.clone(), with_id.clone()),
            "{frame}"
        );
    }
}

#[test]
fn payloads_are_kept_as_they_came_and_texts_are_escaped_in_one_way() {
    let published = |frame: &str| match decode(frame) {
        Ok(Command::Publish { kind, payload, .. }) => (kind, payload),
        other => panic!("{frame} is {other:?}"),
    };
    let text = r#"{"t":"publish","room":"den","payload":"h\u00e9"}"#;
    assert_eq!(
        published(text),
        (EntryKind::MESSAGE, "\"hé\"".as_bytes().into())
    );
    for payload in [
        "null",
        r#"{"x": 1.50}"#,
        "12345678901234567890123",
        r#""h\u00e9""#,
    ] {
        let frame = format!(r#"{{"t":"publish","room":"den","type":"app:x","payload":{payload}}}"#);
        let kind = EntryKind::new("app:x").unwrap();
        assert_eq!(published(&frame), (kind, payload.to_owned().into()));
    }
    for hostile in [r#""\ud800""#, &"[".repeat(100)] {
        let closing = "]".repeat(if hostile.starts_with('[') { 100 } else { 0 });
        let frame =
            format!(r#"{{"t":"publish","room":"den","type":"x","payload":{hostile}{closing}}}"#);
        assert_eq!(refused(&frame).0, Refusal::BadPayload, "{frame}");
    }
}

#[test]
fn unknown_fields_and_fields_of_other_frames_are_ignored() {
    let frame = r#"{"v":2,"rooms":7,"t":"ping","payload":[],"id":"7"}"#;
    assert!(matches!(decode(frame), Ok(Command::Ping { id: Some(id) }) if id.as_str() == "7"));
    let binary = Frame::Binary(br#"{"t":"ping"}"#);
    assert!(matches!(V1.decode(binary), Ok(Command::Ping { id: None })));
}

#[test]
fn an_answer_to_echo_does_not_exist_here() {
    let mut out = Vec::new();
    assert_eq!(V1.encode(&Event::Echo(Frame::Text("x")), &mut out), None);
    assert!(out.is_empty());
}
