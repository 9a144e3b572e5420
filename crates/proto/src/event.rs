//! What a client is told, before a dialect encodes it.

use std::time::Duration;

use crate::{
    Author, CloseReason, Entry, EntryId, Epoch, Frame, FrameKind, Limits, Position, Refusal,
    RoomName, Seq, UserName,
};

/// One thing that a connection is told.
///
/// ```
/// use parlour_proto::dialect::{Dialect, V1};
/// use parlour_proto::Event;
/// let mut out = Vec::new();
/// V1.encode(&Event::Pong { id: None }, &mut out);
/// assert_eq!(out, br#"{"t":"pong"}"#);
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Who the connection speaks as, and what holds for it; the first that it is told.
    Hello {
        /// Who it is.
        user: &'a UserName,
        /// The bounds of the hub.
        limits: &'a Limits,
    },
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
        /// The room's last entry at that moment: everything up to it is a replay.
        head: Seq,
    },
    /// A page of a room's log, as it was asked for.
    Page {
        /// Which room.
        room: &'a RoomName,
        /// What the request carried.
        id: Option<&'a EntryId>,
        /// Which life of the log.
        epoch: Epoch,
        /// In ascending order, without holes.
        entries: &'a [std::sync::Arc<Entry>],
        /// Whether more are kept in the direction that was asked for.
        more: bool,
    },
    /// Entries that this connection will never be told. A dialect without words for it has its
    /// connection closed with [`CloseReason::Lagged`](crate::CloseReason::Lagged).
    Gap {
        /// Which room.
        room: &'a RoomName,
        /// What is missing.
        missed: Missed,
    },
    /// The connection asked to be no longer in this room, and is not.
    Left {
        /// Which room.
        room: &'a RoomName,
    },
    /// Who is in a room: everything that was told before is replaced.
    Presence {
        /// Which room.
        room: &'a RoomName,
        /// How many users.
        count: usize,
        /// Who they are, in order; `None` above `Limits::presence_members_max`.
        users: Option<&'a [UserName]>,
    },
    /// Who came and who went since the last that was told.
    PresenceChange {
        /// Which room.
        room: &'a RoomName,
        /// How many users there are now.
        count: usize,
        /// Those who are new, in order.
        came: &'a [UserName],
        /// Those who are no longer here, in order.
        went: &'a [UserName],
    },
    /// Somebody whose dialect [announces](crate::Dialect::announces) him came into a room or left it.
    /// No entry: it has no number, and who reads the room later is not told of it.
    Notice {
        /// Which room.
        room: &'a RoomName,
        /// What the free doors know of him.
        author: Author,
        /// Who it is.
        name: &'a str,
        /// Came, or else left.
        came: bool,
    },
    /// The application tells this connection something.
    Told {
        /// What it is.
        kind: &'a str,
        /// JSON text, or whatever the dialect gives out as it is.
        payload: &'a [u8],
        /// How it goes out, where the dialect leaves that open.
        frame: FrameKind,
    },
    /// The application refuses the connection's own frame, in its own words.
    Failed {
        /// The room that the command was about.
        room: Option<&'a RoomName>,
        /// What the producer called the refused publish.
        id: Option<&'a EntryId>,
        /// For programs.
        code: &'a str,
        /// For people.
        message: &'a str,
    },
    /// The answer to a ping in the dialect's own words.
    Pong {
        /// What the ping carried.
        id: Option<&'a EntryId>,
    },
    /// The connection's own command was refused.
    Refused {
        /// The room that the command was about.
        room: Option<&'a RoomName>,
        /// What the producer called the refused publish.
        id: Option<&'a EntryId>,
        /// Why.
        refusal: Refusal,
        /// After this time the same command may succeed.
        retry_after: Option<Duration>,
    },
    /// The server closes the connection; the last that it is told.
    Closing {
        /// Why.
        reason: CloseReason,
        /// After this time the client should come back.
        retry_after: Option<Duration>,
    },
    /// The connection's own frame, given back.
    Echo(Frame<'a>),
}

/// Exactly what a reader missed.
///
/// ```
/// use parlour_proto::{Epoch, Missed, Seq};
/// let missed = Missed::Entries { epoch: Epoch(1), first: Seq(3), last: Seq(5) };
/// if let Missed::Entries { first, last, .. } = missed {
///     assert_eq!(last.0 - first.0 + 1, 3);
/// }
/// ```
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
