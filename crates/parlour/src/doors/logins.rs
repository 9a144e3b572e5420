//! How often somebody may try to sign in.
//!
//! Two rules, both looked at before a password costs any work:
//!
//! - an address has so many tries in a minute, right or wrong;
//! - a name has so many wrong passwords in a minute, from all addresses together. Over that only
//!   an address is let try that has not failed under the name in the last minute, and only once.
//!
//! By the second rule one address guesses no faster than it may, and many addresses add one guess
//! a minute each. And nobody can lock a user out: from an address of his own the right password
//! opens at once, and after a slip of the finger a minute later at the latest.
//!
//! Whether the name exists plays no part in it.

use std::time::Duration;

use unicode_normalization::UnicodeNormalization as _;

use super::config::DoorLimits;
use crate::rates::Rates;
use crate::source::Source;

const MINUTE: Duration = Duration::from_secs(60);

/// The counts of tries. Time comes in as an argument.
pub(crate) struct Logins {
    by_address: Option<Rates>,
    failures: Option<Failures>,
}

struct Failures {
    by_name: Rates,
    /// Names and the addresses that have failed under them in the last minute.
    by_name_and_address: Rates,
}

/// A try that may be made. Unless something else is said of it, it counts as a wrong password,
/// also when its client went away before the answer.
#[must_use]
pub(crate) struct Attempt<'a> {
    logins: &'a Logins,
    source: Source,
    name: String,
    /// Where it counts as a failure.
    is_counted: Counted,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    by_name: bool,
    by_name_and_address: bool,
}

impl Logins {
    pub(crate) fn new(limits: &DoorLimits) -> Self {
        let per_minute = |count| (count > 0).then(|| Rates::new(count, MINUTE));
        Self {
            by_address: per_minute(limits.logins_per_minute_per_address),
            failures: per_minute(limits.failed_logins_per_minute_per_name).map(|by_name| {
                Failures {
                    by_name,
                    by_name_and_address: Rates::new(1, MINUTE),
                }
            }),
        }
    }

    /// Lets a try begin, or says how long to wait.
    pub(crate) fn begin(
        &self,
        source: Source,
        name: &str,
        now: Duration,
    ) -> Result<Attempt<'_>, Duration> {
        let name = counted_as(name);
        if let Some(by_address) = &self.by_address {
            by_address.take(source, now)?;
        }
        let counted = match &self.failures {
            None => Ok(Counted::default()),
            Some(failures) => failures.begin(source, &name, now),
        };
        if counted.is_err() {
            self.give_back_address(source, now); // Nothing was tried.
        }
        Ok(Attempt {
            logins: self,
            source,
            name,
            is_counted: counted?,
        })
    }

    fn give_back_address(&self, source: Source, now: Duration) {
        if let Some(by_address) = &self.by_address {
            by_address.give_back(source, now);
        }
    }
}

impl Failures {
    fn begin(&self, source: Source, name: &str, now: Duration) -> Result<Counted, Duration> {
        let by_name = self.by_name.take(name, now);
        let by_both = self.by_name_and_address.take((name, source), now);
        match (by_name, by_both) {
            (Err(wait), Err(other)) => Err(wait.min(other)),
            (by_name, by_both) => Ok(Counted {
                by_name: by_name.is_ok(),
                by_name_and_address: by_both.is_ok(),
            }),
        }
    }
}

impl Attempt<'_> {
    /// The password was right: it counts for its address only.
    pub(crate) fn was_right(self, now: Duration) {
        let Some(failures) = &self.logins.failures else {
            return;
        };
        if self.is_counted.by_name {
            failures.by_name.give_back(self.name.as_str(), now);
        }
        if self.is_counted.by_name_and_address {
            let key = (self.name.as_str(), self.source);
            failures.by_name_and_address.give_back(key, now);
        }
    }

    /// The password was not looked at: it counts nowhere.
    pub(crate) fn was_not_checked(self, now: Duration) {
        self.logins.give_back_address(self.source, now);
        self.was_right(now);
    }
}

