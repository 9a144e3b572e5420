//! What a home and the views of its room tell each other.

use std::sync::Arc;

use parlour_proto::{
    ConnectionId, Draft, Entry, EntryId, Epoch, Missed, Page, Position, Refusal, RoomName, Seq,
};

use crate::notice::{Notice, Placed};
use crate::presence::{News, Report};
use crate::table::Key;

/// One message between two shards. Its contents are the hub's own business; a [`Bus`](crate::Bus)
/// only carries it.
#[derive(Debug)]
pub struct Letter(pub(crate) Body);

#[derive(Debug)]
pub(crate) enum Body {
    // From a view's shard to the room's home. Each takes a credit until the home has answered.
    /// Tell `view` everything from the room's next entry on.
    Follow { room: RoomName, view: Key },
    /// Tell it nothing more.
    Unfollow { room: RoomName, view: Key },
    /// Number this. Without `from` nobody is told what became of it.
    Publish {
        room: RoomName,
        draft: Draft,
        from: Option<ConnectionId>,
    },
    /// What comes after `after`, for one reader who is behind its view's ring.
    Read {
        room: RoomName,
        after: Position,
        reader: Reader,
    },
    /// A page of the log, for whoever asked.
    History {
        room: RoomName,
        page: Page,
        to: ConnectionId,
        id: Option<EntryId>,
    },
    /// Who came and went in `view`. Takes no credit: one at a time is on the way.
    Report {
        room: RoomName,
        view: Key,
        report: Box<Report>,
    },
    /// The last news are taken.
    NewsTaken { room: RoomName, view: Key },
    /// Somebody came or went.
    Notice { room: RoomName, notice: Arc<Notice> },
    /// `view` has offered everything up to `seq` to all its members, and has so many `notices` since
    /// it follows. Takes no credit: a home gets no more of these than it has sent batches.
    Taken {
        room: RoomName,
        view: Key,
        seq: Seq,
        notices: u64,
    },

    // From a room's home to a view's shard.
    /// The view is told everything after `at`.
    Following { view: Key, at: Position },
    /// The room cannot be had.
    NotFollowing { view: Key, refusal: Refusal },
    /// What it is told of who is in the room: one at a time is on the way.
    News { view: Key, news: News },
    /// Its last report is taken.
    ReportTaken { view: Key },
    /// The next entries of the room, and the notices between and behind them.
    Entries {
        view: Key,
        entries: Vec<Arc<Entry>>,
        notices: Vec<Placed>,
    },
    /// A publish has its place, and will be seen there.
    Ack {
        to: ConnectionId,
        room: RoomName,
        id: Option<EntryId>,
        position: Position,
    },
    /// A publish has no place and never will have.
    Refused {
        to: ConnectionId,
        room: RoomName,
        id: Option<EntryId>,
        refusal: Refusal,
    },
    /// The answer to a read.
    Replay {
        reader: Reader,
        replay: Result<Replay, Refusal>,
    },

    /// The answer to a question for a page.
    Page {
        to: ConnectionId,
        room: RoomName,
        id: Option<EntryId>,
        history: Result<History, Refusal>,
    },

    /// So many commands of yours, and bytes of publishes, are answered: credit to send as many more.
    Answered { commands: u32, bytes: usize },
}

/// Who reads, and through which view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    pub(crate) connection: ConnectionId,
    pub(crate) view: Key,
}

/// A page of a room's log.
#[derive(Clone, Debug)]
pub struct History {
    /// Which life of the log.
    pub epoch: Epoch,
    /// In ascending order, without holes.
    pub entries: Vec<Arc<Entry>>,
    /// Whether more are kept in the direction that was asked for.
    pub more: bool,
}

/// A bounded piece of a log.
#[derive(Debug)]
pub(crate) struct Replay {
    /// What is missing before `entries`.
    pub(crate) missed: Option<Missed>,
    pub(crate) entries: Vec<Arc<Entry>>,
    /// The reader has everything that there is up to here, but for what it missed.
    pub(crate) upto: Position,
    /// The last final entry of the room.
    pub(crate) head: Seq,
}
