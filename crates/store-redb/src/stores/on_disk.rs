//! A partition's file.

use std::fs::{File, OpenOptions};
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use redb::StorageBackend;
use redb::backends::FileBackend;

#[cfg(target_os = "linux")]
use crate::layout::{FIRST_PAGE_BYTES, JOURNAL_BYTES};
use crate::medium::Medium;

/// A file by its path.
#[derive(Clone, Debug)]
pub(crate) struct OnDisk(pub(crate) PathBuf);

impl OnDisk {
    /// Makes an empty file, for this user alone.
    pub(crate) fn make(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(&self.0).map(drop)
    }
}

impl Medium for OnDisk {
    fn open(&self) -> io::Result<Box<dyn StorageBackend>> {
        let file = OpenOptions::new().read(true).write(true).open(&self.0)?;
        // What an earlier process wrote and did not sync is written now, or this fails; and what is
        // read from now on comes from the disk. So recovery sees what a power cut would leave.
        file.sync_all()?;
        forget_cached(&file)?;
        let backend = FileBackend::new(file).map_err(io::Error::other)?;
        Ok(Box::new(backend))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let space = rustix::fs::statvfs(&self.0)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

/// From then on nothing is read ahead but the journal, which is asked for in one piece: pages of a tree
/// do not lie in the order in which they are asked for, and where the system read ahead, filling a file took
/// three to four times as long (why is not measured; large pages in its cache are the guess).
#[cfg(target_os = "linux")]
fn forget_cached(file: &File) -> io::Result<()> {
    use rustix::fs::{Advice, fadvise};

    fadvise(file, 0, None, Advice::DontNeed)?;
    fadvise(file, 0, None, Advice::Random)?;
    let journal = NonZero::new(FIRST_PAGE_BYTES + JOURNAL_BYTES);
    Ok(fadvise(file, 0, journal, Advice::WillNeed)?)
}

/// Elsewhere no call makes the system read again what it has in memory.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
fn forget_cached(_: &File) -> io::Result<()> {
    Ok(())
}

/// Makes names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