/// All ways to write a name that a store of accounts could take for one count as one.
fn counted_as(name: &str) -> String {
    let lower: String = name.nfkc().flat_map(char::to_lowercase).collect();
    lower.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn address(last: u8) -> Source {
        Source::of(Some([192, 0, 2, last].into()))
    }

    /// 5 wrong ones for a name; addresses as `per_address` says.
    fn logins(per_address: u32) -> Logins {
        Logins::new(&DoorLimits {
            logins_per_minute_per_address: per_address,
            failed_logins_per_minute_per_name: 5,
            ..DoorLimits::default()
        })
    }

    /// Fails under `name`, unless it is not let try.
    fn fail(logins: &Logins, from: Source, name: &str, now: Duration) -> Result<(), Duration> {
        logins.begin(from, name, now).map(drop)
    }

    #[test]
    fn an_address_tries_so_often_whatever_the_names_and_outcomes_are() {
        let logins = logins(10);
        for number in 0..10 {
            let attempt = logins.begin(address(1), &number.to_string(), NOW).unwrap();
            if number % 2 == 0 {
                attempt.was_right(NOW);
            }
        }
        assert_eq!(fail(&logins, address(1), "x", NOW), Err(6 * SECOND));
        assert!(fail(&logins, address(2), "x", NOW).is_ok());
        assert!(fail(&logins, address(1), "x", NOW + 6 * SECOND).is_ok());
    }

    #[test]
    fn wrong_passwords_for_a_name_are_counted_and_right_ones_are_not() {
        let logins = logins(0);
        for _ in 0..100 {
            logins.begin(address(1), "ann", NOW).unwrap().was_right(NOW);
        }
        for spelling in ["ann", "Ann", "ANN", "\u{ff41}nn", "a\u{ff2e}N"] {
            fail(&logins, address(1), spelling, NOW).unwrap();
        }
        assert_eq!(fail(&logins, address(1), "ann", NOW), Err(12 * SECOND));
        assert!(fail(&logins, address(1), "bob", NOW).is_ok());
        assert!(fail(&logins, address(1), "ann", NOW + 12 * SECOND).is_ok());
    }

    #[test]
    fn who_guesses_from_many_addresses_gains_one_guess_for_each() {
        let logins = logins(0);
        let guesses = |from: u8| {
            let all = (0..20).map(|_| fail(&logins, address(from), "ann", NOW));
            all.filter(Result::is_ok).count()
        };
        assert_eq!(guesses(1), 5);
        for other in 2..100 {
            assert_eq!(guesses(other), 1);
        }
    }

    #[test]
    fn a_user_whose_name_is_under_attack_gets_in_at_once_and_after_a_slip_within_a_minute() {
        let logins = logins(0);
        let attack = |now| while fail(&logins, address(1), "ann", now).is_ok() {};
        attack(NOW);
        let mine = address(2);
        logins.begin(mine, "ann", NOW).unwrap().was_right(NOW);
        fail(&logins, mine, "ann", NOW).unwrap();
        let mut now = NOW;
        while fail(&logins, mine, "ann", now).is_err() {
            attack(now);
            now += SECOND;
        }
        assert!(now <= NOW + MINUTE, "locked out for {:?}", now - NOW);
    }

    #[test]
    fn tries_that_are_under_way_count_already() {
        let logins = logins(0);
        let under_way: Vec<_> = (0..5)
            .map(|_| logins.begin(address(1), "ann", NOW).unwrap())
            .collect();
        assert!(logins.begin(address(1), "ann", NOW).is_err());
        for attempt in under_way {
            attempt.was_right(NOW);
        }
        assert!(logins.begin(address(1), "ann", NOW).is_ok());
    }

    #[test]
    fn what_was_not_tried_counts_nowhere() {
        let logins = logins(10);
        for _ in 0..100 {
            logins
                .begin(address(1), "ann", NOW)
                .unwrap()
                .was_not_checked(NOW);
        }
        for _ in 0..5 {
            fail(&logins, address(1), "ann", NOW).unwrap();
        }
        for _ in 0..100 {
            assert_eq!(fail(&logins, address(1), "ann", NOW), Err(12 * SECOND));
        }
        for _ in 0..5 {
            fail(&logins, address(1), "bob", NOW).unwrap();
        }
        assert!(fail(&logins, address(1), "cid", NOW).is_err());
    }

    #[test]
    fn without_limits_everybody_may_try() {
        let logins = Logins::new(&DoorLimits {
            logins_per_minute_per_address: 0,
            failed_logins_per_minute_per_name: 0,
            ..DoorLimits::default()
        });
        for _ in 0..1_000 {
            fail(&logins, address(1), "ann", NOW).unwrap();
        }
    }
}
