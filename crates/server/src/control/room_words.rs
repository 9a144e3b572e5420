//! What is said on the control socket about rooms on disk.

use parlour_store_redb::{DamagedPart, RoomSummary, VerifyProgress};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the operator wants to know of rooms, or to have done with one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum RoomRequest {
    /// A piece of the list: those after this name.
    List { after: Option<String> },
    /// Where one is.
    Find { room: String },
    /// Entries after this one, at most so many.
    Read { room: String, after: u64, most: u32 },
    /// Whether everything in one room, or in all, is what was written. Answered with how far it is, again
    /// and again, and at last with the verdict.
    Verify { room: Option<String> },
    /// Take away the entries before this one.
    Trim { room: String, before: u64 },
}

/// What became of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoomAnswer {
    Listed {
        rooms: Vec<KeptRoom>,
        damaged: Vec<Damage>,
        next: Option<String>,
    },
    Found(Option<KeptRoom>),
    Read(Vec<KeptEntry>),
    /// So far; more lines follow.
    Verifying(Looked),
    Verified {
        looked: Looked,
        damaged: Vec<Damage>,
    },
    /// The oldest that is kept now; nothing if there is no such room.
    Trimmed(Option<u64>),
}

/// A room on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeptRoom {
    /// Its name.
    pub room: String,
    /// Which life of its log: 16 hexadecimal digits.
    pub epoch: String,
    /// How many entries are kept.
    pub entries: u64,
    /// Bytes that they take on disk.
    pub bytes: u64,
    /// The oldest entry that is kept; one after `head` if none is.
    pub first: u64,
    /// The newest entry.
    pub head: u64,
    /// When that was sent, RFC 3339.
    pub last_sent: String,
    /// In which file it is, counted from 0.
    pub partition: u16,
}

impl From<RoomSummary> for KeptRoom {
    fn from(room: RoomSummary) -> Self {
        Self {
            room: room.room.as_str().to_owned(),
            epoch: room.epoch.to_string(),
            entries: room.entries,
            bytes: room.bytes,
            first: room.first.0,
            head: room.head.0,
            last_sent: room.last_sent.to_string(),
            partition: room.partition,
        }
    }
}

/// An entry as JSON: what a client of `parlour.v1` is told, without `t`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeptEntry(pub(crate) Box<RawValue>);

impl KeptEntry {
    /// The JSON on one line.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for KeptEntry {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl Eq for KeptEntry {}

/// Something on disk that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Damage {
    /// Which room; nothing if it is not known whose it is.
    pub room: Option<String>,
    /// The first entry that it is about, if it is about entries.
    pub seq: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl From<DamagedPart> for Damage {
    fn from(part: DamagedPart) -> Self {
        Self {
            room: part.room,
            seq: part.seq.map(|seq| seq.0),
            what: part.what,
        }
    }
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Looked {
    /// Rooms.
    pub rooms: u64,
    /// Entries.
    pub entries: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Damaged places.
    pub damages: u64,
}

impl From<VerifyProgress> for Looked {
    fn from(seen: VerifyProgress) -> Self {
        Self {
            rooms: seen.rooms,
            entries: seen.entries,
            bytes: seen.bytes,
            damages: seen.damages,
        }
    }
}
