//! Compressed messages: RFC 7692, through the public API.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod inflating;
mod negotiating;
mod receiving;
mod sending;
