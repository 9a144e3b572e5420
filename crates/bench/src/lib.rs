//! Load generator, raw baseline and measurements for `parlour bench`.
//!
//! Everything here measures a server *from outside*: it opens real sockets, reads what the kernel
//! says about the server's process, and never links against the server.
//!
//! - [`fanout`]: many members, messages fanned out to them, one report.
//! - [`saturation`], [`fairness`], [`cross`]: the same at shares of the most that the server can
//!   do, beside a quiet room, and across shards.
//! - [`echo`]: round trips, beside a bare loop.
//! - [`idle`]: what an idle connection costs the server.
//! - [`connect`]: how fast newcomers are let in.
//! - [`storm`]: everybody comes back at once.
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
pub mod connect;
#[cfg(feature = "conventional")]
pub mod conventional;
mod counters;
pub mod cpu;
pub mod cross;
mod crowd;
pub mod dialect;
pub mod durable;
pub mod echo;
mod error;
pub mod events;
pub mod fairness;
pub mod fanout;
pub mod frame;
pub mod generator;
mod handshake;
pub mod idle;
pub mod ledger;
mod listening;
mod measured;
pub mod output;
pub mod pin;
mod plot;
pub mod process;
pub mod progress;
pub mod report;
mod room_load;
pub mod saturation;
pub mod stats;
pub mod storm;
mod tables;
pub mod tag;
pub mod target;
mod tickets;
pub mod v1;

pub use error::BenchError;
