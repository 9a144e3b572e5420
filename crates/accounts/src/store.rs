//! The file: three tables, and one durable change at a time.

#[cfg(test)]
pub(crate) mod disk;
#[cfg(test)]
mod power_cut;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parlour::{AccountsError, UserName};
use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, StorageBackend, Table, TableDefinition, TransactionError,
    WriteTransaction,
};

use crate::BookError;
use crate::name::NameKey;
use crate::rows::{FORMAT, SessionRow, UserRow};

/// Numbers by name: the format of the file, and the next number that was never given out.
const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");
const FORMAT_KEY: &str = "format";
const NEXT_KEY: &str = "next";
/// Users by the key of their name.
const USERS: TableDefinition<&str, &[u8]> = TableDefinition::new("users");
/// Sessions by id.
const SESSIONS: TableDefinition<u64, &[u8]> = TableDefinition::new("sessions");

/// Pages that are kept in memory, in bytes. What is asked often is in memory anyhow.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// The file cannot be read or written, or a row makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StoreError(String);

impl StoreError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<StoreError> for AccountsError {
    fn from(error: StoreError) -> Self {
        Self::Broken(format!(
            "{error}; look at the disk of the data directory, then start the server again"
        ))
    }
}

macro_rules! from_redb {
    ($($error:ident)*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::new(error.to_string())
            }
        })*
    };
}
from_redb!(TransactionError TableError StorageError CommitError);

/// A session with its id and the name of its user.
pub(crate) type Stored = (u64, SessionRow, UserName);

/// An open file. Everything here waits for the disk.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
    /// Why nothing can be written any more, since it was found out.
    failure: Mutex<Option<String>>,
}

