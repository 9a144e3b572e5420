//! Why nothing was done about rooms.

use std::io;
use std::path::PathBuf;

use crate::ServeError;
use crate::control::Refused;
use crate::turn::NoAccess;

/// Why nothing was done. Its text is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoomsError {
    /// Refused by name.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no such directory, or no room was ever on disk there.
    #[error(
        "there are no rooms on disk in {}: no server has kept any in that directory; name the right one \
         with --data DIR", .0.display()
    )]
    NoData(PathBuf),
    /// This process may do nothing with the directory.
    #[error(transparent)]
    Access(#[from] NoAccess),
    /// The directory is locked, and nobody listens.
    #[error(
        "the data directory {} is in use, and its server does not answer: wait for its start or \
         stop, or for another command, to end", .0.display()
    )]
    NoAnswer(PathBuf),
    /// The server ended meanwhile.
    #[error("the server of {} has ended meanwhile: ask again", .0.display())]
    Gone(PathBuf),
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
    /// The rooms cannot be opened.
    #[error(transparent)]
    Store(#[from] parlour_store_redb::OpenError),
}
