//! A store that commits late, in groups, and sometimes refuses a group; what it has committed it
//! has for ever. Some worlds have it, the others keep nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parlour_proto::{Entry, Epoch, RoomName, Seq};

use super::random::Random;
use crate::store::{Request, RoomKey, Store, Stored, Volatile};

/// The store of a simulated shard.
pub(super) enum SimStore {
    Volatile(Volatile),
    Durable(Box<Disk>),
}

/// Entries by number, for each life of a room.
pub(super) struct Disk {
    logs: BTreeMap<(RoomName, u64), Vec<Arc<Entry>>>,
    waiting: VecDeque<Request>,
    polls_until_commit: u64,
    refuses: bool,
    random: Random,
}

impl SimStore {
    pub(super) fn durable(random: Random, refuses: bool) -> Self {
        Self::Durable(Box::new(Disk {
            logs: BTreeMap::new(),
            waiting: VecDeque::new(),
            polls_until_commit: 0,
            refuses,
            random,
        }))
    }

    /// Whether it still owes an answer.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Durable(disk) if !disk.waiting.is_empty())
    }
}

impl Store for SimStore {
    fn submit(&mut self, requests: &mut Vec<Request>) {
        match self {
            Self::Volatile(store) => store.submit(requests),
            Self::Durable(disk) => disk.waiting.extend(requests.drain(..)),
        }
    }

    fn poll(&mut self, answers: &mut Vec<Stored>) {
        match self {
            Self::Volatile(store) => store.poll(answers),
            Self::Durable(disk) => disk.poll(answers),
        }
    }
}

impl Disk {
    fn poll(&mut self, answers: &mut Vec<Stored>) {
        if self.polls_until_commit > 0 {
            self.polls_until_commit -= 1;
            return;
        }
        self.polls_until_commit = self.random.below(12);
        let refused = self.refuses && self.random.chance(4);
        for request in std::mem::take(&mut self.waiting) {
            match request {
                Request::Append {
                    key,
                    room,
                    epoch,
                    entry,
                } => {
                    answers.extend(self.append(key, room, epoch, entry, refused));
                }
                Request::Read {
                    token,
                    room,
                    epoch,
                    after,
                    entries_max,
                    ..
                } => {
                    let entries = self.read(room, epoch, after, entries_max);
                    answers.push(Stored::Entries { token, entries });
                }
            }
        }
    }

    fn append(
        &mut self,
        key: RoomKey,
        room: RoomName,
        epoch: Epoch,
        entry: Arc<Entry>,
        refused: bool,
    ) -> Option<Stored> {
        let log = self.logs.entry((room, epoch.0)).or_default();
        let next = Seq(log.len() as u64 + 1);
        if entry.seq != next {
            // It was numbered behind one that was refused; the shard numbers it anew.
            return None;
        }
        if refused {
            return Some(Stored::Refused {
                key,
                from: entry.seq,
            });
        }
        log.push(entry);
        Some(Stored::Committed { key, upto: next })
    }

    fn read(&self, room: RoomName, epoch: Epoch, after: Seq, max: usize) -> Vec<Arc<Entry>> {
        let log = self
            .logs
            .get(&(room, epoch.0))
            .map_or(&[][..], Vec::as_slice);
        let older = log.iter().filter(|entry| entry.seq > after);
        older.take(max.min(10)).map(Arc::clone).collect()
    }
}
