//! Many at once, and some who do not listen: the real binary under a crowd.

#[path = "../support/mod.rs"]
mod support;

mod stuck_readers;
mod thousand;
