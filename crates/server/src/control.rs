//! The control socket: how user commands act on a live server.
//!
//! `DATA/control.sock` takes one line of JSON per connection and answers with one line. It lies in
//! the data directory, which is its owner's alone, has mode 0600 and asks the kernel who knocks.
//!
//! ```text
//!  parlour user … ─▶ DATA/control.sock ─▶ same user or root? ─▶ one line ─▶ Book ─▶ Doors::end_user
//! ```
//!
//! The server binds it while it holds the lock of the data directory, and serves it as long as it
//! serves everything else:
//!
//! ```text
//!  let socket = ControlSocket::bind(&settings.data)?;     // on a tokio runtime, under the lock
//!  let control = tokio::spawn(control::serve(socket, book, doors));
//!  …                                                      // until the end
//!  control.abort();                                       // takes the socket away
//! ```

mod client;
mod commands;
mod place;
mod server;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use client::ask;
pub(crate) use commands::{Change, do_one};
pub use place::ControlError;
pub(crate) use place::{check_directory, own_user};
pub(crate) use server::{ControlSocket, serve};
pub(crate) use words::{Answer, Request, Spoken};
pub use words::{Code, Listed, Refused};

/// Longest request, in bytes: a password of 1 KiB, every byte of it escaped, and a name.
const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// Longest answer, in bytes: a piece of the list of users.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Users in one answer; with names of 64 bytes, every byte of them escaped, they fit.
const USERS_AT_ONCE: usize = 500;
