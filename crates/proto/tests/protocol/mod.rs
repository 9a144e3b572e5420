//! docs/protocol.md against the code: every example of a frame is made or read by it, every table
//! has the rows that it knows and no other.

use std::sync::Arc;
use std::time::Duration;

use parlour_proto::dialect::V1;
use parlour_proto::{
    CloseReason, Command, Dialect, Draft, EntryId, EntryKind, Epoch, Event, Frame, FrameKind, Join,
    Limits, Missed, Page, PageFrom, Position, Refusal, RoomName, Seq, Timestamp, UserName,
};
use serde_json::value::RawValue;

const PROTOCOL: &str = include_str!("../../../../docs/protocol.md");
const CLIENT_TYPES: [&str; 5] = ["join", "leave", "publish", "history", "ping"];
const EPOCH: Epoch = Epoch(0x9f3c_5d20_a1b4_e687);

/// Every example, on one line: the blocks of JSON, and what stands in the text.
fn examples() -> Vec<String> {
    let (mut examples, mut block) = (Vec::new(), None);
    for line in PROTOCOL.lines() {
        match (&mut block, line) {
            (None, "```json") => block = Some(String::new()),
            (None, line) => {
                let spans = line.split('`').skip(1).step_by(2);
                let frames = spans.filter(|span| span.starts_with("{\"t\":"));
                examples.extend(frames.map(str::to_owned));
            }
            (Some(json), "```") => {
                let frames = serde_json::Deserializer::from_str(json).into_iter::<&RawValue>();
                examples.extend(frames.map(|frame| frame.unwrap().get().to_owned()));
                block = None;
            }
            (Some(json), line) => json.push_str(line.trim_start()),
        }
    }
    examples
}

fn is_from_client(example: &str) -> bool {
    let frame: serde_json::Value = serde_json::from_str(example).unwrap();
    CLIENT_TYPES.contains(&frame["t"].as_str().unwrap())
}

fn den() -> RoomName {
    RoomName::new("den").unwrap()
}

fn at(epoch: Epoch, seq: u64) -> Position {
    let seq = Seq(seq);
    Position { epoch, seq }
}

fn users(names: &[&str]) -> Vec<UserName> {
    let user = |name: &&str| match name.strip_prefix("guest-") {
        Some(guest) => UserName::guest(guest).unwrap(),
        None => UserName::user(name).unwrap(),
    };
    names.iter().map(user).collect()
}

/// What the server's examples tell.
fn told() -> Vec<String> {
    let (den, id) = (den(), EntryId::new("m-17").ok());
    let (room, position) = (&den, at(EPOCH, 12));
    let draft = Draft::message("ann", "hello").with_id(EntryId::new("m-17").unwrap());
    let entry = draft.numbered(
        Seq(13),
        Timestamp::from_unix_nanoseconds(1_795_320_000_120_000_000),
    );
    let (page, page_id) = ([Arc::new(entry.clone())], EntryId::new("h-1").ok());
    let here = users(&["ann", "bob", "guest-kim"]);
    let (came, went) = (users(&["cid"]), users(&["bob"]));
    let gap = |missed| Event::Gap { room, missed };
    let events = [
        Event::Hello {
            user: &here[0],
            limits: &Limits::default(),
        },
        Event::Joined {
            room,
            position,
            head: Seq(40),
        },
        Event::Entry {
            room,
            epoch: EPOCH,
            entry: &entry,
        },
        Event::Ack {
            room,
            id: id.as_ref(),
            position: at(EPOCH, 13),
        },
        Event::Page {
            room,
            id: page_id.as_ref(),
            epoch: EPOCH,
            entries: &page,
            more: true,
        },
        gap(Missed::Entries {
            epoch: EPOCH,
            first: Seq(13),
            last: Seq(40),
        }),
        gap(Missed::Epoch {
            was: position,
            now: at(Epoch(0x00d1_c2b3_a495_8677), 0),
        }),
        Event::Presence {
            room,
            count: 3,
            users: Some(&here),
        },
        Event::Presence {
            room,
            count: 812,
            users: None,
        },
        Event::PresenceChange {
            room,
            count: 3,
            came: &came,
            went: &went,
        },
        Event::Told {
            kind: "reaction",
            payload: br#"{"to":13,"mark":"heart"}"#,
            frame: FrameKind::Text,
        },
        Event::Left { room },
        Event::Pong {
            id: EntryId::new("7").ok().as_ref(),
        },
        Event::Refused {
            room: Some(room),
            id: EntryId::new("m-18").ok().as_ref(),
            refusal: Refusal::RateLimited,
            retry_after: Some(Duration::from_millis(250)),
        },
        Event::Closing {
            reason: CloseReason::GoingAway,
            retry_after: Some(Duration::from_millis(2_310)),
        },
    ]
    .map(|event| {
        let mut out = Vec::new();
        V1.encode(&event, &mut out).expect("words for it");
        String::from_utf8(out).unwrap()
    });
    events.into()
}

