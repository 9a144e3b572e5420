//! Deadlines without timers: one coarse sweep for all connections of a shard.

use std::time::Duration;

use crate::grow;

/// Coarse time since the driver's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u32);

const TICK_MS: u64 = 250;

impl Tick {
    const NEVER: Self = Self(u32::MAX);

    pub(crate) fn at(time: Duration) -> Self {
        // 2^32 ticks are 34 years.
        Self(u32::try_from(time.as_millis() as u64 / TICK_MS).unwrap_or(u32::MAX - 1))
    }

    /// This much later, rounded up.
    pub(crate) fn after(self, span: Duration) -> Self {
        let ticks = (span.as_millis() as u64).div_ceil(TICK_MS);
        Self(
            self.0
                .saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX))
                .min(u32::MAX - 1),
        )
    }

    fn time(self) -> Duration {
        Duration::from_millis(u64::from(self.0) * TICK_MS)
    }
}

#[derive(Clone, Copy, Debug)]
struct Life {
    heard: Tick,
    due: Tick,
}

/// When each connection was last heard of, and when it must be looked at next.
///
/// A sign of life only writes `heard`; the sweep finds out that nothing is due. So life costs one
/// store, and a shard with nothing due sleeps.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    lives: Vec<Life>,
    next: Option<Tick>,
}

impl Lives {
    pub(crate) fn begin(&mut self, index: u32, now: Tick, due: Tick) {
        let index = index as usize;
        if index >= self.lives.len() {
            grow::for_one_more(&mut self.lives);
            self.lives.resize(
                index + 1,
                Life {
                    heard: Tick(0),
                    due: Tick::NEVER,
                },
            );
        }
        self.lives[index] = Life { heard: now, due };
        self.hasten(due);
    }

    pub(crate) fn end(&mut self, index: u32) {
        self.lives[index as usize].due = Tick::NEVER;
    }

    pub(crate) fn hear(&mut self, index: u32, now: Tick) {
        self.lives[index as usize].heard = now;
    }

    pub(crate) fn heard(&self, index: u32) -> Tick {
        self.lives[index as usize].heard
    }

    /// Looks at this connection no later than `due`.
    pub(crate) fn due_by(&mut self, index: u32, due: Tick) {
        let life = &mut self.lives[index as usize];
        life.due = life.due.min(due);
        self.hasten(due);
    }

    fn hasten(&mut self, due: Tick) {
        self.next = Some(self.next.map_or(due, |next| next.min(due)));
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.next.map(Tick::time)
    }

    /// The connections that are due. Each must get a new due time by [`due_by`](Self::due_by).
    pub(crate) fn take_due(&mut self, now: Tick) -> Vec<u32> {
        if self.next.is_none_or(|next| next > now) {
            return Vec::new();
        }
        let mut due = Vec::new();
        let mut next = Tick::NEVER;
        for (index, life) in self.lives.iter_mut().enumerate() {
            if life.due <= now {
                life.due = Tick::NEVER;
                due.push(index as u32);
            } else {
                next = next.min(life.due);
            }
        }
        self.next = (next != Tick::NEVER).then_some(next);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_due_before_its_time_and_a_sign_of_life_costs_no_sweep() {
        let mut lives = Lives::default();
        lives.begin(3, Tick(0), Tick(8));
        lives.begin(0, Tick(0), Tick(20));
        lives.hear(3, Tick(7));
        assert_eq!(lives.deadline(), Some(Duration::from_secs(2)));
        assert_eq!(lives.take_due(Tick(7)), [0u32; 0]);
        assert_eq!(lives.take_due(Tick(8)), [3]);
        assert_eq!(lives.heard(3), Tick(7));
        assert_eq!(lives.deadline(), Some(Duration::from_secs(5)));
        lives.end(0);
        assert_eq!(lives.take_due(Tick(30)), [0u32; 0]);
        assert_eq!(lives.deadline(), None);
    }
}
