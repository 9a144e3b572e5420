//! Who came into a room and who left it, where a dialect announces that.
//!
//! A notice is no entry: it has no number and is not stored. It goes to the room's home and from
//! there to all views, in order with the entries, and stands in their rings as bytes behind the entry
//! that it follows. Who reads on from a log does not see it.

use std::sync::Arc;

use parlour_proto::{Author, ConnectionId, Event, RoomName, Seq, ShardId, UserName};

/// One coming or going.
#[derive(Debug)]
pub(crate) struct Notice {
    /// Whose it is, on the shard that he is on.
    pub(crate) shard: ShardId,
    pub(crate) connection: ConnectionId,
    pub(crate) who: UserName,
    pub(crate) author: Author,
    pub(crate) came: bool,
}

impl Notice {
    pub(crate) fn event<'a>(&'a self, room: &'a RoomName) -> Event<'a> {
        Event::Notice {
            room,
            author: self.author,
            name: self.who.as_str(),
            came: self.came,
        }
    }
}

/// One at its home, whose shard waits for the credit of it.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) from: ShardId,
    pub(crate) notice: Arc<Notice>,
}

/// One that waits for credit. Who goes before his coming was told takes it with him, so there are no
/// more of these than there were comings that were told, and connections that wait.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) room: RoomName,
    pub(crate) home: ShardId,
    pub(crate) notice: Arc<Notice>,
}

/// Behind the entry of this number.
pub(crate) type Placed = (Seq, Arc<Notice>);

/// Notices on the way to a view; what comes behind them waits.
pub(crate) const NOTICES_ON_THE_WAY_MAX: u64 = 1_024;