impl Store {
    /// Opens the file, or makes it for this user alone.
    pub(crate) fn open(path: &Path) -> Result<Self, BookError> {
        let unusable = |source| BookError::Unusable {
            path: path.into(),
            source,
        };
        let file = open_private(path)?;
        let backend = FileBackend::new(file).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => BookError::InUse(path.into()),
            other => unusable(io::Error::other(other)),
        })?;
        let store = Self::on(backend, path)?;
        // A new file is there after a crash only if its directory says so.
        if let Some(directory) = path.parent() {
            let directory = if directory.as_os_str().is_empty() {
                Path::new(".")
            } else {
                directory
            };
            let synced = File::open(directory).and_then(|directory| directory.sync_all());
            synced.map_err(unusable)?;
        }
        Ok(store)
    }

    /// `path` is for the words of errors.
    pub(crate) fn on(backend: impl StorageBackend, path: &Path) -> Result<Self, BookError> {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let database = Builder::new()
                .set_cache_size(CACHE_BYTES)
                .set_check_integrity_on_open(true)
                .create_with_backend(backend)
                .map_err(|error| match error {
                    DatabaseError::DatabaseAlreadyOpen => BookError::InUse(path.into()),
                    DatabaseError::Storage(redb::StorageError::Io(source))
                        if source.kind() != io::ErrorKind::InvalidData =>
                    {
                        BookError::Unusable {
                            path: path.into(),
                            source,
                        }
                    }
                    other => BookError::damaged(path, other.to_string()),
                })?;
            let store = Self {
                database,
                failure: Mutex::default(),
            };
            store.check_format(path)?;
            Ok(store)
        }));
        // Of a damaged file the database may also panic.
        opened.unwrap_or_else(|_| Err(BookError::damaged(path, "its pages contradict each other")))
    }

    fn check_format(&self, path: &Path) -> Result<(), BookError> {
        let damaged = |error: StoreError| BookError::damaged(path, error.to_string());
        let found = self.format().map_err(damaged)?;
        match found {
            Some(FORMAT) => Ok(()),
            Some(found) => Err(BookError::Format {
                path: path.into(),
                found,
                known: FORMAT,
            }),
            None if self.is_empty().map_err(damaged)? => self.begin().map_err(damaged),
            None => Err(BookError::damaged(path, "another program's database")),
        }
    }

    fn format(&self) -> Result<Option<u64>, StoreError> {
        let read = self.database.begin_read()?;
        match read.open_table(NUMBERS) {
            Ok(numbers) => Ok(numbers.get(FORMAT_KEY)?.map(|row| row.value())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn is_empty(&self) -> Result<bool, StoreError> {
        let read = self.database.begin_read()?;
        Ok(read.list_tables()?.next().is_none() && read.list_multimap_tables()?.next().is_none())
    }

    fn begin(&self) -> Result<(), StoreError> {
        self.change(|change| {
            change.numbers.insert(FORMAT_KEY, FORMAT)?;
            change.numbers.insert(NEXT_KEY, 1)?;
            Ok(())
        })
    }

    /// Whether the file can be read, and could be written when that was tried last. The database
    /// takes no change after a failed one until it is opened again.
    pub(crate) fn health(&self) -> Result<(), StoreError> {
        if let Some(failure) = &*self.failure() {
            return Err(StoreError::new(failure));
        }
        self.read(|read| {
            read.open_table(NUMBERS)?.get(NEXT_KEY)?;
            Ok(())
        })
    }

    pub(crate) fn user(&self, key: &NameKey) -> Result<Option<UserRow>, StoreError> {
        self.read(|read| {
            let users = read.open_table(USERS)?;
            let row = users.get(key.as_str())?;
            row.map(|row| decode(row.value())).transpose()
        })
    }

    /// At most `most` users whose keys come after `after`, in the order of their keys.
    pub(crate) fn users(
        &self,
        after: Option<&NameKey>,
        most: usize,
    ) -> Result<Vec<(NameKey, UserRow)>, StoreError> {
        use std::ops::Bound::{Excluded, Unbounded};

        let from = after.map_or(Unbounded, |after| Excluded(after.as_str()));
        self.read(|read| {
            let users = read.open_table(USERS)?;
            let rows = users.range::<&str>((from, Unbounded))?.take(most);
            rows.map(|row| {
                let (key, row) = row?;
                Ok((NameKey::stored(key.value()), decode(row.value())?))
            })
            .collect()
        })
    }

    /// Every session with the name of its user; apart from these, the ids of those that belong to
    /// nobody, or were opened with a password that the user no longer has.
    pub(crate) fn sessions(&self) -> Result<(Vec<Stored>, Vec<u64>), StoreError> {
        let read = self.database.begin_read()?;
        let (sessions, users) = (read.open_table(SESSIONS)?, read.open_table(USERS)?);
        let (mut all, mut stale) = (Vec::new(), Vec::new());
        for row in sessions.iter()? {
            let (id, row) = row?;
            let (id, row): (u64, SessionRow) = (id.value(), decode(row.value())?);
            let user = users.get(row.user.as_str())?;
            let user: Option<UserRow> = user.map(|user| decode(user.value())).transpose()?;
            match user {
                // Both are numbers of one count.
                Some(user) if user.given < id => all.push((id, row, user_name(&user.name)?)),
                _ => stale.push(id),
            }
        }
        Ok((all, stale))
    }

    /// Does all of `work`, or nothing if it fails. What it has done is on the disk when this
    /// returns.
    pub(crate) fn change<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let done = self.try_change(work);
        match &done {
            Ok(_) => *self.failure() = None,
            Err(_) => self.look(),
        }
        done
    }

    fn try_change<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut write = self.database.begin_write().map_err(StoreError::from)?;
        // Two syncs instead of one, and a file that opens at once after a crash.
        write.set_quick_repair(true);
        // An error drops the transaction, which undoes it.
        let done = work(&mut Change::of(&write)?)?;
        write.commit().map_err(StoreError::from)?;
        Ok(done)
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let read = self.database.begin_read().map_err(StoreError::from);
        let done = read.and_then(|read| work(&read));
        if done.is_err() {
            self.look();
        }
        done
    }

    /// Something has failed: was it the disk, so that the database takes no change any more?
    fn look(&self) {
        let failure = match self.database.try_begin_write() {
            // Also if another change is under way; that one will see.
            Ok(_) | Err(TransactionError::WouldBlock) => return,
            Err(failure) => failure.to_string(),
        };
        let known = self.failure().replace(failure.clone());
        if known.is_none() {
            tracing::error!(
                failure,
                "the accounts cannot be written any more: look at the disk of the data directory, \
                 then start the server again"
            );
        }
    }

    fn failure(&self) -> MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One change under way.
pub(crate) struct Change<'a> {
    numbers: Table<'a, &'static str, u64>,
    users: Table<'a, &'static str, &'static [u8]>,
    sessions: Table<'a, u64, &'static [u8]>,
}

