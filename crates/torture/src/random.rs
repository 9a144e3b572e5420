//! Chance from a seed: the same seed makes the same faults at the same moments of a run.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): one addition and three mixings per number.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another sequence from the same seed.
    pub(crate) fn of(seed: u64, stream: u64) -> Self {
        Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `least` up to `most`.
    pub(crate) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let share = self.next() as f64 / u64::MAX as f64;
        least + most.saturating_sub(least).mul_f64(share)
    }
}

/// Bytes that nobody can foresee, from the system: seeds that were not given, and masks.
pub(crate) fn unforeseeable() -> u64 {
    // The system has them from its start on; without them a constant still makes a valid run.
    getrandom::u64().unwrap_or(0x5eed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_it_all_and_streams_differ() {
        let ten = |mut chance: Chance| [(); 10].map(|()| chance.next());
        assert_eq!(ten(Chance::of(7, 1)), ten(Chance::of(7, 1)));
        assert_ne!(ten(Chance::of(7, 1)), ten(Chance::of(7, 2)));
        let (least, most) = (Duration::from_millis(5), Duration::from_millis(9));
        let mut chance = Chance::new(1);
        assert!((0..1_000).all(|_| (least..=most).contains(&chance.between(least, most))));
    }
}
