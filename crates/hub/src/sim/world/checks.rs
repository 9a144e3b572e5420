//! What must hold in a world, beside what its clients check themselves.

use std::collections::BTreeSet;

use parlour_proto::Limits;

use super::World;
use crate::shard::Shard;

/// Letters of one pair of shards; far above what credit and windows of such a small world allow.
const LETTERS_MAX: usize = 4_000;

impl World {
    /// What must be true when nothing moves any more.
    pub(super) fn check_rest(&self) -> Result<(), String> {
        let limits = &self.limits;
        let per_second = u64::from(limits.messages_per_second);
        for client in &self.clients {
            if client.connection.is_none() {
                continue;
            }
            client.check_complete(&self.truth)?;
            let burst = limits.message_burst.into();
            client.rate.check(self.now_ms, per_second, burst)?;
            for (room, watched) in &client.watched {
                watched.check(room, &self.users_in(room), limits.presence_members_max)?;
            }
            if let (Some(own), true) = (client.own, client.prompt) {
                for room in client.rooms.positions.keys() {
                    let here = self.announced_in(room);
                    client.noticed.check(room, &own.to_string(), &here)?;
                }
            }
        }
        Ok(())
    }

    fn users_in(&self, room: &str) -> BTreeSet<String> {
        let clients = self.clients.iter();
        let here = clients.filter(|client| client.rooms.is_settled(room));
        here.map(|client| format!("guest-{}", client.user))
            .collect()
    }

    fn announced_in(&self, room: &str) -> BTreeSet<String> {
        let clients = self.clients.iter();
        let here = clients.filter(|client| client.rooms.is_settled(room));
        let ids = here.filter_map(|client| client.own);
        ids.map(|id| id.to_string()).collect()
    }

    pub(super) fn check_bus(&self) -> Result<(), String> {
        match self.bus.longest_queue() {
            length if length > LETTERS_MAX => Err(format!("bound: {length} letters on the way")),
            _ => Ok(()),
        }
    }
}

impl<S: crate::Store> Shard<S> {
    /// Checks this shard's memory against bounds that it may or may not have been given.
    pub(super) fn check_bounds(&self, limits: &Limits) -> Result<(), String> {
        let (logs, rings, private, total) = self.memory();
        // One entry, one reply or one batch may stand over its bound.
        let slack = 1_024;
        if logs.0 > limits.log_entries_max || logs.1 > limits.log_bytes_max + slack {
            return Err(format!(
                "bound: a log has {} entries, {} bytes",
                logs.0, logs.1
            ));
        }
        if rings.0 > 2 * limits.log_entries_max || rings.1 > 2 * limits.log_bytes_max + slack {
            return Err(format!(
                "bound: a ring has {} frames, {} bytes",
                rings.0, rings.1
            ));
        }
        if private > limits.private_bytes_max * 2 {
            return Err(format!(
                "bound: a connection has {private} bytes of its own"
            ));
        }
        let empty = self.empty_buffers();
        if empty > 0 {
            return Err(format!("bound: {empty} connections hold an empty buffer"));
        }
        let share = limits.logs_total_bytes_max / self.count();
        // What a view has not taken is never trimmed: half a log for each room.
        let untaken = limits.rooms_max * limits.log_bytes_max;
        if total > share + untaken {
            return Err(format!(
                "bound: logs and rings of a shard have {total} bytes"
            ));
        }
        Ok(())
    }
}
