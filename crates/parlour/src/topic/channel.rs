//! What one subscription has not taken yet.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use parlour_proto::{Missed, Position};

use super::{Delivery, Lost};

pub(super) struct Channel<T> {
    queue: Mutex<Queue<T>>,
    bound: usize,
}

struct Queue<T> {
    waiting: VecDeque<Delivery<T>>,
    lag: Lag,
    has_ended: bool,
    reader: Option<Waker>,
}

/// What was not given to somebody since the last time that something was.
#[derive(Default)]
pub(super) struct Lag(Option<Missed>);

impl Lag {
    /// One more: an entry at `position`, or what `delivery` says that is missing.
    pub(super) fn add<T>(&mut self, delivery: &Delivery<T>, position: Position) {
        let more = match delivery {
            Err(Lost::Lagged(missed)) => *missed,
            _ => Missed::Entries {
                epoch: position.epoch,
                first: position.seq,
                last: position.seq,
            },
        };
        self.0 = Some(match (self.0, more) {
            (
                Some(Missed::Entries { epoch, first, .. }),
                Missed::Entries {
                    epoch: same, last, ..
                },
            ) if epoch == same => Missed::Entries { epoch, first, last },
            // A new life of the log: everything up to it is missing.
            (Some(Missed::Entries { epoch, first, .. }), Missed::Epoch { now, .. }) => {
                let seq = parlour_proto::Seq(first.0.saturating_sub(1));
                Missed::Epoch {
                    was: Position { epoch, seq },
                    now,
                }
            }
            (Some(Missed::Epoch { was, .. }), Missed::Entries { epoch, last, .. }) => {
                let now = Position { epoch, seq: last };
                Missed::Epoch { was, now }
            }
            (Some(Missed::Epoch { was, .. }), Missed::Epoch { now, .. }) => {
                Missed::Epoch { was, now }
            }
            (_, more) => more,
        });
    }

    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn take(&mut self) -> Option<Lost> {
        self.0.take().map(Lost::Lagged)
    }
}

impl<T> Channel<T> {
    pub(super) fn new(bound: NonZeroUsize) -> Self {
        Self {
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                lag: Lag::default(),
                has_ended: false,
                reader: None,
            }),
            bound: bound.get(),
        }
    }

    /// Gives it to the subscriber, or notes that it was not.
    pub(super) fn give(&self, delivery: Delivery<T>, position: Position) {
        let mut queue = self.lock();
        let room = self.bound - queue.waiting.len().min(self.bound);
        // What was missed stands in its place, and counts as one.
        if room > usize::from(queue.lag.is_some()) {
            if let Some(lost) = queue.lag.take() {
                queue.waiting.push_back(Err(lost));
            }
            queue.waiting.push_back(delivery);
        } else {
            queue.lag.add(&delivery, position);
        }
        wake(queue);
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        let mut queue = self.lock();
        queue.has_ended = true;
        wake(queue);
    }

    pub(super) fn poll_take(&self, context: &mut Context<'_>) -> Poll<Option<Delivery<T>>> {
        let mut queue = self.lock();
        if let Some(delivery) = queue.waiting.pop_front() {
            return Poll::Ready(Some(delivery));
        }
        if let Some(lost) = queue.lag.take() {
            return Poll::Ready(Some(Err(lost)));
        }
        if queue.has_ended {
            return Poll::Ready(None);
        }
        queue.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// No code of others runs under the lock.
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake<T>(mut queue: MutexGuard<'_, Queue<T>>) {
    let reader = queue.reader.take();
    drop(queue);
    if let Some(reader) = reader {
        reader.wake();
    }
}
