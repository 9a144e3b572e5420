//! One row: entries of one room that were committed together.
//!
//! ```text
//! format 1 │ bytes of all earlier rows 8 │ stored at 8 │ count 4 │ entries … │ crc32 4
//! entry:   flags 1 │ sent 8 │ [id: length 1, text] │ [author 16] │ from: length, text
//!          │ [kind: length, text] │ payload: length, bytes
//! ```
//! Numbers are little-endian; lengths without a size are LEB128. The checksum covers the key too, so a
//! row that stands in another's place is found.

use std::sync::Arc;

use bytes::Bytes;
use parlour_proto::{Author, ClientId, Entry, EntryId, EntryKind, Seq, Timestamp};

use crate::format::{Damage, seal, unseal};

const ROW_FORMAT: u8 = 1;
const HEADER_BYTES: usize = 1 + 8 + 8 + 4;

/// From here on a row is full and another begins: a page of history need not read much more than it
/// asked for. One entry may be longer.
pub(crate) const ROW_BYTES_MAX: usize = 64 * 1024;

const HAS_ID: u8 = 1;
const IS_MESSAGE: u8 = 2;
const IS_PLAIN: u8 = 4;
const IS_PUBLISHED: u8 = 8;

/// What stands before the entries of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes of all earlier rows of the room, trimmed ones too.
    pub(crate) bytes_before: u64,
    /// When it was stored, in milliseconds since 1970; never smaller than in an earlier row.
    pub(crate) stored: u64,
    /// How many entries.
    pub(crate) count: u32,
}

/// A row whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) first: Seq,
    pub(crate) header: Header,
    /// The whole row's length.
    pub(crate) bytes: u64,
    entries: &'a [u8],
}

impl<'a> Row<'a> {
    /// Checks a row of the table.
    pub(crate) fn read((number, first): (u64, u64), value: &'a [u8]) -> Result<Self, Damage> {
        let damaged = |what: &str| Damage::new(format!("the row at {first} {what}"));
        let body = unseal(&key_bytes(number, first), value)
            .ok_or_else(|| damaged("has a wrong checksum"))?;
        let parts = body.split_first_chunk::<HEADER_BYTES>();
        let (header, entries) = parts.ok_or_else(|| damaged("is too short"))?;
        if header[0] != ROW_FORMAT {
            return Err(damaged("is of another version of Parlour"));
        }
        let number_at = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let mut count = [0; 4];
        count.copy_from_slice(&header[17..]);
        let header = Header {
            bytes_before: number_at(1),
            stored: number_at(9),
            count: u32::from_le_bytes(count),
        };
        if header.count == 0 {
            return Err(damaged("has no entries"));
        }
        Ok(Self {
            first: Seq(first),
            header,
            bytes: value.len() as u64,
            entries,
        })
    }

    /// The last entry's number.
    pub(crate) fn last(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.header.count) - 1)
    }

    /// The entries, in order.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, Damage> {
        let mut input = Input(self.entries);
        let mut entries: Vec<Entry> = Vec::new();
        for index in 0..u64::from(self.header.count) {
            let seq = Seq(self.first.0 + index);
            let before = entries.last().map(|entry| &entry.from);
            let entry = input
                .entry(seq, before)
                .ok_or_else(|| Damage::new(format!("the entry {} cannot be read", seq.0)))?;
            entries.push(entry);
        }
        if input.0.is_empty() {
            return Ok(entries);
        }
        Err(Damage::new(format!(
            "the row at {} is too long",
            self.first.0
        )))
    }
}

fn key_bytes(number: u64, first: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key[8..].copy_from_slice(&first.to_le_bytes());
    key
}

