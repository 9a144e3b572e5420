//! Whole flows over TLS, through the public interface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod begin;
mod end;
mod flows;
mod hand_over;
mod leaks;
mod memory;
mod support;
