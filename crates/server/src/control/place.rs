//! Where the control socket lies, and who may have written there.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Its name in the data directory.
const SOCKET: &str = "control.sock";
/// The longest path of a socket, in bytes, that every system takes (unix(7): 108 with a zero).
const SOCKET_PATH_MAX: usize = 100;

/// Why there is no control socket. Its text is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The socket cannot be made or asked who it is.
    #[error(
        "cannot make the control socket {}: {source}; choose a data directory on a local disk with \
         --data DIR", path.display()
    )]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else has its name.
    #[error("{} is in the way of the control socket and is none: move it away", .0.display())]
    InTheWay(PathBuf),
    /// Others may write into the data directory, and so put their own files there.
    #[error(
        "the data directory {path} can be written by others (mode {mode:03o}): run \
         `chmod 700 {path}`, or choose another directory with --data DIR", path = path.display()
    )]
    Writable {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

/// The way to the socket. Holds the directory open where its path is too long for a socket's.
pub(super) struct Place {
    pub(super) path: PathBuf,
    _directory: Option<File>,
}

impl Place {
    pub(super) fn of(data: &Path) -> io::Result<Self> {
        let path = data.join(SOCKET);
        if path.as_os_str().len() <= SOCKET_PATH_MAX {
            return Ok(Self {
                path,
                _directory: None,
            });
        }
        let directory = File::open(data)?;
        let short = format!("/proc/self/fd/{}", directory.as_raw_fd());
        Ok(Self {
            path: Path::new(&short).join(SOCKET),
            _directory: Some(directory),
        })
    }
}

/// Nobody else may be able to put files into the data directory.
pub(crate) fn check_directory(data: &Path) -> Result<Metadata, ControlError> {
    let metadata = data.metadata().map_err(|source| ControlError::Socket {
        path: data.into(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(ControlError::Writable {
            path: data.into(),
            mode,
        });
    }
    Ok(metadata)
}

/// This process's user. The kernel gives a process's entry to who it runs as.
pub(crate) fn own_user() -> io::Result<u32> {
    Ok(Path::new("/proc/self").metadata()?.uid())
}
