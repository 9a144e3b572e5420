//! The events dialect: JSON `{type, payload}` in both directions (docs/seeds.md, 2.15 to 2.33).
//!
//! In: `send_message {message, from}`, `change_room {name}`. Out: `new_message {message, from,
//! sent}`, and `error {code, message}` only in answer to the client's own frame. Nothing else: a
//! client of this protocol is told only what it knows.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Dialect, Frame, FrameKind};
use crate::{Command, Entry, EntryKind, Event, Refusal, RoomName, json};

/// The dialect of `/ws` when no other subprotocol was asked for.
///
/// ```
/// use parlour_proto::dialect::{Dialect, Events};
/// use parlour_proto::{Command, Frame};
/// let frame = Frame::Text(r#"{"type":"send_message","payload":{"message":"hi"}}"#);
/// assert!(matches!(Events.decode(frame), Ok(Command::Publish { .. })));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Events;

#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) payload: Option<&'a RawValue>,
}

/// `from` is what the client claims. It must have the right shape and is otherwise not used (D22).
#[derive(Deserialize)]
struct SendMessage<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow, rename = "from")]
    _from: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ChangeRoom<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl Dialect for Events {
    fn name(&self) -> &'static str {
        "parlour.events"
    }

    /// Binary frames are decoded as if text (row 2.24).
    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        let envelope = parse_envelope(frame.bytes())?;
        let payload = envelope.payload.map_or("null", RawValue::get);
        match envelope.kind.as_deref() {
            Some("send_message") => {
                let send: SendMessage<'_> = parse_payload(payload)?;
                Ok(Command::Publish {
                    room: None,
                    id: None,
                    since: None,
                    kind: EntryKind::MESSAGE,
                    payload: json::string(&send.message),
                })
            }
            Some("change_room") => {
                let change: ChangeRoom<'_> = parse_payload(payload)?;
                let room = RoomName::new(&change.name).map_err(|_| Refusal::BadRoom)?;
                Ok(Command::Enter { room })
            }
            _ => Err(Refusal::UnknownType),
        }
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        match event {
            Event::Entry { entry, .. } if entry.kind == EntryKind::MESSAGE => {
                put_new_message(entry, out);
            }
            Event::Refused { refusal, .. } => put_error(refusal.code(), &refusal.to_string(), out),
            Event::Failed { code, message, .. } => put_error(code, message, out),
            _ => return None,
        }
        Some(FrameKind::Text)
    }
}

/// JSON of another shape than an envelope is a bad payload, not bad JSON.
pub(super) fn parse_envelope(bytes: &[u8]) -> Result<Envelope<'_>, Refusal> {
    if !json::is_object(bytes) {
        return Err(json::why_no_object(bytes));
    }
    serde_json::from_slice(bytes).map_err(|error| json::refusal(&error))
}

fn parse_payload<'a, T: Deserialize<'a>>(payload: &'a str) -> Result<T, Refusal> {
    if !json::is_object(payload.as_bytes()) {
        return Err(Refusal::BadPayload);
    }
    serde_json::from_str(payload).map_err(|_| Refusal::BadPayload)
}

