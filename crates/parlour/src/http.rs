//! What the doors answer over HTTP, before and instead of a WebSocket.

mod answer;
mod api;
mod bearer;
mod body;
mod cross_origin;
pub(crate) mod debug;
pub(crate) mod free;
mod guest;
mod handshake;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod publish;
mod seconds;
mod session;
pub(crate) mod ticket;
pub(crate) mod ws;

pub(crate) use health::Unhealthy;
