//! Random numbers from a seed (SplitMix64: every seed gives a full period).

use std::time::Duration;

use parlour_proto::Epoch;

/// The randomness of one shard.
pub(crate) struct Chance(pub(crate) u64);

/// Bounds of the times after which clients are told to come back: they must not all come at once.
const RETRY_AFTER_MS: std::ops::RangeInclusive<u64> = 500..=5_000;

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn secret(&mut self) -> u64 {
        self.next()
    }

    pub(crate) fn epoch(&mut self) -> Epoch {
        Epoch(self.next())
    }

    /// When somebody should try again.
    pub(crate) fn retry_after(&mut self) -> Duration {
        let (first, last) = RETRY_AFTER_MS.into_inner();
        Duration::from_millis(first + self.next() % (last - first + 1))
    }
}
