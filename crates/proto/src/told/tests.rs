//! docs/protocol.md read as a client reads it, and the server's own encoder and decoder against this
//! end.

use std::time::Duration;

use serde_json::value::RawValue;

use super::{Hello, HelloLimits, Said, Told, ask};
use crate::dialect::{Dialect, V1};
use crate::{
    CloseReason, Command, EntryId, EntryKind, Epoch, Event, Frame, Join, Limits, Missed, Page,
    PageFrom, Position, Refusal, RoomName, Seq, Timestamp, UserName,
};

const PROTOCOL: &str = include_str!("../../../../docs/protocol.md");
const EPOCH: Epoch = Epoch(0x9f3c_5d20_a1b4_e687);

fn den() -> RoomName {
    RoomName::new("den").unwrap()
}

fn at(epoch: Epoch, seq: u64) -> Position {
    let seq = Seq(seq);
    Position { epoch, seq }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The frames in the document's blocks of JSON.
fn examples() -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block = None;
    for line in PROTOCOL.lines() {
        match (&mut block, line) {
            (None, "```json") => block = Some(String::new()),
            (None, _) => {}
            (Some(_), "```") => blocks.extend(block.take()),
            (Some(json), line) => json.push_str(line.trim_start()),
        }
    }
    let frames = blocks.iter().flat_map(|json| {
        let frames = serde_json::Deserializer::from_str(json).into_iter::<&RawValue>();
        frames.map(|frame| frame.unwrap().get().to_owned())
    });
    frames.collect()
}

