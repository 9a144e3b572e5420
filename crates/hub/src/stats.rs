//! What a shard counts: written by the shard alone, read by anybody.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters of one shard. Each is written by its shard only, so a read costs the shard
        /// nothing.
        #[derive(Debug, Default)]
        pub struct Stats { $($(#[$doc])* pub $name: AtomicU64,)* }

        /// The counters as plain numbers, e.g. summed over shards.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts { $($(#[$doc])* pub $name: u64,)* }

        impl Stats {
            /// Adds what this shard has counted to `counts`.
            pub fn add_to(&self, counts: &mut Counts) {
                $(counts.$name += self.$name.load(Relaxed);)*
            }

            pub(crate) fn publish(&self, counts: &Counts) {
                $(self.$name.store(counts.$name, Relaxed);)*
            }
        }
    };
}

counts! {
    /// Connections that are attached now.
    connections,
    /// Connections that were attached since the start.
    attached,
    /// Rooms that have their home on this shard now.
    rooms,
    /// Bytes of logs and rings now.
    log_bytes,
    /// Entries that were numbered and became final.
    entries,
    /// Sends to members and of private output.
    sends,
    /// Bytes that were sent.
    sent_bytes,
    /// Sends that the socket took only in part or not at all (EAGAIN).
    blocked_sends,
    /// Bounded pieces of logs that were read for connections that were behind.
    replays,
    /// Losses that a connection was told of, by a gap notice or by its close.
    gaps,
    /// Commands that were refused by name.
    refusals,
    /// Connections that the server closed because they were too slow.
    slow_closes,
    /// Connections that the server closed because nothing was heard of them.
    silent_closes,
    /// Connections that were closed because handling them failed.
    failures,
}
