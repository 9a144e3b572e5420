//! What a client is told, before a dialect encodes it.

use crate::{Entry, EntryId, Epoch, Frame, Position, Refusal, RoomName, Seq};

/// One thing that a connection is told.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// An entry of a room; encoded once per dialect, for all its members.
    Entry {
        /// Whose log it is in.
        room: &'a RoomName,
        /// Which life of the log.
        epoch: Epoch,
        /// The entry.
        entry: &'a Entry,
    },
    /// The connection's own publish has its place.
    Ack {
        /// Where.
        room: &'a RoomName,
        /// What the producer called it.
        id: Option<&'a EntryId>,
        /// Its place.
        position: Position,
    },
    /// The connection is in a room now, and is told everything after `position`.
    Joined {
        /// Which room.
        room: &'a RoomName,
        /// The last entry that it is not told.
        position: Position,
    },
    /// Entries that this connection will never be told. A dialect without words for it has its
    /// connection closed with [`CloseReason::Lagged`](crate::CloseReason::Lagged).
    Gap {
        /// Which room.
        room: &'a RoomName,
        /// What is missing.
        missed: Missed,
    },
    /// The connection's own command was refused.
    Refused {
        /// What the producer called the refused publish.
        id: Option<&'a EntryId>,
        /// Why.
        refusal: Refusal,
    },
    /// The connection's own frame, given back.
    Echo(Frame<'a>),
}

/// Exactly what a reader missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// The entries `first..=last` were trimmed before this reader came to them.
    Entries {
        /// The life of the log they were in.
        epoch: Epoch,
        /// First missing entry.
        first: Seq,
        /// Last missing entry.
        last: Seq,
    },
    /// The log that the reader had a position in is gone; everything after that position, whatever
    /// it was, is missing. The reader goes on after `now`.
    Epoch {
        /// The position it came with.
        was: Position,
        /// Where it goes on.
        now: Position,
    },
}
