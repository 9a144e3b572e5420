//! The other end of `parlour.v1`: what a client reads and writes. Owned, so that it can be queued.
//!
//! ```
//! use parlour_proto::RoomName;
//! use parlour_proto::told::{Told, ask};
//!
//! let frame = r#"{"t":"left","room":"den"}"#;
//! assert!(matches!(Told::parse(frame), Ok(Told::Left { room }) if room.as_str() == "den"));
//!
//! let mut out = Vec::new();
//! ask::leave(&[RoomName::new("den").unwrap()], &mut out);
//! assert_eq!(out, br#"{"t":"leave","rooms":["den"]}"#);
//! ```

pub mod ask;
mod parse;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::{EntryId, EntryKind, Missed, Position, RoomName, Seq, Timestamp};

/// One frame of a server, as docs/protocol.md explains it.
///
/// ```
/// use parlour_proto::told::Told;
/// let told = Told::parse(r#"{"t":"left","room":"den"}"#).unwrap();
/// assert_eq!(told.room().unwrap().as_str(), "den");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// Who this connection speaks as, and what holds here. The first frame.
    Hello(Hello),
    /// In a room now; everything after `position` comes.
    Joined {
        /// Which room.
        room: RoomName,
        /// The last entry that does not come.
        position: Position,
        /// The room's last entry at that moment: what comes up to it is a replay.
        head: Seq,
    },
    /// Something was said.
    Entry(Said),
    /// A publish has its place.
    Ack {
        /// Where.
        room: RoomName,
        /// What it was called, if it was.
        id: Option<EntryId>,
        /// Its place.
        position: Position,
    },
    /// A page of a room's log, as it was asked for.
    Page {
        /// Which room.
        room: RoomName,
        /// What the request carried.
        id: Option<EntryId>,
        /// In ascending order, without holes.
        entries: Vec<Said>,
        /// Whether more are kept in the direction that was asked for.
        more: bool,
    },
    /// Entries that will not come.
    Gap {
        /// Which room.
        room: RoomName,
        /// What is missing.
        missed: Missed,
    },
    /// Who is here; replaces all that was told before.
    Presence {
        /// Which room.
        room: RoomName,
        /// How many users.
        count: u64,
        /// Who they are, unless they are too many.
        users: Option<Vec<String>>,
    },
    /// Who came and went since then.
    PresenceChange {
        /// Which room.
        room: RoomName,
        /// How many users there are now.
        count: u64,
        /// Those who are new.
        came: Vec<String>,
        /// Those who are no longer here.
        went: Vec<String>,
    },
    /// The application that embeds the server tells this connection something of its own.
    Event {
        /// What it is.
        kind: String,
        /// JSON text.
        payload: Bytes,
    },
    /// In this room no longer.
    Left {
        /// Which room.
        room: RoomName,
    },
    /// The answer to a ping.
    Pong {
        /// What the ping carried.
        id: Option<EntryId>,
    },
    /// A command was refused.
    Error {
        /// For programs; one of [`Refusal::code`](crate::Refusal::code) or a later server's.
        code: String,
        /// For people.
        message: String,
        /// The room that the command was about.
        room: Option<RoomName>,
        /// What the refused publish or ping was called.
        id: Option<EntryId>,
        /// After this time the same command may succeed.
        retry_after: Option<Duration>,
    },
    /// The server is about to close; its last frame.
    Closing {
        /// For programs; one of [`CloseReason::name`](crate::CloseReason::name) or a later server's.
        why: String,
        /// For people.
        message: String,
        /// After this time coming back helps; `None`: coming back the same way does not.
        retry_after: Option<Duration>,
    },
    /// A frame of a later version, to be ignored.
    Unknown {
        /// Its `t`.
        t: String,
    },
}

/// Who a connection speaks as, and what holds for it.
///
/// ```
/// use parlour_proto::told::Told;
/// let frame = r#"{"t":"hello","version":"0.1.0","user":"guest-ann","guest":true,
///     "limits":{"message_bytes":65536,"rooms":1000}}"#;
/// let Ok(Told::Hello(hello)) = Told::parse(frame) else { panic!("the first frame") };
/// assert_eq!((&*hello.user, hello.guest), ("guest-ann", true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The server's version.
    pub version: String,
    /// Who this connection speaks as.
    pub user: String,
    /// Whether that is a guest.
    pub guest: bool,
    /// What the server takes.
    pub limits: HelloLimits,
}