/// Fields in this order for good: message, from, sent.
fn put_new_message(entry: &Entry, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"new_message","payload":{"message":"#);
    out.extend_from_slice(&entry.payload);
    out.extend_from_slice(br#","from":"#);
    json::put(&entry.from, out);
    out.extend_from_slice(br#","sent":""#);
    entry.sent.put(out);
    out.extend_from_slice(br#""}}"#);
}

/// An event of any type; `payload` is JSON.
pub(super) fn put_event(kind: &str, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"#);
    json::put(kind, out);
    out.extend_from_slice(br#","payload":"#);
    out.extend_from_slice(payload);
    out.push(b'}');
}

fn put_error(code: &str, message: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"error","payload":{"code":"#);
    json::put(code, out);
    out.extend_from_slice(br#","message":"#);
    json::put(message, out);
    out.extend_from_slice(b"}}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, Epoch, Seq, Timestamp};
    use bytes::Bytes;

    fn decode(text: &str) -> Result<Command<'_>, Refusal> {
        Events.decode(Frame::Text(text))
    }

    fn published(text: &str) -> Bytes {
        match decode(text) {
            Ok(Command::Publish { payload, .. }) => payload,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn send_message_publishes_its_text() {
        let frame = r#"{"type":"send_message","payload":{"message":"h\u00e9 <b>","from":"x"}}"#;
        assert_eq!(published(frame), "\"hé <b>\"".as_bytes());
        let frame = r#" {"payload": {"message":"","more":1},"type":"send_message"}"#;
        assert_eq!(published(frame), "\"\"".as_bytes());
    }

    #[test]
    fn bad_frames_are_refused_by_name() {
        for (frame, refusal) in [
            ("hello", Refusal::BadJson),
            ("", Refusal::BadJson),
            (r#"{"type":"send_message""#, Refusal::BadJson),
            ("[1,2]", Refusal::BadPayload),
            (r#"["send_message",["x","y"]]"#, Refusal::BadPayload),
            (r#" ["send_message",{"message":"x"}]"#, Refusal::BadPayload),
            (
                r#"{"type":"send_message","payload": ["x","y"]}"#,
                Refusal::BadPayload,
            ),
            (
                r#"{"type":"change_room","payload":["den"]}"#,
                Refusal::BadPayload,
            ),
            ("[", Refusal::BadJson),
            ("[] x", Refusal::BadJson),
            ("\"x\"", Refusal::BadPayload),
            (r#"{"type":7}"#, Refusal::BadPayload),
            ("{}", Refusal::UnknownType),
            (
                r#"{"type":"new_message","payload":{}}"#,
                Refusal::UnknownType,
            ),
            (r#"{"type":"send_message"}"#, Refusal::BadPayload),
            (
                r#"{"type":"send_message","payload":{}}"#,
                Refusal::BadPayload,
            ),
            (
                r#"{"type":"send_message","payload":{"message":1}}"#,
                Refusal::BadPayload,
            ),
            (
                r#"{"type":"send_message","payload":{"message":"a","from":1}}"#,
                Refusal::BadPayload,
            ),
            (
                r#"{"type":"send_message","payload":{"message":"\ud800"}}"#,
                Refusal::BadPayload,
            ),
            (
                r#"{"type":"change_room","payload":{"name":""}}"#,
                Refusal::BadRoom,
            ),
            (
                r#"{"type":"change_room","payload":{"name":"$x"}}"#,
                Refusal::BadRoom,
            ),
        ] {
            assert_eq!(decode(frame).err(), Some(refusal), "{frame}");
        }
    }

    #[test]
    fn binary_is_taken_as_text() {
        let frame = Frame::Binary(br#"{"type":"change_room","payload":{"name":"den"}}"#);
        assert!(matches!(Events.decode(frame), Ok(Command::Enter { .. })));
    }

    #[test]
    fn new_message_has_one_form_and_order() {
        let draft = Draft::message("guest-\"a\"", "hi");
        let entry = draft.numbered(Seq(1), Timestamp::from_unix_nanoseconds(0));
        let room = RoomName::general();
        let mut out = Vec::new();
        Events.encode(
            &Event::Entry {
                room: &room,
                epoch: Epoch(1),
                entry: &entry,
            },
            &mut out,
        );
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"type":"new_message","payload":{"message":"hi","from":"guest-\"a\"","sent":"1970-01-01T00:00:00.000000000Z"}}"#
        );
    }

    #[test]
    fn what_the_protocol_does_not_know_encodes_to_nothing() {
        let mut out = Vec::new();
        let room = RoomName::general();
        let missed = crate::Missed::Entries {
            epoch: Epoch(1),
            first: Seq(1),
            last: Seq(2),
        };
        assert_eq!(
            Events.encode(
                &Event::Gap {
                    room: &room,
                    missed
                },
                &mut out
            ),
            None
        );
        assert!(out.is_empty());
    }
}
