//! The rules of RFC 6455 for what a client sends, one by one, through the public API.

#[path = "../common/mod.rs"]
mod common;

mod closing;
mod framing;
mod limits;
mod messages;
mod text;
