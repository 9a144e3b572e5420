//! All partitions of one data directory, each with a thread that writes and one that reads.

mod clock;
mod health;
mod inspect;
mod mailbox;
mod make;
pub(crate) mod on_disk;
mod opening;
mod reader;
mod shard_store;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use parlour_hub::{Logs, Store, Wake};
use parlour_proto::{RoomKinds, RoomName, ShardId};

pub use health::{PartitionHealth, PartitionState};
pub use inspect::{
    DAMAGES_MAX, DamagedPart, HistoryPage, RoomSummary, RoomsPage, Verdict, VerifyProgress,
};
pub use shard_store::ShardStore;

use crate::error::{InspectError, OpenError};
use crate::fault::Fault;
use crate::file::Shared;
use crate::format::Identity;
use crate::partition::Partition;
use clock::Clock;
use health::Watch;
use mailbox::{Mailbox, Queue, Tag};
use reader::{ReadJob, Reader};
use writer::{WriteJob, Writer};

/// How rooms are kept.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// How many files there are, each with its own commits: 1 to [`PARTITIONS_MAX`]. Only for a new
    /// data directory; an old one keeps the number that it was made with.
    pub partitions: u16,
    /// Pages of all files that are kept in memory, in bytes.
    pub cache_bytes: usize,
    /// What is kept of rooms that are not open, e.g. since nobody has been in them since the start.
    pub kinds: RoomKinds,
}

/// The most partitions that a data directory can be made with.
pub const PARTITIONS_MAX: u16 = 64;

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            partitions: 2,
            cache_bytes: 64 << 20,
            kinds: RoomKinds::default(),
        }
    }
}

/// The logs of a data directory. A clone is the same store; the last one that is dropped closes it.
#[derive(Clone, Debug)]
pub struct Stores(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lanes: Vec<Lane>,
    threads: Mutex<Vec<Threads>>,
}

/// One partition, seen from outside its threads.
#[derive(Debug)]
struct Lane {
    identity: Identity,
    writer: Arc<Queue<WriteJob>>,
    reader: Arc<Queue<ReadJob>>,
    file: Shared,
    watch: Watch,
}

#[derive(Debug)]
struct Threads {
    writer: JoinHandle<Result<(), Fault>>,
    reader: JoinHandle<()>,
}

impl Stores {
    /// Opens the rooms of a data directory, or makes them. `progress` is told how many of how many
    /// files are open.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong and what to do.
    pub fn open(
        directory: &Path,
        config: &StoreConfig,
        mut progress: impl FnMut(u16, u16),
    ) -> Result<Self, OpenError> {
        let files = make::ensure(directory, config)?;
        let count = u16::try_from(files.len()).unwrap_or(PARTITIONS_MAX);
        let cache_bytes = config.cache_bytes / files.len().max(1);
        progress(0, count);
        let partitions = opening::open_all(&files, cache_bytes, |open| {
            progress(u16::try_from(open).unwrap_or(count), count);
        })?;
        make::check_together(&files, &partitions)?;
        Self::start(partitions, config)
    }

    fn start(partitions: Vec<Partition<Tag>>, config: &StoreConfig) -> Result<Self, OpenError> {
        let clock = Clock::start();
        let stores = Self(Arc::new(Inner {
            lanes: partitions.iter().map(Lane::of).collect(),
            threads: Mutex::default(),
        }));
        for (lane, partition) in stores.0.lanes.iter().zip(partitions) {
            // One that fails drops `stores`, which ends those that run.
            let threads = lane.start(partition, config.kinds.clone(), clock)?;
            stores.threads().push(threads);
        }
        Ok(stores)
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<Threads>> {
        (self.0.threads.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    fn lanes(&self) -> &[Lane] {
        &self.0.lanes
    }

    fn partition_of(&self, room: &RoomName) -> usize {
        let first = self.lanes().first();
        first.map_or(0, |lane| usize::from(lane.identity.partition_of(room)))
    }

    fn lane_of(&self, room: &RoomName) -> &Lane {
        &self.lanes()[self.partition_of(room)]
    }

    /// What one shard has of it. `wake` is called when [`Store::poll`] has something new to say, from
    /// a thread of the store, and not again before that was asked.
    #[must_use]
    pub fn for_shard(&self, wake: Wake) -> ShardStore {
        ShardStore::new(self.clone(), Mailbox::new(wake))
    }

    /// How each partition is.
    #[must_use]
    pub fn health(&self) -> Vec<PartitionHealth> {
        self.lanes().iter().map(|lane| lane.watch.look()).collect()
    }

    /// How many files there are.
    #[must_use]
    pub fn partitions(&self) -> u16 {
        u16::try_from(self.lanes().len()).unwrap_or(PARTITIONS_MAX)
    }

    /// Commits what waits, closes the files and ends the threads. What is asked afterwards is refused
    /// or not answered.
    ///
    /// # Errors
    /// A file did not close in order: the next start recovers it, and loses nothing.
    pub fn close(&self) -> Result<(), InspectError> {
        for lane in self.lanes() {
            lane.writer.close();
        }
        let mut closed = Ok(());
        for (threads, lane) in self.threads().drain(..).zip(self.lanes()) {
            let written = threads.writer.join();
            // It reads until there is nothing more that a writer could ask it.
            lane.reader.close();
            let read = threads.reader.join();
            let written =
                written.unwrap_or_else(|_| Err(Fault::Disk("its writer panicked".into())));
            if let Err(fault) = written {
                closed = Err(fault.into());
            }
            if read.is_err() {
                closed = Err(InspectError::Disk("its reader panicked".to_owned()));
            }
        }
        closed
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for lane in &self.lanes {
            lane.writer.close();
            lane.reader.close();
        }
        let threads = self
            .threads
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for threads in threads.drain(..) {
            // A panic was told where it happened; whoever wants to know of the rest calls `close`.
            let _ = threads.writer.join();
            let _ = threads.reader.join();
        }
    }
}

impl Lane {
    fn of(partition: &Partition<Tag>) -> Self {
        let identity = partition.identity();
        Self {
            identity,
            writer: Arc::default(),
            reader: Arc::default(),
            file: partition.file(),
            watch: Watch::new(identity.partition),
        }
    }

    fn start(
        &self,
        partition: Partition<Tag>,
        kinds: RoomKinds,
        clock: Clock,
    ) -> Result<Threads, OpenError> {
        let number = self.identity.partition;
        let no_thread = |why: std::io::Error| OpenError::System {
            what: "thread",
            why: why.to_string(),
        };
        let reader = Reader {
            queue: Arc::clone(&self.reader),
            file: self.file.clone(),
            identity: self.identity,
            watch: self.watch.clone(),
        };
        let writer = Writer {
            queue: Arc::clone(&self.writer),
            readers: Arc::clone(&self.reader),
            partition,
            watch: self.watch.clone(),
            kinds,
            clock,
        };
        let reader = Builder::new()
            .name(format!("rooms-read-{number:02}"))
            .spawn(move || reader.run())
            .map_err(no_thread)?;
        let writer = Builder::new()
            .name(format!("rooms-write-{number:02}"))
            .spawn(move || writer.run())
            .map_err(no_thread);
        if writer.is_err() {
            self.reader.close();
        }
        Ok(Threads {
            writer: writer?,
            reader,
        })
    }
}

impl Logs for Stores {
    fn store(&self, _: ShardId, wake: Wake) -> Box<dyn Store + Send> {
        Box::new(self.for_shard(wake))
    }
}
