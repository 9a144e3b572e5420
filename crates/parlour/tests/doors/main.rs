//! The doors, from outside: one file per promise.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod across;
mod compression;
mod counts;
mod cross_origin;
mod health;
mod history;
mod login;
mod logout;
mod newcomers;
mod origins;
mod proxies;
mod publish;
mod sessions;
mod tickets;
mod web_sockets;
