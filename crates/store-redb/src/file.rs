//! An open database: made, opened again after a failure, and shared with who reads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use redb::{
    Builder, Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase,
    WriteTransaction,
};

use crate::fault::Fault;
use crate::format::{Damage, FORMAT, Identity, MARKS, META, ROOMS, ROWS};
use crate::journal::{Journal, Record};
use crate::layout;
use crate::medium::{Failures, Medium, Watched};

const FORMAT_KEY: &str = "format";
const DIRECTORY_KEY: &str = "directory";
const PARTITION_KEY: &str = "partition";
const PARTITIONS_KEY: &str = "partitions";
/// A checksum of those above: another directory's id would make every room unknown.
const IDENTITY_SUM_KEY: &str = "identity sum";
const JOURNAL_KEY: &str = "journal";
/// That of a new file. Never 0, which is what unwritten bytes say.
const FIRST_GENERATION: u64 = 1;

/// Why a file could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    InUse,
    Format(u128),
    Fault(Fault),
}

impl<T> From<T> for Unopened
where
    Fault: From<T>,
{
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}

/// An open file, or none while it is opened again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<RwLock<Option<Held>>>);

/// A database whose end is no panic: closing a damaged one may be.
#[derive(Debug)]
struct Held(Option<Database>);

impl Held {
    fn get(&self) -> Result<&Database, Fault> {
        self.0.as_ref().ok_or_else(absent)
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(database) = self.0.take() else {
            return Ok(());
        };
        let closed = catch_unwind(AssertUnwindSafe(|| database.close()));
        Ok(closed.map_err(|_| contradiction())??)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The next start recovers what did not close in order. Whoever wants to know calls `close`.
        let _ = self.close();
    }
}

impl Shared {
    /// Reads what is committed. Does not wait for a commit; damage is an answer, even where the
    /// database panics of it.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.with(|database| {
            let done = catch_unwind(AssertUnwindSafe(|| work(&database.begin_read()?)));
            done.unwrap_or_else(|_| Err(contradiction().into()))
        })
    }

    /// Does all of `work` durably and shows it, or does nothing of it. What it says to the record is
    /// what the journal gets, if that has place; if not, this is a checkpoint.
    pub(crate) fn commit<T>(
        &self,
        journal: &mut Journal,
        work: impl FnOnce(&WriteTransaction, &mut Record) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.with(|database| {
            let done = catch_unwind(AssertUnwindSafe(|| commit(database, journal, work)));
            done.unwrap_or_else(|_| Err(panicked()))
        })
    }

    /// Does all of `work` durably, or nothing, and everything before it that only the journal has.
    pub(crate) fn write<T>(
        &self,
        journal: &mut Journal,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.with(|database| {
            let done = catch_unwind(AssertUnwindSafe(|| {
                let write = database.begin_write()?;
                let done = work(&write)?;
                checkpoint(write, journal)?;
                Ok(done)
            }));
            done.unwrap_or_else(|_| Err(panicked()))
        })
    }

    /// Shows what the journal has, again: all of `work` or nothing.
    pub(crate) fn show<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.with(|database| {
            let done = catch_unwind(AssertUnwindSafe(|| {
                let mut write = database.begin_write()?;
                show_only(&mut write)?;
                let done = work(&write)?;
                write.commit()?;
                Ok(done)
            }));
            done.unwrap_or_else(|_| Err(contradiction().into()))
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Fault>) -> Result<T, Fault> {
        let database = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or_else(absent)?.get()?;
        work(database)
    }

    /// Puts another database in its place, and drops the one that was there first.
    pub(crate) fn replace(
        &self,
        open: impl FnOnce() -> Result<Database, Unopened>,
    ) -> Result<(), Unopened> {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        drop(place.take());
        *place = Some(Held(Some(open()?)));
        Ok(())
    }

    /// Lets go of it without a last commit: the database makes none while a panic unwinds.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn abandon(&self) {
        let held = (self.0.write())
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let _ = catch_unwind(AssertUnwindSafe(move || {
            let _held = held;
            std::panic::resume_unwind(Box::new("abandoned"));
        }));
    }

    /// Closes it, so that the next start has nothing to recover.
    pub(crate) fn close(&self) -> Result<(), Fault> {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        place.take().map_or(Ok(()), |mut held| held.close())
    }
}

fn absent() -> Fault {
    Fault::Disk("its file is not open".to_owned())
}

fn contradiction() -> Damage {
    Damage::new("the pages of its file contradict each other")
}

/// Nobody knows what it has done.
fn panicked() -> Fault {
    Fault::Disk("the database panicked".to_owned())
}

fn commit<T>(
    database: &Database,
    journal: &mut Journal,
    work: impl FnOnce(&WriteTransaction, &mut Record) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut write = database.begin_write()?;
    let mut record = Record::default();
    // An error drops the transaction, which undoes it.
    let done = work(&write, &mut record)?;
    if !journal.takes(&record) {
        checkpoint(write, journal)?;
        return Ok(done);
    }
    show_only(&mut write)?;
    journal.append(record)?;
    // From here on it is durable, whatever becomes of the database in memory.
    let shown = write.commit();
    shown.map_err(|error| Fault::Disk(error.to_string()))?;
    Ok(done)
}

