//! The data directory: this user's alone, and one server's at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::ServeError;

/// The file that is locked, in the directory.
pub(crate) const LOCK: &str = "lock";

/// Holds the data directory until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct DataLock {
    _file: File,
}

/// How long a start waits for a command that works on the directory, or for a server that ends.
pub(crate) const TURN_TIME: Duration = Duration::from_secs(2);
/// Between two tries.
pub(crate) const TURN_PAUSE: Duration = Duration::from_millis(20);

/// As [`open`], and waits for up to [`TURN_TIME`] while somebody else has it.
pub(crate) fn open_in_turn(path: &Path) -> Result<DataLock, ServeError> {
    let deadline = Instant::now() + TURN_TIME;
    loop {
        match open(path) {
            Err(ServeError::DataInUse(_)) if Instant::now() < deadline => thread::sleep(TURN_PAUSE),
            done => return done,
        }
    }
}

/// Makes the directory if it is not there, and locks it.
pub(crate) fn open(path: &Path) -> Result<DataLock, ServeError> {
    let unusable = |source| ServeError::Data {
        path: path.into(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(unusable)?;
    let file = open_lock(path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(DataLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(ServeError::DataInUse(path.into())),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path.join(LOCK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_directory_is_made_for_this_user_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let _lock = open(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_second_server_is_told_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let first = open(directory.path()).unwrap();
        let refused = open(directory.path()).unwrap_err();
        assert!(matches!(refused, ServeError::DataInUse(_)));
        assert!(refused.to_string().contains("--data"));
        drop(first);
        open(directory.path()).unwrap();
    }

    #[test]
    fn a_start_waits_for_a_command_that_has_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let first = open(directory.path()).unwrap();
        thread::scope(|scope| {
            let second = scope.spawn(|| open_in_turn(directory.path()));
            thread::sleep(TURN_PAUSE);
            drop(first);
            second.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_file_is_no_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = open(file.path()).unwrap_err();
        assert!(refused.to_string().contains("--data"), "{refused}");
    }
}
