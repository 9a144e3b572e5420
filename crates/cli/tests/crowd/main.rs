//! Many at once, and some who do not listen: the real binary under a crowd.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod stuck_readers;
mod thousand;
