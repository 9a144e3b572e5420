//! Whom a bound per address counts as one, and how many each of them has.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::occupancy::counted_as;

/// This machine, whichever loopback address it uses; an IPv4 address; a /64 of IPv6; or nobody
/// knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    Loopback,
    Address(IpAddr),
    Unknown,
}

impl Source {
    pub(crate) fn of(address: Option<IpAddr>) -> Self {
        match address.map(counted_as) {
            Some(address) if address.is_loopback() => Self::Loopback,
            Some(address) => Self::Address(address),
            None => Self::Unknown,
        }
    }
}

/// What one source may have at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Less than there is in all, so that programs of this machine cannot shut everybody out.
    pub(crate) loopback: usize,
    pub(crate) address: usize,
}

impl Share {
    pub(crate) fn of(self, source: Source) -> usize {
        match source {
            Source::Loopback => self.loopback,
            Source::Address(_) | Source::Unknown => self.address,
        }
    }
}

/// How many each source has. Bounded by the sum of what is counted.
#[derive(Debug, Default)]
pub(crate) struct Shares(HashMap<Source, usize>);

impl Shares {
    /// Counts one more, unless `source` has its share.
    #[must_use]
    pub(crate) fn take(&mut self, source: Source, share: Share) -> bool {
        let count = self.0.get(&source).copied().unwrap_or(0);
        let is_free = count < share.of(source);
        if is_free {
            self.0.insert(source, count + 1);
        }
        is_free
    }

    /// Counts one less.
    pub(crate) fn give_back(&mut self, source: Source) {
        if let Some(count) = self.0.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_share_and_leaves_nothing_behind() {
        let share = Share {
            loopback: 3,
            address: 2,
        };
        for (mine, also_mine, other, max) in [
            ("127.0.0.1", "127.9.9.9", "192.0.2.1", 3),
            ("127.0.0.1", "::1", "192.0.2.1", 3),
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", 2),
            ("2001:db8::1", "2001:db8::2:3", "2001:db8:0:1::1", 2),
        ] {
            let of = |text: &str| Source::of(Some(text.parse().unwrap()));
            let mut shares = Shares::default();
            for _ in 0..max {
                assert!(shares.take(of(mine), share));
            }
            assert!(!shares.take(of(also_mine), share), "{also_mine}");
            assert!(shares.take(of(other), share));
            shares.give_back(of(mine));
            assert!(shares.take(of(also_mine), share));
            for _ in 0..max {
                shares.give_back(of(mine));
            }
            shares.give_back(of(other));
            assert!(shares.0.is_empty());
        }
    }
}
