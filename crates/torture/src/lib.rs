//! Faults on purpose, for `parlour torture`.
//!
//! Everything here sees a server *from outside*: it starts one as a process of its own, opens real
//! sockets, kills or stops the process, and never links against the server.
//!
//! - [`checker`]: the one history checker, pure; it gives the verdict of every scenario.
//! - [`scenario`]: one module per fault.
//! - [`report`]: the verdict, for people and for scripts.
//!
//! Clients are many and light, on one thread. Each reports what it is told to the checker, in the order in
//! which it came, and comes back with its positions when its connection ends.

mod audit;
pub mod checker;
mod error;
mod http;
mod line;
mod load;
mod member;
mod options;
mod progress;
mod publishing;
mod random;
pub mod report;
pub mod scenario;
mod server;
mod target;
mod world;

pub use error::TortureError;
pub use load::LoadOptions;
pub use options::{Common, Remote};
pub use report::Report;
pub use target::Target;
