//! What goes wrong with a store, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::file::Unopened;
use crate::format::FORMAT;

/// Why the rooms of a data directory cannot be opened. Its text is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file cannot be made, read or written.
    #[error(
        "cannot use {}: {source}; make it readable and writable for this user, with space on its \
         disk", path.display()
    )]
    Unusable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has it.
    #[error("{} is in use by another program: stop it first", .0.display())]
    InUse(PathBuf),
    /// Written by another version of Parlour.
    #[error(
        "{} has format {found}, and this version reads format {known}: start the version that \
         wrote it, or restore a backup of its directory", path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u128,
        /// What this version can read.
        known: u128,
    },
    /// It is no file of rooms, or no longer a whole one.
    #[error(
        "{} is damaged or no file of rooms ({what}): restore its directory from a backup",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file that was made with the others is not there.
    #[error(
        "{} is missing: restore it; without it a part of the rooms would begin anew", .0.display()
    )]
    Missing(PathBuf),
    /// A file belongs to another data directory, or to another place in this one.
    #[error("{} belongs to another data directory or place: put the right file there", .0.display())]
    Foreign(PathBuf),
    /// The operating system gave no random bytes or no thread.
    #[error("the system has no {what}: {why}; start again when it has some")]
    System {
        /// What is missing.
        what: &'static str,
        /// Why.
        why: String,
    },
}

impl OpenError {
    pub(crate) fn unusable(path: &Path, source: io::Error) -> Self {
        let path = path.into();
        Self::Unusable { path, source }
    }

    pub(crate) fn of(path: &Path, unopened: Unopened) -> Self {
        let path = path.to_owned();
        match unopened {
            Unopened::InUse => Self::InUse(path),
            Unopened::Format(found) => Self::Format {
                path,
                found,
                known: FORMAT,
            },
            Unopened::Fault(Fault::Damaged(damage)) => Self::Damaged {
                path,
                what: damage.to_string(),
            },
            Unopened::Fault(Fault::Disk(why)) => Self::Unusable {
                path,
                source: io::Error::other(why),
            },
        }
    }
}

/// Why the operator was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// What is on the disk is not what was written.
    #[error("it is damaged: {0}; `parlour room verify` names all that is, a backup has the rest")]
    Damaged(String),
    /// It cannot be read or written now.
    #[error("{0}; look at the disk of the data directory")]
    Disk(String),
    /// The store was closed, or its thread has ended.
    #[error("the store is closed: ask again when the server has started")]
    Closed,
}

impl From<Fault> for InspectError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged(damage) => Self::Damaged(damage.to_string()),
            Fault::Disk(why) => Self::Disk(why),
        }
    }
}
