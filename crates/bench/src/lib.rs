//! Load generator, raw baseline and measurements for `parlour bench`.
//!
//! Everything here measures a server *from outside*: it opens real sockets, reads what the kernel
//! says about the server's process, and never links against the server.
//!
//! - [`fanout`]: many members, messages fanned out to them, one report.
//! - [`memory`]: what an idle connection costs the server.
//! - [`compare`]: several servers in turn, in short phases, as paired ratios. On a machine that
//!   is not quiet this is the only figure worth a gate.
//! - [`durable`]: what an acknowledgement of a durable room costs, beside a file and beside Redis.
//! - [`baseline`]: the yardstick, a loop of `send()` with nothing around it.
//!
//! [`generator`] is the part they share: one thread that opens all connections once and then runs
//! as many phases of load as it is asked to. It checks every delivery: a message that is missing,
//! doubled or out of order fails the run ([`ledger`]).

pub mod baseline;
pub mod compare;
#[cfg(feature = "conventional")]
pub mod conventional;
pub mod cpu;
pub mod dialect;
pub mod durable;
mod error;
pub mod events;
pub mod fanout;
pub mod frame;
pub mod generator;
mod handshake;
pub mod ledger;
pub mod memory;
pub mod pin;
pub mod process;
pub mod progress;
pub mod report;
pub mod stats;
mod tables;
pub mod tag;
pub mod target;
mod tickets;
pub mod v1;

pub use error::BenchError;
