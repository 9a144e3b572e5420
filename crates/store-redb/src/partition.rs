//! One partition's writer, without a thread or a clock: batches in, what became of them out.

mod commit;
mod merge;
mod recover;
mod replay;
#[cfg(test)]
mod tests;
mod trim;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parlour_hub::StoreFault;
use parlour_proto::{Entry, Epoch, Keep, RoomName, Seq};

use crate::fault::Fault;
use crate::file::{self, New, Shared, Unopened};
use crate::format::{Damage, Identity, MARKS, Mark, ROOMS, RoomRow};
use crate::journal::Journal;
use crate::log;
use crate::medium::{Failures, Medium, Step};
use commit::Work;
use merge::Fresh;
use recover::Uncertain;
pub(crate) use replay::Damaged;
pub(crate) use trim::{Sweep, names_after, stored_name};

/// Space that is left free on the disk, in bytes: below it appends are refused before anything is
/// written, so that the database is never the one to find the disk full in the middle of a commit.
pub const DISK_RESERVE_BYTES: u64 = 16 << 20;

/// One entry on its way to the log.
#[derive(Clone, Debug)]
pub(crate) struct Append {
    pub(crate) room: RoomName,
    pub(crate) epoch: Epoch,
    pub(crate) entry: Arc<Entry>,
}

/// What became of a room's entries. `T` is whatever its owner calls the room by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told<T> {
    Committed {
        tag: T,
        upto: Seq,
    },
    Refused {
        tag: T,
        from: Seq,
        fault: StoreFault,
    },
    Stopped {
        tag: T,
        from: Seq,
    },
    Trimmed {
        tag: T,
        first: Seq,
    },
}

/// Whether entries can be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ok,
    /// There is no space; tried again with every batch.
    Full,
    /// A write failed, and the file could not be opened again yet.
    Away(String),
    /// A write failed, and the file is open again: whether the next one fails too is not known.
    Unproven(String),
    /// Until the next start.
    Stopped(String),
}

/// A room that is open.
#[derive(Debug)]
struct Room<T> {
    tag: T,
    row: RoomRow,
    is_new: bool,
    mark: Mark,
    keep: Keep,
    /// Of this batch, in order from the head on.
    staged: Vec<Arc<Entry>>,
    /// Its number was given back: what was on the way is dropped until it comes again.
    is_refused: bool,
}

impl<T> Room<T> {
    fn expected(&self) -> Seq {
        let last = self.staged.last().map_or(self.mark.head, |entry| entry.seq);
        last.next()
    }
}

/// The writer of one file.
#[derive(Debug)]
pub(crate) struct Partition<T> {
    medium: Arc<dyn Medium>,
    cache_bytes: usize,
    identity: Identity,
    file: Shared,
    failures: Failures,
    journal: Journal,
    /// Rooms that the last opening found damaged.
    damaged: Damaged,
    rooms: HashMap<RoomName, Room<T>>,
    /// Rooms with rows since the last checkpoint, and where those begin.
    fresh: BTreeMap<RoomName, Seq>,
    state: State,
    /// Of a commit whose outcome only the file knows.
    uncertain: Vec<Uncertain<T>>,
}

