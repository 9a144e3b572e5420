//! The control socket: how commands act on a live server.
//!
//! `DATA/control.sock` takes one line of JSON per connection and answers with one line; what takes long
//! says before that how far it is, in lines of its own. It lies in
//! the data directory, which is its owner's alone, has mode 0600 and asks the kernel who knocks.
//!
//! ```text
//!  parlour user … ─▶ DATA/control.sock ─▶ same user or root? ─▶ one line ─▶ Book ─▶ Doors::end_user
//!  parlour room … ─▶        the same                                      ─▶ Stores
//! ```
//!
//! The server binds it while it holds the lock of the data directory, and serves it as long as it
//! serves everything else:
//!
//! ```text
//!  let socket = ControlSocket::bind(&settings.data)?;     // on a tokio runtime, under the lock
//!  let control = tokio::spawn(control::serve(socket, book, stores, doors));
//!  …                                                      // until the end
//!  control.abort();                                       // takes the socket away
//! ```

mod client;
mod commands;
mod place;
mod room_commands;
mod room_words;
mod server;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use client::{ask, ask_long};
pub(crate) use commands::{Change, do_one};
pub use place::ControlError;
pub(crate) use place::{check_directory, own_user};
pub(crate) use room_commands::do_room;
pub use room_words::{Damage, KeptEntry, KeptRoom, Looked};
pub(crate) use room_words::{RoomAnswer, RoomRequest};
pub(crate) use server::{ControlSocket, serve};
pub(crate) use words::{Answer, Request, Spoken};
pub use words::{Code, Listed, Refused};

/// Longest request, in bytes: a password of 1 KiB, every byte of it escaped, and a name.
const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// Longest line of an answer, in bytes: the largest entry that a server may take, and others before it.
const ANSWER_BYTES_MAX: usize = 72 * 1024 * 1024;
/// Users in one answer; with names of 64 bytes, every byte of them escaped, they fit.
const USERS_AT_ONCE: usize = 500;
