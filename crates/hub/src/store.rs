//! Where durable logs are kept: the seam, and the store that keeps nothing.
//!
//! The form is that of group commit: a shard hands over what it has numbered in one turn as one
//! batch and goes on; what has become final is told later, in batches too. Nothing is fanned out or
//! acknowledged before that (invariant 6).

use std::sync::Arc;

use parlour_proto::{Entry, Epoch, Keep, PageFrom, Refusal, RoomName, Seq, ShardId};

use crate::ids::{Digester, IdDigest};

/// The shard's name for one of its rooms; a store only gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoomKey(pub(crate) crate::table::Key);

impl RoomKey {
    /// A key for who drives a store without a shard.
    #[must_use]
    pub fn of_driver(number: u32) -> Self {
        Self(crate::table::Key {
            index: number,
            generation: 0,
        })
    }
}

/// The shard's name for one of its reads; a store only gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadToken(pub(crate) u64);

impl ReadToken {
    /// A token for who drives a store without a shard.
    #[must_use]
    pub fn of_driver(number: u64) -> Self {
        Self(number)
    }
}

/// What a shard asks of its store. Requests of one room are carried out in their order.
#[derive(Clone, Debug)]
pub enum Request {
    /// Where is this log? Asked before anything else of a room, and again after
    /// [`Close`](Self::Close).
    Open {
        /// For the answer, and for all answers about this room until it is closed.
        key: RoomKey,
        /// Whose log.
        room: RoomName,
        /// How much of it is kept from now on.
        keep: Keep,
        /// What the answer brings of it.
        recent: Recent,
        /// What the ids in the answer are digested with.
        digester: Digester,
    },
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
    /// Read committed entries, of those that the shard does not have in memory.
    Read {
        /// For the answer.
        token: ReadToken,
        /// Whose log.
        room: RoomName,
        /// Which life of it.
        epoch: Epoch,
        /// Which entries.
        from: PageFrom,
        /// At most so many.
        entries_max: usize,
        /// At most so many bytes, by [`Entry::cost`]; one entry may stand over it.
        bytes_max: usize,
    },
    /// The shard has forgotten the room; nothing more is asked with this key.
    Close {
        /// The key that it was opened with.
        key: RoomKey,
        /// Whose log.
        room: RoomName,
    },
}

/// How much of a log the answer to [`Request::Open`] brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Its last entries, at most so many.
    pub entries_max: usize,
    /// And at most so many bytes, by [`Entry::cost`].
    pub bytes_max: usize,
    /// The ids of its last entries, so many entries.
    pub ids_max: usize,
}

/// What a store tells its shard.
#[derive(Clone, Debug)]
pub enum Stored {
    /// The answer to [`Request::Open`].
    Opened {
        /// Which room.
        key: RoomKey,
        /// Where its log is, or why it cannot be had.
        opened: Result<Opened, StoreFault>,
    },
    /// Everything up to `upto` is durable.
    Committed {
        /// Which room.
        key: RoomKey,
        /// The last durable entry.
        upto: Seq,
    },
    /// `from` and everything after it that was not committed is not in the log, and never will be:
    /// the shard gives these numbers again. What was on the way behind it is dropped by the store
    /// without an answer.
    Refused {
        /// Which room.
        key: RoomKey,
        /// First refused entry.
        from: Seq,
        /// Why.
        fault: StoreFault,
    },
    /// Whether `from` and what follows it is durable cannot be known before the store is opened again:
    /// this log goes no further.
    Stopped {
        /// Which room.
        key: RoomKey,
        /// First entry of unknown outcome.
        from: Seq,
    },
    /// The answer to a read: entries in order without holes; empty if the store has none there. They
    /// may begin later than asked if the store has trimmed.
    Entries {
        /// Which read.
        token: ReadToken,
        /// The entries.
        read: Result<Vec<Arc<Entry>>, StoreFault>,
    },
    /// Entries before `first` are no longer kept.
    Trimmed {
        /// Which room.
        key: RoomKey,
        /// The oldest that is kept, or the one after the last if none is.
        first: Seq,
    },
}

/// Where a log is.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Which life of it.
    pub epoch: Epoch,
    /// Its last entry; 0 if there was never any.
    pub head: Seq,
    /// The oldest that is kept, or the one after `head` if none is.
    pub first: Seq,
    /// Its last entries up to `head`, without holes, as far as [`Recent`] asks for them.
    pub recent: Vec<Arc<Entry>>,
    /// Those of its last entries that have an id, in ascending order.
    pub ids: Vec<(Seq, IdDigest)>,
    /// `ids` has the ids of all entries from this one on.
    pub ids_from: Seq,
}

/// Why a store did not do what it was asked for. Nothing was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreFault {
    /// There is no space. It goes on by itself when there is.
    Full,
    /// It could not be done now, for a reason that the store has logged.
    Failed,
    /// The log has stopped, or what is on disk is not what was written: the operator must look.
    Stopped,
}

impl StoreFault {
    /// What a client is told.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Full => Refusal::DiskFull,
            Self::Failed => Refusal::NotStored,
            Self::Stopped => Refusal::StoreFailed,
        }
    }

    /// What a client is told whose read failed: nothing was asked to be stored.
    pub(crate) fn unread(self) -> Refusal {
        Refusal::StoreFailed
    }
}

/// Keeps logs. Asynchronous and batched; it must not block.
pub trait Store {
    /// Takes all `requests`: one batch for one group commit.
    fn submit(&mut self, requests: &mut Vec<Request>);

    /// Appends what has become known since the last call.
    fn poll(&mut self, answers: &mut Vec<Stored>);
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn submit(&mut self, requests: &mut Vec<Request>) {
        (**self).submit(requests);
    }

    fn poll(&mut self, answers: &mut Vec<Stored>) {
        (**self).poll(answers);
    }
}

/// The logs of a whole hub: where its shards get their stores. What a room is called decides where its
/// log is, never the number of shards.
pub trait Logs: Send + Sync {
    /// The store of one shard. It calls `wake` when [`Store::poll`] has something new to say, at most
    /// once until it was asked.
    fn store(&self, shard: ShardId, wake: Wake) -> Box<dyn Store + Send>;
}

/// Lets a shard look at its store.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The store of a hub whose rooms are all in memory: it opens no log.
#[derive(Debug, Default)]
pub struct NoStore {
    answers: Vec<Stored>,
}

impl Store for NoStore {
    fn submit(&mut self, requests: &mut Vec<Request>) {
        let fault = StoreFault::Stopped;
        self.answers
            .extend(requests.drain(..).filter_map(|request| match request {
                Request::Open { key, .. } => Some(Stored::Opened {
                    key,
                    opened: Err(fault),
                }),
                Request::Append { key, entry, .. } => Some(Stored::Refused {
                    key,
                    from: entry.seq,
                    fault,
                }),
                Request::Read { token, .. } => Some(Stored::Entries {
                    token,
                    read: Err(fault),
                }),
                Request::Close { .. } => None,
            }));
    }

    fn poll(&mut self, answers: &mut Vec<Stored>) {
        answers.append(&mut self.answers);
    }
}
