//! The real binary on a free port, and clients that share no code with it.
//!
//! Nothing here waits without an end: every read gives up after [`PATIENCE`], and fails its test.

// Each test binary uses its own part, and all of it is for tests.
#![allow(dead_code, unreachable_pub, unused_imports, clippy::unwrap_used)]

mod client;
mod free;
mod raw;
mod server;
mod tls;

use std::time::Duration;

pub use client::Client;
pub use free::{Chatter, free_client, publish};
pub use raw::{Answer, Raw, frame};
pub use server::{Server, Setup, parlour, post};

/// The longest that a test waits for one thing.
pub const PATIENCE: Duration = Duration::from_secs(30);