/// The only example with this `t`, or that one of them that has `words` in it.
fn example(t: &str, words: &str) -> String {
    let mark = format!(r#"{{"t":"{t}""#);
    let found = examples().into_iter();
    let found: Vec<_> = found
        .filter(|it| it.starts_with(&mark) && it.contains(words))
        .collect();
    assert_eq!(found.len(), 1, "{t} {words}: {found:?}");
    found[0].clone()
}

fn read(t: &str, words: &str) -> Told {
    Told::parse(&example(t, words)).unwrap()
}

#[test]
fn every_example_of_the_server_is_known() {
    let asked = ["join", "leave", "publish", "history", "ping"];
    let mut told = 0;
    for frame in examples() {
        let value: serde_json::Value = serde_json::from_str(&frame).unwrap();
        if !asked.contains(&value["t"].as_str().unwrap()) {
            let read = Told::parse(&frame).unwrap();
            assert!(!matches!(read, Told::Unknown { .. }), "{frame}");
            told += 1;
        }
    }
    assert!(told >= 11, "only {told} examples");
}

#[test]
fn the_examples_say_what_they_say() {
    let limits = HelloLimits {
        message_bytes: 65_536,
        rooms: 1_000,
        messages_per_second: 100,
        burst: 500,
        presence_members: 500,
        ids: 10_000,
    };
    let hello = Hello {
        version: "0.1.0".into(),
        user: "ann".into(),
        guest: false,
        limits,
    };
    assert_eq!(read("hello", ""), Told::Hello(hello));
    let (room, position, head) = (den(), at(EPOCH, 12), Seq(40));
    assert_eq!(
        read("joined", ""),
        Told::Joined {
            room,
            position,
            head
        }
    );
    let said = Said {
        room: den(),
        position: at(EPOCH, 13),
        id: EntryId::new("m-17").ok(),
        from: "ann".into(),
        kind: EntryKind::MESSAGE,
        payload: r#""hello""#.into(),
        sent: Timestamp::from_unix_nanoseconds(1_795_320_000_120_000_000),
    };
    assert_eq!(read("entry", ""), Told::Entry(said));
    let (id, position) = (EntryId::new("m-17").ok(), at(EPOCH, 13));
    assert_eq!(
        read("ack", ""),
        Told::Ack {
            room: den(),
            id,
            position
        }
    );
    let Told::Page { entries, more, .. } = read("page", "") else {
        panic!("no page");
    };
    let Told::Entry(said) = read("entry", "") else {
        panic!("no entry");
    };
    assert_eq!((entries, more), (vec![said], true));
    let gap = |missed| Told::Gap {
        room: den(),
        missed,
    };
    let (was, now) = (at(EPOCH, 12), at(Epoch(0x00d1_c2b3_a495_8677), 0));
    let (epoch, first, last) = (EPOCH, Seq(13), Seq(40));
    assert_eq!(
        read("gap", "trimmed"),
        gap(Missed::Entries { epoch, first, last })
    );
    assert_eq!(read("gap", "new_epoch"), gap(Missed::Epoch { was, now }));
    assert_eq!(
        read("presence", "users"),
        Told::Presence {
            room: den(),
            count: 3,
            users: Some(names(&["ann", "bob", "guest-kim"]))
        }
    );
    assert_eq!(
        read("presence_change", ""),
        Told::PresenceChange {
            room: den(),
            count: 3,
            came: names(&["cid"]),
            went: names(&["bob"])
        }
    );
    assert_eq!(read("left", ""), Told::Left { room: den() });
    assert_eq!(
        read("error", ""),
        Told::Error {
            code: "rate_limited".into(),
            message: "too many messages; slow down".into(),
            room: Some(den()),
            id: EntryId::new("m-18").ok(),
            retry_after: Some(Duration::from_millis(250)),
        }
    );
    assert_eq!(
        read("closing", ""),
        Told::Closing {
            why: "going_away".into(),
            message: "the server is going away".into(),
            retry_after: Some(Duration::from_millis(2_310)),
        }
    );
}

fn encoded(event: &Event<'_>) -> String {
    let mut out = Vec::new();
    V1.encode(event, &mut out).expect("words for it");
    String::from_utf8(out).unwrap()
}

#[test]
fn what_the_server_leaves_out_is_missing_here_too() {
    let (room, position) = (den(), at(EPOCH, 1));
    let told = |event| Told::parse(&encoded(&event)).unwrap();
    let ack = told(Event::Ack {
        room: &room,
        id: None,
        position,
    });
    assert!(matches!(ack, Told::Ack { id: None, .. }));
    let presence = told(Event::Presence {
        room: &room,
        count: 812,
        users: None,
    });
    assert!(matches!(
        presence,
        Told::Presence {
            count: 812,
            users: None,
            ..
        }
    ));
    assert_eq!(told(Event::Pong { id: None }), Told::Pong { id: None });
    let user = UserName::guest("ann").unwrap();
    let limits = Limits::default();
    let hello = told(Event::Hello {
        user: &user,
        limits: &limits,
    });
    assert!(matches!(hello, Told::Hello(Hello { guest: true, .. })));
}

#[test]
fn every_refusal_and_every_close_of_the_server_is_read() {
    for refusal in Refusal::ALL {
        let event = Event::Refused {
            room: None,
            id: None,
            refusal,
            retry_after: None,
        };
        let Ok(Told::Error { code, message, .. }) = Told::parse(&encoded(&event)) else {
            panic!("{refusal:?}");
        };
        assert_eq!(
            (code, message),
            (refusal.code().into(), refusal.to_string())
        );
    }
    for reason in CloseReason::ALL {
        let event = Event::Closing {
            reason,
            retry_after: None,
        };
        let Ok(Told::Closing {
            why, retry_after, ..
        }) = Told::parse(&encoded(&event))
        else {
            panic!("{reason:?}");
        };
        assert_eq!((why, retry_after), (reason.name().into(), None));
    }
}

#[test]
fn what_a_later_server_adds_is_ignored() {
    let later = r#"{"x":[1],"t":"left","room":"den","id":7,"why":null}"#;
    assert_eq!(Told::parse(later), Ok(Told::Left { room: den() }));
    let unknown = |t: &str| Told::Unknown { t: t.into() };
    assert_eq!(Told::parse(r#"{"t":"dance"}"#), Ok(unknown("dance")));
    let reason = r#"{"t":"gap","room":"den","reason":"moon"}"#;
    assert_eq!(Told::parse(reason), Ok(unknown("gap, reason moon")));
    let nick = r#"{"t":"entry","room":"den","epoch":"9f3c5d20a1b4e687","seq":1,"from":"guest-bob",
        "type":"$nick","payload":{"was":"kim"},"sent":"2026-11-22T04:00:00Z","colour":1}"#;
    let Ok(Told::Entry(said)) = Told::parse(nick) else {
        panic!("an entry")
    };
    assert_eq!(said.kind.as_str(), "$nick");
    assert_eq!(
        (&said.payload[..], said.text()),
        (&br#"{"was":"kim"}"#[..], None)
    );
}

#[test]
fn what_no_server_of_this_protocol_sends_is_an_error_in_words() {
    for frame in [
        "",
        "hello",
        "[]",
        "{}",
        r#"{"t":7}"#,
        r#"{"t":"left"}"#,
        r#"{"t":"left","room":"$"}"#,
        r#"{"t":"joined","room":"den","epoch":"9f3c","seq":1,"head":1}"#,
        r#"{"t":"ack","room":"den","epoch":"9f3c5d20a1b4e687","seq":-1}"#,
        r#"{"t":"pong","id":""}"#,
    ] {
        let error = Told::parse(frame).unwrap_err().to_string();
        assert!(error.contains("not of parlour.v1: "), "{frame}: {error}");
    }
}

#[test]
fn no_wait_is_negative_or_longer_than_a_day() {
    let wait = |seconds: &str| {
        let frame = format!(r#"{{"t":"closing","why":"x","message":"","retry_after":{seconds}}}"#);
        match Told::parse(&frame) {
            Ok(Told::Closing { retry_after, .. }) => retry_after.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(wait("-1"), Duration::ZERO);
    assert_eq!(wait("0.5"), Duration::from_millis(500));
    assert_eq!(wait("1e300"), Duration::from_secs(86_400));
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_clients_frames_are_the_documents_examples() {
    let general = Join::next(RoomName::general());
    let back = Join {
        room: den(),
        from: Some(at(EPOCH, 12)),
        presence: true,
    };
    let id = EntryId::new("m-17").ok();
    let kind = EntryKind::MESSAGE;
    for (t, frame) in [
        ("join", written(|out| ask::join(&[general, back], out))),
        ("leave", written(|out| ask::leave(&[den()], out))),
        (
            "publish",
            written(|out| ask::publish(&den(), id.as_ref(), &kind, br#""hello""#, out)),
        ),
        (
            "history",
            written(|out| {
                let (from, id) = (PageFrom::Before(Seq(14)), EntryId::new("h-1").ok());
                ask::history(&den(), Page { from, limit: 2 }, id.as_ref(), out);
            }),
        ),
        (
            "ping",
            written(|out| ask::ping(EntryId::new("7").ok().as_ref(), out)),
        ),
    ] {
        assert_eq!(frame, example(t, ""));
    }
}

#[test]
fn the_server_reads_what_is_written() {
    let hard = RoomName::new("a \"b\" \\ é").unwrap();
    let (id, text) = (EntryId::new("\"\u{1}\\").ok(), "line\nline \"q\" \u{7f}€𝄞");
    let decode = |frame: &str| V1.decode(Frame::Text(frame)).map(|it| format!("{it:?}"));
    let frame = written(|out| ask::message(&hard, id.as_ref(), text, out));
    match V1.decode(Frame::Text(&frame)).unwrap() {
        Command::Publish {
            room,
            id: read,
            since: None,
            kind,
            payload,
        } => {
            assert_eq!(
                (room, read, kind),
                (Some(hard.clone()), id, EntryKind::MESSAGE)
            );
            assert_eq!(serde_json::from_slice::<String>(&payload).unwrap(), text);
        }
        other => panic!("{other:?}"),
    }
    let joins = [Join::next(hard.clone()), Join::next(den())];
    let frame = written(|out| ask::join(&joins, out));
    assert!(
        matches!(V1.decode(Frame::Text(&frame)), Ok(Command::Join { rooms }) if rooms == joins)
    );
    let frame = written(|out| ask::leave(&[hard.clone(), den()], out));
    assert!(
        matches!(V1.decode(Frame::Text(&frame)), Ok(Command::Leave { rooms }) if rooms == [hard, den()])
    );
    let frame = written(|out| ask::ping(None, out));
    assert!(decode(&frame).unwrap().contains("Ping"), "{frame}");
}

#[test]
fn rooms_and_events_of_the_application_are_read() {
    let left = Told::parse(r#"{"t":"left","room":"$all"}"#).unwrap();
    assert_eq!(left.room(), Some(&RoomName::reserved("all").unwrap()));
    assert!(Told::parse(r#"{"t":"left","room":"$"}"#).is_err());
    let event = read("event", "");
    let payload = r#"{"to":13,"mark":"heart"}"#.into();
    let kind = "reaction".to_owned();
    assert_eq!(event, Told::Event { kind, payload });
}
