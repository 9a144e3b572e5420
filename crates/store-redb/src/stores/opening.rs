//! All files of a data directory opened, on all cores: after a kill each has a journal to show again.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use super::mailbox::Tag;
use super::on_disk::OnDisk;
use crate::error::OpenError;
use crate::partition::Partition;

/// The partitions in the order of their files. `opened` is told how many are open, each time.
pub(super) fn open_all(
    files: &[PathBuf],
    cache_bytes: usize,
    mut opened: impl FnMut(usize),
) -> Result<Vec<Partition<Tag>>, OpenError> {
    let mut partitions: Vec<Option<Partition<Tag>>> = files.iter().map(|_| None).collect();
    let next = AtomicUsize::new(0);
    let (done, results) = channel();
    let work = |done: &std::sync::mpsc::Sender<_>| {
        while let Some((index, path)) = take(files, &next) {
            // Who waits has gone if another file failed.
            let _ = done.send((index, open(path, cache_bytes)));
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..cores.min(files.len()) {
            let (done, work) = (done.clone(), &work);
            scope.spawn(move || work(&done));
        }
        drop(done);
        for (count, (index, partition)) in results.into_iter().enumerate() {
            partitions[index] = Some(partition?);
            opened(count + 1);
        }
        Ok(())
    })?;
    Ok(partitions.into_iter().flatten().collect())
}

fn take<'a>(files: &'a [PathBuf], next: &AtomicUsize) -> Option<(usize, &'a Path)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, files.get(index)?))
}

fn open(path: &Path, cache_bytes: usize) -> Result<Partition<Tag>, OpenError> {
    let partition = Partition::open(Arc::new(OnDisk(path.to_owned())), cache_bytes, None);
    partition.map_err(|unopened| OpenError::of(path, unopened))
}
