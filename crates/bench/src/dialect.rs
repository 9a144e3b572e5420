//! The doors that can be measured, and what is said at them.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::events::{
    CHANGE_ROOM_HEAD, CHANGE_ROOM_TAIL, NEW_MESSAGE_HEAD, NEW_MESSAGE_TAIL, SEND_MESSAGE_HEAD,
    SEND_MESSAGE_TAIL, text_between,
};
use crate::v1;

/// What is spoken at the WebSocket door.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, clap::ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// JSON {type, payload}: a client is in one room and is not told what became of what it sent.
    #[default]
    Events,
    /// parlour.v1: numbers, positions, and an acknowledgement for each publish.
    V1,
}

/// What a client says, in the only form in which the generator says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Be in a room from now on.
    Join(&'a [u8]),
    /// Say something in it.
    Publish(Said<'a>),
}

/// A publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// What the publisher calls it; empty at the events door.
    pub id: &'a [u8],
    /// The text.
    pub text: &'a [u8],
}

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    /// A message; its text and what stands behind it.
    Message(&'a [u8]),
    /// The answer to a publish.
    Answer,
    /// Something that need not be looked at.
    Other,
    /// A refusal, or nothing that belongs to this dialect.
    Refusal,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Events, Self::V1];

    /// What a client offers in `Sec-WebSocket-Protocol`, if anything.
    #[must_use]
    pub fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Events => None,
            Self::V1 => Some(v1::SUBPROTOCOL),
        }
    }

    /// Its name in `--dialect` and in names of results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::V1 => "v1",
        }
    }

    /// Whether every publish is answered.
    #[must_use]
    pub fn answers(self) -> bool {
        self == Self::V1
    }

    /// The frame by which a client gets into a room, in parts.
    pub(crate) fn join(self, room: &str) -> [&[u8]; 3] {
        let (head, tail) = match self {
            Self::Events => (CHANGE_ROOM_HEAD, CHANGE_ROOM_TAIL),
            Self::V1 => (v1::JOIN_HEAD, v1::JOIN_TAIL),
        };
        [head, room.as_bytes(), tail]
    }

    /// Reads a frame of the generator; `None` for any other.
    ///
    /// ```
    /// use parlour_bench::dialect::{Dialect, Heard, Said};
    /// let frame = br#"{"t":"publish","room":"den","id":"m1","payload":"hi"}"#;
    /// let said = Said { id: b"m1", text: b"hi" };
    /// assert_eq!(Dialect::V1.hear(frame), Some(Heard::Publish(said)));
    /// ```
    #[must_use]
    pub fn hear(self, payload: &[u8]) -> Option<Heard<'_>> {
        match self {
            Self::Events => {
                let id = &[][..];
                let said = text_between(payload, SEND_MESSAGE_HEAD, SEND_MESSAGE_TAIL.len());
                let joins = || text_between(payload, CHANGE_ROOM_HEAD, CHANGE_ROOM_TAIL.len());
                said.map(|text| Heard::Publish(Said { id, text }))
                    .or_else(|| joins().map(Heard::Join))
            }
            Self::V1 => {
                if let Some(rest) = payload.strip_prefix(v1::PUBLISH_HEAD) {
                    let (_room, rest) = quoted(rest, v1::PUBLISH_ID)?;
                    let (id, rest) = quoted(rest, v1::PUBLISH_PAYLOAD)?;
                    let text = text_between(rest, b"", v1::PUBLISH_TAIL.len())?;
                    return Some(Heard::Publish(Said { id, text }));
                }
                text_between(payload, v1::JOIN_HEAD, v1::JOIN_TAIL.len()).map(Heard::Join)
            }
        }
    }

    /// Appends what the members of `room` are told of its entry number `seq`: the words that
    /// Parlour has for it, from a sender whose name is as long, at an instant as long.
    pub fn entry(self, room: &[u8], seq: u64, said: Said<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Events => put(out, &[NEW_MESSAGE_HEAD, said.text, NEW_MESSAGE_TAIL]),
            Self::V1 => {
                put(out, &[v1::ENTRY_HEAD, room]);
                put_position(seq, out);
                put(out, &[br#","id":""#, said.id, br#"","from":""#]);
                put(out, &[v1::FROM.as_bytes(), br#"","type":"message","#]);
                put(out, &[br#""payload":""#, said.text, v1::ENTRY_TAIL]);
            }
        }
    }

    /// Appends what the publisher is told of it; nothing at a door that does not answer.
    pub fn answer(self, room: &[u8], seq: u64, said: Said<'_>, out: &mut Vec<u8>) {
        if self == Self::V1 {
            put(out, &[v1::ACK_HEAD, room, br#"","id":""#, said.id]);
            put_position(seq, out);
            out.push(b'}');
        }
    }

    /// Reads a frame of a server whose messages have `text` bytes of text. Runs once per delivery.
    #[inline]
    pub(crate) fn told(self, payload: &[u8], text: usize) -> Told<'_> {
        match self {
            Self::Events => match payload.strip_prefix(NEW_MESSAGE_HEAD) {
                Some(text) => Told::Message(text),
                None => Told::Refusal,
            },
            Self::V1 if payload.starts_with(v1::ENTRY_HEAD) => {
                let behind_head = &payload[v1::ENTRY_HEAD.len()..];
                match behind_head.len().checked_sub(text + v1::ENTRY_TAIL.len()) {
                    Some(start) => Told::Message(&behind_head[start..]),
                    None => Told::Other,
                }
            }
            Self::V1 if payload.starts_with(v1::ACK_HEAD) => Told::Answer,
            Self::V1 if payload.starts_with(v1::ERROR_HEAD) => Told::Refusal,
            Self::V1 if payload.starts_with(v1::HEAD) => Told::Other,
            Self::V1 => Told::Refusal,
        }
    }
}

/// What stands before `end`, which begins with a quotation mark, and what stands behind it.
fn quoted<'a>(bytes: &'a [u8], end: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.iter().position(|byte| *byte == b'"')?;
    Some((&bytes[..at], bytes[at..].strip_prefix(end)?))
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// Ends the string before it.
fn put_position(seq: u64, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = write!(out, r#"","epoch":"{}","seq":{seq}"#, v1::EPOCH);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: Said<'_> = Said {
        id: b"m0000000100000002",
        text: b"0123456789",
    };

    fn json(bytes: &[u8]) -> serde_json::Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn what_a_client_says_is_understood_in_each_dialect() {
        for dialect in Dialect::ALL {
            let join = dialect.join("tea").concat();
            json(&join);
            assert_eq!(dialect.hear(&join), Some(Heard::Join(b"tea")));
            assert_eq!(dialect.hear(br#"{"t":"leave"}"#), None);
        }
        assert_eq!(
            Dialect::V1.hear(br#"{"t":"publish","room":"tea"}"#),
            None,
            "a publish without id and payload is not the generator's"
        );
    }

    #[test]
    fn the_text_of_an_entry_is_found_whatever_its_number() {
        for dialect in Dialect::ALL {
            for seq in [1, 10, 123_456] {
                let mut out = Vec::new();
                dialect.entry(b"tea", seq, SAID, &mut out);
                json(&out);
                let Told::Message(text) = dialect.told(&out, SAID.text.len()) else {
                    panic!("{}", String::from_utf8_lossy(&out))
                };
                assert!(text.starts_with(SAID.text));
            }
        }
    }

    #[test]
    fn an_entry_of_a_yardstick_has_the_fields_of_the_protocol() {
        let mut out = Vec::new();
        Dialect::V1.entry(b"tea", 7, SAID, &mut out);
        let entry = json(&out);
        let keys: Vec<&str> = entry
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut documented = [
            "t", "room", "epoch", "seq", "id", "from", "type", "payload", "sent",
        ];
        documented.sort_unstable();
        assert_eq!(keys, documented);
        out.clear();
        Dialect::V1.answer(b"tea", 7, SAID, &mut out);
        let keys = "epoch id room seq t";
        let answer = json(&out);
        let named: Vec<&str> = answer
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(named.join(" "), keys);
    }

    #[test]
    fn answers_refusals_and_the_rest_are_told_apart() {
        let mut ack = Vec::new();
        Dialect::V1.answer(b"tea", 7, SAID, &mut ack);
        assert_eq!(Dialect::V1.told(&ack, 10), Told::Answer);
        let refusal = br#"{"t":"error","code":"rate_limited"}"#;
        assert_eq!(Dialect::V1.told(refusal, 10), Told::Refusal);
        let hello = br#"{"t":"hello","user":"guest-raw000"}"#;
        assert_eq!(Dialect::V1.told(hello, 10), Told::Other);
        assert_eq!(Dialect::V1.told(b"hello", 10), Told::Refusal);
        assert_eq!(Dialect::Events.told(refusal, 10), Told::Refusal);
        let mut none = Vec::new();
        Dialect::Events.answer(b"tea", 7, SAID, &mut none);
        assert!(none.is_empty());
    }
}
