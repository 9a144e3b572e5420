//! What goes wrong below a log: the disk, or what was on it.

use std::io;

use crate::format::Damage;

/// Why something in a file could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// What is there contradicts itself.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// It could not be read or written.
    #[error("{0}")]
    Disk(String),
}

impl From<redb::StorageError> for Fault {
    fn from(error: redb::StorageError) -> Self {
        match error {
            redb::StorageError::Corrupted(what) => Damage::new(what).into(),
            redb::StorageError::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Damage::new(error.to_string()).into()
            }
            other => Self::Disk(other.to_string()),
        }
    }
}

impl From<redb::TableError> for Fault {
    fn from(error: redb::TableError) -> Self {
        match error {
            redb::TableError::Storage(error) => error.into(),
            other => Damage::new(other.to_string()).into(),
        }
    }
}

impl From<redb::TransactionError> for Fault {
    fn from(error: redb::TransactionError) -> Self {
        match error {
            redb::TransactionError::Storage(error) => error.into(),
            other => Self::Disk(other.to_string()),
        }
    }
}

impl From<redb::CommitError> for Fault {
    fn from(error: redb::CommitError) -> Self {
        match error {
            redb::CommitError::Storage(error) => error.into(),
            other => Self::Disk(other.to_string()),
        }
    }
}

impl From<redb::DatabaseError> for Fault {
    fn from(error: redb::DatabaseError) -> Self {
        match error {
            redb::DatabaseError::Storage(error) => error.into(),
            other => Self::Disk(other.to_string()),
        }
    }
}
