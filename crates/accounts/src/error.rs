//! What goes wrong with a book, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use parlour::{AccountsError, UserName};

use crate::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN};

/// Why a book cannot be opened. Its text is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// The file cannot be made, read or written.
    #[error(
        "cannot use {}: {source}; make it readable and writable for this user alone, with space \
         on its disk", path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may read or write the file.
    #[error(
        "{path} can be read or written by others (mode {mode:03o}): run `chmod 600 {path}`; if \
         others can have read it, give every user a new password", path = path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode, without the file's kind.
        mode: u32,
    },
    /// Another process has it.
    #[error("{} is in use by another program: stop it first", .0.display())]
    InUse(PathBuf),
    /// Written by another version of Parlour.
    #[error(
        "{} has format {found}, and this version reads format {known}: start the version that \
         wrote it, or restore a backup of that file", path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u64,
        /// What this version can read.
        known: u64,
    },
    /// It is no book, or no longer a whole one.
    #[error(
        "{} is damaged or no file of accounts ({what}): restore it from a backup, or move it away \
         and add the users again", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A setting is senseless.
    #[error("the number of {0} must be at least 1")]
    Setting(&'static str),
    /// The operating system gave no random bytes, or no memory for a hash.
    #[error("{0}; start again when the system has some")]
    System(&'static str),
}

impl BookError {
    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.into(),
            what: what.into(),
        }
    }
}

/// Why a user was not added, changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// That is no name for a user.
    #[error("{0:?} is no name for a user: {1}")]
    BadName(String, String),
    /// There is a user of that name, in whatever case it is written.
    #[error("there is a user {} already", .0.as_str())]
    Exists(UserName),
    /// There is no such user.
    #[error("there is no user {}", .0.as_str())]
    Unknown(UserName),
    /// Too short to be worth hashing.
    #[error("the password is too short: at least {PASSWORD_CHARACTERS_MIN} characters")]
    PasswordTooShort,
    /// Too long.
    #[error("the password is too long: at most {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    /// There are as many users as there may be.
    #[error("there are {0} users, and that is the most: remove one first")]
    TooMany(u64),
    /// The book gave no answer.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}
