//! After a write that failed: the file is opened again, and says what it has of the last commit.

use parlour_hub::StoreFault;
use parlour_proto::{RoomName, Seq};

use super::replay::replay;
use super::{Partition, State, Told};
use crate::fault::Fault;
use crate::file::{self, Unopened};
use crate::log;

/// Entries of one room of which only the file knows whether it has them.
#[derive(Debug)]
pub(super) struct Uncertain<T> {
    tag: T,
    pub(super) name: RoomName,
    before: Seq,
    last: Seq,
    /// More came and was dropped before the outcome was known.
    pub(super) has_more: bool,
}

impl<T: Clone> Partition<T> {
    pub(super) fn go_away(&mut self, touched: Vec<RoomName>, why: &str) {
        tracing::error!(
            partition = self.identity.partition,
            why,
            "a commit failed; its file is opened again to see what it has of it"
        );
        for name in touched {
            let Some(room) = self.rooms.get_mut(&name) else {
                continue;
            };
            let last = room.staged.last().map_or(room.mark.head, |entry| entry.seq);
            room.staged.clear();
            room.is_refused = true;
            self.uncertain.push(Uncertain {
                tag: room.tag.clone(),
                before: room.mark.head,
                name,
                last,
                has_more: false,
            });
        }
        self.state = State::Away(why.to_owned());
    }

    /// What an entry is refused for that comes while the file is away.
    pub(super) fn away_fault(&self) -> StoreFault {
        let failure = self.failures.first();
        if failure.is_some_and(|failure| failure.is_full) {
            StoreFault::Full
        } else {
            StoreFault::Failed
        }
    }

    /// Opens the file again, if it is away, and tells what it has. Its owner tries until it can be.
    pub(crate) fn come_back(&mut self, told: &mut Vec<Told<T>>) {
        let State::Away(why) = &self.state else {
            return;
        };
        let why = why.clone();
        let fault = self.away_fault();
        if let Err(unopened) = self.reopen() {
            let why = match unopened {
                Unopened::Fault(fault) => fault.to_string(),
                Unopened::InUse => "another program has its file".to_owned(),
                Unopened::Format(_) => "another program has written its file".to_owned(),
            };
            self.state = State::Away(why);
            return;
        }
        self.state = State::Unproven(why);
        for uncertain in std::mem::take(&mut self.uncertain) {
            if let Err(lost) = self.resolve(&uncertain, fault, told) {
                self.stop(&lost.to_string());
                told.push(Told::Stopped {
                    tag: uncertain.tag.clone(),
                    from: uncertain.before.next(),
                });
            }
        }
    }

    fn reopen(&mut self) -> Result<(), Unopened> {
        let Self { file, medium, .. } = self;
        let mut opened = None;
        file.replace(|| {
            let open = file::open(&**medium, self.cache_bytes, None)?;
            if open.identity != self.identity {
                return Err(super::Damage::new("another file is in its place").into());
            }
            opened = Some((open.failures, open.journal));
            Ok(open.database)
        })?;
        if let Some((failures, journal)) = opened {
            (self.failures, self.journal) = (failures, journal);
            let damaged = replay(
                &self.file,
                self.identity,
                &mut self.journal,
                &mut self.fresh,
            )?;
            self.damaged.extend(damaged);
        }
        Ok(())
    }

    fn resolve(
        &mut self,
        uncertain: &Uncertain<T>,
        fault: StoreFault,
        told: &mut Vec<Told<T>>,
    ) -> Result<(), Fault> {
        let Uncertain {
            name,
            tag,
            before,
            last,
            has_more,
        } = uncertain;
        let found = self
            .file
            .read(|read| log::find_in(read, self.identity, name))?;
        let head = found.map_or(Seq(0), |(_, mark)| mark.head);
        if head != *before && head != *last {
            return Err(super::gone(name));
        }
        let is_there = head == *last;
        if is_there {
            let (tag, upto) = (tag.clone(), *last);
            told.push(Told::Committed { tag, upto });
        }
        if !is_there || *has_more {
            told.push(Told::Refused {
                tag: tag.clone(),
                from: head.next(),
                fault,
            });
        }
        if let (Some(room), Some((row, mark))) = (self.rooms.get_mut(name), found) {
            (room.row, room.mark, room.is_new) = (row, mark, false);
        }
        Ok(())
    }
}
