//! What a client asks, after a dialect has decoded it.

use bytes::Bytes;

use crate::{EntryId, EntryKind, Frame, FrameKind, Position, Refusal, RoomName, Seq};

/// One request of a connection.
///
/// ```
/// use parlour_proto::{Command, RoomName};
/// let enter = Command::Enter { room: RoomName::general() };
/// assert_eq!(enter.cost(), 1);
/// ```
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// Publish to a room that the connection is in.
    Publish {
        /// `None`: the one room of a dialect that has one room at a time.
        room: Option<RoomName>,
        /// The producer's id; the acknowledgement carries it.
        id: Option<EntryId>,
        /// Whether it may have been sent before, as [`Draft::since`](crate::Draft::since).
        since: Option<Position>,
        /// What it is.
        kind: EntryKind,
        /// JSON text.
        payload: Bytes,
    },
    /// Be told a page of a room's log that the connection is in.
    History {
        /// Which room.
        room: RoomName,
        /// Which page.
        page: Page,
        /// What the answer carries.
        id: Option<EntryId>,
    },
    /// Leave every other room and be in this one, from its next entry on (docs/seeds.md, 2.20).
    Enter {
        /// Where to.
        room: RoomName,
    },
    /// Be in these rooms too. Each is answered by itself.
    Join {
        /// At most [`ROOMS_PER_FRAME_MAX`](crate::ROOMS_PER_FRAME_MAX).
        rooms: Vec<Join>,
    },
    /// Be no longer in these rooms. Each is answered by itself.
    Leave {
        /// At most [`ROOMS_PER_FRAME_MAX`](crate::ROOMS_PER_FRAME_MAX).
        rooms: Vec<RoomName>,
    },
    /// Answer, to show that somebody is there.
    Ping {
        /// What the answer carries.
        id: Option<EntryId>,
    },
    /// Give the same frame back to this connection alone (docs/seeds.md, 4.01, 4.02).
    Echo(Frame<'a>),
    /// Be called so from now on (`/nick NAME`, docs/seeds.md, 1.12). Whether the name may be had is for
    /// the application to say.
    Rename {
        /// The name that the client asks for, as it came.
        name: String,
    },
    /// For the application that the hub is a part of.
    Ask {
        /// What it is, by the dialect's words; empty where the dialect has none.
        kind: String,
        /// JSON text, or whatever the dialect hands over.
        payload: Bytes,
        /// How it came.
        frame: FrameKind,
    },
    /// Data from somebody who is to listen only: it ends the connection (docs/seeds.md, 3.18).
    Unexpected,
    /// Nothing that needs an answer (docs/seeds.md, 1.13).
    Nothing,
    /// A frame that was read so far that its refusal can say what it belongs to.
    Refused {
        /// The room that it names.
        room: Option<RoomName>,
        /// The id that it names.
        id: Option<EntryId>,
        /// Why it is no command.
        refusal: Refusal,
    },
}

/// A page of a room's log.
///
/// ```
/// use parlour_proto::{Page, PageFrom, Seq};
/// let newest = Page { from: PageFrom::Before(Seq::MAX), limit: 50 };
/// # let _ = newest;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it begins or ends.
    pub from: PageFrom,
    /// At most so many entries, 1 to [`Self::LIMIT_MAX`].
    pub limit: u16,
}

impl Page {
    /// Most entries of one page.
    pub const LIMIT_MAX: u16 = 500;
    /// Entries of a page for who does not say.
    pub const LIMIT: u16 = 50;
}

/// Which entries of a log are meant. Both ways they come in ascending order.
///
/// ```
/// use parlour_proto::{PageFrom, Seq};
/// assert_ne!(PageFrom::After(Seq(3)), PageFrom::Before(Seq(3)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageFrom {
    /// The oldest that are kept and come after this one.
    After(Seq),
    /// The newest that come before this one.
    Before(Seq),
}

/// One room to be in.
///
/// ```
/// use parlour_proto::{Join, RoomName};
/// let watching = Join { presence: true, ..Join::next(RoomName::general()) };
/// assert_eq!(watching.from, None, "from the next entry on");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Which room.
    pub room: RoomName,
    /// The last entry that the client has; `None` starts with the next entry.
    pub from: Option<Position>,
    /// Tell who is here, and who comes and goes.
    pub presence: bool,
}

impl Join {
    /// To be in `room` from its next entry on.
    #[must_use]
    pub fn next(room: RoomName) -> Self {
        Self {
            room,
            from: None,
            presence: false,
        }
    }
}

impl Command<'_> {
    /// The room and the id that an answer to the whole command names.
    ///
    /// ```
    /// use parlour_proto::{Command, Dialect as _, Frame, dialect::V1};
    /// let frame = r#"{"t":"publish","room":"den","id":"m-1","payload":"hello"}"#;
    /// let command = V1.decode(Frame::Text(frame)).unwrap();
    /// let (room, id) = command.about();
    /// assert_eq!((room.unwrap().as_str(), id.unwrap().as_str()), ("den", "m-1"));
    /// ```
    #[must_use]
    pub fn about(&self) -> (Option<&RoomName>, Option<&EntryId>) {
        match self {
            Self::Publish { room, id, .. } | Self::Refused { room, id, .. } => {
                (room.as_ref(), id.as_ref())
            }
            Self::History { room, id, .. } => (Some(room), id.as_ref()),
            Self::Enter { room } => (Some(room), None),
            Self::Join { rooms } => match &rooms[..] {
                [only] => (Some(&only.room), None),
                _ => (None, None),
            },
            Self::Leave { rooms } => match &rooms[..] {
                [only] => (Some(only), None),
                _ => (None, None),
            },
            Self::Ping { id } => (None, id.as_ref()),
            Self::Echo(_)
            | Self::Rename { .. }
            | Self::Ask { .. }
            | Self::Unexpected
            | Self::Nothing => (None, None),
        }
    }

    /// What it counts against the rate of its connection: one, one more for every 16 rooms, and one
    /// more for every room in which it asks who is there.
    #[must_use]
    pub fn cost(&self) -> u32 {
        let (rooms, watched) = match self {
            Self::Join { rooms } => {
                let watched = rooms.iter().filter(|join| join.presence);
                (rooms.len(), watched.count())
            }
            Self::Leave { rooms } => (rooms.len(), 0),
            _ => (0, 0),
        };
        let more = u32::try_from(rooms / ROOMS_PER_COST + watched);
        more.unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// So many rooms of one frame count as one frame more.
const ROOMS_PER_COST: usize = 16;
