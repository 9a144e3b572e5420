//! A client of its own: HTTP and WebSocket over TCP or TLS, written from the rows of docs/seeds.md and
//! from RFC 9112 and RFC 6455. It shares no code with the product.
//!
//! Nothing here waits without an end: every read gives up after the way's patience. What the other
//! side does wrong comes back as an error in words.

// Each test binary uses its own part, and all of it is for tests.
#![allow(dead_code, unreachable_pub, unused_imports, clippy::unwrap_used)]

mod bare;
mod house;
mod http;
mod line;
mod socket;

pub use bare::{Bare, Frame};
pub use house::{House, PUBLISH_TOKEN, TOKEN_FILE, parlour};
pub use http::{Answer, Request};
pub use line::{Line, Way};
pub use socket::{End, Opened, Socket, is_timeout};

use std::time::Duration;

/// The longest that a test waits for one thing.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What was asked for, or what is wrong, in words.
pub type Outcome<T> = Result<T, String>;

/// For `map_err`: what was being done when it went wrong.
pub fn while_doing<E: std::fmt::Display>(what: &str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}

/// Fails with these words unless it holds.
pub fn require(holds: bool, words: impl FnOnce() -> String) -> Outcome<()> {
    if holds { Ok(()) } else { Err(words()) }
}
