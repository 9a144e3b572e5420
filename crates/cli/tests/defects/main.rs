//! What is wrong with the example systems and must be right here: rows D01 to D13, D16, D20 to D36 and
//! D42 to D50 of docs/seeds.md. The others stand with the door or the part of the library that they
//! are about.
//!
//! Each test runs one check against the real server and against a double: a small server of its
//! own that passes the check without a fault and must fail it with the fault that the row
//! describes. So no check passes because it looks at nothing.
//!
//! Rows that speak of locks and loops inside a process are checked by what a client can see of them;
//! the tests say what that is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../seed2/wire/mod.rs"]
mod wire;

mod double;
mod target;

mod bounds;
mod delivery;
mod documents;
mod life;
mod login;
mod origins;
mod pages;
mod slow;
mod stopping;
mod survival;
mod telling;
mod text;
mod tickets;
