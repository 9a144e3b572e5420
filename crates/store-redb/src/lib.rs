//! Durable rooms on disk: logs in redb files, with group commit, checksums and quick recovery.
//!
//! ```
//! use std::sync::Arc;
//! use parlour_store_redb::{StoreConfig, Stores};
//!
//! let folder = tempfile::tempdir().unwrap();
//! let stores = Stores::open(folder.path(), &StoreConfig::default(), |_, _| {}).unwrap();
//! // One for each shard of a hub:
//! let shard = stores.for_shard(Arc::new(|| println!("something new to poll")));
//! assert!(stores.rooms(None, 10).unwrap().rooms.is_empty());
//! # drop(shard);
//! stores.close().unwrap();
//! ```
//!
//! # What it promises
//!
//! - What is acknowledged is on the disk, in its order, and stays there through a power cut at any
//!   moment. A batch that was not acknowledged is there whole or not at all. The epoch of a room is the
//!   same after every start, also before its first entry.
//! - A flipped bit is reported and never served; `verify` names room and entry. The last commit before
//!   a kill is an exception that nothing can see: as long as only the journal has it, a bit flipped in
//!   it before the next start makes it look like one that was cut off. And of some damage to redb's own
//!   lists of free pages its next commit ends the process: once in about 15,000 random flips, when the
//!   simulation tried. Nothing wrong is served, but that file has to be restored from a backup.
//! - A full disk refuses entries before anything is written ([`DISK_RESERVE_BYTES`]), and goes on by
//!   itself within a second of there being space. After another write error the file is opened again
//!   and says what it has. After a failed sync a partition stops until the next start, which drops
//!   what the system has in memory, so that recovery sees what the disk has.
//!
//! `cargo xtask sim --store` holds it to this on disks that lose what was not synced; the feature
//! `conformance` holds any store to what all stores promise.
//!
//! # How it is made
//!
//! A data directory has a number of files (`rooms/partition-00.rooms` …) that is fixed when it is made;
//! a room hashes to one of them. Each has a thread that writes: it takes all that waits, makes it one
//! commit, and answers. With nothing waiting that is one entry at once; under load it is what came
//! during the last commit. A second thread reads, and waits for no sync. All entries of a room in one
//! commit are one row. Queues hold what the hub's shards have on the way, which the hub bounds.
//!
//! A file is a journal and a redb database. A commit goes into the database in memory, and into the
//! journal as one write and one sync; then it is acknowledged. When the journal is full, after five
//! seconds without a commit, and at the end, a checkpoint writes down what only memory has, and the
//! journal begins anew. After a kill its records are shown again. A checkpoint also makes rows of up to
//! 16 KiB of the short ones that commits have left.
//!
//! # What was measured, and chosen for it
//!
//! On a virtual machine with two cores and a disk that syncs in 0.12 ms (`cargo run --release -p
//! parlour-store-redb --example commit_price -- FOLDER 2`; rows of 300 bytes, 64 MiB of cache):
//!
//! | commits | one sync | two-phase | quick repair |
//! |---|---|---|---|
//! | 1 row, 1 room | 3,573/s, p50 0.26 ms | 2,159/s, 0.44 ms | 1,922/s, 0.49 ms |
//! | 20 rows, 20 rooms | 1,115/s, 0.88 ms | 1,089/s, 0.90 ms | 1,018/s, 0.94 ms |
//! | 64 rows, 1,000 rooms | 325/s, 2.34 ms | 312/s, 2.44 ms | 350/s, 2.74 ms |
//! | append and fdatasync, for comparison | 7,286/s, 0.12 ms | | |
//!
//! | a killed file of 1,000,000 rows, 1 GiB | opens from memory | from the disk |
//! |---|---|---|
//! | one sync (a full repair) | 1,138 ms | 4,347 ms |
//! | quick repair with every commit | 3 ms | 8 ms |
//!
//! Without quick repair a start takes seconds; on every Nth commit of the database it would help nobody
//! who is killed under load, for what counts is the last one.
//!
//! So every checkpoint is one with quick repair, and a commit is none: it is one record in the journal.
//! What that does to the whole store, and to a server, says `docs/durability.md`; `--example store_speed`
//! measures the store alone.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod fault;
mod file;
mod format;
mod journal;
mod layout;
mod log;
mod medium;
mod partition;
mod row;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
mod stores;

pub use error::{InspectError, OpenError};
pub use partition::DISK_RESERVE_BYTES;
pub use stores::{
    DAMAGES_MAX, DamagedPart, HistoryPage, PARTITIONS_MAX, PartitionHealth, PartitionState,
    RoomSummary, RoomsPage, ShardStore, StoreConfig, Stores, Verdict, VerifyProgress,
};
