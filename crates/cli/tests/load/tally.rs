//! What all clients have done.

use std::fmt;
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) requests: usize,
    pub(crate) visits: usize,
    pub(crate) logins: usize,
    /// Logins and logouts that were told to come back.
    pub(crate) busy: usize,
    pub(crate) refusals: usize,
    /// Answers that were not what their requests deserve.
    pub(crate) wrong: Vec<String>,
    pub(crate) time: Duration,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.visits += other.visits;
        self.logins += other.logins;
        self.busy += other.busy;
        self.refusals += other.refusals;
        self.wrong.extend(other.wrong);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} s: {} visits by WebSocket, {} requests, {} of them refused as due, {} logins, \
             {} told to come back, {} wrong answers",
            self.time.as_secs_f64(),
            self.visits,
            self.requests,
            self.refusals,
            self.logins,
            self.busy,
            self.wrong.len()
        )
    }
}