#[test]
fn every_example_of_the_server_is_made_byte_for_byte_and_nothing_else() {
    let mut shown = examples();
    shown.retain(|example| !is_from_client(example));
    let mut told = told();
    shown.sort();
    told.sort();
    assert_eq!(shown, told);
}

#[test]
fn every_example_of_a_client_is_read_as_it_is_explained() {
    let mut shown = examples();
    shown.retain(|example| is_from_client(example));
    assert_eq!(shown.len(), CLIENT_TYPES.len(), "one for each: {shown:?}");
    for example in &shown {
        match V1.decode(Frame::Text(example)).unwrap() {
            Command::Join { rooms } => {
                let general = Join::next(RoomName::general());
                let den = Join {
                    room: den(),
                    from: Some(at(EPOCH, 12)),
                    presence: true,
                };
                assert_eq!(rooms, [general, den]);
            }
            Command::Leave { rooms } => assert_eq!(rooms, [den()]),
            Command::Publish {
                room,
                id,
                since,
                kind,
                payload,
            } => {
                assert_eq!((room, id), (Some(den()), EntryId::new("m-17").ok()));
                assert_eq!(since, None);
                assert_eq!(
                    (kind, &payload[..]),
                    (EntryKind::MESSAGE, &b"\"hello\""[..])
                );
            }
            Command::History { room, page, id } => {
                assert_eq!((room, id), (den(), EntryId::new("h-1").ok()));
                let from = PageFrom::Before(Seq(14));
                assert_eq!(page, Page { from, limit: 2 });
            }
            Command::Ping { id } => assert_eq!(id, EntryId::new("7").ok()),
            other => panic!("{example} is {other:?}"),
        }
    }
}

/// The cells of the rows of the table with this head.
fn table(head: &str) -> Vec<Vec<String>> {
    let rows = PROTOCOL.lines().skip_while(|line| *line != head).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    };
    rows.map(cells).collect()
}

fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

#[test]
fn the_table_of_errors_has_every_code_with_its_weight_and_its_hope() {
    let rows = table("| code | when | bad frame | retry |");
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row[0].as_str(), row[2].as_str(), row[3].as_str()))
        .collect();
    let known = Refusal::ALL.map(|refusal| {
        (
            refusal.code(),
            yes_or_no(refusal.is_bad_frame()),
            yes_or_no(refusal.may_pass_later()),
        )
    });
    assert_eq!(shown, known);
}

#[test]
fn the_table_of_closes_has_every_code_name_and_text_and_says_whether_to_come_back() {
    let mut shown = Vec::new();
    for row in table("| code | `why` | text | come back? |") {
        let back = row[3] == "yes";
        shown.push((row[0].clone(), row[1].clone(), row[2].clone(), back));
    }
    // This dialect has words for gaps.
    let reasons = CloseReason::ALL.into_iter();
    let mut known: Vec<_> = reasons
        .filter(|reason| *reason != CloseReason::Lagged)
        .map(|reason| {
            let code = reason.code().unwrap().to_string();
            let (name, text) = (reason.name().to_owned(), reason.text().to_owned());
            (code, name, text, reason.may_come_back())
        })
        .collect();
    shown.sort();
    known.sort();
    assert_eq!(shown, known);
}
