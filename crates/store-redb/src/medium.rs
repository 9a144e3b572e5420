//! What a partition's file lies on: opened anew after a failure, and watched for which step failed.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use redb::{BackendError, StorageBackend};

/// Where a partition's bytes are. A file in a server; a disk in memory in the simulation.
pub(crate) trait Medium: fmt::Debug + Send + Sync {
    /// Opens it, so that what is read from now on is what the disk has.
    fn open(&self) -> io::Result<Box<dyn StorageBackend>>;

    /// Bytes that can still be written to it.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// A kind of step on a medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Read,
    Write,
    Sync,
}

/// The first step that failed since the medium was opened.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    /// There was no space.
    pub(crate) is_full: bool,
    pub(crate) what: String,
}

/// What failed, for who holds the database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures(Arc<Mutex<Option<Failure>>>);

impl Failures {
    pub(crate) fn first(&self) -> Option<Failure> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note<T>(&self, step: Step, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done {
            let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
            let failure = Failure {
                step,
                is_full: full.contains(&error.kind()),
                what: error.to_string(),
            };
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // A sync is the gravest: what was written before it may be lost without a further word.
            if first
                .as_ref()
                .is_none_or(|it| it.step != Step::Sync && step == Step::Sync)
            {
                *first = Some(failure);
            }
        }
        done
    }

    fn is_sync_lost(&self) -> bool {
        self.first()
            .is_some_and(|failure| failure.step == Step::Sync)
    }
}

/// A backend that notes what fails. After a sync has failed it writes nothing any more: the operating
/// system may have thrown away what was not written, and the next sync would claim that all is well.
///
/// A clone is the same file.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    inner: Arc<dyn StorageBackend>,
    failures: Failures,
    /// Where its first byte is in the file.
    from: u64,
}

impl Watched {
    pub(crate) fn new(inner: Box<dyn StorageBackend>) -> (Self, Failures) {
        let failures = Failures::default();
        let watched = Self {
            inner: Arc::from(inner),
            failures: failures.clone(),
            from: 0,
        };
        (watched, failures)
    }

    /// What of it comes after its first bytes.
    pub(crate) fn behind(&self, bytes: u64) -> Self {
        Self {
            from: self.from + bytes,
            ..self.clone()
        }
    }

    fn writable(&self) -> io::Result<()> {
        if self.failures.is_sync_lost() {
            return Err(io::Error::other("nothing is written after a failed sync"));
        }
        Ok(())
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        let length = self.failures.note(Step::Read, self.inner.len())?;
        Ok(length.saturating_sub(self.from))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let read = self.inner.read(self.from + offset, out);
        self.failures.note(Step::Read, read)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.writable()?;
        let set = self.inner.set_len(self.from + length);
        self.failures.note(Step::Write, set)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.writable()?;
        self.failures.note(Step::Sync, self.inner.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.writable()?;
        let written = self.inner.write(self.from + offset, data);
        self.failures.note(Step::Write, written)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
