//! What the doors answer over HTTP, before and instead of a WebSocket.

mod answer;
pub(crate) mod free;
mod guest;
mod handshake;
pub(crate) mod ticket;
pub(crate) mod ws;
