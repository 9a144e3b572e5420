//! The seam to the application that a hub is a part of: what it is asked, and what it answers.
//!
//! While the application has a question of a connection, that connection is not read: there is at
//! most one each, so its order is kept and nothing queues up.

use std::any::Any;
use std::borrow::Cow;

use bytes::Bytes;
use parlour_proto::{
    CloseReason, Command, ConnectionId, Draft, FrameKind, Join, Refusal, RoomName, SessionId,
    UserName,
};

use crate::wire::WireIndex;

/// Which commands of connections the application is asked for before they are carried out, because
/// it has a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// To be in rooms: the first one, `join` and `change_room`.
    pub joins: bool,
    /// To publish.
    pub publishes: bool,
}

/// Something of the application's own that a connection comes with. Only the application looks into it.
pub type Brought = Box<dyn Any + Send>;

/// One thing that the application is asked, or told, of a connection.
#[derive(Debug)]
pub struct Asked {
    /// Whose it is, on this shard.
    pub connection: ConnectionId,
    /// How it speaks.
    pub wire: WireIndex,
    /// Who it speaks as now.
    pub who: UserName,
    /// The session that it ends with.
    pub session: SessionId,
    /// What it is.
    pub what: What,
}

/// What the application is asked. All but [`Closed`](Self::Closed) must be answered, each once, by
/// [`Shard::answer`](crate::Shard::answer); the connection is not read before.
#[derive(Debug)]
pub enum What {
    /// The connection of a wire that is [handled](crate::Wire) is there, and nothing of it is read
    /// yet. It enters its first room when this is answered.
    Opened {
        /// What [`Attach::brought`](crate::Attach::brought) was.
        brought: Option<Brought>,
    },
    /// It takes no more commands; once, if [`Opened`](Self::Opened) was asked. Needs no answer.
    /// `Requested(None)` if its socket went without a close.
    Closed(CloseReason),
    /// A frame that its dialect hands to the application.
    Ask {
        /// What it is, by the dialect's words.
        kind: String,
        /// What came.
        payload: Bytes,
        /// How it came.
        frame: FrameKind,
        /// The room that it is in, if that is one; of several the last.
        room: Option<RoomName>,
    },
    /// It asks for another name.
    Rename {
        /// The name, as it came.
        name: String,
    },
    /// Whether it may be in these rooms.
    Join(Vec<Join>),
    /// Whether it may leave its room for this one.
    Enter(RoomName),
    /// Whether it may publish this.
    Publish {
        /// Where.
        room: RoomName,
        /// What.
        draft: Draft,
    },
}

/// What the application answers.
#[derive(Debug)]
pub enum Answer {
    /// Go on: a policy's question is answered with yes, and what was asked is carried out.
    Done,
    /// Carry this out instead, without another question. Of rooms that were asked for, those that a
    /// [`Command::Join`] here leaves out are refused with [`Refusal::NotAllowed`].
    Go(Command<'static>),
    /// Of the rooms that were asked for, be in these; the others are refused in the application's own
    /// words.
    Joins {
        /// Those that are allowed.
        rooms: Vec<Join>,
        /// Those that are not.
        denied: Vec<DeniedRoom>,
    },
    /// Refuse what was asked. A connection whose opening is refused is closed.
    Refused(Refusal),
    /// The same in the application's own words.
    Failed {
        /// For programs.
        code: Cow<'static, str>,
        /// For people.
        message: String,
    },
    /// It is called so from now on.
    Renamed(UserName),
}

/// A room that the application does not allow.
#[derive(Debug)]
pub struct DeniedRoom {
    /// Which.
    pub room: RoomName,
    /// For programs.
    pub code: Cow<'static, str>,
    /// For people.
    pub message: String,
}

/// What the application tells one connection.
#[derive(Clone, Debug)]
pub struct OwnedTold {
    /// What it is.
    pub kind: Cow<'static, str>,
    /// JSON text, or whatever the connection's dialect gives out as it is.
    pub payload: Bytes,
    /// How it goes out, where the dialect leaves that open.
    pub frame: FrameKind,
}

/// Why a connection was not told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTold {
    /// Its private output is full: it does not read.
    Full,
    /// It is gone or closing.
    Gone,
    /// Its dialect has no words for it.
    NoWords,
}
