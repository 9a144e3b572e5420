//! Bounded rates: so many in so much time for each key, and no more memory than is named here.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Keys that are told apart; what comes on top shares [`CROWD`] places.
const KEYS_MAX: usize = 65_536;
/// Places for those who came when there were too many to tell them apart.
const CROWD: u64 = 4_096;
/// How often everything is looked through when it is full.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// A rate for each key: a full bucket at first, which refills evenly. Time comes in as an argument,
/// from one clock that never goes back.
///
/// What was taken can be given back, so that what turns out well need not count.
pub(crate) struct Rates {
    step: Duration,
    /// How long an empty bucket takes to fill.
    full: Duration,
    keys_max: usize,
    hasher: RandomState,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// When the bucket of a key will be full again; a key whose time has come counts as unknown.
    full_at: HashMap<u64, Duration>,
    swept: Duration,
}

impl Rates {
    /// `count` in each `period`; at least one.
    pub(crate) fn new(count: u32, period: Duration) -> Self {
        Self::with_burst(count, period, count)
    }

    /// As [`new`](Self::new), but `burst` at once.
    pub(crate) fn with_burst(count: u32, period: Duration, burst: u32) -> Self {
        let step = period / count.max(1);
        Self {
            step,
            full: step * burst.max(1),
            keys_max: KEYS_MAX,
            hasher: RandomState::new(),
            known: Mutex::default(),
        }
    }

    /// Takes one for `key`, or says how long to wait for the next.
    pub(crate) fn take(&self, key: impl Hash, now: Duration) -> Result<(), Duration> {
        let mut known = self.lock();
        let place = self.place(&mut known, &key, now);
        let full_at = known.full_at.get(&place).copied().unwrap_or_default();
        let full_at = full_at.max(now) + self.step;
        match full_at.checked_sub(now + self.full) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                known.full_at.insert(place, full_at);
                Ok(())
            }
        }
    }

    /// Gives one back that was taken for `key`.
    pub(crate) fn give_back(&self, key: impl Hash, now: Duration) {
        let mut known = self.lock();
        let place = self.place(&mut known, &key, now);
        if let Some(full_at) = known.full_at.get_mut(&place) {
            *full_at = full_at.saturating_sub(self.step);
            if *full_at <= now {
                known.full_at.remove(&place);
            }
        }
    }

    /// A place of its own for a key that has one or finds room, else one among the crowd.
    fn place(&self, known: &mut Known, key: &impl Hash, now: Duration) -> u64 {
        let own = self.hasher.hash_one(key) | CROWD;
        if known.full_at.contains_key(&own) || known.full_at.len() < self.keys_max {
            return own;
        }
        if known.swept + SWEEP_EVERY <= now {
            known.swept = now;
            known.full_at.retain(|_, full_at| *full_at > now);
            if known.full_at.len() < self.keys_max {
                return own;
            }
        }
        (own >> 32) % CROWD
    }

    /// Nothing in here panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const NOW: Duration = Duration::from_secs(1_000);

    #[test]
    fn each_key_has_its_count_and_then_one_for_each_part_of_the_period() {
        let rates = Rates::new(5, MINUTE);
        for _ in 0..5 {
            rates.take("ann", NOW).unwrap();
        }
        let wait = rates.take("ann", NOW).unwrap_err();
        assert_eq!(wait, MINUTE / 5);
        rates.take("bob", NOW).unwrap();
        let almost = NOW + wait - Duration::from_nanos(1);
        assert_eq!(rates.take("ann", almost), Err(Duration::from_nanos(1)));
        rates.take("ann", NOW + wait).unwrap();
        assert!(rates.take("ann", NOW + wait).is_err());
        for _ in 0..5 {
            rates.take("ann", NOW + wait + MINUTE).unwrap();
        }
    }

    #[test]
    fn a_count_that_does_not_divide_its_period_is_still_given_whole() {
        for count in [1, 3, 7, 11, 60, 1_000] {
            let rates = Rates::new(count, MINUTE);
            let given = (0..2 * count).filter(|_| rates.take((), NOW).is_ok());
            assert_eq!(given.count(), count as usize);
        }
    }

    #[test]
    fn a_burst_is_given_at_once_and_the_rate_afterwards() {
        let second = Duration::from_secs(1);
        let rates = Rates::with_burst(10, second, 3);
        let given = |now| (0..20).filter(|_| rates.take((), now).is_ok()).count();
        assert_eq!(
            [given(NOW), given(NOW), given(NOW + second / 10)],
            [3, 0, 1]
        );
        assert_eq!(given(NOW + 10 * second), 3);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_is_forgotten() {
        let rates = Rates::new(2, MINUTE);
        for _ in 0..100 {
            rates.take("ann", NOW).unwrap();
            rates.give_back("ann", NOW);
        }
        assert!(rates.lock().full_at.is_empty());
        rates.give_back("nobody", NOW);
        assert!(rates.lock().full_at.is_empty());
    }

    #[test]
    fn memory_is_bounded_and_room_comes_back() {
        let mut rates = Rates::new(1, MINUTE);
        rates.keys_max = 10;
        for key in 0..20_000 {
            let _ = rates.take(key, NOW);
        }
        let max = rates.keys_max + CROWD as usize;
        assert!(rates.lock().full_at.len() <= max);
        let later = NOW + 2 * MINUTE;
        rates.take("newcomer", later).unwrap();
        assert_eq!(rates.lock().full_at.len(), 1, "the old ones are forgotten");
    }
}
