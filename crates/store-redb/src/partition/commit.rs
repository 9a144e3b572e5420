//! One durable change: entries of several rooms, and what falls out of their logs for them.

use std::sync::Arc;

use parlour_proto::{Entry, Keep, RoomName, Seq};
use redb::{ReadableTable, Table, WriteTransaction};

use crate::fault::Fault;
use crate::format::{MARKS, Mark, ROOMS, ROWS, RoomRow};
use crate::journal::Record;
use crate::log::Log;
use crate::row::{Row, pack};

/// Rows that leave one log in one commit that does nothing else, at most: a bound that was lowered
/// costs many short commits and not a long one.
pub(super) const ROWS_TRIMMED_MAX: usize = 1_000;

/// The same in a commit that publishers wait for. It is more than a room gets in one.
const ROWS_TRIMMED_WITH_APPEND: usize = 128;

/// An append may let a log grow over its bounds by this part before it trims, so that not every
/// commit touches the oldest page of each log too.
pub(super) const SLACK: u64 = 16;

type Rows<'a> = Table<'a, (u64, u64), &'static [u8]>;

/// What one room gets.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) name: &'a RoomName,
    pub(super) row: RoomRow,
    /// Not yet among the rooms.
    pub(super) is_new: bool,
    pub(super) mark: Mark,
    pub(super) keep: Keep,
    pub(super) entries: &'a [Arc<Entry>],
}

