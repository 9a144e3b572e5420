//! How long to wait before coming back.

use std::time::Duration;

use crate::random;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Waits of about 1, 2, 4 … 30 seconds, spread so that many clients do not come at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure. A server that named a time is waited for at least so long.
    pub(crate) fn next(&mut self, retry_after: Option<Duration>) -> Duration {
        let mean = FIRST.saturating_mul(1 << self.failures.min(5)).min(LONGEST);
        self.failures += 1;
        match retry_after {
            // The server spreads its clients itself; if it is not back by then, we do.
            Some(wait) if self.failures == 1 => wait,
            Some(wait) => wait.max(random::around(mean)),
            None => random::around(mean).min(LONGEST),
        }
    }

    /// After a connection that held.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_are_spread() {
        for _ in 0..50 {
            let mut backoff = Backoff::default();
            for mean in [1, 2, 4, 8, 16, 30, 30, 30] {
                let wait = backoff.next(None).as_secs_f64();
                let (least, most) = (f64::from(mean) * 0.5, (f64::from(mean) * 1.5).min(30.0));
                assert!((least..=most).contains(&wait), "{wait} s for {mean}");
            }
            backoff.reset();
            assert!(backoff.next(None) <= Duration::from_millis(1_500));
        }
    }

    #[test]
    fn a_server_that_names_a_time_is_taken_at_its_word() {
        let mut backoff = Backoff::default();
        let wait = Duration::from_millis(2_310);
        assert_eq!(backoff.next(Some(wait)), wait);
        assert!(backoff.next(Some(Duration::ZERO)) >= Duration::from_secs(1));
        let long = Duration::from_secs(60);
        assert_eq!(backoff.next(Some(long)), long);
    }
}
