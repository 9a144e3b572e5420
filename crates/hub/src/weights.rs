//! How much memory logs and rings hold, and which of them holds the most.

use std::collections::BTreeSet;

/// Something that holds bytes, by its index in the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    /// The log of a home.
    Log(u32),
    /// The rings of a view.
    Rings(u32),
}

/// The sum of all weights, and the heavy ones in order of the power of two that they reach: finding
/// "the largest" to within a factor of two costs nothing per message.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    total: usize,
    heavy: BTreeSet<(u32, Holder)>,
}

/// Lighter holders are not worth trimming.
const HEAVY: usize = 4096;

fn class(bytes: usize) -> Option<u32> {
    (bytes >= HEAVY).then(|| bytes.ilog2())
}

impl Weights {
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// `holder` held `before` bytes and holds `after` now.
    pub(crate) fn change(&mut self, holder: Holder, before: usize, after: usize) {
        self.total = self.total + after - before;
        let (was, is) = (class(before), class(after));
        if was == is {
            return;
        }
        if let Some(class) = was {
            self.heavy.remove(&(class, holder));
        }
        if let Some(class) = is {
            self.heavy.insert((class, holder));
        }
    }

    /// The heaviest holders, at most `n`.
    pub(crate) fn heaviest(&self, n: usize) -> Vec<Holder> {
        self.heavy
            .iter()
            .rev()
            .take(n)
            .map(|(_, holder)| *holder)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_heaviest_and_the_sum() {
        let mut weights = Weights::default();
        weights.change(Holder::Log(1), 0, 10_000);
        weights.change(Holder::Rings(1), 0, 100);
        weights.change(Holder::Log(2), 0, 70_000);
        assert_eq!(weights.total(), 80_100);
        assert_eq!(weights.heaviest(9), [Holder::Log(2), Holder::Log(1)]);
        weights.change(Holder::Log(2), 70_000, 0);
        assert_eq!(
            (weights.total(), weights.heaviest(9)),
            (10_100, vec![Holder::Log(1)])
        );
    }
}
