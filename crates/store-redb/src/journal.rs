//! The journal: commits that are durable and not yet in the database's own durable pages.
//!
//! A commit is one record: appended, synced, acknowledged. The database has the same in memory, where
//! readers see it, and writes it down later for many commits at once (a checkpoint). Each checkpoint
//! says in the database which *generation* of the journal comes after it; the journal then begins
//! anew with an empty record in its first sector, and what is left of earlier generations is not looked
//! at.
//!
//! ```text
//! record:  header's crc32 4 │ body's crc32 4 │ body's length 4 │ generation 8 │ index 8 │ body
//! body:    for each room   name │ [its row of `rooms`, if it is new] │ rows … │ its mark
//! part:    tag 1 │ length 4 │ bytes       (a row: first seq 8 │ the row)
//! ```
//! Numbers are little-endian. Records are numbered, and each begins with a sector of its own, so
//! that what is acknowledged is not written again for what comes after it. One is on its way at a
//! time, so a record that does not fit its checksum is the end, unless another comes after it: then it
//! was whole once, and is damaged.

use redb::StorageBackend as _;

use crate::fault::Fault;
use crate::format::Damage;
use crate::layout::FIRST_PAGE_BYTES;
use crate::medium::Watched;

const HEADER_BYTES: usize = 4 + 4 + 4 + 8 + 8;

/// What a disk writes whole or not at all, in bytes.
pub(crate) const SECTOR: usize = 512;

/// What is looked through at once, in bytes: whole sectors.
const PIECE: usize = 128 * SECTOR;

/// What a record with so long a body takes.
fn room_for(body: usize) -> u64 {
    (HEADER_BYTES + body).next_multiple_of(SECTOR) as u64
}

/// What is said of one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record(Vec<u8>);

/// What a part of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Room = 1,
    New = 2,
    Row = 3,
    Mark = 4,
}

impl Tag {
    fn of(byte: u8) -> Option<Self> {
        let all = [Self::Room, Self::New, Self::Row, Self::Mark];
        all.into_iter().find(|tag| *tag as u8 == byte)
    }
}

impl Record {
    /// What follows is of this room; `new` is its row of `rooms`, if it gets one.
    pub(crate) fn room(&mut self, name: &str, new: Option<&[u8]>) {
        self.begin();
        self.part(Tag::Room, &[name.as_bytes()]);
        if let Some(row) = new {
            self.part(Tag::New, &[row]);
        }
    }

    pub(crate) fn row(&mut self, first: u64, row: &[u8]) {
        self.part(Tag::Row, &[&first.to_le_bytes(), row]);
    }

    /// Where the room's log is then.
    pub(crate) fn mark(&mut self, mark: &[u8]) {
        self.part(Tag::Mark, &[mark]);
    }

    /// The header is written when all is said.
    fn begin(&mut self) {
        if self.0.is_empty() {
            self.0.resize(HEADER_BYTES, 0);
        }
    }

    fn part(&mut self, tag: Tag, pieces: &[&[u8]]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.0.push(tag as u8);
        // A row is little longer than a message, which is bounded far below this.
        self.0.extend_from_slice(&(length as u32).to_le_bytes());
        for piece in pieces {
            self.0.extend_from_slice(piece);
        }
    }

    fn seal(&mut self, generation: u64, index: u64) {
        let (head, body) = self.0.split_at_mut(HEADER_BYTES);
        let header = Header {
            body_sum: crc32fast::hash(body),
            body_bytes: body.len() as u32,
            generation,
            index,
        };
        head.copy_from_slice(&header.encode());
    }
}

/// What stands before a record's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    body_sum: u32,
    body_bytes: u32,
    generation: u64,
    index: u64,
}

