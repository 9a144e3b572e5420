//! How a command gets to a data directory: by its lock where no server has it, else through the server
//! that has.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
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

/// Why it may do nothing.
pub(crate) enum NoAccess {
    NotOwner { owner: u32 },
    Directory(ControlError),
    System(ServeError),
}

/// What this process may do with the directory at `data`, which is there.
pub(crate) fn access(data: &Path) -> Result<Access, NoAccess> {
    let owner = check_directory(data).map_err(NoAccess::Directory)?.uid();
    let own = own_user().map_err(|source| {
        NoAccess::System(ServeError::System {
            what: "the id of this user",
            source,
        })
    })?;
    match own {
        own if own == owner => Ok(Access::Own),
        0 => Ok(Access::ServerOnly { owner }),
        _ => Err(NoAccess::NotOwner { owner }),
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
