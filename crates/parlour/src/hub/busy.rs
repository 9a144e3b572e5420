//! Counts of what is under way outside the shards, and waiting until that is nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts what is under way.
#[derive(Clone, Default)]
pub(crate) struct Busy(Arc<Count>);

#[derive(Default)]
struct Count {
    now: AtomicUsize,
    ended: Notify,
}

/// One thing that is.
pub(crate) struct UnderWay(Busy);

impl Busy {
    pub(crate) fn begin(&self) -> UnderWay {
        self.0.now.fetch_add(1, Ordering::AcqRel);
        UnderWay(self.clone())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.now.load(Ordering::Acquire)
    }

    /// Waits until nothing is under way.
    pub(super) async fn ended(&self) {
        loop {
            // It hears of what ends from here on.
            let ended = self.0.ended.notified();
            if self.count() == 0 {
                return;
            }
            ended.await;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Count { now, ended } = &*self.0.0;
        if now.fetch_sub(1, Ordering::AcqRel) == 1 {
            ended.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_hears_of_the_last_end() {
        let busy = Busy::default();
        let (one, other) = (busy.begin(), busy.begin());
        let waits = tokio::spawn({
            let busy = busy.clone();
            async move { busy.ended().await }
        });
        tokio::task::yield_now().await;
        drop(one);
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(other);
        waits.await.unwrap();
        busy.ended().await;
    }
}
