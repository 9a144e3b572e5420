//! The application's own code around a running hub: event routers, raw connections, policies.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod connections;
mod ends;
mod entries;
mod policy;
mod router;
mod support;
#[path = "../support/users.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod users;
