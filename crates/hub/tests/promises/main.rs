//! The hub's promises, one file each, through its public interface alone: shards without threads,
//! letters carried by hand, sockets that take as much as a test lets them, and a clock that stands
//! until a test moves it.

// Clippy knows test functions, but not the helpers of an integration test.
#![allow(clippy::unwrap_used)]

mod disk;
mod sockets;
mod speech;
mod stores;
mod world;

mod acks;
mod asks;
mod backpressure;
mod bad_frames;
mod close;
mod closing;
mod doubts;
mod durable_order;
mod durable_rooms;
mod epochs;
mod fairness;
mod framings;
mod heartbeat;
mod hello;
mod history;
mod in_process;
mod kept;
mod many_rooms;
mod members;
mod memory;
mod names;
mod notices;
mod order;
mod panics;
mod policies;
mod pongs;
mod presence;
mod presence_bounds;
mod rate_limit;
mod repeats;
mod resume;
mod rooms;
mod since;
mod slow_reader;
mod stuck_reader;