/// What the server takes of one connection. What it does not say is 0.
///
/// ```
/// use parlour_proto::told::Told;
/// let frame = r#"{"t":"hello","version":"0.1.0","user":"guest-ann","guest":true,
///     "limits":{"message_bytes":65536,"rooms":1000}}"#;
/// let Ok(Told::Hello(hello)) = Told::parse(frame) else { panic!("the first frame") };
/// let limits = hello.limits;
/// assert_eq!((limits.message_bytes, limits.rooms), (65_536, 1_000));
/// assert_eq!(limits.messages_per_second, 0, "which it does not say");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HelloLimits {
    /// Largest message, the whole frame in bytes; a larger one closes the connection with 1009.
    pub message_bytes: u64,
    /// Rooms that the connection may be in.
    pub rooms: u64,
    /// Frames per second; 0 means as many as it likes.
    pub messages_per_second: u64,
    /// Frames that may be sent at once.
    pub burst: u64,
    /// Above so many members a room tells only how many there are.
    pub presence_members: u64,
    /// Last entries of a room whose ids are recognised when they come again.
    pub ids: u64,
}

/// An entry of a room, as it is told.
///
/// ```
/// use parlour_proto::{EntryKind, Seq, told::Told};
/// let frame = r#"{"t":"entry","room":"den","epoch":"9f3c5d20a1b4e687","seq":7,"from":"ann",
///     "type":"message","payload":"hello","sent":"2026-11-22T04:00:00.120000000Z"}"#;
/// let Ok(Told::Entry(said)) = Told::parse(frame) else { panic!("an entry") };
/// assert_eq!((&*said.from, said.kind.clone(), said.position.seq), ("ann", EntryKind::MESSAGE, Seq(7)));
/// assert_eq!(said.payload, r#""hello""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// In which room.
    pub room: RoomName,
    /// Its place; the position to come back with.
    pub position: Position,
    /// What its publisher called it.
    pub id: Option<EntryId>,
    /// Who said it, as the server knows them.
    pub from: Arc<str>,
    /// What it is.
    pub kind: EntryKind,
    /// JSON text, as the server wrote it.
    pub payload: Bytes,
    /// When, by the server's clock; for people.
    pub sent: Timestamp,
}

impl Said {
    /// The text of a message: its payload, if that is a JSON string.
    ///
    /// ```
    /// # use parlour_proto::told::Told;
    /// let frame = r#"{"t":"entry","room":"den","epoch":"9f3c5d20a1b4e687","seq":1,"from":"ann",
    ///     "type":"message","payload":"h\u00e9","sent":"2026-11-22T04:00:00.120000000Z"}"#;
    /// let Ok(Told::Entry(said)) = Told::parse(frame) else { panic!("an entry") };
    /// assert_eq!(said.text().as_deref(), Some("hé"));
    /// ```
    #[must_use]
    pub fn text(&self) -> Option<String> {
        serde_json::from_slice(&self.payload).ok()
    }
}

/// A frame that no server of `parlour.v1` sends. The server's fault, or another protocol's.
///
/// ```
/// use parlour_proto::told::Told;
/// assert!(Told::parse("{").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a frame that is not of parlour.v1: {0}")]
pub struct NotTold(String);

impl Told {
    /// Reads one frame. Fields that it does not know are ignored, a frame that it does not know is
    /// [`Told::Unknown`].
    ///
    /// # Errors
    /// The frame is no JSON object, or not of the shape of its `t`.
    pub fn parse(text: &str) -> Result<Self, NotTold> {
        parse::told(text).map_err(|error| NotTold(error.to_string()))
    }

    /// The room that it is about.
    #[must_use]
    pub fn room(&self) -> Option<&RoomName> {
        match self {
            Self::Joined { room, .. }
            | Self::Entry(Said { room, .. })
            | Self::Ack { room, .. }
            | Self::Gap { room, .. }
            | Self::Page { room, .. }
            | Self::Presence { room, .. }
            | Self::PresenceChange { room, .. }
            | Self::Left { room } => Some(room),
            Self::Error { room, .. } => room.as_ref(),
            Self::Hello(_)
            | Self::Event { .. }
            | Self::Pong { .. }
            | Self::Closing { .. }
            | Self::Unknown { .. } => None,
        }
    }
}
