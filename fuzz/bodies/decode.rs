//! A client's message at every door: an answer to everything, and what is published can be shown
//! everywhere.
//!
//! Bit 0 of byte 0 says whether the message is binary, the rest is the message.

use parlour_proto::dialect::{Echo, Events, Feed, Plain, Raw, Routed, V1};
use parlour_proto::told::Told;
use parlour_proto::{
    Author, ClientId, Command, Dialect, Draft, EntryKind, Epoch, Event, Frame, FrameKind, RoomName,
    Seq, Timestamp,
};

/// A name that a kind of a fuzzer's may well have.
const KIND: &str = "wave";

fn doors() -> Vec<(Box<dyn Dialect>, bool)> {
    let routed = Routed::new("routed").asks(KIND).tells(KIND);
    vec![
        (Box::new(V1), true),
        (Box::new(Events), true),
        (Box::new(routed), true),
        (Box::new(Plain), true),
        (Box::new(Feed), true),
        (Box::new(Raw::new("raw")), false),
        (Box::new(Echo), false),
    ]
}

pub(crate) fn run(data: &[u8]) {
    let [how, message @ ..] = data else { return };
    let frame = match std::str::from_utf8(message) {
        Ok(text) if how & 1 == 0 => Frame::Text(text),
        _ => Frame::Binary(message),
    };
    for (door, _) in doors() {
        if let Ok(command) = door.decode(frame) {
            check(door.name(), command, frame);
        }
    }
    if let Frame::Text(text) = frame {
        // The client's end takes anything, too.
        let _ = Told::parse(text);
    }
}

fn check(door: &str, command: Command<'_>, frame: Frame<'_>) {
    match command {
        Command::Publish { kind, payload, .. } => {
            assert!(!kind.as_str().starts_with('$'), "no client makes these");
            let draft = Draft::new("guest-kim", kind, payload);
            draft.check().expect("what was decoded is good");
            if door == "parlour.plain" {
                let text: String = serde_json::from_slice(&draft.payload).expect("a string");
                assert_eq!(text.as_bytes(), frame.bytes(), "it says what was said");
            }
            can_be_shown(&draft);
        }
        Command::Rename { name } => {
            assert!(!name.is_empty() && !name.contains(char::is_whitespace));
        }
        Command::Ask { kind, payload, .. } if !kind.is_empty() => {
            let draft = Draft::new("app", EntryKind::named(kind), payload);
            draft.check().expect("a handler gets JSON");
        }
        Command::Join { rooms } => assert!(!rooms.is_empty()),
        _ => {}
    }
}

/// Every door that shows it shows a whole frame of its protocol.
fn can_be_shown(draft: &Draft) {
    let room = RoomName::general();
    let authors = [
        Author::Named,
        Author::Published,
        Author::Plain(ClientId::SERVER),
    ];
    for author in authors {
        let draft = draft.clone().by(author);
        let entry = draft.numbered(Seq(1), Timestamp::from_unix_nanoseconds(0));
        let event = Event::Entry {
            room: &room,
            epoch: Epoch(1),
            entry: &entry,
        };
        for (door, is_json) in doors() {
            let mut out = Vec::new();
            let kind = door.encode(&event, &mut out);
            assert!(kind.is_some() || out.is_empty(), "no words are no bytes");
            if kind == Some(FrameKind::Text) {
                let text = std::str::from_utf8(&out).expect("text is UTF-8");
                if is_json {
                    serde_json::from_str::<serde::de::IgnoredAny>(text).expect("one JSON value");
                }
                if door.name() == "parlour.v1" {
                    assert!(matches!(Told::parse(text), Ok(Told::Entry(_))), "{text}");
                }
            }
        }
    }
}