/// Appends the entries of all rooms, and says so to `record`. What their marks are afterwards, in the
/// same order.
pub(super) fn append(
    write: &WriteTransaction,
    work: &[Work<'_>],
    now: u64,
    record: &mut Record,
) -> Result<Vec<Mark>, Fault> {
    let mut marks = write.open_table(MARKS)?;
    let mut rows = write.open_table(ROWS)?;
    if work.iter().any(|work| work.is_new) {
        let mut rooms = write.open_table(ROOMS)?;
        for work in work.iter().filter(|work| work.is_new) {
            let name = work.name.as_str();
            rooms.insert(name, work.row.encode(name).as_slice())?;
        }
    }
    let mut after = Vec::with_capacity(work.len());
    for work in work {
        let name = work.name.as_str();
        let new = work.is_new.then(|| work.row.encode(name));
        record.room(name, new.as_deref());
        let mut mark = put(&mut rows, work, now, record)?;
        if is_due(&rows, work.row.number, &mark, &work.keep, now, SLACK)? {
            let most = ROWS_TRIMMED_WITH_APPEND;
            trim(&mut rows, work.row.number, &mut mark, &work.keep, now, most)?;
        }
        let encoded = mark.encode(work.row.number);
        marks.insert(work.row.number, encoded.as_slice())?;
        record.mark(&encoded);
        after.push(mark);
    }
    Ok(after)
}

fn put(rows: &mut Rows<'_>, work: &Work<'_>, now: u64, record: &mut Record) -> Result<Mark, Fault> {
    let mut mark = work.mark;
    mark.stored = mark.stored.max(now);
    let mut entries = work.entries;
    while let Some(first) = entries.first() {
        let (value, count) = pack(work.row.number, entries, mark.bytes_end, mark.stored);
        rows.insert((work.row.number, first.seq.0), value.as_slice())?;
        record.row(first.seq.0, &value);
        mark.bytes_end += value.len() as u64;
        entries = &entries[count..];
    }
    if let Some(last) = work.entries.last() {
        mark.head = last.seq;
        mark.last_sent = last.sent.unix_nanoseconds();
    }
    Ok(mark)
}

/// Whether a log has grown over what is kept of it, by more than a `slack`th part of the bound.
pub(super) fn is_due(
    rows: &impl ReadableTable<(u64, u64), &'static [u8]>,
    number: u64,
    mark: &Mark,
    keep: &Keep,
    now: u64,
    slack: u64,
) -> Result<bool, Fault> {
    let over = |is: u64, bound: Option<u64>| {
        bound.is_some_and(|bound| is > bound.saturating_add(bound / slack))
    };
    if over(mark.entries(), keep.entries) || over(mark.bytes(), keep.bytes) {
        return Ok(true);
    }
    let Some(age) = age_of(keep).filter(|_| mark.entries() > 0) else {
        return Ok(false);
    };
    let Some(oldest) = rows.get((number, mark.first.0))? else {
        return Ok(false);
    };
    // A damaged row has no age; it is told where it is read.
    let oldest = Row::read((number, mark.first.0), oldest.value());
    Ok(oldest.is_ok_and(|row| is_over_age(row.header.stored, age, now)))
}

fn age_of(keep: &Keep) -> Option<u64> {
    let age = keep.age?;
    Some(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}

fn is_over_age(stored: u64, age: u64, now: u64) -> bool {
    stored.saturating_add(age) < now
}

/// Takes the oldest rows away as far as `keep` says: of the count never more than leaves so many, and
/// of the newest row nothing but for its age. Whether there was one.
pub(super) fn trim(
    rows: &mut Rows<'_>,
    number: u64,
    mark: &mut Mark,
    keep: &Keep,
    now: u64,
    rows_max: usize,
) -> Result<bool, Fault> {
    let before = mark.first;
    for _ in 0..rows_max {
        if mark.entries() == 0 {
            break;
        }
        let next = Next::after(rows, number, mark)?;
        let is_old = match age_of(keep) {
            Some(age) => is_row_old(rows, number, mark.first, age, now)?,
            None => false,
        };
        let is_over = next.first <= mark.head
            && (keep.bytes.is_some_and(|bytes| mark.bytes() > bytes)
                || (keep.entries).is_some_and(|kept| mark.head.0 + 1 - next.first.0 >= kept));
        if !is_old && !is_over {
            break;
        }
        rows.remove((number, mark.first.0))?;
        (mark.first, mark.bytes_begin) = (next.first, next.bytes_before);
    }
    Ok(mark.first > before)
}

fn is_row_old(rows: &Rows<'_>, number: u64, first: Seq, age: u64, now: u64) -> Result<bool, Fault> {
    let Some(value) = rows.get((number, first.0))? else {
        return Ok(false);
    };
    let row = Row::read((number, first.0), value.value());
    Ok(row.is_ok_and(|row| is_over_age(row.header.stored, age, now)))
}

/// Where a log goes on after its oldest row. It is the next row that says so: the oldest may be damaged.
struct Next {
    first: Seq,
    bytes_before: u64,
}

impl Next {
    fn after(rows: &Rows<'_>, number: u64, mark: &Mark) -> Result<Self, Fault> {
        let Some(first) = Log::new(rows, number, *mark).next_row(mark.first)? else {
            return Ok(Self {
                first: mark.head.next(),
                bytes_before: mark.bytes_end,
            });
        };
        let value = rows.get((number, first.0))?;
        let row = value
            .as_ref()
            .map(|value| Row::read((number, first.0), value.value()));
        let bytes_before = match row {
            Some(Ok(row)) => row.header.bytes_before,
            // The count is off by one row until that one has gone too.
            _ => mark.bytes_begin,
        };
        Ok(Self {
            first,
            bytes_before,
        })
    }
}

/// Takes away what is older than `before`, exactly, at most [`ROWS_TRIMMED_MAX`] rows. Whether all of
/// it is gone.
pub(super) fn trim_before(
    rows: &mut Rows<'_>,
    number: u64,
    mark: &mut Mark,
    before: Seq,
) -> Result<bool, Fault> {
    let before = before.min(mark.head.next());
    for _ in 0..ROWS_TRIMMED_MAX {
        if mark.first >= before {
            return Ok(true);
        }
        let next = Next::after(rows, number, mark)?;
        let rest = if next.first > before {
            Some(rest_of(rows, number, mark.first, before)?)
        } else {
            None
        };
        rows.remove((number, mark.first.0))?;
        match rest {
            None => (mark.first, mark.bytes_begin) = (next.first, next.bytes_before),
            Some(rest) => {
                rows.insert((number, before.0), rest.value.as_slice())?;
                (mark.first, mark.bytes_begin) = (before, rest.bytes_before);
            }
        }
    }
    Ok(mark.first >= before)
}

/// What stays of a row.
struct Rest {
    value: Vec<u8>,
    bytes_before: u64,
}

fn rest_of(rows: &Rows<'_>, number: u64, first: Seq, before: Seq) -> Result<Rest, Fault> {
    let missing = || crate::format::Damage::new(format!("the row at {} is not there", first.0));
    let value = rows.get((number, first.0))?.ok_or_else(missing)?;
    let row = Row::read((number, first.0), value.value())?;
    let entries = row.entries()?.into_iter();
    let kept: Vec<Arc<Entry>> = entries
        .filter(|entry| entry.seq >= before)
        .map(Arc::new)
        .collect();
    let header = row.header;
    // Its length does not depend on what is said in its header. What comes after it stays where it is.
    let (again, _) = pack(number, &kept, 0, header.stored);
    let bytes_before = header.bytes_before + row.bytes - again.len() as u64;
    let (value, _) = pack(number, &kept, bytes_before, header.stored);
    Ok(Rest {
        value,
        bytes_before,
    })
}
