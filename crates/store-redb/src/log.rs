//! One room's log, as its rows say it and its mark demands it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use parlour_hub::{Digester, IdDigest, Opened, Recent};
use parlour_proto::{Entry, PageFrom, RoomName, Seq};
use redb::{ReadTransaction, ReadableTable};

use crate::fault::Fault;
use crate::format::{Damage, Identity, MARKS, Mark, ROOMS, ROWS, RoomRow};
use crate::row::Row;

/// Where a room is, if it has ever had an entry.
pub(crate) fn find(
    rooms: &impl ReadableTable<&'static str, &'static [u8]>,
    marks: &impl ReadableTable<u64, &'static [u8]>,
    identity: Identity,
    room: &RoomName,
) -> Result<Option<(RoomRow, Mark)>, Fault> {
    let number = identity.number_of(room);
    let named = rooms.get(room.as_str())?;
    let marked = marks.get(number)?;
    match (named, marked) {
        (None, None) => Ok(None),
        (Some(named), Some(marked)) => {
            let row = RoomRow::decode(room.as_str(), named.value())?;
            if row.number != number {
                return Err(Damage::new("its number is another room's").into());
            }
            Ok(Some((row, Mark::decode(number, marked.value())?)))
        }
        (None, Some(_)) => Err(Damage::new("it has a log and is not among the rooms").into()),
        (Some(_), None) => Err(Damage::new("it has no mark of its log").into()),
    }
}

/// [`find`] in one transaction.
pub(crate) fn find_in(
    read: &ReadTransaction,
    identity: Identity,
    room: &RoomName,
) -> Result<Option<(RoomRow, Mark)>, Fault> {
    find(
        &read.open_table(ROOMS)?,
        &read.open_table(MARKS)?,
        identity,
        room,
    )
}

/// [`find_in`] for who takes the room up. A mark that has gone back to an earlier commit, as one flipped
/// bit in the tree above it can do, is known by what stands behind it.
pub(crate) fn find_to_open(
    read: &ReadTransaction,
    identity: Identity,
    room: &RoomName,
) -> Result<Option<(RoomRow, Mark)>, Fault> {
    let found = find_in(read, identity, room)?;
    if let Some((row, mark)) = &found {
        let behind = (row.number, mark.head.next().0)..=(row.number, u64::MAX);
        if read.open_table(ROWS)?.range(behind)?.next().is_some() {
            return Err(Damage::new("it has entries behind the end that its mark says").into());
        }
    }
    Ok(found)
}

/// A log in one transaction.
pub(crate) struct Log<'a, T> {
    rows: &'a T,
    number: u64,
    mark: Mark,
}

/// What may be read at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) entries_max: usize,
    /// By [`Entry::cost`]; one entry may stand over it.
    pub(crate) bytes_max: usize,
}

/// What is left of [`Bounds`].
struct Left {
    entries: usize,
    bytes: usize,
    taken: bool,
}

impl Left {
    fn of(bounds: Bounds) -> Self {
        Self {
            entries: bounds.entries_max,
            bytes: bounds.bytes_max,
            taken: false,
        }
    }

    fn takes(&mut self, entry: &Entry) -> bool {
        let cost = entry.cost();
        if self.entries == 0 || (self.taken && cost > self.bytes) {
            self.entries = 0;
            return false;
        }
        self.entries -= 1;
        self.bytes = self.bytes.saturating_sub(cost);
        self.taken = true;
        true
    }

    fn is_over(&self) -> bool {
        self.entries == 0
    }
}

