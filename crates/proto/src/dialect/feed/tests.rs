//! `/subscribe`, row by row of the contract.

use super::Feed;
use crate::{
    Author, ClientId, Command, Dialect, Draft, EntryKind, Epoch, Event, Frame, FrameKind, Refusal,
    RoomName, Seq, Timestamp,
};

fn entry(draft: Draft) -> Option<String> {
    let entry = draft.numbered(Seq(1), Timestamp::from_unix_nanoseconds(0));
    let (room, epoch) = (&RoomName::general(), Epoch(1));
    let mut out = Vec::new();
    let event = Event::Entry {
        room,
        epoch,
        entry: &entry,
    };
    let kind = Feed.encode(&event, &mut out)?;
    assert_eq!(kind, FrameKind::Text);
    Some(String::from_utf8(out).unwrap())
}

#[test]
fn row_3_17_each_message_is_one_frame_of_name_and_msg() {
    let published = Draft::message("guest-eve", "a \"b\" <c>").by(Author::Published);
    let expected = r#"{"name":"eve","msg":"a \"b\" <c>"}"#;
    assert_eq!(entry(published).as_deref(), Some(expected));
}

#[test]
fn who_did_not_publish_by_post_has_his_full_name() {
    for (from, author) in [
        ("percy", Author::Named),
        ("guest-kim", Author::Named),
        ("guest-kim", Author::Plain(ClientId::SERVER)),
    ] {
        let expected = format!(r#"{{"name":"{from}","msg":"hi"}}"#);
        assert_eq!(entry(Draft::message(from, "hi").by(author)), Some(expected));
    }
}

#[test]
fn row_3_18_any_data_ends_the_connection() {
    for frame in [Frame::Text(""), Frame::Text("{}"), Frame::Binary(&[0xff])] {
        assert!(matches!(Feed.decode(frame), Ok(Command::Unexpected)));
    }
}

#[test]
fn nothing_but_messages_is_shown() {
    assert_eq!(entry(Draft::new("app", EntryKind::NICK, "{}")), None);
    assert_eq!(
        entry(Draft::new("app", EntryKind::named("moved"), "1")),
        None
    );
    let refused = Event::Refused {
        room: None,
        id: None,
        refusal: Refusal::TooManyRooms,
        retry_after: None,
    };
    assert_eq!(Feed.encode(&refused, &mut Vec::new()), None);
}
