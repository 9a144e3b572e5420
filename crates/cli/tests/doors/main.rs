//! What the doors promise, seen from outside, by the real binary over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod echo;
mod events;
mod hand_over;
mod handshake;
mod pages;
mod places;
mod rules;
mod secrets;
mod shutdown;
mod start;
mod tickets;
mod web_root;