fn show_only(write: &mut WriteTransaction) -> Result<(), Fault> {
    let set = write.set_durability(Durability::None);
    set.map_err(|error| Fault::Disk(error.to_string()))
}

/// Writes down everything that readers see, and lets the journal begin anew.
fn checkpoint(mut write: WriteTransaction, journal: &mut Journal) -> Result<(), Fault> {
    put_generation(&write, journal.next_generation())?;
    commit_durably(&mut write);
    write.commit()?;
    journal.restart()
}

/// Two syncs instead of one, and a file that opens in milliseconds after a crash (the crate's
/// documentation has the figures).
fn commit_durably(write: &mut WriteTransaction) {
    write.set_quick_repair(true);
}

fn put_generation(write: &WriteTransaction, generation: u64) -> Result<(), Fault> {
    let mut meta = write.open_table(META)?;
    // Its complement stands beside it: a flipped bit would make the journal look like an old one.
    let guarded = u128::from(generation) | u128::from(!generation) << 64;
    meta.insert(JOURNAL_KEY, guarded)?;
    Ok(())
}

fn generation_of(guarded: u128) -> Result<u64, Damage> {
    let (generation, complement) = (guarded as u64, (guarded >> 64) as u64);
    if generation != !complement {
        return Err(Damage::new("it does not say which journal is its own"));
    }
    Ok(generation)
}

/// An open file.
pub(crate) struct OpenFile {
    pub(crate) database: Database,
    pub(crate) identity: Identity,
    pub(crate) failures: Failures,
    /// Before its first record, which the database may not have.
    pub(crate) journal: Journal,
}

/// What a new file is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct New {
    pub(crate) identity: Identity,
    pub(crate) journal_bytes: u64,
}

/// Opens a medium, or makes it for `new`.
pub(crate) fn open(
    medium: &dyn Medium,
    cache_bytes: usize,
    new: Option<New>,
) -> Result<OpenFile, Unopened> {
    let unread = |error: std::io::Error| Fault::Disk(error.to_string());
    let (watched, failures) = Watched::new(medium.open().map_err(unread)?);
    if let Some(new) = new {
        layout::begin(&watched, new.journal_bytes).map_err(unread)?;
    }
    let journal_bytes = layout::journal_bytes(&watched)?;
    let behind = watched.behind(layout::FIRST_PAGE_BYTES + journal_bytes);
    let opened = catch_unwind(AssertUnwindSafe(|| -> Result<_, Unopened> {
        let built = Builder::new()
            .set_cache_size(cache_bytes)
            .create_with_backend(behind);
        let database = built.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Unopened::InUse,
            other => other.into(),
        })?;
        if let Some(new) = new {
            begin(&database, new.identity)?;
        }
        let (identity, generation) = identity(&database)?;
        Ok((database, identity, generation))
    }));
    let (database, identity, generation) =
        opened.unwrap_or_else(|_| Err(Fault::from(contradiction()).into()))?;
    let journal = Journal::open(&watched, journal_bytes, generation)?;
    Ok(OpenFile {
        database,
        identity,
        failures,
        journal,
    })
}

fn begin(database: &Database, identity: Identity) -> Result<(), Fault> {
    let mut write = database.begin_write()?;
    commit_durably(&mut write);
    {
        let mut meta = write.open_table(META)?;
        meta.insert(FORMAT_KEY, FORMAT)?;
        meta.insert(DIRECTORY_KEY, identity.directory)?;
        meta.insert(PARTITION_KEY, u128::from(identity.partition))?;
        meta.insert(PARTITIONS_KEY, u128::from(identity.partitions))?;
        meta.insert(IDENTITY_SUM_KEY, identity.sum())?;
        write.open_table(ROOMS)?;
        write.open_table(MARKS)?;
        write.open_table(ROWS)?;
    }
    put_generation(&write, FIRST_GENERATION)?;
    Ok(write.commit()?)
}

/// Which file it is, and which generation of its journal comes after it.
fn identity(database: &Database) -> Result<(Identity, u64), Unopened> {
    let read = database.begin_read()?;
    let meta = read.open_table(META)?;
    let number = |key: &'static str| -> Result<u128, Fault> {
        let value = meta.get(key)?.map(|value| value.value());
        value.ok_or_else(|| Damage::new(format!("it does not say its {key}")).into())
    };
    match number(FORMAT_KEY)? {
        FORMAT => {}
        other => return Err(Unopened::Format(other)),
    }
    let small = |key| {
        let small = u16::try_from(number(key)?);
        small.map_err(|_| Fault::from(Damage::new(format!("its {key} makes no sense"))))
    };
    let identity = Identity {
        directory: number(DIRECTORY_KEY)?,
        partition: small(PARTITION_KEY)?,
        partitions: small(PARTITIONS_KEY)?,
    };
    if number(IDENTITY_SUM_KEY)? != identity.sum() {
        return Err(Damage::new("which file of which directory it is has a wrong checksum").into());
    }
    if identity.partition >= identity.partitions {
        return Err(Damage::new("it is no partition of its data directory").into());
    }
    let generation = generation_of(number(JOURNAL_KEY)?)?;
    Ok((identity, generation))
}