impl<'a> Change<'a> {
    fn of(write: &'a WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            numbers: write.open_table(NUMBERS)?,
            users: write.open_table(USERS)?,
            sessions: write.open_table(SESSIONS)?,
        })
    }

    /// A number that was never given out before.
    pub(crate) fn next_number(&mut self) -> Result<u64, StoreError> {
        let next = self.numbers.get(NEXT_KEY)?.map(|row| row.value());
        let next = next.ok_or_else(|| StoreError::new("the next number is missing"))?;
        self.numbers.insert(NEXT_KEY, next + 1)?;
        Ok(next)
    }

    pub(crate) fn user(&self, key: &NameKey) -> Result<Option<UserRow>, StoreError> {
        let row = self.users.get(key.as_str())?;
        row.map(|row| decode(row.value())).transpose()
    }

    pub(crate) fn users(&self) -> Result<u64, StoreError> {
        Ok(self.users.len()?)
    }

    pub(crate) fn put_user(&mut self, key: &NameKey, row: &UserRow) -> Result<(), StoreError> {
        self.users.insert(key.as_str(), encode(row)?.as_slice())?;
        Ok(())
    }

    pub(crate) fn remove_user(&mut self, key: &NameKey) -> Result<(), StoreError> {
        self.users.remove(key.as_str())?;
        Ok(())
    }

    pub(crate) fn put_session(&mut self, id: u64, row: &SessionRow) -> Result<(), StoreError> {
        self.sessions.insert(id, encode(row)?.as_slice())?;
        Ok(())
    }

    pub(crate) fn remove_session(&mut self, id: u64) -> Result<(), StoreError> {
        self.sessions.remove(id)?;
        Ok(())
    }

    /// Removes all sessions of the user with this key, also those that are in no memory.
    pub(crate) fn remove_sessions_of(&mut self, key: &NameKey) -> Result<(), StoreError> {
        let mut ids = Vec::new();
        for row in self.sessions.iter()? {
            let (id, row) = row?;
            let row: SessionRow = decode(row.value())?;
            if row.user == key.as_str() {
                ids.push(id.value());
            }
        }
        ids.into_iter().try_for_each(|id| self.remove_session(id))
    }
}

/// A name from the file.
pub(crate) fn user_name(name: &str) -> Result<UserName, StoreError> {
    UserName::user(name).map_err(|error| StoreError::new(format!("a user named {name:?}: {error}")))
}

fn encode(row: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(row).map_err(|error| StoreError::new(error.to_string()))
}

fn decode<T: serde::de::DeserializeOwned>(row: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(row).map_err(|error| StoreError::new(format!("a damaged row: {error}")))
}

/// Only its owner may read the file, whoever may read its directory.
fn open_private(path: &Path) -> Result<File, BookError> {
    let unusable = |source| BookError::Unusable {
        path: path.into(),
        source,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(unusable)?;
    let metadata = file.metadata().map_err(unusable)?;
    if !metadata.is_file() {
        return Err(unusable(io::Error::other("it is no file")));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(BookError::Open {
            path: path.into(),
            mode,
        });
    }
    Ok(file)
}
