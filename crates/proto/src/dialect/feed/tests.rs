//! `/subscribe`, row by row of docs/seeds.md.

use super::Feed;
use crate::dialect::shown::{self, text};
use crate::{Author, ClientId, Command, Dialect, Draft, EntryKind, Event, Frame, Refusal};

fn entry(draft: Draft) -> Option<String> {
    text(shown::entry(&Feed, draft))
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
