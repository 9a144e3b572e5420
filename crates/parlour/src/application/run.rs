//! Running what somebody else has written: within its time, and no panic gets out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Why a handler gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fell {
    #[error("a handler panicked")]
    Panicked,
    #[error("a handler took longer than it may")]
    TimedOut,
}

/// What `future` gives, or why it gave nothing: then it is dropped. No `time_max` is as long as it
/// likes. Code of others belongs into the future, also what makes another future: only what runs as
/// this is polled is caught.
pub(crate) async fn guarded<T>(
    time_max: Option<Duration>,
    future: impl Future<Output = T>,
) -> Result<T, Fell> {
    let ended = match time_max {
        None => caught(future).await,
        Some(time_max) => tokio::time::timeout(time_max, caught(future))
            .await
            .unwrap_or(Err(Fell::TimedOut)),
    };
    if let Err(fell) = ended {
        tracing::error!(%fell, "the application failed in handling a connection");
    }
    ended
}

async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Fell> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(_) => Poll::Ready(Err(Fell::Panicked)),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_handler_ends_with_its_value_its_panic_or_its_time() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(guarded(second, async { 7 }).await, Ok(7));
        let panics = async {
            tokio::task::yield_now().await;
            panic!("as it was asked to");
        };
        assert_eq!(guarded::<()>(second, panics).await, Err(Fell::Panicked));
        let hangs = std::future::pending::<()>();
        assert_eq!(guarded(second, hangs).await, Err(Fell::TimedOut));
        let slow = tokio::time::sleep(Duration::from_secs(3600));
        assert_eq!(guarded(None, slow).await, Ok(()));
    }
}
