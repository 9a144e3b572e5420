//! The lines of an outbox file.
//!
//! Each line is one write that was made safe as a whole: a CRC-32 (as in RFC 1952, 8), a space and a JSON
//! list of records. The first line names the format.

use parlour_proto::{EntryId, EntryKind, Epoch, Position, RoomName, Seq};
use serde::{Deserialize, Serialize};

use crate::call::ToPublish;

/// The format, as its first line names it.
pub(super) const FORMAT: &str = "parlour-outbox 1";

/// One thing that happened to an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    /// It was accepted, or is as this says from now on.
    Put(Put),
    /// It is delivered, refused or given up.
    Done { room: String, id: String },
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Put {
    pub(super) room: String,
    pub(super) id: String,
    pub(super) kind: String,
    /// JSON text, as a string: its bytes stay as they are.
    pub(super) payload: String,
    pub(super) user: String,
    /// Where the room was before it was sent first, once that may have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Since>,
}

/// A position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Since {
    epoch: String,
    seq: u64,
}

impl From<Position> for Since {
    fn from(Position { epoch, seq }: Position) -> Self {
        Self {
            epoch: epoch.to_string(),
            seq: seq.0,
        }
    }
}

impl Since {
    fn position(&self) -> Option<Position> {
        let epoch = u64::from_str_radix(&self.epoch, 16).ok()?;
        Some(Position {
            epoch: Epoch(epoch),
            seq: Seq(self.seq),
        })
    }
}

/// What a [`Put`] stands for.
pub(super) struct Item {
    pub(super) publish: ToPublish,
    pub(super) since: Option<Position>,
}

impl Put {
    /// `None` if no client can have written it.
    pub(super) fn item(&self) -> Option<Item> {
        let publish = ToPublish::new(
            RoomName::new(&self.room).ok()?,
            EntryKind::new(&self.kind).ok()?,
            self.payload.clone().into(),
            Some(EntryId::new(&self.id).ok()?),
        );
        let since = match &self.since {
            Some(since) => Some(since.position()?),
            None => None,
        };
        Some(Item {
            publish: publish.ok()?,
            since,
        })
    }
}

/// One line, its end included.
pub(super) fn line(content: &str) -> String {
    format!("{:08x} {content}\n", crc32fast::hash(content.as_bytes()))
}

/// The content of a line without its end, if it is whole.
pub(super) fn content(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok()?;
    let (sum, content) = text.split_once(' ')?;
    (sum == format!("{:08x}", crc32fast::hash(content.as_bytes()))).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_any_byte_changed_is_none() {
        let whole = line(r#"[{"done":{"room":"den","id":"x"}}]"#);
        let whole = whole.trim_end().as_bytes();
        assert!(content(whole).is_some());
        for place in 0..whole.len() {
            let mut torn = whole.to_vec();
            torn[place] ^= 1;
            assert_eq!(content(&torn), None, "{place}");
            assert_eq!(content(&whole[..place]), None, "{place}");
        }
    }
}
