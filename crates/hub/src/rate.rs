//! How much a connection may send: a rate with a burst, in eight bytes.

use std::time::Duration;

use parlour_proto::Limits;

/// What all connections of a shard may send: `Limits::messages_per_second`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// Nanoseconds that one frame costs.
    interval: u64,
    /// Nanoseconds that may be spent ahead.
    burst: u64,
}

impl Rate {
    /// `None`: there is no limit.
    pub(crate) fn of(limits: &Limits) -> Option<Self> {
        let interval = 1_000_000_000_u64.checked_div(limits.messages_per_second.into())?;
        let burst = interval * u64::from(limits.message_burst.max(1));
        Some(Self { interval, burst })
    }
}

/// What one connection has spent: the time, in nanoseconds since the driver's start, at which it
/// will have all of its burst again (the generic cell rate algorithm, ITU-T I.371, A.1).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent(u64);

impl Spent {
    /// Whether one frame may be spent now.
    ///
    /// # Errors
    /// After the given time it may.
    pub(crate) fn check(mut self, now: Duration, rate: Rate) -> Result<(), Duration> {
        self.spend(1, now, rate)
    }

    /// As [`spend`](Self::spend) for a frame that has been read: a refused one costs one frame, as far
    /// as there is one. Else who asks for much and never gets it could have it read for nothing.
    ///
    /// # Errors
    /// After the given time the same will do.
    pub(crate) fn spend_read(
        &mut self,
        cost: u32,
        now: Duration,
        rate: Rate,
    ) -> Result<(), Duration> {
        self.spend(cost, now, rate).map_err(|over| {
            let charged = self.spend(1, now, rate).map(|()| rate.interval);
            over + Duration::from_nanos(charged.unwrap_or(0))
        })
    }

    /// Spends `cost` frames, of which a burst has enough for any.
    ///
    /// # Errors
    /// Nothing is spent; after the given time the same will do.
    pub(crate) fn spend(&mut self, cost: u32, now: Duration, rate: Rate) -> Result<(), Duration> {
        // 2^64 nanoseconds are 584 years.
        let now = now.as_nanos() as u64;
        let cost = rate.interval.saturating_mul(cost.into()).min(rate.burst);
        let spent = self.0.max(now) + cost;
        match spent.checked_sub(now + rate.burst) {
            None | Some(0) => {
                self.0 = spent;
                Ok(())
            }
            Some(over) => Err(Duration::from_nanos(over)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(messages_per_second: u32, message_burst: u32) -> Rate {
        let limits = Limits {
            messages_per_second,
            message_burst,
            ..Limits::default()
        };
        Rate::of(&limits).unwrap()
    }

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_burst_is_taken_then_the_rate_holds_and_the_burst_fills_again() {
        let (mut spent, rate) = (Spent::default(), rate(10, 5));
        assert!((0..5).all(|_| spent.spend(1, at(7.0), rate).is_ok()));
        assert_eq!(spent.spend(1, at(7.0), rate), Err(at(0.1)));
        assert_eq!(spent.spend(3, at(7.0), rate), Err(at(0.3)));
        assert_eq!(spent.spend(1, at(7.1), rate), Ok(()));
        assert_eq!(spent.spend(1, at(7.15), rate), Err(at(0.05)));
        assert!((0..5).all(|_| spent.spend(1, at(8.0), rate).is_ok()));
        assert!(spent.spend(1, at(8.0), rate).is_err());
    }

    #[test]
    fn what_costs_more_than_the_burst_waits_for_all_of_it_and_passes() {
        let (mut spent, rate) = (Spent::default(), rate(10, 5));
        assert_eq!(spent.spend(1, at(1.0), rate), Ok(()));
        assert_eq!(spent.spend(63, at(1.0), rate), Err(at(0.1)));
        assert_eq!(spent.spend(63, at(1.1), rate), Ok(()));
    }

    #[test]
    fn what_was_read_and_refused_costs_one_while_there_is_one() {
        let (mut spent, rate) = (Spent::default(), rate(10, 5));
        assert!((0..3).all(|_| spent.spend(1, at(1.0), rate).is_ok()));
        assert_eq!(spent.spend_read(4, at(1.0), rate), Err(at(0.3)));
        assert_eq!(spent.spend_read(4, at(1.0), rate), Err(at(0.4)));
        assert_eq!(spent.spend_read(4, at(1.0), rate), Err(at(0.4)));
        assert!(spent.check(at(1.0), rate).is_err());
        assert_eq!(spent.spend_read(4, at(1.4), rate), Ok(()));
    }

    #[test]
    fn no_limit_is_none() {
        let limits = Limits {
            messages_per_second: 0,
            ..Limits::default()
        };
        assert!(Rate::of(&limits).is_none());
    }
}