/// Makes one row of the first of these entries, and says how many that were: as many as are below
/// [`ROW_BYTES_MAX`], and at least one.
pub(crate) fn pack(
    number: u64,
    entries: &[Arc<Entry>],
    bytes_before: u64,
    stored: u64,
) -> (Vec<u8>, usize) {
    let mut out = vec![0; HEADER_BYTES];
    let mut count: u32 = 0;
    for entry in entries {
        if count > 0 && out.len() + entry.payload.len() > ROW_BYTES_MAX {
            break;
        }
        put_entry(entry, &mut out);
        count += 1;
    }
    out[0] = ROW_FORMAT;
    out[1..9].copy_from_slice(&bytes_before.to_le_bytes());
    out[9..17].copy_from_slice(&stored.to_le_bytes());
    out[17..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
    let first = entries.first().map_or(0, |entry| entry.seq.0);
    (seal(&key_bytes(number, first), out), count as usize)
}

fn put_entry(entry: &Entry, out: &mut Vec<u8>) {
    let is_message = entry.kind == EntryKind::MESSAGE;
    let mut flags = 0;
    if entry.id.is_some() {
        flags |= HAS_ID;
    }
    if is_message {
        flags |= IS_MESSAGE;
    }
    match entry.author {
        Author::Named => {}
        Author::Plain(_) => flags |= IS_PLAIN,
        Author::Published => flags |= IS_PUBLISHED,
    }
    out.push(flags);
    out.extend_from_slice(&entry.sent.unix_nanoseconds().to_le_bytes());
    if let Some(id) = &entry.id {
        put_text(id.as_str().as_bytes(), out);
    }
    if let Author::Plain(id) = entry.author {
        out.extend_from_slice(&id.bytes());
    }
    put_text(entry.from.as_bytes(), out);
    if !is_message {
        put_text(entry.kind.as_str().as_bytes(), out);
    }
    put_text(&entry.payload, out);
}

fn put_text(text: &[u8], out: &mut Vec<u8>) {
    let mut length = text.len();
    while length >= 0x80 {
        // The low seven bits.
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(text);
}

/// What is not read yet. `None` from a method: it makes no sense.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let mut length: usize = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let [byte] = self.bytes()?;
            length |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                let (text, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                return Some(text);
            }
        }
        None
    }

    fn str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.text()?).ok()
    }

    /// `before`: who said the entry before; many say several in a row.
    fn entry(&mut self, seq: Seq, before: Option<&Arc<str>>) -> Option<Entry> {
        let [flags] = self.bytes()?;
        let sent = Timestamp::from_unix_nanoseconds(i64::from_le_bytes(self.bytes()?));
        let id = if flags & HAS_ID == 0 {
            None
        } else {
            Some(EntryId::new(self.str()?).ok()?)
        };
        let author = match flags & (IS_PLAIN | IS_PUBLISHED) {
            0 => Author::Named,
            IS_PLAIN => Author::Plain(ClientId::from_bytes(self.bytes()?)),
            IS_PUBLISHED => Author::Published,
            _ => return None,
        };
        let from = self.str()?;
        let from = match before {
            Some(before) if **before == *from => Arc::clone(before),
            _ => Arc::from(from),
        };
        let kind = if flags & IS_MESSAGE == 0 {
            EntryKind::named(self.str()?.to_owned())
        } else {
            EntryKind::MESSAGE
        };
        Some(Entry {
            seq,
            id,
            from,
            author,
            kind,
            payload: Bytes::copy_from_slice(self.text()?),
            sent,
        })
    }
}

#[cfg(test)]
mod tests {
    use parlour_proto::Draft;

    use super::*;

    fn entries() -> Vec<Arc<Entry>> {
        let long = Draft::message("ann", &"x".repeat(300));
        let drafts = [
            Draft::message("ann", "hi").with_id(EntryId::new("order-7").unwrap()),
            long,
            Draft::message("guest-kim", "yo").by(Author::Plain(ClientId::of_name("kim"))),
            Draft::message("guest-web", "").by(Author::Published),
            Draft::new("app", EntryKind::named("$moved"), r#"{"x":1}"#),
        ];
        let numbered = drafts.into_iter().zip(7..).map(|(draft, seq)| {
            let sent = Timestamp::from_unix_nanoseconds(seq - 9);
            Arc::new(draft.numbered(Seq(seq.cast_unsigned()), sent))
        });
        numbered.collect()
    }

    #[test]
    fn entries_come_back_as_they_were() {
        let entries = entries();
        let (value, count) = pack(3, &entries, 1_000, 5);
        assert_eq!(count, entries.len());
        let row = Row::read((3, 7), &value).unwrap();
        assert_eq!((row.first, row.last()), (Seq(7), Seq(11)));
        assert_eq!((row.header.bytes_before, row.header.stored), (1_000, 5));
        assert_eq!(row.bytes, value.len() as u64);
        let read = row.entries().unwrap();
        assert_eq!(format!("{read:?}"), format!("{entries:?}"));
    }

    #[test]
    fn a_row_is_full_at_its_bound_and_one_entry_always_fits() {
        let big = |seq| {
            let draft = Draft::new("a", EntryKind::MESSAGE, vec![b'"'; ROW_BYTES_MAX]);
            Arc::new(draft.numbered(Seq(seq), Timestamp::from_unix_nanoseconds(0)))
        };
        let (_, count) = pack(1, &[big(1), big(2)], 0, 0);
        assert_eq!(count, 1);
    }

    #[test]
    fn a_flipped_bit_of_a_row_is_found_wherever_it_is() {
        let (value, _) = pack(3, &entries(), 1_000, 5);
        assert!(Row::read((3, 8), &value).is_err(), "in another's place");
        assert!(Row::read((4, 7), &value).is_err(), "another room's");
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Row::read((3, 7), &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn bytes_that_make_no_sense_are_an_error_and_no_panic() {
        let (value, _) = pack(3, &entries(), 1_000, 5);
        let body = &value[..value.len() - 4];
        for end in 0..body.len() {
            let cut = seal(&key_bytes(3, 7), body[..end].to_vec());
            let read = Row::read((3, 7), &cut).and_then(|row| row.entries());
            assert!(read.is_err(), "{end} bytes");
        }
        for at in HEADER_BYTES..body.len() {
            let mut wrong = body.to_vec();
            wrong[at] = 0xff;
            let wrong = seal(&key_bytes(3, 7), wrong);
            // Any answer but a panic: some bytes may be anything.
            let _ = Row::read((3, 7), &wrong).and_then(|row| row.entries());
        }
    }
}
