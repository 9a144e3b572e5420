//! The time of a shard: one reading per turn, without the stalls of its own loop.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parlour_proto::{Now, Timestamp};

/// A turn that took so much longer than it had asked to sleep was a stall: the machine slept, or
/// gave the processor to others.
const STALL_MIN: Duration = Duration::from_secs(1);

/// Where the time of a hub comes from.
#[derive(Clone, Debug)]
pub(crate) enum Time {
    /// Since then.
    Real(Instant),
    /// A test's own, in nanoseconds.
    #[cfg(feature = "testing")]
    Virtual(std::sync::Arc<std::sync::atomic::AtomicU64>),
}

/// When virtual time begins, as a time of day: 2026-01-01T00:00:00Z.
#[cfg(feature = "testing")]
const VIRTUAL_START: i64 = 1_767_225_600_000_000_000;

impl Time {
    pub(crate) fn real() -> Self {
        Self::Real(Instant::now())
    }

    /// Since the hub's start.
    pub(crate) fn elapsed(&self) -> Duration {
        match self {
            Self::Real(start) => start.elapsed(),
            #[cfg(feature = "testing")]
            Self::Virtual(now) => {
                Duration::from_nanos(now.load(std::sync::atomic::Ordering::Acquire))
            }
        }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        !matches!(self, Self::Real(_))
    }

    fn wall(&self) -> Timestamp {
        match self {
            Self::Real(_) => wall(),
            #[cfg(feature = "testing")]
            Self::Virtual(_) => {
                let elapsed = i64::try_from(self.elapsed().as_nanos()).unwrap_or(i64::MAX);
                Timestamp::from_unix_nanoseconds(VIRTUAL_START.saturating_add(elapsed))
            }
        }
    }
}

/// The clock that one shard's turns read.
pub(super) struct Clock {
    time: Time,
    stalls: Stalls,
}

impl Clock {
    pub(super) fn of(time: Time) -> Self {
        Self {
            time,
            stalls: Stalls::default(),
        }
    }

    /// Reads the time after a sleep of at most `asked`; `None` is a sleep without an end.
    pub(super) fn turn(&mut self, asked: Option<Duration>) -> Now {
        // Virtual time jumps, and nothing stood still.
        let asked = asked.filter(|_| !self.time.is_virtual());
        let monotonic = self.stalls.turn(self.time.elapsed(), asked);
        Now {
            monotonic,
            wall: self.time.wall(),
        }
    }

    /// How long to sleep until `deadline`; virtual time comes by mail.
    pub(super) fn until(&self, deadline: Duration) -> Option<Duration> {
        (!self.time.is_virtual()).then(|| deadline.saturating_sub(self.last()))
    }

    /// The monotonic time of the turn that is under way.
    fn last(&self) -> Duration {
        self.stalls.shifted()
    }
}

fn wall() -> Timestamp {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_unix_nanoseconds(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}

/// Takes the stalls out of a time, so that a peer does not look silent because nobody listened.
#[derive(Default)]
struct Stalls {
    last: Duration,
    total: Duration,
}

impl Stalls {
    fn turn(&mut self, now: Duration, asked: Option<Duration>) -> Duration {
        let took = now.saturating_sub(self.last);
        if let Some(asked) = asked {
            let stall = took.saturating_sub(asked);
            if stall > STALL_MIN {
                tracing::warn!(?stall, "a shard stood still; its deadlines move by that");
                self.total += stall;
            }
        }
        self.last = now;
        self.shifted()
    }

    fn shifted(&self) -> Duration {
        self.last.saturating_sub(self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_stall_moves_all_later_times() {
        let mut stalls = Stalls::default();
        assert_eq!(stalls.turn(seconds(1.0), Some(seconds(1.0))), seconds(1.0));
        assert_eq!(stalls.turn(seconds(31.0), Some(seconds(5.0))), seconds(6.0));
        assert_eq!(stalls.turn(seconds(32.0), Some(seconds(1.0))), seconds(7.0));
    }

    #[test]
    fn sleep_as_asked_and_small_delays_are_no_stall() {
        let mut stalls = Stalls::default();
        assert_eq!(stalls.turn(seconds(60.0), None), seconds(60.0));
        assert_eq!(
            stalls.turn(seconds(85.0), Some(seconds(25.0))),
            seconds(85.0)
        );
        assert_eq!(
            stalls.turn(seconds(86.0), Some(Duration::ZERO)),
            seconds(86.0)
        );
    }
}
