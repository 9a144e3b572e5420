//! What a client asks, after a dialect has decoded it.

use bytes::Bytes;

use crate::{EntryId, EntryKind, Frame, Position, RoomName};

/// One request of a connection.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// Publish to a room that the connection is in.
    Publish {
        /// `None`: the one room of a dialect that has one room at a time.
        room: Option<RoomName>,
        /// The producer's id; the acknowledgement carries it.
        id: Option<EntryId>,
        /// What it is.
        kind: EntryKind,
        /// JSON text.
        payload: Bytes,
    },
    /// Leave every other room and be in this one, from its next entry on (contract row 2.20).
    Enter {
        /// Where to.
        room: RoomName,
    },
    /// Be in this room too.
    Join {
        /// Which room.
        room: RoomName,
        /// The last entry the client has; `None` starts with the next entry.
        from: Option<Position>,
    },
    /// Be no longer in this room.
    Leave {
        /// Which room.
        room: RoomName,
    },
    /// Give the same frame back to this connection alone (contract rows 4.01, 4.02).
    Echo(Frame<'a>),
}
