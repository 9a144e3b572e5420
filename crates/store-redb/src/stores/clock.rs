//! What time it is for the ages of entries.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The wall's time at the start, and from then on a clock that nobody sets: when the wall's jumps,
/// nothing is thrown away before its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
    /// Milliseconds since 1970.
    wall: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            start: Instant::now(),
            wall: wall.map_or(0, |wall| {
                u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
            }),
        }
    }

    pub(super) fn now(&self) -> u64 {
        let since = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.wall.saturating_add(since)
    }
}
