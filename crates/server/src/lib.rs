//! The server: configuration, assembly, pages. It is an embedder like every other, on the public
//! API of the crate `parlour`.
//!
//! ```text
//!  ServeOptions ─▶ logs · data directory and its lock · listener · Hub · Doors + pages ─▶ serve
//!                                                     SIGINT, SIGTERM ─▶ 1001 to all ─▶ exit 0
//! ```

mod data;
mod error;
mod listen;
mod logs;
mod options;
mod pages;
mod serve;
mod signals;

pub use error::ServeError;
pub use options::{LogFormat, MESSAGE_BYTES_LIMIT, ServeOptions};
pub use serve::serve;
