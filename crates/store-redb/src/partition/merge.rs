//! Small rows made long ones: whoever comes back reads what was said last, and hundreds of commits
//! lie in hundreds of places. A checkpoint writes them anew anyhow.

use std::sync::Arc;

use parlour_proto::{Entry, Keep, RoomName, Seq};
use redb::{ReadableTable, Table, WriteTransaction};

use super::commit::SLACK;
use super::find;
use crate::fault::Fault;
use crate::format::{Identity, MARKS, Mark, ROWS};
use crate::row::{Row, pack};

/// A row before the new ones is taken in if it is shorter than this, in bytes: in a room where little is
/// said a checkpoint comes after each entry.
const SHORT_BYTES: u64 = 4096;

/// Longer than this no row is made, in bytes: what is damaged is not served as a whole.
const LONG_BYTES: u64 = 16 * 1024;

/// Rows of one room that no checkpoint has merged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    /// Where the first of them begins.
    pub(super) from: Seq,
    /// What is kept of the room: a row leaves as a whole, so it must stay a small part of that.
    pub(super) keep: Keep,
}

/// Merges the new rows of one room. Its mark then; `None`: it stays as it is.
pub(super) fn merge(
    write: &WriteTransaction,
    identity: Identity,
    name: &RoomName,
    fresh: Fresh,
) -> Result<Option<Mark>, Fault> {
    let (row, mut mark) = match find(write, identity, name) {
        Ok(Some(found)) => found,
        Ok(None) | Err(Fault::Damaged(_)) => return Ok(None),
        Err(disk) => return Err(disk),
    };
    let mut rows = write.open_table(ROWS)?;
    let found = match Found::of(&rows, row.number, &mark, fresh.from) {
        Ok(found) if found.runs.len() > 1 => found,
        // What is damaged is told by who reads it.
        Ok(_) | Err(Fault::Damaged(_)) => return Ok(None),
        Err(disk) => return Err(disk),
    };
    mark.bytes_end = found.write(&mut rows, row.number, &fresh.keep)?;
    let mut marks = write.open_table(MARKS)?;
    marks.insert(row.number, mark.encode(row.number).as_slice())?;
    Ok(Some(mark))
}

/// One row's entries.
struct Run {
    first: Seq,
    stored: u64,
    bytes: u64,
    entries: Vec<Arc<Entry>>,
}

/// The rows that are made anew, in order.
struct Found {
    bytes_before: u64,
    runs: Vec<Run>,
}

impl Found {
    fn of(
        rows: &impl ReadableTable<(u64, u64), &'static [u8]>,
        number: u64,
        mark: &Mark,
        from: Seq,
    ) -> Result<Self, Fault> {
        let from = from.max(mark.first);
        let mut found = Self {
            bytes_before: mark.bytes_end,
            runs: Vec::new(),
        };
        let before = rows
            .range((number, mark.first.0)..(number, from.0))?
            .next_back();
        let begin = match before.transpose()? {
            Some((key, value)) if (value.value().len() as u64) < SHORT_BYTES => key.value().1,
            _ => from.0,
        };
        for item in rows.range((number, begin)..=(number, mark.head.0))? {
            let (key, value) = item?;
            let row = Row::read(key.value(), value.value())?;
            if found.runs.is_empty() {
                found.bytes_before = row.header.bytes_before;
            }
            found.runs.push(Run {
                first: row.first,
                stored: row.header.stored,
                bytes: row.bytes,
                entries: row.entries()?.into_iter().map(Arc::new).collect(),
            });
        }
        Ok(found)
    }

    /// Puts long rows in the place of short ones. The bytes of all rows then.
    fn write(
        self,
        rows: &mut Table<'_, (u64, u64), &'static [u8]>,
        number: u64,
        keep: &Keep,
    ) -> Result<u64, Fault> {
        let mut bytes_before = self.bytes_before;
        let mut runs = self.runs.into_iter().peekable();
        while let Some(Run {
            first,
            stored,
            mut bytes,
            mut entries,
        }) = runs.next()
        {
            let mut newest = stored;
            let fits = |next: &Run, bytes: u64, count: usize| {
                bytes + next.bytes <= bytes_max(keep)
                    && count + next.entries.len() <= entries_max(keep)
                    && next.stored.saturating_sub(stored) <= time_max(keep)
            };
            while let Some(next) = runs.next_if(|next| fits(next, bytes, entries.len())) {
                rows.remove((number, next.first.0))?;
                bytes += next.bytes;
                newest = newest.max(next.stored);
                entries.extend(next.entries);
            }
            let mut rest = &entries[..];
            let mut begin = first;
            while !rest.is_empty() {
                let (value, count) = pack(number, rest, bytes_before, newest);
                rows.insert((number, begin.0), value.as_slice())?;
                bytes_before += value.len() as u64;
                begin = Seq(begin.0 + count as u64);
                rest = &rest[count..];
            }
        }
        Ok(bytes_before)
    }
}

fn bytes_max(keep: &Keep) -> u64 {
    let part = keep.bytes.map_or(u64::MAX, |bytes| bytes / SLACK);
    part.min(LONG_BYTES)
}

fn entries_max(keep: &Keep) -> usize {
    let part = keep.entries.map_or(u64::MAX, |entries| entries / SLACK);
    usize::try_from(part).unwrap_or(usize::MAX)
}

/// In milliseconds.
fn time_max(keep: &Keep) -> u64 {
    let part = keep
        .age
        .map_or(u128::MAX, |age| age.as_millis() / u128::from(SLACK));
    u64::try_from(part).unwrap_or(u64::MAX)
}
