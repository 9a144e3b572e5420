//! The server: configuration, assembly, pages. It is an embedder like every other, on the public
//! API of the crate `parlour`.
//!
//! ```text
//!  flags, variables, file ─▶ Settings ─▶ logs · data directory and its lock · accounts · rooms · certificate
//!                                                     │
//!                                      listener · Hub · Doors + pages ─▶ serve
//!                                      SIGHUP ─▶ the certificate again
//!                                      SIGINT, SIGTERM ─▶ 1001 to all ─▶ exit 0
//! ```

mod control;
mod data;
mod error;
mod goodbye;
mod listen;
mod logs;
mod pages;
pub mod rooms;
mod serve;
pub mod settings;
mod signals;
mod store;
mod tls;
mod token;
mod turn;
pub mod users;
mod web_root;

pub use error::ServeError;
pub use serve::{Listening, SelfSigned, serve};
