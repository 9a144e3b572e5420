//! A store that commits late, in groups, sometimes very late, and sometimes refuses a group; what it has committed it
//! has for ever. Some worlds have it, the others keep nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parlour_proto::{Entry, Epoch, PageFrom, RoomName, Seq};

use super::random::Random;
use crate::ids::Digester;
use crate::store::{NoStore, Opened, Recent, Request, RoomKey, Store, StoreFault, Stored};

/// The store of a simulated shard.
pub(super) enum SimStore {
    Volatile(NoStore),
    Durable(Box<Disk>),
}

/// Entries by number, for each life of a room.
pub(super) struct Disk {
    logs: BTreeMap<RoomName, (Epoch, Vec<Arc<Entry>>)>,
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
        let is_stuck = self.random.below(250) == 0;
        self.polls_until_commit = self.random.below(if is_stuck { 600 } else { 12 });
        let refused = self.refuses && self.random.chance(4);
        for request in std::mem::take(&mut self.waiting) {
            match request {
                Request::Open {
                    key,
                    room,
                    recent,
                    digester,
                    ..
                } => {
                    let opened = match refused {
                        true => Err(StoreFault::Failed),
                        false => Ok(self.open(room, recent, digester)),
                    };
                    answers.push(Stored::Opened { key, opened });
                }
                Request::Append {
                    key, room, entry, ..
                } => {
                    answers.extend(self.append(key, &room, entry, refused));
                }
                Request::Read {
                    token,
                    room,
                    from,
                    entries_max,
                    ..
                } => {
                    let read = Ok(self.read(&room, from, entries_max));
                    answers.push(Stored::Entries { token, read });
                }
                Request::Close { .. } => {}
            }
        }
    }

    /// Sometimes less is known of the ids than was asked for.
    fn open(&mut self, room: RoomName, recent: Recent, digester: Digester) -> Opened {
        let fresh = Epoch(self.random.next());
        let (epoch, log) = self.logs.entry(room).or_insert((fresh, Vec::new()));
        let last = |count: usize| &log[log.len().saturating_sub(count)..];
        let known = last(recent.ids_max.min(self.random.below(64) as usize));
        let head = Seq(log.len() as u64);
        Opened {
            epoch: *epoch,
            head,
            first: Seq(1),
            recent: last(recent.entries_max.min(self.random.below(8) as usize)).to_vec(),
            ids: known
                .iter()
                .filter_map(|entry| Some((entry.seq, digester.digest(entry)?)))
                .collect(),
            ids_from: known.first().map_or(head.next(), |entry| entry.seq),
        }
    }

    fn append(
        &mut self,
        key: RoomKey,
        room: &RoomName,
        entry: Arc<Entry>,
        refused: bool,
    ) -> Option<Stored> {
        let (_, log) = self.logs.get_mut(room)?;
        let next = Seq(log.len() as u64 + 1);
        if entry.seq != next {
            // It was numbered behind one that was refused; the shard numbers it anew.
            return None;
        }
        if refused {
            return Some(Stored::Refused {
                key,
                from: entry.seq,
                fault: StoreFault::Failed,
            });
        }
        log.push(entry);
        Some(Stored::Committed { key, upto: next })
    }

    fn read(&self, room: &RoomName, from: PageFrom, max: usize) -> Vec<Arc<Entry>> {
        let log = self.logs.get(room).map_or(&[][..], |(_, log)| log);
        let max = max.min(10);
        match from {
            PageFrom::After(seq) => {
                let older = log.iter().filter(|entry| entry.seq > seq);
                older.take(max).map(Arc::clone).collect()
            }
            PageFrom::Before(seq) => {
                let before = log.partition_point(|entry| entry.seq < seq);
                log[before.saturating_sub(max)..before].to_vec()
            }
        }
    }
}
