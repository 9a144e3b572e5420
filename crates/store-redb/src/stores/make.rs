//! The files of a data directory: all made, or none.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mailbox::Tag;
use super::on_disk::{OnDisk, sync_directory};
use super::{PARTITIONS_MAX, StoreConfig};
use crate::error::OpenError;
use crate::file::New;
use crate::format::Identity;
use crate::layout::JOURNAL_BYTES;
use crate::partition::Partition;

const ROOMS: &str = "rooms";
/// Where they are made. A start that finds it throws it away: nothing was ever stored there.
const UNFINISHED: &str = "rooms.new";

fn file_name(partition: u16) -> String {
    format!("partition-{partition:02}.rooms")
}

/// The files of a data directory by their numbers; made if there are none.
pub(super) fn ensure(directory: &Path, config: &StoreConfig) -> Result<Vec<PathBuf>, OpenError> {
    let rooms = directory.join(ROOMS);
    match fs::metadata(&rooms) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(directory, config)?,
        Err(error) => return Err(OpenError::unusable(&rooms, error)),
    }
    let first = rooms.join(file_name(0));
    if !first.exists() {
        return Err(OpenError::Missing(first));
    }
    let mut files = Vec::new();
    for number in 0..PARTITIONS_MAX {
        let path = rooms.join(file_name(number));
        if path.exists() {
            files.push(path);
        } else {
            break;
        }
    }
    Ok(files)
}

fn make(directory: &Path, config: &StoreConfig) -> Result<(), OpenError> {
    let unfinished = directory.join(UNFINISHED);
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |error| OpenError::unusable(&path, error)
    };
    fs::create_dir_all(directory).map_err(unusable(directory))?;
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(OpenError::unusable(&unfinished, error));
        }
        _ => {}
    }
    let private = fs::DirBuilder::new().mode(0o700).create(&unfinished);
    private.map_err(unusable(&unfinished))?;
    let partitions = config.partitions.clamp(1, PARTITIONS_MAX);
    let id = random()?;
    for partition in 0..partitions {
        let identity = Identity {
            directory: id,
            partition,
            partitions,
        };
        make_file(&unfinished.join(file_name(partition)), identity)?;
    }
    sync_directory(&unfinished).map_err(unusable(&unfinished))?;
    let rooms = directory.join(ROOMS);
    fs::rename(&unfinished, &rooms).map_err(unusable(&rooms))?;
    sync_directory(directory).map_err(unusable(directory))
}

fn make_file(path: &Path, identity: Identity) -> Result<(), OpenError> {
    let file = OnDisk(path.to_owned());
    file.make()
        .map_err(|error| OpenError::unusable(path, error))?;
    let new = New {
        identity,
        journal_bytes: JOURNAL_BYTES,
    };
    let made = Partition::<Tag>::open(Arc::new(file), MAKING_CACHE_BYTES, Some(new));
    let mut made = made.map_err(|unopened| OpenError::of(path, unopened))?;
    let closed = made.close();
    closed.map_err(|fault| OpenError::of(path, fault.into()))
}

/// There is nothing in it yet.
const MAKING_CACHE_BYTES: usize = 1 << 20;

fn random() -> Result<u128, OpenError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| OpenError::System {
        what: "random bytes",
        why: error.to_string(),
    })?;
    Ok(u128::from_le_bytes(bytes))
}

/// All files that were made together are there, each in its place.
pub(super) fn check_together(
    files: &[PathBuf],
    partitions: &[Partition<Tag>],
) -> Result<(), OpenError> {
    let Some(first) = partitions.first().map(Partition::identity) else {
        return Ok(());
    };
    for ((number, path), partition) in (0..).zip(files).zip(partitions) {
        let expected = Identity {
            partition: number,
            ..first
        };
        if partition.identity() != expected {
            return Err(OpenError::Foreign(path.clone()));
        }
    }
    let made = usize::from(first.partitions);
    if files.len() < made {
        let rooms = files[0].with_file_name(file_name(files.len() as u16));
        return Err(OpenError::Missing(rooms));
    }
    if let Some(stray) = files.get(made) {
        return Err(OpenError::Foreign(stray.clone()));
    }
    Ok(())
}
