//! How a book is kept: bounds, times and the clock.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::BookError;

/// How a [`Book`](crate::Book) is kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BookConfig {
    /// Passwords that are checked or hashed at once, at least 1. Each takes 19 MiB and one thread
    /// for as long as it lasts.
    pub passwords_at_once: usize,
    /// How long a sign-in waits for its turn before it is told to come back.
    pub password_wait: Duration,
    /// How long a session stays open after its last use; at least a second.
    pub session_time: Duration,
    /// Sessions that one user may have, at least 1; the oldest ends for a new one.
    pub sessions_per_user_max: usize,
    /// Sessions in all, at least 1; the oldest ends for a new one.
    pub sessions_max: usize,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Default for BookConfig {
    fn default() -> Self {
        Self {
            passwords_at_once: 4,
            password_wait: Duration::from_secs(10),
            session_time: Duration::from_secs(30 * 24 * 60 * 60),
            sessions_per_user_max: 100,
            sessions_max: 100_000,
            clock: Arc::new(SystemClock),
        }
    }
}

impl BookConfig {
    pub(crate) fn check(&self) -> Result<(), BookError> {
        let at_least_one = [
            ("passwords at once", self.passwords_at_once),
            ("sessions of one user", self.sessions_per_user_max),
            ("sessions in all", self.sessions_max),
        ];
        for (what, value) in at_least_one {
            if value == 0 {
                return Err(BookError::Setting(what));
            }
        }
        if self.session_time < Duration::from_secs(1) {
            return Err(BookError::Setting("seconds of a session"));
        }
        Ok(())
    }
}

/// What time it is; another one than the system's in tests.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Now. It may jump, as the time of day does.
    fn now(&self) -> SystemTime;
}

/// The system's time of day.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