impl Header {
    fn encode(self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[4..8].copy_from_slice(&self.body_sum.to_le_bytes());
        out[8..12].copy_from_slice(&self.body_bytes.to_le_bytes());
        out[12..20].copy_from_slice(&self.generation.to_le_bytes());
        out[20..].copy_from_slice(&self.index.to_le_bytes());
        let sum = crc32fast::hash(&out[4..]);
        out[..4].copy_from_slice(&sum.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (sum, rest) = bytes.get(..HEADER_BYTES)?.split_first_chunk::<4>()?;
        if crc32fast::hash(rest) != u32::from_le_bytes(*sum) {
            return None;
        }
        let (body_sum, rest) = rest.split_first_chunk()?;
        let (body_bytes, rest) = rest.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (index, _) = rest.split_first_chunk()?;
        Some(Self {
            body_sum: u32::from_le_bytes(*body_sum),
            body_bytes: u32::from_le_bytes(*body_bytes),
            generation: u64::from_le_bytes(*generation),
            index: u64::from_le_bytes(*index),
        })
    }
}

/// What a record says of one room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) new: Option<&'a [u8]>,
    rows: &'a [u8],
    pub(crate) mark: &'a [u8],
}

impl<'a> Part<'a> {
    /// First seq and row, in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u64, &'a [u8])> {
        let mut rest = self.rows;
        std::iter::from_fn(move || {
            let (_, row) = take(&mut rest)?;
            let (first, row) = row.split_first_chunk()?;
            Some((u64::from_le_bytes(*first), row))
        })
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<(Tag, &'a [u8])> {
    let (tag, after) = rest.split_first()?;
    let (length, after) = after.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (bytes, after) = after.split_at_checked(length)?;
    *rest = after;
    Some((Tag::of(*tag)?, bytes))
}

/// The rooms of a record's body.
pub(crate) fn parts(body: &[u8]) -> Result<Vec<Part<'_>>, Damage> {
    let senseless = || Damage::new("a record of its journal makes no sense");
    let mut parts = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let Some((Tag::Room, name)) = take(&mut rest) else {
            return Err(senseless());
        };
        let name = std::str::from_utf8(name).map_err(|_| senseless())?;
        let mut after = rest;
        let new = match take(&mut after) {
            Some((Tag::New, row)) => {
                rest = after;
                Some(row)
            }
            _ => None,
        };
        let all = rest;
        let (rows, mark) = loop {
            let rows = &all[..all.len() - rest.len()];
            match take(&mut rest).ok_or_else(senseless)? {
                (Tag::Row, _) => {}
                (Tag::Mark, mark) => break (rows, mark),
                (Tag::Room | Tag::New, _) => return Err(senseless()),
            }
        };
        parts.push(Part {
            name,
            new,
            rows,
            mark,
        });
    }
    Ok(parts)
}

/// The journal of an open file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Watched,
    length: u64,
    generation: u64,
    /// The next record's.
    index: u64,
    /// Where it goes, in bytes from the journal's first.
    at: u64,
}

impl Journal {
    /// That of `generation`, in a file whose journal is so long. It stands before its first record:
    /// [`read_on`](Self::read_on) until there are no more, then [`check_end`](Self::check_end).
    pub(crate) fn open(file: &Watched, length: u64, generation: u64) -> Result<Self, Fault> {
        let journal = Self {
            file: file.behind(FIRST_PAGE_BYTES),
            length,
            generation,
            index: 1,
            at: room_for(0),
        };
        journal.check_begin()?;
        Ok(journal)
    }

    /// The bodies of its next records, in order: about as many bytes as `bytes_max`, and at least one
    /// record if there is another.
    pub(crate) fn read_on(&mut self, bytes_max: u64) -> Result<Vec<Vec<u8>>, Fault> {
        let begin = self.at;
        let mut bodies = Vec::new();
        while self.at - begin < bytes_max
            && let Some(body) = self.next()?
        {
            self.index += 1;
            self.at += room_for(body.len());
            bodies.push(body);
        }
        Ok(bodies)
    }

    /// The empty record there is of this generation, or still of one before.
    fn check_begin(&self) -> Result<(), Fault> {
        let mut header = [0; HEADER_BYTES];
        self.read(0, &mut header)?;
        match Header::decode(&header) {
            Some(header) if header.generation > self.generation => {
                Err(Damage::new("its database is older than its journal").into())
            }
            _ => Ok(()),
        }
    }

