//! What a simulated client has asked and what may be answered.

use std::collections::{BTreeMap, BTreeSet};

use super::client::number;

/// A frame that is refused as a whole without a name: only one is without an answer at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// To be in these rooms.
    Join(Vec<String>),
    /// To be in these rooms no longer.
    Leave(Vec<String>),
    /// To be called otherwise.
    Nick,
    /// To be answered.
    Ping(String),
    /// No command at all.
    Nonsense,
}

/// How many frames a connection has sent, and how many of them were too many.
#[derive(Debug, Default)]
pub(super) struct Rate {
    since_ms: u64,
    sent: u64,
    /// What they count, at most.
    cost: u64,
    limited: u64,
}

impl Rate {
    pub(super) fn begin(now_ms: u64) -> Self {
        Self {
            since_ms: now_ms,
            ..Self::default()
        }
    }

    pub(super) fn send(&mut self, cost: u64) {
        self.sent += 1;
        self.cost += cost;
    }

    /// Nobody is refused before he has sent more than a burst.
    pub(super) fn refuse(&mut self, burst: u64) -> Result<(), String> {
        self.limited += 1;
        if self.cost <= burst {
            return Err(format!("rate: refused after {} frames", self.cost));
        }
        Ok(())
    }

    /// When all is answered: no more than the rate has passed.
    pub(super) fn check(&self, now_ms: u64, per_second: u64, burst: u64) -> Result<(), String> {
        let passed = self.sent - self.limited;
        let most = burst + (now_ms - self.since_ms) * per_second / 1_000 + 1;
        if per_second > 0 && passed > most {
            return Err(format!("rate: {passed} frames passed where {most} may"));
        }
        Ok(())
    }
}

/// Rooms that a client is in or has asked for.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// The position up to which it has everything; `None` before the answer.
    pub(super) positions: BTreeMap<String, Option<(u64, u64)>>,
    /// It has asked to be in these no longer.
    pub(super) leaving: BTreeSet<String>,
    /// It has asked again for rooms that it had asked for.
    pub(super) doubles: BTreeMap<String, u32>,
    /// It came with a position: it may be told of gaps until it has caught up.
    pub(super) resuming: BTreeSet<String>,
    /// It came with a position that may not exist.
    pub(super) hostile: BTreeSet<String>,
}

impl Rooms {
    /// A room that it is in and stays in.
    pub(super) fn is_settled(&self, room: &str) -> bool {
        matches!(self.positions.get(room), Some(Some(_))) && !self.leaving.contains(room)
    }

    pub(super) fn joined(&mut self, room: &str, epoch: &str, seq: &str) -> Result<(), String> {
        let position = (number(epoch)?, number(seq)?);
        match self.positions.get_mut(room) {
            Some(waiting @ None) => *waiting = Some(position),
            _ => return Err(format!("join: was not asking for {room}")),
        }
        Ok(())
    }

    /// Gives back the position that it left with.
    pub(super) fn left(&mut self, room: &str) -> Result<Option<(u64, u64)>, String> {
        if !self.leaving.remove(room) {
            return Err(format!("leave: was not asking to leave {room}"));
        }
        self.resuming.remove(room);
        self.hostile.remove(room);
        Ok(self.positions.remove(room).flatten())
    }

    /// A room that it asked for is not to be had.
    pub(super) fn refused(&mut self, room: &str) -> Result<(), String> {
        if self.positions.get(room) != Some(&None) {
            return Err(format!("join: {room} was refused and not asked for"));
        }
        self.forget(room);
        Ok(())
    }

    pub(super) fn refused_double(&mut self, room: &str) -> Result<(), String> {
        match self.doubles.get_mut(room) {
            Some(times @ 1..) => *times -= 1,
            _ => return Err(format!("join: {room} was asked for once and is joined")),
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, room: &str) {
        self.positions.remove(room);
        self.resuming.remove(room);
        self.hostile.remove(room);
    }

    /// The next number of a room, or a told range of missing ones.
    pub(super) fn move_on(
        &mut self,
        room: &str,
        epoch: u64,
        first: u64,
        last: u64,
    ) -> Result<(), String> {
        let Some(Some(position)) = self.positions.get_mut(room) else {
            return Err(format!("gap: {room} was heard outside of it"));
        };
        if (epoch, first) != (position.0, position.1 + 1) || last < first {
            return Err(format!(
                "gap: in {room} {first}..={last} of {epoch} after {position:?}"
            ));
        }
        position.1 = last;
        Ok(())
    }
}
