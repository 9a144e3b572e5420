//! How a command gets to a data directory: by its lock where no server has it, else through the server
//! that has.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::ServeError;
use crate::control::{ControlError, check_directory, own_user};

/// For another command to end, or for a server to finish its start.
const TURN_TIME: Duration = Duration::from_secs(15);
/// Between two tries to get its turn.
const TURN_PAUSE: Duration = Duration::from_millis(20);

/// What this process may do with a data directory.
pub(crate) enum Access {
    /// Everything.
    Own,
    /// Ask its live server, as root: files that root made would be in the way of the owner's server.
    ServerOnly { owner: u32 },
}

/// Why it may do nothing. Its text is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoAccess {
    /// The directory is another user's.
    #[error(
        "the data directory {} belongs to the user with id {owner}: run this as that user, for \
         example with sudo -u '#{owner}'", path.display()
    )]
    NotOwner {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// The directory is open to others.
    #[error(transparent)]
    Directory(#[from] ControlError),
    /// The system does not say who asks.
    #[error(transparent)]
    System(#[from] ServeError),
}

impl NoAccess {
    pub(crate) fn not_owner(data: &Path, owner: u32) -> Self {
        let path = data.to_owned();
        Self::NotOwner { path, owner }
    }
}

/// What this process may do with the directory at `data`, which is there.
pub(crate) fn access(data: &Path) -> Result<Access, NoAccess> {
    let owner = check_directory(data)?.uid();
    let own = own_user().map_err(|source| ServeError::System {
        what: "the id of this user",
        source,
    })?;
    match own {
        own if own == owner => Ok(Access::Own),
        0 => Ok(Access::ServerOnly { owner }),
        _ => Err(NoAccess::not_owner(data, owner)),
    }
}

/// The lock decides: who gets it works on the files, who does not asks the one who has it. Each says
/// `None` where it is the other's turn; `None` at last if neither was for [`TURN_TIME`].
pub(crate) fn in_turn<T, E>(
    mut on_files: impl FnMut() -> Result<Option<T>, E>,
    mut on_server: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let deadline = Instant::now() + TURN_TIME;
    loop {
        if let Some(done) = on_files()? {
            return Ok(Some(done));
        }
        if let Some(done) = on_server()? {
            return Ok(Some(done));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(TURN_PAUSE);
    }
}
