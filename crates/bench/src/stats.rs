//! Order statistics of few, paired rounds.

use serde::Serialize;

/// Median and quartiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quartiles {
    /// A quarter of the values is at most this.
    pub lower: f64,
    /// Half of the values.
    pub median: f64,
    /// Three quarters of the values.
    pub upper: f64,
}

impl Quartiles {
    /// Of at least one value, by linear interpolation between neighbours; `None` of none.
    ///
    /// ```
    /// use parlour_bench::stats::Quartiles;
    /// let of = Quartiles::of(&[4.0, 1.0, 3.0, 2.0, 5.0]).unwrap();
    /// assert_eq!((of.lower, of.median, of.upper), (2.0, 3.0, 4.0));
    /// ```
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = share * last as f64;
            let (below, part) = (place.floor() as usize, place.fract());
            sorted[below] + (sorted[last.min(below + 1)] - sorted[below]) * part
        };
        Some(Self {
            lower: at(0.25),
            median: at(0.5),
            upper: at(0.75),
        })
    }
}

/// A small generator of numbers (splitmix64), so that a shuffled order can be had again.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// The same seed gives the same numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Puts `items` into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let chosen = self.next() % (end as u64 + 1);
            items.swap(end, chosen as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_neighbours() {
        let two = Quartiles::of(&[2.0, 1.0]).unwrap();
        assert_eq!((two.lower, two.median, two.upper), (1.25, 1.5, 1.75));
        let one = Quartiles::of(&[7.0]).unwrap();
        assert_eq!((one.lower, one.median, one.upper), (7.0, 7.0, 7.0));
        assert_eq!(Quartiles::of(&[]), None);
    }

    #[test]
    fn one_outlier_does_not_move_the_median() {
        let calm = Quartiles::of(&[1.0, 1.1, 1.2, 1.3, 1.4]).unwrap();
        let wild = Quartiles::of(&[1.0, 1.1, 1.2, 1.3, 900.0]).unwrap();
        assert_eq!(calm.median, wild.median);
    }

    #[test]
    fn a_seed_gives_its_order_again_and_every_order_comes() {
        let order = |seed| {
            let mut items = [0, 1, 2];
            Seeded::new(seed).shuffle(&mut items);
            items
        };
        assert_eq!(order(5), order(5));
        let mut seen: Vec<_> = (0..200).map(order).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 6);
    }
}
