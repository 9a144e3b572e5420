//! What leaves logs without anything being said: by age, and by the operator's word.

use parlour_proto::{Keep, RoomName, Seq};
use redb::{ReadableTable, WriteTransaction};

use super::{Partition, State, Told, commit, find, gone};
use crate::fault::Fault;
use crate::format::{MARKS, Mark, ROOMS, ROWS, RoomRow};

/// Rooms that one step of a sweep looks at.
const ROOMS_SWEPT_MAX: usize = 256;

/// Rooms with more than is kept of them.
type Due = Vec<(RoomName, Keep)>;

/// Where a sweep goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sweep(Option<String>);

impl<T: Clone> Partition<T> {
    /// One step of a walk over all rooms, which trims what is kept too long. Where the walk goes on,
    /// or `None` at its end. `keep_of`: what is kept of a room that is not open.
    pub(crate) fn sweep(
        &mut self,
        sweep: &Sweep,
        keep_of: &dyn Fn(&RoomName) -> Keep,
        now: u64,
        told: &mut Vec<Told<T>>,
    ) -> Result<Option<Sweep>, Fault> {
        if self.state != State::Ok {
            return Ok(None);
        }
        let (due, next) = self.due_rooms(sweep, keep_of, now)?;
        if due.is_empty() {
            return Ok(next);
        }
        let identity = self.identity;
        let trimmed = self.write(|write| {
            let mut trimmed = Vec::new();
            let most = commit::ROWS_TRIMMED_MAX;
            for (name, keep) in &due {
                let (row, mut mark) = find(write, identity, name)?.ok_or_else(|| gone(name))?;
                let mut rows = write.open_table(ROWS)?;
                let is_trimmed = commit::trim(&mut rows, row.number, &mut mark, keep, now, most)?;
                if is_trimmed {
                    put_mark(write, row, &mark)?;
                    trimmed.push((name.clone(), mark));
                }
            }
            Ok(trimmed)
        })?;
        for (name, mark) in trimmed {
            self.tell_trimmed(&name, mark, told);
        }
        Ok(next)
    }

    fn due_rooms(
        &self,
        sweep: &Sweep,
        keep_of: &dyn Fn(&RoomName) -> Keep,
        now: u64,
    ) -> Result<(Due, Option<Sweep>), Fault> {
        self.file.read(|read| {
            let (rooms, marks) = (read.open_table(ROOMS)?, read.open_table(MARKS)?);
            let rows = read.open_table(ROWS)?;
            let mut due = Vec::new();
            let mut seen = 0;
            let mut last = None;
            for item in names_after(&rooms, sweep.0.as_deref())?.take(ROOMS_SWEPT_MAX) {
                let (name, value) = item?;
                seen += 1;
                last = Some(name.value().to_owned());
                let Some(room) = stored_name(name.value()) else {
                    continue;
                };
                // What is damaged is told by who reads it, and not swept.
                let Ok(row) = RoomRow::decode(name.value(), value.value()) else {
                    continue;
                };
                let keep = (self.rooms.get(&room)).map_or_else(|| keep_of(&room), |it| it.keep);
                let Some(marked) = marks.get(row.number)? else {
                    continue;
                };
                let Ok(mark) = Mark::decode(row.number, marked.value()) else {
                    continue;
                };
                if commit::is_due(&rows, row.number, &mark, &keep, now, u64::MAX)? {
                    due.push((room, keep));
                }
            }
            let next = (seen == ROOMS_SWEPT_MAX).then_some(Sweep(last));
            Ok((due, next))
        })
    }

    /// Takes away what is older than `before` in a room, in steps. The first entry that is kept, and
    /// whether all is done; `None`: there is no such room.
    pub(crate) fn trim_room(
        &mut self,
        name: &RoomName,
        before: Seq,
        told: &mut Vec<Told<T>>,
    ) -> Result<Option<(Seq, bool)>, Fault> {
        let identity = self.identity;
        let trimmed = self.write(|write| {
            let Some((row, mut mark)) = find(write, identity, name)? else {
                return Ok(None);
            };
            let mut rows = write.open_table(ROWS)?;
            let is_done = commit::trim_before(&mut rows, row.number, &mut mark, before)?;
            drop(rows);
            put_mark(write, row, &mark)?;
            Ok(Some((mark, is_done)))
        })?;
        Ok(trimmed.map(|(mark, is_done)| {
            self.tell_trimmed(name, mark, told);
            (mark.first, is_done)
        }))
    }

    fn tell_trimmed(&mut self, name: &RoomName, mark: Mark, told: &mut Vec<Told<T>>) {
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        if mark.first > room.mark.first {
            told.push(Told::Trimmed {
                tag: room.tag.clone(),
                first: mark.first,
            });
        }
        room.mark = mark;
    }

    /// A change that is no append: if it fails, the file is opened again.
    fn write<R>(
        &mut self,
        work: impl FnOnce(&WriteTransaction) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        match &self.state {
            State::Ok | State::Unproven(_) => {}
            State::Full => return Err(Fault::Disk("the disk is full".to_owned())),
            State::Away(why) | State::Stopped(why) => return Err(Fault::Disk(why.clone())),
        }
        let done = self.file.write(&mut self.journal, work);
        if done.is_ok() {
            self.state = State::Ok;
        }
        if let Err(Fault::Disk(why)) = &done {
            self.after_failure(Vec::new(), why, &mut Vec::new());
        }
        done
    }
}

fn put_mark(write: &WriteTransaction, row: RoomRow, mark: &Mark) -> Result<(), Fault> {
    let mut marks = write.open_table(MARKS)?;
    marks.insert(row.number, mark.encode(row.number).as_slice())?;
    Ok(())
}

type Named<'a> = redb::Range<'a, &'static str, &'static [u8]>;

/// Rooms whose names come after `after`, in the order of their bytes.
pub(crate) fn names_after<'a>(
    rooms: &'a impl ReadableTable<&'static str, &'static [u8]>,
    after: Option<&str>,
) -> Result<Named<'a>, Fault> {
    use std::ops::Bound::{Excluded, Unbounded};

    let from = after.map_or(Unbounded, Excluded);
    Ok(rooms.range::<&str>((from, Unbounded))?)
}

/// A name from the file, if it is one.
pub(crate) fn stored_name(name: &str) -> Option<RoomName> {
    match name.strip_prefix('$') {
        Some(rest) => RoomName::reserved(rest).ok(),
        None => RoomName::new(name).ok(),
    }
}
