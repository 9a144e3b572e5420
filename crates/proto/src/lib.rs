//! The words of Parlour, and nothing that moves.
//!
//! A *room* is an ordered log of *entries*; everything that reads it is a *cursor*. A client's
//! frames are decoded by a [`dialect`] into [`Command`]s, and what a client is told is an
//! [`Event`] that the dialect encodes into a frame:
//!
//! ```text
//! bytes ── frame ──▶ Dialect::decode ── Command ──▶ room
//! bytes ◀─ frame ─── Dialect::encode ◀─ Event ───── room
//! ```
//!
//! This crate is pure: no sockets, no clock, no tasks. Time comes in as an argument.

#![doc(html_no_source)]

mod author;
mod clock;
mod close;
mod command;
pub mod dialect;
mod entry;
mod event;
mod id;
mod json;
mod limits;
mod refusal;
mod room_kind;
pub mod told;

pub use author::{Author, ClientId};
pub use clock::{Now, Timestamp};
pub use close::CloseReason;
pub use command::{Command, Join, Page, PageFrom};
pub use dialect::{Dialect, Frame, FrameKind};
pub use entry::{Draft, Entry, EntryId, EntryIdError, EntryKind, EntryKindError, renamed};
pub use event::{Event, Missed};
pub use id::{
    ConnectionId, Epoch, NameError, Position, RoomName, RoomNameError, Seq, SessionId, ShardId,
    UserName,
};
pub use limits::{
    BAD_FRAMES_MAX, BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, COMMAND_BYTES_IN_FLIGHT_MAX,
    COMMANDS_IN_FLIGHT_MAX, Limits, PASS_BYTES_MAX, PASS_MEMBERS_MAX, PRESENCE_MEMBERS_MAX,
    ROOMS_PER_FRAME_MAX,
};
pub use refusal::Refusal;
pub use room_kind::{Keep, RoomKind, RoomKinds};
