//! Who gets what, in which order.
//!
//! A room is a log, a connection is a cursor. A [`Shard`] is one core's share of the hub: plain
//! data that only its own thread touches. It owns the rooms that hash to it (their *home*: the one
//! place that numbers), and the connections that were given to it. A shard with members of a room
//! keeps a *view* of it: one byte ring per dialect, one cursor per member. A home and the views of
//! its room talk by [`Letter`]s, also when both are on the same shard:
//!
//! ```text
//!  frame ─▶ handle_frame ─ Publish ─▶ home: number, store, log ─ Entries ─▶ view: encode once
//!                                       │ Ack (before the entry)              │ ring
//!                                       ▼                                     ▼
//!                                private buffer ─────────▶ Sockets::send ◀─ one pass over members
//! ```
//!
//! Nothing here reads a clock, opens a socket or starts a task: a driver does (the plane of the
//! crate `parlour`, or the simulated world). It says the time with [`Shard::wake`], calls the
//! `handle_*` methods for what has arrived, then [`Shard::turn`] until that says that there is
//! nothing more to do, and again no later than [`Shard::deadline`].
//!
//! The application that a hub is a part of is a seam too: what it is [`Asked`] comes out of
//! [`Shard::take_asked`] after a turn or an end, and its [`Answer`] goes in by [`Shard::answer`],
//! whenever that is. The connection that it is about is not read meanwhile.

mod ask;
mod bus;
mod chance;
mod connection;
mod grow;
mod home;
mod ids;
mod letter;
mod life;
mod link;
mod log;
mod notice;
mod presence;
mod rate;
mod ring;
mod seldom;
mod shard;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
mod since;
mod sockets;
mod stats;
mod store;
mod table;
mod view;
mod weights;
mod wire;

pub use ask::{Answer, Asked, Asks, Brought, DeniedRoom, NotTold, OwnedTold, What};
pub use bus::Bus;
pub use ids::{Digester, IdDigest};
pub use letter::{History, Letter};
pub use shard::{Attach, PublishToken, QuestionToken, Shard, ShardConfig, home_of};
pub use since::Since;
pub use sockets::{Sent, Sockets};
pub use stats::{Counts, Stats};
pub use store::{
    Logs, NoStore, Opened, ReadToken, Recent, Request, RoomKey, Store, StoreFault, Stored, Wake,
};
pub use wire::{Framing, Wire, WireIndex};
