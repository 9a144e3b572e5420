//! From the threads of the store to one shard, and back.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use parlour_hub::{RoomKey, Stored, Wake};

/// What one shard has not heard yet. It is bounded by what the shard has asked.
pub(super) struct Mailbox {
    answers: Mutex<Vec<Stored>>,
    wake: Wake,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

impl Mailbox {
    pub(super) fn new(wake: Wake) -> Self {
        Self {
            answers: Mutex::default(),
            wake,
        }
    }

    fn answers(&self) -> MutexGuard<'_, Vec<Stored>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, answer: Stored) {
        self.put_all(&mut vec![answer]);
    }

    /// Wakes the shard if it has nothing to look for yet.
    pub(super) fn put_all(&self, new: &mut Vec<Stored>) {
        let mut answers = self.answers();
        let is_first = answers.is_empty();
        answers.append(new);
        drop(answers);
        if is_first {
            (self.wake)();
        }
    }

    pub(super) fn take(&self, into: &mut Vec<Stored>) {
        into.append(&mut self.answers());
    }
}

/// What a shard calls a room by, and where it hears of it.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) key: RoomKey,
}

impl PartialEq for Tag {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mailbox, &other.mailbox) && self.key == other.key
    }
}

/// Work for one thread. Its owner bounds it: a shard has so much on the way and no more.
#[derive(Debug)]
pub(super) struct Queue<J> {
    waiting: Mutex<Waiting<J>>,
    bell: Condvar,
}

#[derive(Debug)]
struct Waiting<J> {
    jobs: Vec<J>,
    is_closing: bool,
}

/// What a thread finds when it looks for work.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Jobs,
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    End,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                jobs: Vec::new(),
                is_closing: false,
            }),
            bell: Condvar::new(),
        }
    }
}

impl<J> Queue<J> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<J>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds all of `jobs`; gives them back as they are if nobody takes them any more.
    pub(super) fn put(&self, jobs: &mut Vec<J>) -> bool {
        if jobs.is_empty() {
            return true;
        }
        let mut waiting = self.waiting();
        if waiting.is_closing {
            return false;
        }
        waiting.jobs.append(jobs);
        drop(waiting);
        self.bell.notify_one();
        true
    }

    /// What is there is still done.
    pub(super) fn close(&self) {
        self.waiting().is_closing = true;
        self.bell.notify_one();
    }

    /// Takes everything, and waits for something until `deadline`; without one for ever.
    pub(super) fn take(&self, jobs: &mut Vec<J>, deadline: Option<Instant>) -> Found {
        let mut waiting = self.waiting();
        loop {
            if !waiting.jobs.is_empty() {
                // The two buffers change places, so neither is allocated again.
                std::mem::swap(&mut waiting.jobs, jobs);
                return Found::Jobs;
            }
            if waiting.is_closing {
                return Found::End;
            }
            waiting = match deadline {
                None => self
                    .bell
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left == Duration::ZERO {
                        return Found::Nothing;
                    }
                    let waited = self.bell.wait_timeout(waiting, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}
