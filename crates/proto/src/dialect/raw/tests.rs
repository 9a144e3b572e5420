//! Frames of no protocol.

use super::Raw;
use crate::dialect::shown;
use crate::{Command, Dialect, Draft, EntryKind, Event, Frame, FrameKind, Refusal};

const RAW: Raw = Raw { name: "raw" };

fn entry(draft: Draft) -> (Option<FrameKind>, Vec<u8>) {
    shown::entry(&RAW, draft)
}

#[test]
fn row_0_05_handlers_get_the_bytes_and_how_they_came() {
    for frame in [
        Frame::Text(""),
        Frame::Text("{\"type\":1}"),
        Frame::Binary(&[0, 0xff]),
    ] {
        match RAW.decode(frame) {
            Ok(Command::Ask {
                kind,
                payload,
                frame: came,
            }) => {
                assert_eq!((&kind[..], &payload[..]), ("", frame.bytes()));
                assert_eq!(came, frame.kind());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_told_goes_out_as_it_is_and_a_text_that_is_none_does_not() {
    let tell = |payload: &[u8], frame| {
        let mut out = Vec::new();
        let told = Event::Told {
            kind: "x",
            payload,
            frame,
        };
        RAW.encode(&told, &mut out).map(|kind| (kind, out))
    };
    let text = Some((FrameKind::Text, b"hi".to_vec()));
    assert_eq!(tell(b"hi", FrameKind::Text), text);
    let binary = Some((FrameKind::Binary, vec![0xff]));
    assert_eq!(tell(&[0xff], FrameKind::Binary), binary);
    assert_eq!(tell(&[0xff], FrameKind::Text), None);
}

#[test]
fn an_entry_is_its_text_its_bytes_or_its_json() {
    let text = Some(FrameKind::Text);
    assert_eq!(
        entry(Draft::message("app", "\"hi\"")),
        (text, b"\"hi\"".to_vec())
    );
    let binary = Draft::new("app", EntryKind::BINARY, "\"AP8=\"");
    assert_eq!(entry(binary), (Some(FrameKind::Binary), vec![0, 0xff]));
    let typed = Draft::new("app", EntryKind::named("moved"), r#"{"x":1}"#);
    assert_eq!(entry(typed), (text, br#"{"x":1}"#.to_vec()));
    for bad in ["7", "\"A\"", "\"?\""] {
        let bad = Draft::new("app", EntryKind::BINARY, bad);
        assert_eq!(entry(bad), (None, Vec::new()));
    }
}

#[test]
fn there_are_no_words_of_the_servers_own() {
    let refused = Event::Refused {
        room: None,
        id: None,
        refusal: Refusal::RateLimited,
        retry_after: None,
    };
    assert_eq!(RAW.encode(&refused, &mut Vec::new()), None);
}