impl<'a, T: ReadableTable<(u64, u64), &'static [u8]>> Log<'a, T> {
    pub(crate) fn new(rows: &'a T, number: u64, mark: Mark) -> Self {
        Self { rows, number, mark }
    }

    fn keys(&self, seqs: RangeInclusive<u64>) -> RangeInclusive<(u64, u64)> {
        (self.number, *seqs.start())..=(self.number, *seqs.end())
    }

    /// Entries in ascending order without holes. What was read before damage was met is given; damage
    /// at its beginning is told.
    pub(crate) fn read(&self, from: PageFrom, bounds: Bounds) -> Result<Vec<Arc<Entry>>, Fault> {
        let mut read = Vec::new();
        let ended = match from {
            PageFrom::After(seq) => self.forward(seq, bounds, &mut read),
            PageFrom::Before(seq) => {
                let last = Seq(seq.0.saturating_sub(1)).min(self.mark.head);
                let ended = self.backward(last, bounds, &mut read);
                read.reverse();
                ended
            }
        };
        match ended {
            Err(fault) if read.is_empty() => Err(fault),
            _ => Ok(read),
        }
    }

    fn forward(&self, after: Seq, bounds: Bounds, read: &mut Vec<Arc<Entry>>) -> Result<(), Fault> {
        let mut next = Seq(after.0.saturating_add(1)).max(self.mark.first);
        let mut left = Left::of(bounds);
        if next > self.mark.head || left.is_over() {
            return Ok(());
        }
        // The row that `next` is in may begin before it.
        let mut before = self.rows.range(self.keys(self.mark.first.0..=next.0))?;
        let begin = match before.next_back() {
            Some(row) => row?.0.value().1,
            None => return Err(self.hole(next).into()),
        };
        let mut expected = Seq(begin);
        for item in self.rows.range(self.keys(begin..=self.mark.head.0))? {
            let (key, value) = item?;
            let row = Row::read(key.value(), value.value())?;
            if row.first != expected || row.last() > self.mark.head || row.last() < next {
                return Err(self.hole(expected).into());
            }
            for entry in row.entries()? {
                if entry.seq < next {
                    continue;
                }
                if !left.takes(&entry) {
                    return Ok(());
                }
                next = entry.seq.next();
                read.push(Arc::new(entry));
            }
            expected = row.last().next();
            if expected > self.mark.head {
                return Ok(());
            }
        }
        Err(self.hole(expected).into())
    }

    /// The newest first, from `last` on.
    fn backward(&self, last: Seq, bounds: Bounds, read: &mut Vec<Arc<Entry>>) -> Result<(), Fault> {
        let mut left = Left::of(bounds);
        self.rows_back(last, |row| {
            for entry in row.entries()?.into_iter().rev() {
                if entry.seq > last {
                    continue;
                }
                if !left.takes(&entry) {
                    return Ok(false);
                }
                read.push(Arc::new(entry));
            }
            Ok(!left.is_over())
        })
    }

    /// Shows every row from the one with `last` back to the first, until `show` has seen enough.
    fn rows_back(
        &self,
        last: Seq,
        mut show: impl FnMut(Row<'_>) -> Result<bool, Damage>,
    ) -> Result<(), Fault> {
        let first = self.mark.first;
        if last < first {
            return Ok(());
        }
        // Where the next row must end; of the first one it is only known that it has `last`.
        let mut end = None;
        for item in self.rows.range(self.keys(first.0..=last.0))?.rev() {
            let (key, value) = item?;
            let row = Row::read(key.value(), value.value())?;
            let fits = match end {
                Some(end) => row.last() == end,
                None => row.last() >= last && row.last() <= self.mark.head,
            };
            if !fits {
                return Err(self.hole(end.unwrap_or(last)).into());
            }
            if row.first == first {
                show(row)?;
                return Ok(());
            }
            end = Some(Seq(row.first.0 - 1));
            if !show(row)? {
                return Ok(());
            }
        }
        Err(self.hole(end.unwrap_or(last)).into())
    }

    fn hole(&self, at: Seq) -> Damage {
        let Mark { first, head, .. } = self.mark;
        Damage::new(format!(
            "the entry {at} is not there, of a log of {first} to {head}",
            at = at.0,
            first = first.0,
            head = head.0
        ))
    }

    /// The last entries and their ids, as far back as they are whole; and the damage that ended it.
    pub(crate) fn tail(&self, recent: Recent, digester: Digester) -> (Tail, Option<Fault>) {
        let Mark { first, head, .. } = self.mark;
        let ids_max = u64::try_from(recent.ids_max).unwrap_or(u64::MAX);
        let ids_from = Seq((head.0 + 1).saturating_sub(ids_max)).max(first);
        let mut left = Left::of(Bounds {
            entries_max: recent.entries_max,
            bytes_max: recent.bytes_max,
        });
        let mut tail = Tail {
            recent: Vec::new(),
            ids: Vec::new(),
            ids_from: head.next(),
        };
        let ended = self.rows_back(head, |row| {
            for entry in row.entries()?.into_iter().rev() {
                let seq = entry.seq;
                if seq >= ids_from {
                    tail.ids_from = seq;
                    tail.ids.extend(digester.digest(&entry).map(|id| (seq, id)));
                }
                if left.takes(&entry) {
                    tail.recent.push(Arc::new(entry));
                } else if seq < ids_from {
                    return Ok(false);
                }
            }
            Ok(row.first > ids_from || !left.is_over())
        });
        tail.recent.reverse();
        tail.ids.reverse();
        (tail, ended.err())
    }

    /// Looks at every row, and shows those that are whole. Everything that is wrong goes to `damaged`.
    pub(crate) fn verify(
        &self,
        mut whole: impl FnMut(&Row<'_>),
        mut damaged: impl FnMut(Seq, String),
    ) -> Result<(), Fault> {
        let Mark { first, head, .. } = self.mark;
        let mut expected = first;
        let mut bytes = self.mark.bytes_begin;
        for item in self.rows.range(self.keys(0..=u64::MAX))? {
            let (key, value) = item?;
            let begin = Seq(key.value().1);
            if begin != expected {
                damaged(
                    expected.min(begin),
                    self.hole(expected.min(head)).to_string(),
                );
            }
            let row = Row::read(key.value(), value.value());
            let entries = row.and_then(|row| row.entries().map(|_| row));
            match entries {
                Ok(row) => {
                    if row.header.bytes_before != bytes && begin == expected {
                        damaged(begin, "the bytes before it are counted wrong".to_owned());
                    }
                    bytes = row.header.bytes_before + row.bytes;
                    expected = row.last().next();
                    whole(&row);
                }
                Err(damage) => {
                    damaged(begin, damage.to_string());
                    // What follows says where it should have ended.
                    bytes += value.value().len() as u64;
                    expected = self.next_row(begin)?.unwrap_or(head.next());
                }
            }
        }
        if expected != head.next() {
            damaged(
                expected.min(head),
                self.hole(expected.min(head)).to_string(),
            );
        } else if bytes != self.mark.bytes_end {
            damaged(head, "the bytes of its log are counted wrong".to_owned());
        }
        Ok(())
    }

    /// Where the row after the one that begins at `begin` begins.
    pub(crate) fn next_row(&self, begin: Seq) -> Result<Option<Seq>, Fault> {
        let mut after = self.rows.range(self.keys(begin.0 + 1..=u64::MAX))?;
        let next = after.next().transpose()?;
        Ok(next.map(|(key, _)| Seq(key.value().1)))
    }
}

/// The end of a log.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) recent: Vec<Arc<Entry>>,
    pub(crate) ids: Vec<(Seq, IdDigest)>,
    pub(crate) ids_from: Seq,
}

/// What a shard must know of a room before anything is said in it, and damage in its older entries.
pub(crate) fn open(
    read: &ReadTransaction,
    identity: Identity,
    room: &RoomName,
    recent: Recent,
    digester: Digester,
) -> Result<(Opened, Option<Fault>), Fault> {
    let Some((row, mark)) = find_to_open(read, identity, room)? else {
        let opened = Opened {
            epoch: identity.epoch_of(room, 0),
            head: Mark::EMPTY.head,
            first: Mark::EMPTY.first,
            recent: Vec::new(),
            ids: Vec::new(),
            ids_from: Seq(1),
        };
        return Ok((opened, None));
    };
    let rows = read.open_table(ROWS)?;
    let (tail, damage) = Log::new(&rows, row.number, mark).tail(recent, digester);
    let opened = Opened {
        epoch: row.epoch,
        head: mark.head,
        first: mark.first,
        recent: tail.recent,
        ids: tail.ids,
        ids_from: tail.ids_from,
    };
    Ok((opened, damage))
}
