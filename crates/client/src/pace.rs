//! No faster than the server takes it: what it would throw away is not sent yet.

use std::time::Duration;

use parlour_proto::told::HelloLimits;
use tokio::time::Instant;

/// Of what the server allows, this share is used: its clock counts when frames arrive, not when they
/// leave.
const SHARE: f64 = 0.9;

/// A bucket that fills at the server's rate.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Frames per second; 0 means as many as one likes.
    rate: f64,
    burst: f64,
    left: f64,
    counted: Instant,
}

impl Pace {
    pub(crate) fn new(limits: &HelloLimits, now: Instant) -> Self {
        let rate = limits.messages_per_second as f64 * SHARE;
        let burst = (limits.burst as f64 * SHARE).max(1.0);
        Self {
            rate,
            burst,
            left: burst,
            counted: now,
        }
    }

    /// Counts a frame that is sent. What costs more than there is leaves a debt.
    pub(crate) fn spend(&mut self, cost: u32, now: Instant) {
        self.fill(now);
        if self.rate > 0.0 {
            self.left -= f64::from(cost);
        }
    }

    /// When the next frame may go; `None`: at once.
    pub(crate) fn wait(&mut self, now: Instant) -> Option<Instant> {
        self.fill(now);
        if self.rate <= 0.0 || self.left >= 1.0 {
            return None;
        }
        Some(now + Duration::from_secs_f64((1.0 - self.left) / self.rate))
    }

    /// After a refusal: nothing before this time.
    pub(crate) fn pause(&mut self, wait: Duration, now: Instant) {
        self.fill(now);
        self.left = self.left.min(1.0 - wait.as_secs_f64() * self.rate);
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.counted).as_secs_f64();
        self.left = (self.left + passed * self.rate).min(self.burst);
        self.counted = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(messages_per_second: u64, burst: u64) -> HelloLimits {
        HelloLimits {
            messages_per_second,
            burst,
            ..HelloLimits::default()
        }
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(&limits(10, 10), start);
        for _ in 0..9 {
            assert_eq!(pace.wait(start), None);
            pace.spend(1, start);
        }
        let next = pace.wait(start).expect("a wait");
        let wait = (next - start).as_secs_f64();
        assert!((0.1..0.13).contains(&wait), "{wait}");
        assert_eq!(pace.wait(next + Duration::from_millis(1)), None);
    }

    #[test]
    fn a_server_without_a_rate_is_not_spared() {
        let start = Instant::now();
        let mut pace = Pace::new(&limits(0, 0), start);
        for _ in 0..10_000 {
            pace.spend(1, start);
        }
        assert_eq!(pace.wait(start), None);
    }

    #[test]
    fn a_refusal_makes_it_wait() {
        let start = Instant::now();
        let mut pace = Pace::new(&limits(100, 500), start);
        pace.pause(Duration::from_secs(1), start);
        let wait = pace.wait(start).expect("a wait") - start;
        assert!((0.9..1.2).contains(&wait.as_secs_f64()), "{wait:?}");
    }
}
