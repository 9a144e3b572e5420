//! A store that keeps its logs from one world to the next, and fails when a test says so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use parlour_hub::{Digester, Opened, Recent, Request, RoomKey, Store, StoreFault, Stored};
use parlour_proto::{Entry, Epoch, PageFrom, RoomName, Seq};

/// Clones are the same disk, each as one shard sees it.
#[derive(Default)]
pub(crate) struct Disk {
    inner: Rc<RefCell<Inner>>,
    shard: usize,
}

impl Clone for Disk {
    fn clone(&self) -> Self {
        let mut inner = self.inner.borrow_mut();
        inner.shards += 1;
        Self {
            inner: Rc::clone(&self.inner),
            shard: inner.shards,
        }
    }
}

#[derive(Default)]
struct Inner {
    logs: BTreeMap<RoomName, Vec<Arc<Entry>>>,
    trimmed: BTreeMap<RoomName, Seq>,
    keys: BTreeMap<RoomName, (usize, RoomKey)>,
    held: Vec<(usize, Request)>,
    answers: BTreeMap<usize, Vec<Stored>>,
    shards: usize,
    holds: bool,
    fault: Option<Fault>,
    opens: usize,
}

/// What happens to the next batches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Full,
    /// Of a sync: the outcome is unknown.
    Sync,
    Open,
}

impl Disk {
    /// Nothing is answered until [`go`](Self::go).
    pub(crate) fn hold(&self) {
        self.inner.borrow_mut().holds = true;
    }

    pub(crate) fn go(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.holds = false;
        for (shard, request) in std::mem::take(&mut inner.held) {
            inner.carry_out(shard, request);
        }
    }

    pub(crate) fn fail(&self, fault: Option<Fault>) {
        self.inner.borrow_mut().fault = fault;
    }

    /// How often a room was looked up.
    pub(crate) fn opens(&self) -> usize {
        self.inner.borrow().opens
    }

    /// The operator trims a room.
    pub(crate) fn trim(&self, room: &str, first: u64) {
        let mut inner = self.inner.borrow_mut();
        let (room, first) = (RoomName::new(room).unwrap(), Seq(first));
        inner.trimmed.insert(room.clone(), first);
        if let Some((shard, key)) = inner.keys.get(&room).copied() {
            let trimmed = Stored::Trimmed { key, first };
            inner.answers.entry(shard).or_default().push(trimmed);
        }
    }
}

impl Store for Disk {
    fn submit(&mut self, requests: &mut Vec<Request>) {
        let mut inner = self.inner.borrow_mut();
        for request in requests.drain(..) {
            match inner.holds {
                true => inner.held.push((self.shard, request)),
                false => inner.carry_out(self.shard, request),
            }
        }
    }

    fn poll(&mut self, answers: &mut Vec<Stored>) {
        let mut inner = self.inner.borrow_mut();
        answers.append(inner.answers.entry(self.shard).or_default());
    }
}

impl Inner {
    fn carry_out(&mut self, shard: usize, request: Request) {
        let answer = match request {
            Request::Open {
                key,
                room,
                recent,
                digester,
                ..
            } => {
                self.opens += 1;
                self.keys.insert(room.clone(), (shard, key));
                let opened = match self.fault {
                    Some(Fault::Open) => Err(StoreFault::Stopped),
                    _ => Ok(self.open(&room, recent, digester)),
                };
                Some(Stored::Opened { key, opened })
            }
            Request::Append {
                key, room, entry, ..
            } => self.append(key, room, entry),
            Request::Read {
                token,
                room,
                from,
                entries_max,
                ..
            } => Some(Stored::Entries {
                token,
                read: Ok(self.read(&room, from, entries_max)),
            }),
            Request::Close { room, .. } => {
                self.keys.remove(&room);
                None
            }
        };
        self.answers.entry(shard).or_default().extend(answer);
    }

    fn kept(&self, room: &RoomName) -> &[Arc<Entry>] {
        let log = self.logs.get(room).map_or(&[][..], Vec::as_slice);
        let first = self.trimmed.get(room).map_or(1, |first| first.0);
        &log[log.partition_point(|entry| entry.seq.0 < first)..]
    }

    fn open(&self, room: &RoomName, recent: Recent, digester: Digester) -> Opened {
        let kept = self.kept(room);
        let head = self
            .logs
            .get(room)
            .map_or(Seq(0), |log| Seq(log.len() as u64));
        let last = |count: usize| &kept[kept.len().saturating_sub(count)..];
        let known = last(recent.ids_max);
        let digest = |entry: &Arc<Entry>| Some((entry.seq, digester.digest(entry)?));
        let from = |entries: &[Arc<Entry>]| entries.first().map_or(head.next(), |entry| entry.seq);
        Opened {
            epoch: Epoch(room.as_str().len() as u64),
            head,
            first: from(kept),
            // Less than is asked for, so that the store is asked for the rest.
            recent: last(recent.entries_max.min(2)).to_vec(),
            ids: known.iter().filter_map(digest).collect(),
            ids_from: from(known),
        }
    }

    fn append(&mut self, key: RoomKey, room: RoomName, entry: Arc<Entry>) -> Option<Stored> {
        let log = self.logs.entry(room).or_default();
        let seq = entry.seq;
        if seq.0 != log.len() as u64 + 1 {
            return None;
        }
        match self.fault {
            Some(Fault::Full) => Some(Stored::Refused {
                key,
                from: seq,
                fault: StoreFault::Full,
            }),
            Some(Fault::Sync) => Some(Stored::Stopped { key, from: seq }),
            _ => {
                log.push(entry);
                Some(Stored::Committed { key, upto: seq })
            }
        }
    }

    fn read(&self, room: &RoomName, from: PageFrom, max: usize) -> Vec<Arc<Entry>> {
        let kept = self.kept(room);
        match from {
            PageFrom::After(seq) => {
                let after = kept.partition_point(|entry| entry.seq <= seq);
                kept[after..].iter().take(max).cloned().collect()
            }
            PageFrom::Before(seq) => {
                let before = kept.partition_point(|entry| entry.seq < seq);
                kept[before.saturating_sub(max)..before].to_vec()
            }
        }
    }
}
