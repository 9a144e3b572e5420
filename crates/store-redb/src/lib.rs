//! Durable rooms on disk: logs in redb files, with group commit, checksums and quick recovery.

#![allow(dead_code, unreachable_pub)]

mod fault;
mod file;
mod format;
mod log;
mod medium;
mod partition;
mod row;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
