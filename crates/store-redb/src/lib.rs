//! Durable rooms on disk: logs in redb files, with group commit, checksums and quick recovery.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod fault;
mod file;
mod format;
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
