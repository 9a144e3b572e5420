//! One room, seen through every door at once: the same entries in the same order, under the names that
//! docs/dialects.md promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod everybody;
mod names;
mod terminal;