impl<T: Clone> Partition<T> {
    /// Opens the file, or makes it for `new`.
    pub(crate) fn open(
        medium: Arc<dyn Medium>,
        cache_bytes: usize,
        new: Option<New>,
    ) -> Result<Self, Unopened> {
        let mut open = file::open(&*medium, cache_bytes, new)?;
        let file = Shared::default();
        file.replace(|| Ok(open.database))?;
        let mut fresh = BTreeMap::new();
        let damaged = replay::replay(&file, open.identity, &mut open.journal, &mut fresh)?;
        Ok(Self {
            medium,
            cache_bytes,
            identity: open.identity,
            file,
            failures: open.failures,
            journal: open.journal,
            damaged,
            rooms: HashMap::new(),
            fresh,
            state: State::Ok,
            uncertain: Vec::new(),
        })
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// For who reads.
    pub(crate) fn file(&self) -> Shared {
        self.file.clone()
    }

    /// What the last opening found damaged and has not told yet.
    pub(crate) fn take_damaged(&mut self) -> Damaged {
        std::mem::take(&mut self.damaged)
    }

    /// Takes a room up: from now on its entries are answered to `tag`.
    pub(crate) fn open_room(&mut self, tag: T, name: RoomName, keep: Keep) -> Result<(), Fault> {
        if let State::Stopped(why) | State::Away(why) = &self.state {
            return Err(Fault::Disk(why.clone()));
        }
        let identity = self.identity;
        let found = (self.file).read(|read| log::find_to_open(read, identity, &name))?;
        let is_new = found.is_none();
        let (row, mark) = found.unwrap_or_else(|| (self.new_row(&name), Mark::EMPTY));
        let room = Room {
            tag,
            row,
            is_new,
            mark,
            keep,
            staged: Vec::new(),
            is_refused: false,
        };
        self.rooms.insert(name, room);
        Ok(())
    }

    fn new_row(&self, name: &RoomName) -> RoomRow {
        RoomRow {
            number: self.identity.number_of(name),
            epoch: self.identity.epoch_of(name, 0),
            generation: 0,
        }
    }

    /// Forgets a room, if it is still the one of `tag`.
    pub(crate) fn close_room(&mut self, tag: &T, name: &RoomName)
    where
        T: PartialEq,
    {
        if self.rooms.get(name).is_some_and(|room| room.tag == *tag) {
            self.rooms.remove(name);
        }
    }

    /// Makes all of `batch` durable in one commit, as far as its rooms take it. `now`: milliseconds
    /// since 1970 by a clock that never goes back.
    pub(crate) fn append(
        &mut self,
        batch: impl IntoIterator<Item = Append>,
        now: u64,
        told: &mut Vec<Told<T>>,
    ) {
        let mut touched = Vec::new();
        let mut bytes = 0;
        for append in batch {
            bytes += append.entry.cost() as u64;
            self.stage(append, &mut touched);
        }
        if touched.is_empty() {
            return;
        }
        match &self.state {
            State::Stopped(_) => return self.stop_rooms(&touched, told),
            State::Away(_) => return self.refuse(&touched, self.away_fault(), told),
            State::Ok | State::Full | State::Unproven(_) => {}
        }
        if self.has_no_space(bytes) {
            self.state = State::Full;
            return self.refuse(&touched, StoreFault::Full, told);
        }
        if !self.journal.has_place(bytes) {
            self.write_down(told);
        }
        if self.is_writable() {
            self.commit(touched, now, told);
        } else {
            self.refuse_or_stop(&touched, told);
        }
    }

    /// Takes an entry that is the next of its room, and drops one that was on the way when its room
    /// was refused.
    fn stage(&mut self, append: Append, touched: &mut Vec<RoomName>) {
        let Append {
            room: name,
            epoch,
            entry,
        } = append;
        let Some(room) = self.rooms.get_mut(&name) else {
            tracing::error!(room = %name, "an entry for a room that is not open");
            return;
        };
        let is_next = room.row.epoch == epoch && entry.seq == room.expected();
        if !is_next {
            if !room.is_refused {
                let (seq, expected) = (entry.seq.0, room.expected().0);
                tracing::error!(room = %name, seq, expected, "an entry out of its order");
            }
            return;
        }
        if room.staged.is_empty() {
            touched.push(name);
        }
        room.staged.push(entry);
    }

    /// Whether a batch might not find room. If nobody can say, the batch will.
    fn has_no_space(&self, bytes: u64) -> bool {
        let free = self.medium.free_bytes();
        let bytes = bytes
            .saturating_mul(4)
            .saturating_add(self.journal.pending());
        free.is_ok_and(|free| free < DISK_RESERVE_BYTES.saturating_add(bytes))
    }

    /// What the rooms get; on damage each by itself, so that one damaged room does not take the
    /// others with it.
    fn commit(&mut self, touched: Vec<RoomName>, now: u64, told: &mut Vec<Told<T>>) {
        match self.try_commit(&touched, now) {
            Ok(after) => self.settle(&touched, &after, told),
            Err(Fault::Damaged(damage)) if touched.len() > 1 => {
                tracing::error!(%damage, "a commit met damage; its rooms are committed one by one");
                for name in touched {
                    if self.is_writable() {
                        self.commit(vec![name], now, told);
                    } else {
                        self.refuse_or_stop(&[name], told);
                    }
                }
            }
            Err(Fault::Damaged(damage)) => {
                let room = touched.first().map(RoomName::as_str);
                tracing::error!(%damage, room, "nothing can be appended to a damaged room");
                self.refuse(&touched, StoreFault::Stopped, told);
            }
            Err(Fault::Disk(why)) => self.after_failure(touched, &why, told),
        }
    }

    fn is_writable(&self) -> bool {
        !matches!(self.state, State::Away(_) | State::Stopped(_))
    }

    fn try_commit(&mut self, touched: &[RoomName], now: u64) -> Result<Vec<Mark>, Fault> {
        let work: Vec<Work<'_>> = touched
            .iter()
            .filter_map(|name| {
                let room = self.rooms.get(name)?;
                Some(Work {
                    name,
                    row: room.row,
                    is_new: room.is_new,
                    mark: room.mark,
                    keep: room.keep,
                    entries: &room.staged,
                })
            })
            .collect();
        let (file, journal) = (&self.file, &mut self.journal);
        file.commit(journal, |write, record| {
            commit::append(write, &work, now, record)
        })
    }

    fn settle(&mut self, touched: &[RoomName], after: &[Mark], told: &mut Vec<Told<T>>) {
        self.state = State::Ok;
        for (name, mark) in touched.iter().zip(after) {
            let Some(room) = self.rooms.get_mut(name) else {
                continue;
            };
            let tag = room.tag.clone();
            if let Some(first) = room.staged.first() {
                self.fresh.entry(name.clone()).or_insert(first.seq);
            }
            room.staged.clear();
            (room.is_new, room.is_refused) = (false, false);
            let upto = mark.head;
            told.push(Told::Committed {
                tag: tag.clone(),
                upto,
            });
            if mark.first > room.mark.first {
                let first = mark.first;
                told.push(Told::Trimmed { tag, first });
            }
            room.mark = *mark;
        }
    }

    /// Gives the numbers of what is staged back.
    fn refuse(&mut self, touched: &[RoomName], fault: StoreFault, told: &mut Vec<Told<T>>) {
        for name in touched {
            let Some(room) = self.rooms.get_mut(name) else {
                continue;
            };
            room.staged.clear();
            room.is_refused = true;
            let (tag, from) = (room.tag.clone(), room.mark.head.next());
            // A room whose last commit is uncertain hears of all of it when that is known.
            match self.uncertain.iter_mut().find(|it| it.name == *name) {
                Some(uncertain) => uncertain.has_more = true,
                None => told.push(Told::Refused { tag, from, fault }),
            }
        }
    }

    fn stop_rooms(&mut self, touched: &[RoomName], told: &mut Vec<Told<T>>) {
        for name in touched {
            let Some(room) = self.rooms.get_mut(name) else {
                continue;
            };
            room.staged.clear();
            let (tag, from) = (room.tag.clone(), room.mark.head.next());
            told.push(Told::Stopped { tag, from });
        }
    }

    fn refuse_or_stop(&mut self, touched: &[RoomName], told: &mut Vec<Told<T>>) {
        if matches!(self.state, State::Stopped(_)) {
            self.stop_rooms(touched, told);
        } else {
            self.refuse(touched, self.away_fault(), told);
        }
    }

    /// A commit failed, and not for what is in the file.
    fn after_failure(&mut self, touched: Vec<RoomName>, why: &str, told: &mut Vec<Told<T>>) {
        let failure = self.failures.first();
        let is_known = failure.as_ref().is_some_and(|it| it.step != Step::Sync);
        if !is_known {
            let why = failure.map_or_else(|| why.to_owned(), |it| format!("a sync: {}", it.what));
            self.stop(&why);
            return self.stop_rooms(&touched, told);
        }
        self.go_away(touched, why);
        self.come_back(told);
    }

    /// Looks whether a full disk has space again, and a failing file can be opened again.
    pub(crate) fn look_again(&mut self, told: &mut Vec<Told<T>>) {
        match self.state {
            State::Full if !self.has_no_space(0) => self.state = State::Ok,
            State::Away(_) => self.come_back(told),
            State::Unproven(_) => self.write_down(told),
            _ => {}
        }
    }

    /// Tells every room that is open that it has stopped.
    pub(crate) fn stop_all(&mut self, told: &mut Vec<Told<T>>) {
        let names: Vec<RoomName> = self.rooms.keys().cloned().collect();
        self.stop_rooms(&names, told);
    }

    /// Nothing more is written before the next start.
    pub(crate) fn stop(&mut self, why: &str) {
        tracing::error!(
            partition = self.identity.partition,
            why,
            "a log has stopped, since it is unknown what the disk has of the last commit: look at \
             the disk, then start the server again"
        );
        self.state = State::Stopped(why.to_owned());
    }

    /// Whether the database has all that is durable: the next start has nothing to do.
    pub(crate) fn is_written_down(&self) -> bool {
        self.journal.pending() == 0
    }

    /// Where the file has the last commit, if only the journal has it.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn last_record(&self) -> std::ops::Range<u64> {
        self.journal.last_record()
    }

