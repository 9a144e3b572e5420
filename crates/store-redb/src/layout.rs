//! Where things are in a partition's file: a first page, the journal, and the database.
//!
//! | bytes | |
//! |---|---|
//! | 0 to 4,095 | what the file is, and how long its journal is |
//! | from 4,096 on | the [journal](crate::journal) |
//! | from its end on | a redb database |
//!
//! One file and not two: neither can be restored, copied or lost without the other.

use std::io;

use redb::StorageBackend as _;

use crate::fault::Fault;
use crate::file::Unopened;
use crate::format::{Damage, FORMAT, seal, unseal};
use crate::journal::SECTOR;
use crate::medium::Watched;

/// How long the journal of a new file is. The longer, the fewer checkpoints, and the more a start
/// after a kill has to read.
pub(crate) const JOURNAL_BYTES: u64 = 8 << 20;

/// Bytes before the journal.
pub(crate) const FIRST_PAGE_BYTES: u64 = 4096;

const MAGIC: [u8; 16] = *b"Parlour rooms \r\n";
/// Numbers in the first page: format and length of the journal.
const NUMBERS_BYTES: usize = 16 + 8;

/// A new file's first page.
pub(crate) fn begin(file: &Watched, journal_bytes: u64) -> io::Result<()> {
    file.set_len(FIRST_PAGE_BYTES + journal_bytes)?;
    let mut numbers = Vec::with_capacity(NUMBERS_BYTES + 4);
    numbers.extend_from_slice(&FORMAT.to_le_bytes());
    numbers.extend_from_slice(&journal_bytes.to_le_bytes());
    let mut page = MAGIC.to_vec();
    page.extend_from_slice(&seal(&MAGIC, numbers));
    file.write(0, &page)
}

/// How long the journal of a file is.
pub(crate) fn journal_bytes(file: &Watched) -> Result<u64, Unopened> {
    let mut page = [0; MAGIC.len() + NUMBERS_BYTES + 4];
    let unread = |error: io::Error| Fault::Disk(error.to_string());
    if file.len().map_err(unread)? < FIRST_PAGE_BYTES {
        return Err(Damage::new("it is too short for a file of rooms").into());
    }
    file.read(0, &mut page).map_err(unread)?;
    let (magic, numbers) = page.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(Damage::new("it does not begin as a file of rooms").into());
    }
    let numbers = unseal(&MAGIC, numbers)
        .and_then(|numbers| numbers.split_first_chunk::<16>())
        .ok_or_else(|| Damage::new("its first page has a wrong checksum"))?;
    let (format, length) = numbers;
    match u128::from_le_bytes(*format) {
        FORMAT => {}
        other => return Err(Unopened::Format(other)),
    }
    let length = u64::from_le_bytes(length.first_chunk::<8>().copied().unwrap_or_default());
    if length < SECTOR as u64 {
        return Err(Damage::new("its journal has no place for a beginning").into());
    }
    Ok(length)
}
