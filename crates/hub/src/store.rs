//! Where logs are kept: the seam, and the store that keeps nothing.
//!
//! The form is that of group commit: a shard hands over what it has numbered in one turn as one
//! batch and goes on; what has become final is told later, in batches too. Nothing is fanned out or
//! acknowledged before that (invariant 6).

use std::sync::Arc;

use parlour_proto::{Entry, Epoch, RoomName, Seq};

/// The shard's name for one of its rooms; a store only gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoomKey(pub(crate) crate::table::Key);

/// The shard's name for one of its reads; a store only gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadToken(pub(crate) u64);

/// What a shard asks of its store.
#[derive(Clone, Debug)]
pub enum Request {
    /// Make this entry durable. Entries of a room come in order, without holes.
    Append {
        /// For the answer.
        key: RoomKey,
        /// Whose log.
        room: RoomName,
        /// Which life of it.
        epoch: Epoch,
        /// The entry.
        entry: Arc<Entry>,
    },
    /// Read committed entries after `after`, older than what the shard has in memory.
    Read {
        /// For the answer.
        token: ReadToken,
        /// Whose log.
        room: RoomName,
        /// Which life of it.
        epoch: Epoch,
        /// The last entry that the reader has.
        after: Seq,
        /// At most so many.
        entries_max: usize,
        /// At most so many bytes, by [`Entry::cost`]; one entry may stand over it.
        bytes_max: usize,
    },
}

/// What a store tells its shard.
#[derive(Clone, Debug)]
pub enum Stored {
    /// Everything up to `upto` is durable.
    Committed {
        /// Which room.
        key: RoomKey,
        /// The last durable entry.
        upto: Seq,
    },
    /// `from` and everything after it that was not committed is not in the log, and never will be:
    /// the shard gives these numbers again.
    Refused {
        /// Which room.
        key: RoomKey,
        /// First refused entry.
        from: Seq,
    },
    /// The answer to a read: entries in order without holes; empty if the store has none so old.
    /// They may begin later than asked if the store has trimmed.
    Entries {
        /// Which read.
        token: ReadToken,
        /// The entries.
        entries: Vec<Arc<Entry>>,
    },
}

/// Keeps logs. Asynchronous and batched; it must not block.
pub trait Store {
    /// Takes all `requests`: one batch for one group commit.
    fn submit(&mut self, requests: &mut Vec<Request>);

    /// Appends what has become known since the last call.
    fn poll(&mut self, answers: &mut Vec<Stored>);
}

/// The store of volatile rooms: an entry is final when it is numbered, and what the room's memory
/// has lost is lost.
#[derive(Debug, Default)]
pub struct Volatile {
    answers: Vec<Stored>,
}

impl Store for Volatile {
    fn submit(&mut self, requests: &mut Vec<Request>) {
        for request in requests.drain(..) {
            match request {
                Request::Append { key, entry, .. } => self.commit(key, entry.seq),
                Request::Read { token, .. } => {
                    self.answers.push(Stored::Entries {
                        token,
                        entries: Vec::new(),
                    });
                }
            }
        }
    }

    fn poll(&mut self, answers: &mut Vec<Stored>) {
        answers.append(&mut self.answers);
    }
}

impl Volatile {
    /// One answer for a run of entries of one room.
    fn commit(&mut self, room: RoomKey, seq: Seq) {
        if let Some(Stored::Committed { key, upto }) = self.answers.last_mut()
            && *key == room
        {
            *upto = seq;
        } else {
            self.answers.push(Stored::Committed {
                key: room,
                upto: seq,
            });
        }
    }
}
