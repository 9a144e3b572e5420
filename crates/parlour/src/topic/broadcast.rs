//! The one task of a topic: from the room's log to everybody who gets its values.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use parlour_proto::told::{Said, Told};
use parlour_proto::{EntryKind, Missed, Position};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::open::OpenTopic;
use super::subscribers::{AsyncHandler, SyncHandler};
use super::{Delivery, Item, Lost, Shared};
use crate::hub::Busy;
use crate::local_session::LocalSession;

/// One topic's task.
pub(super) struct Broadcast<T> {
    pub(super) shared: Arc<Shared<T>>,
    pub(super) kind: EntryKind,
    pub(super) runtime: Handle,
    pub(super) busy: Busy,
}

impl<T> Broadcast<T>
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    pub(super) async fn run(self, mut session: LocalSession, mut open: OpenTopic) {
        let mut is_ending = false;
        while !self.shared.lock().is_complete() {
            let told = tokio::select! {
                biased;
                told = session.next() => told,
                () = self.shared.changed.notified() => continue,
                () = open.is_ending(), if !is_ending => {
                    is_ending = true;
                    self.shared.close();
                    continue;
                }
            };
            match told {
                Some(told) => self.tell(told),
                // The hub has ended.
                None => break,
            }
        }
    }

    fn tell(&self, told: Told) {
        match told {
            Told::Entry(said) => {
                let (position, id) = (said.position, said.id.clone());
                if said.kind == self.kind {
                    self.deliver(&read(said), position);
                }
                self.shared.lock().tell(position.seq, id.as_ref());
            }
            Told::Gap { missed, .. } => {
                let position = match missed {
                    Missed::Entries { epoch, last, .. } => Position { epoch, seq: last },
                    Missed::Epoch { now, .. } => now,
                };
                self.deliver(&Err(Lost::Lagged(missed)), position);
                self.shared.lock().tell(position.seq, None);
            }
            _ => {}
        }
    }

    /// Sync handlers first, then async ones, then subscriptions.
    fn deliver(&self, delivery: &Delivery<T>, position: Position) {
        let (sync, asynchronous) = self.shared.lock().subscribers.handlers_at(position.seq);
        for (id, handler) in sync {
            self.guarded(id, || call(&handler, delivery));
        }
        for (id, handler) in asynchronous {
            self.guarded(id, || self.spawn(&handler, delivery, position));
        }
        for channel in self.shared.lock().subscribers.channels_at(position.seq) {
            channel.give(copy(delivery), position);
        }
    }

    /// A handler that panics is removed, and hurts nobody else.
    fn guarded(&self, id: u64, step: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(step)).is_err() {
            tracing::error!("a handler of a topic failed; it is removed");
            let removed = self.shared.lock().subscribers.remove(id);
            drop(removed);
        }
    }

    fn spawn(&self, handler: &Arc<AsyncHandler<T>>, delivery: &Delivery<T>, position: Position) {
        if handler.is_removed.load(Ordering::Acquire) {
            return;
        }
        let mut call = handler.call.lock().unwrap_or_else(PoisonError::into_inner);
        let (begin, lag) = &mut *call;
        let under_way = self.busy.begin();
        match Arc::clone(&handler.permits).try_acquire_owned() {
            Ok(permit) => {
                let task = begin(copy(delivery));
                self.runtime.spawn(async move {
                    task.await;
                    drop((permit, under_way));
                });
            }
            Err(_) => {
                let is_first = !lag.is_some();
                lag.add(delivery, position);
                if is_first {
                    let handler = Arc::clone(handler);
                    self.runtime.spawn(async move {
                        tell_lag(&handler).await;
                        drop(under_way);
                    });
                }
            }
        }
    }
}

/// However its task ends, also with its runtime: whoever waits for more waits no longer.
impl<T> Drop for Broadcast<T> {
    fn drop(&mut self) {
        self.shared.close();
        let subscribers = {
            let mut state = self.shared.lock();
            state.has_ended = true;
            state.untold.clear();
            std::mem::take(&mut state.subscribers)
        };
        subscribers.end();
        self.shared.has_ended.send_replace(true);
        // What handlers drop with them is code of others, and a panic may be under way already.
        if catch_unwind(AssertUnwindSafe(|| drop(subscribers))).is_err() {
            tracing::error!("what a handler of a topic held could not be dropped");
        }
    }
}

/// Says what a handler has missed, as soon as one of its tasks has ended.
async fn tell_lag<T>(handler: &AsyncHandler<T>) {
    // The semaphore is never closed.
    let permit = handler.permits.acquire().await;
    let task = {
        let mut call = handler.call.lock().unwrap_or_else(PoisonError::into_inner);
        let (begin, lag) = &mut *call;
        let is_removed = handler.is_removed.load(Ordering::Acquire);
        lag.take()
            .filter(|_| !is_removed)
            .map(|lost| begin(Err(lost)))
    };
    if let Some(task) = task {
        task.await;
    }
    drop(permit);
}

fn call<T>(handler: &SyncHandler<T>, delivery: &Delivery<T>) {
    if !handler.is_removed.load(Ordering::Acquire) {
        let mut call = handler.call.lock().unwrap_or_else(PoisonError::into_inner);
        call(copy(delivery));
    }
}

/// How a type reads itself is code of others: what it panics at is not of that type.
fn read<T: DeserializeOwned>(said: Said) -> Delivery<T> {
    let reading = || serde_json::from_slice(&said.payload);
    let read = catch_unwind(AssertUnwindSafe(reading));
    let read = read.unwrap_or_else(|_| Err(serde::de::Error::custom("reading it panicked")));
    match read {
        Ok(value) => Ok(Item {
            position: said.position,
            from: said.from,
            value: Arc::new(value),
        }),
        Err(error) => Err(Lost::OtherType {
            position: said.position,
            from: said.from,
            error: error.to_string(),
        }),
    }
}

/// The value itself is shared.
fn copy<T>(delivery: &Delivery<T>) -> Delivery<T> {
    match delivery {
        Ok(item) => Ok(item.clone()),
        Err(lost) => Err(lost.clone()),
    }
}
