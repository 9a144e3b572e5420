//! Why nothing was done about users.

use std::io;
use std::path::PathBuf;

use parlour_accounts::BookError;

use crate::ServeError;
use crate::control::Refused;
use crate::turn::NoAccess;

/// Why nothing was done. Its text is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsersError {
    /// Refused by name.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no such directory, or nothing of a server in it.
    #[error(
        "there are no users in {path}: no server has used that directory; name the right one with \
         --data DIR, or add the first user with `parlour user add NAME --data {path}`", path = .0.display()
    )]
    NoData(PathBuf),
    /// This process may do nothing with the directory.
    #[error(transparent)]
    Access(#[from] NoAccess),
    /// The directory is locked, and nobody listens.
    #[error(
        "the data directory {} is in use, and its server does not answer: wait for its start or \
         stop to end, or stop it", .0.display()
    )]
    NoAnswer(PathBuf),
    /// The server was asked and did not answer well.
    #[error(
        "the server of {} did not answer as it should: {source}; look at its log, and that it is \
         of this version ({version})", path.display(), version = env!("CARGO_PKG_VERSION")
    )]
    BadAnswer {
        /// The directory.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error(transparent)]
    Data(#[from] ServeError),
    /// The file cannot be used.
    #[error(transparent)]
    Book(#[from] BookError),
}
