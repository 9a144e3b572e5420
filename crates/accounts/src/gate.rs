//! As many at once as may be, and a bounded line before them.

use std::sync::Arc;
use std::time::Duration;

use parlour::AccountsError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Who may wait at one gate; more are told to come back at once.
const WAITING_MAX: usize = 1_024;

#[derive(Debug)]
pub(crate) struct Gate {
    inside: Arc<Semaphore>,
    in_line: Arc<Semaphore>,
    wait: Duration,
}

/// Being inside. To be dropped when the work is done, on whatever thread that is.
#[derive(Debug)]
pub(crate) struct Pass {
    _inside: OwnedSemaphorePermit,
    _in_line: OwnedSemaphorePermit,
}

impl Gate {
    /// `at_once` may be inside, and nobody waits longer than `wait`.
    pub(crate) fn new(at_once: usize, wait: Duration) -> Self {
        let at_once = at_once.min(Semaphore::MAX_PERMITS - WAITING_MAX);
        Self {
            inside: Arc::new(Semaphore::new(at_once)),
            in_line: Arc::new(Semaphore::new(at_once + WAITING_MAX)),
            wait,
        }
    }

    pub(crate) async fn enter(&self) -> Result<Pass, AccountsError> {
        let busy = || AccountsError::Busy(self.wait);
        let in_line = Arc::clone(&self.in_line)
            .try_acquire_owned()
            .map_err(|_| busy())?;
        let inside = timeout(self.wait, Arc::clone(&self.inside).acquire_owned()).await;
        let inside = inside.map_err(|_| busy())?.map_err(|_| busy())?;
        Ok(Pass {
            _inside: inside,
            _in_line: in_line,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_told_to_come_back() {
        let gate = Gate::new(1, WAIT);
        let first = gate.enter().await.unwrap();
        let told = gate.enter().await.unwrap_err();
        assert_eq!(told, AccountsError::Busy(WAIT));
        drop(first);
        gate.enter().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_line_is_bounded() {
        let gate = Arc::new(Gate::new(1, WAIT));
        let _first = gate.enter().await.unwrap();
        let in_line: Vec<_> = (0..WAITING_MAX)
            .map(|_| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move { gate.enter().await.map(drop) })
            })
            .collect();
        while gate.in_line.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let before = tokio::time::Instant::now();
        gate.enter().await.unwrap_err();
        assert_eq!(before.elapsed(), Duration::ZERO, "at once");
        for waiter in in_line {
            waiter.await.unwrap().unwrap_err();
        }
    }
}
