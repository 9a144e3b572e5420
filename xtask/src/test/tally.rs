//! What a step counted and how it ended, and how to read the counts from test runners.

use std::fmt;
use std::iter::Sum;

use crate::error::ChoreError;

/// Tests that passed and tests that did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Ran and held.
    pub(super) passed: u32,
    /// Ran and did not hold, or could not run.
    pub(super) failed: u32,
}

impl Tally {
    /// Takes in one line of output of `cargo test`: `test result: ok. 3 passed; 0 failed; …`.
    pub(super) fn read_cargo_line(&mut self, line: &str) {
        let Some(result) = line.trim_start().strip_prefix("test result: ") else {
            return;
        };
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for (number, word) in counts
            .split(';')
            .filter_map(|count| count.trim().split_once(' '))
        {
            let number = number.parse().unwrap_or(0);
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                _ => {}
            }
        }
    }

    /// Takes in one line of a TAP report by node's test runner: its sums stand at the end.
    pub(super) fn read_node_line(&mut self, line: &str) {
        let count = |start: &str| line.strip_prefix(start)?.trim().parse::<u32>().ok();
        if let Some(passed) = count("# pass ") {
            self.passed = passed;
        }
        if let Some(failed) = count("# fail ").or_else(|| count("# cancelled ")) {
            self.failed += failed;
        }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |a, b| Self {
            passed: a.passed + b.passed,
            failed: a.failed + b.failed,
        })
    }
}

/// How a step ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// All that it promises holds.
    Passed(Tally),
    /// Something does not hold, or could not be checked although it must.
    Failed(Tally, ChoreError),
    /// Not checked here, and said so loudly.
    LeftOut(&'static str),
}

impl Ending {
    /// Of a step that counts nothing: it is one check itself.
    pub(super) fn of_check(result: Result<(), ChoreError>) -> Self {
        match result {
            Ok(()) => Self::Passed(Tally {
                passed: 1,
                failed: 0,
            }),
            Err(error) => Self::failed(Tally::default(), error),
        }
    }

    /// Of a step that counts: passed only without an error.
    pub(super) fn of_tests(tally: Tally, result: Result<(), ChoreError>) -> Self {
        match result {
            Ok(()) => Self::Passed(tally),
            Err(error) => Self::failed(tally, error),
        }
    }

    /// A failure counts at least once.
    fn failed(tally: Tally, error: ChoreError) -> Self {
        println!("error: {error}");
        if let Some(source) = std::error::Error::source(&error) {
            println!("  because: {source}");
        }
        Self::Failed(
            Tally {
                failed: tally.failed.max(1),
                ..tally
            },
            error,
        )
    }

    /// What counts in the sum.
    pub(super) fn tally(&self) -> Tally {
        match self {
            Self::Passed(tally) | Self::Failed(tally, _) => *tally,
            Self::LeftOut(_) => Tally::default(),
        }
    }

    /// True when the whole run has failed because of this step.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(..))
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(tally) => write!(f, "ok ({} passed)", tally.passed),
            Self::Failed(_, error) => {
                write!(
                    f,
                    "FAILED: {}",
                    error.to_string().lines().next().unwrap_or_default()
                )
            }
            Self::LeftOut(why) => write!(f, "LEFT OUT: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_results_add_up() {
        let mut tally = Tally::default();
        for line in [
            "test a ... ok",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; in 0.5s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            tally.read_cargo_line(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 15,
                failed: 2
            }
        );
    }

    #[test]
    fn node_sums_count_what_was_cancelled_as_failed() {
        let mut tally = Tally::default();
        for line in [
            "ok 1 - # pass 9",
            "# tests 9",
            "# pass 6",
            "# fail 2",
            "# cancelled 1",
        ] {
            tally.read_node_line(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 6,
                failed: 3
            }
        );
    }

    #[test]
    fn a_failure_that_counted_nothing_counts_once() {
        let error = || ChoreError::Found("x".to_owned());
        assert_eq!(
            Ending::of_check(Err(error())).tally(),
            Tally {
                passed: 0,
                failed: 1
            }
        );
        let some = Tally {
            passed: 4,
            failed: 2,
        };
        assert_eq!(Ending::of_tests(some, Err(error())).tally(), some);
        assert!(Ending::of_tests(some, Err(error())).is_failure());
        assert_eq!(Ending::LeftOut("x").tally(), Tally::default());
    }
}
