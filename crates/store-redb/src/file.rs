//! An open database: made, opened again after a failure, and shared with who reads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, WriteTransaction};

use crate::fault::Fault;
use crate::format::{Damage, FORMAT, Identity, MARKS, META, ROOMS, ROWS};
use crate::medium::{Failures, Medium, Watched};

const FORMAT_KEY: &str = "format";
const DIRECTORY_KEY: &str = "directory";
const PARTITION_KEY: &str = "partition";
const PARTITIONS_KEY: &str = "partitions";

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
        let database = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or_else(absent)?.get()?;
        let done = catch_unwind(AssertUnwindSafe(|| work(&database.begin_read()?)));
        done.unwrap_or_else(|_| Err(contradiction().into()))
    }

    /// Does all of `work` durably, or nothing.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let database = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or_else(absent)?.get()?;
        write_durably(database, work)
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

    /// Lets go of it without a last commit: a transaction that a panic has dropped forbids that one.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn abandon(&self) {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(Ok(database)) = place.as_ref().map(Held::get) {
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let _write = database.begin_write();
                std::panic::resume_unwind(Box::new("abandoned"));
            }));
        }
        place.take();
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

fn write_durably<T>(
    database: &Database,
    work: impl FnOnce(&WriteTransaction) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut write = database.begin_write()?;
    // Two syncs instead of one, and a file that opens in milliseconds after a crash (the crate's
    // documentation has the figures).
    write.set_quick_repair(true);
    // An error drops the transaction, which undoes it.
    let done = work(&write)?;
    write.commit()?;
    Ok(done)
}

/// Opens a medium, or makes it for `new`.
pub(crate) fn open(
    medium: &dyn Medium,
    cache_bytes: usize,
    new: Option<Identity>,
) -> Result<(Database, Identity, Failures), Unopened> {
    let unread = |error: std::io::Error| Fault::Disk(error.to_string());
    let (watched, failures) = Watched::new(medium.open().map_err(unread)?);
    let opened = catch_unwind(AssertUnwindSafe(|| -> Result<_, Unopened> {
        let built = Builder::new()
            .set_cache_size(cache_bytes)
            .create_with_backend(watched);
        let database = built.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Unopened::InUse,
            other => other.into(),
        })?;
        if let Some(identity) = new {
            begin(&database, identity)?;
        }
        let identity = identity(&database)?;
        Ok((database, identity))
    }));
    let (database, identity) =
        opened.unwrap_or_else(|_| Err(Fault::from(contradiction()).into()))?;
    Ok((database, identity, failures))
}

fn begin(database: &Database, identity: Identity) -> Result<(), Fault> {
    write_durably(database, |write| {
        let mut meta = write.open_table(META)?;
        meta.insert(FORMAT_KEY, FORMAT)?;
        meta.insert(DIRECTORY_KEY, identity.directory)?;
        meta.insert(PARTITION_KEY, u128::from(identity.partition))?;
        meta.insert(PARTITIONS_KEY, u128::from(identity.partitions))?;
        write.open_table(ROOMS)?;
        write.open_table(MARKS)?;
        write.open_table(ROWS)?;
        Ok(())
    })
}

fn identity(database: &Database) -> Result<Identity, Unopened> {
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
    if identity.partition >= identity.partitions {
        return Err(Damage::new("it is no partition of its data directory").into());
    }
    Ok(identity)
}