    fn next(&self) -> Result<Option<Vec<u8>>, Fault> {
        let mut header = [0; HEADER_BYTES];
        if self.left() < header.len() as u64 {
            return Ok(None);
        }
        self.read(self.at, &mut header)?;
        let Some(header) = Header::decode(&header) else {
            return Ok(None);
        };
        let bytes = room_for(header.body_bytes as usize);
        if (header.generation, header.index) != (self.generation, self.index) || bytes > self.left()
        {
            return Ok(None);
        }
        let mut body = vec![0; header.body_bytes as usize];
        self.read(self.at + HEADER_BYTES as u64, &mut body)?;
        let is_whole = crc32fast::hash(&body) == header.body_sum;
        if !is_whole {
            tracing::warn!(
                bytes,
                "the last commit before the stop was not written whole; it was not acknowledged, \
                 unless the disk is damaged"
            );
        }
        Ok(is_whole.then_some(body))
    }

    /// The bytes of the file that have the last record: one flipped bit there looks like a commit that
    /// was cut off.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn last_record(&self) -> std::ops::Range<u64> {
        let mut again = Self {
            file: self.file.clone(),
            index: 1,
            at: room_for(0),
            ..*self
        };
        let mut last = 0..0;
        while let Ok(Some(body)) = again.next() {
            let begin = FIRST_PAGE_BYTES + again.at;
            last = begin..begin + (HEADER_BYTES + body.len()) as u64;
            (again.index, again.at) = (again.index + 1, again.at + room_for(body.len()));
        }
        last
    }

    /// Nothing of this generation comes after its end.
    pub(crate) fn check_end(&self) -> Result<(), Fault> {
        let mut piece = vec![0; PIECE];
        let mut at = self.at;
        while at < self.length {
            let left = usize::try_from(self.length - at).unwrap_or(usize::MAX);
            let piece = &mut piece[..left.min(PIECE)];
            self.read(at, piece)?;
            if piece.chunks(SECTOR).any(|sector| self.is_later(sector)) {
                let end = FIRST_PAGE_BYTES + self.at;
                let what = format!("the commit in its journal at byte {end} is damaged");
                return Err(Damage::new(what).into());
            }
            at += piece.len() as u64;
        }
        Ok(())
    }

    fn is_later(&self, sector: &[u8]) -> bool {
        let header = Header::decode(sector);
        header.is_some_and(|it| it.generation == self.generation && it.index > self.index)
    }

    fn read(&self, at: u64, out: &mut [u8]) -> Result<(), Fault> {
        let read = self.file.read(at, out);
        read.map_err(|error| Fault::Disk(error.to_string()))
    }

    fn left(&self) -> u64 {
        self.length.saturating_sub(self.at)
    }

    /// Bytes of records that no checkpoint has.
    pub(crate) fn pending(&self) -> u64 {
        self.at - room_for(0)
    }

    /// The one that begins with the next checkpoint.
    pub(crate) fn next_generation(&self) -> u64 {
        self.generation + 1
    }

    /// Whether there is likely to be place for a record of entries that are so many bytes.
    pub(crate) fn has_place(&self, bytes: u64) -> bool {
        bytes.saturating_mul(2).saturating_add(SECTOR as u64) <= self.left()
    }

    /// Whether it has place for a record.
    pub(crate) fn takes(&self, record: &Record) -> bool {
        room_for(record.0.len().saturating_sub(HEADER_BYTES)) <= self.left()
    }

    /// Makes a record durable.
    pub(crate) fn append(&mut self, mut record: Record) -> Result<(), Fault> {
        record.seal(self.generation, self.index);
        let failed = |error: std::io::Error| Fault::Disk(error.to_string());
        self.file.write(self.at, &record.0).map_err(failed)?;
        self.file.sync_data().map_err(failed)?;
        self.index += 1;
        self.at += room_for(record.0.len() - HEADER_BYTES);
        Ok(())
    }

    /// After a checkpoint that said so. What is written needs no sync: it only makes sure that a
    /// database which has gone back to an earlier checkpoint is not taken for the latest.
    pub(crate) fn restart(&mut self) -> Result<(), Fault> {
        self.generation = self.next_generation();
        let mut nothing = Record::default();
        nothing.begin();
        nothing.seal(self.generation, 0);
        (self.index, self.at) = (1, room_for(0));
        let written = self.file.write(0, &nothing.0);
        written.map_err(|error| Fault::Disk(error.to_string()))
    }
}
