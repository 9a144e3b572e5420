//! What docs/seeds.md promises of all doors together: where they are, and that nobody misses
//! anything there. The client shares no code with the product.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../seed2/wire/mod.rs"]
mod wire;

mod everybody;
mod places;