    /// Gives the database what only the journal has.
    pub(crate) fn write_down(&mut self, told: &mut Vec<Told<T>>) {
        if !self.is_writable() {
            return;
        }
        match self.try_write_down() {
            Ok(()) => self.state = State::Ok,
            Err(fault) => self.after_failure(Vec::new(), &fault.to_string(), told),
        }
    }

    fn try_write_down(&mut self) -> Result<(), Fault> {
        let identity = self.identity;
        let fresh: Vec<(RoomName, Fresh)> = std::mem::take(&mut self.fresh)
            .into_iter()
            .filter_map(|(name, from)| {
                let keep = self.rooms.get(&name)?.keep;
                Some((name, Fresh { from, keep }))
            })
            .collect();
        let merged = self.file.write(&mut self.journal, |write| {
            let mut merged = Vec::new();
            for (name, fresh) in &fresh {
                let mark = merge::merge(write, identity, name, *fresh)?;
                merged.extend(mark.map(|mark| (name, mark)));
            }
            Ok(merged)
        })?;
        for (name, mark) in merged {
            if let Some(room) = self.rooms.get_mut(name) {
                room.mark = mark;
            }
        }
        Ok(())
    }

    /// Closes the file in order.
    pub(crate) fn close(&mut self) -> Result<(), Fault> {
        let written = if self.is_writable() && !self.is_written_down() {
            self.try_write_down()
        } else {
            Ok(())
        };
        // The next start shows what the journal has, if that failed.
        written.and(self.file.close())
    }
}

/// The room with this name and where its log is, among what can be written to.
fn find(
    write: &redb::WriteTransaction,
    identity: Identity,
    name: &RoomName,
) -> Result<Option<(RoomRow, Mark)>, Fault> {
    let (rooms, marks) = (write.open_table(ROOMS)?, write.open_table(MARKS)?);
    log::find(&rooms, &marks, identity, name)
}

fn gone(name: &RoomName) -> Fault {
    Damage::new(format!("the room {name} has gone")).into()
}
