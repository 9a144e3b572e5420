//! The door for plain text with nicknames, by the real binary and a client that shares no code with
//! it: docs/seeds.md, 1.04 to 1.22, E3 to E9, E12, D01 to D03, D32, D38 to D40.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod coming_and_going;
mod door;
mod limits;
mod messages;
mod nicknames;
