//! Who gets what is published: three kinds, each under a number of its own (defects D14 and D15 of
//! the example systems: a number is removed, not a piece of code).

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use parlour_proto::Seq;
use tokio::sync::Semaphore;

use super::Delivery;
use super::channel::{Channel, Lag};
use crate::limits::TOPIC_TASKS_MAX;

pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
type Call<T> = Box<dyn FnMut(Delivery<T>) + Send>;
type Begin<T> = Box<dyn FnMut(Delivery<T>) -> Task + Send>;

pub(super) struct Subscribers<T> {
    last_id: u64,
    sync: ById<SyncHandler<T>>,
    asynchronous: ById<AsyncHandler<T>>,
    channels: ById<Channel<T>>,
}

/// With the last entry that is not theirs, as it was there before them.
type ById<S> = BTreeMap<u64, (Seq, Arc<S>)>;
type Handlers<S> = Vec<(u64, Arc<S>)>;

/// Locked only by the one task that calls it.
pub(super) struct SyncHandler<T> {
    pub(super) is_removed: AtomicBool,
    pub(super) call: Mutex<Call<T>>,
}

pub(super) struct AsyncHandler<T> {
    pub(super) is_removed: AtomicBool,
    pub(super) call: Mutex<(Begin<T>, Lag)>,
    /// One permit for each of its tasks.
    pub(super) permits: Arc<Semaphore>,
}

/// What was removed, so that it is dropped without the lock.
#[expect(dead_code, reason = "it is only dropped")]
pub(super) struct Removed<T>(
    Option<Arc<SyncHandler<T>>>,
    Option<Arc<AsyncHandler<T>>>,
    Option<Arc<Channel<T>>>,
);

impl<T> Default for Subscribers<T> {
    fn default() -> Self {
        Self {
            last_id: 0,
            sync: BTreeMap::new(),
            asynchronous: BTreeMap::new(),
            channels: BTreeMap::new(),
        }
    }
}

impl<T> Subscribers<T> {
    pub(super) fn add_sync(&mut self, after: Seq, call: Call<T>) -> u64 {
        let handler = Arc::new(SyncHandler {
            is_removed: AtomicBool::new(false),
            call: Mutex::new(call),
        });
        let id = self.next_id();
        self.sync.insert(id, (after, handler));
        id
    }

    pub(super) fn add_async(&mut self, after: Seq, call: Begin<T>) -> u64 {
        let handler = Arc::new(AsyncHandler {
            is_removed: AtomicBool::new(false),
            call: Mutex::new((call, Lag::default())),
            permits: Arc::new(Semaphore::new(TOPIC_TASKS_MAX)),
        });
        let id = self.next_id();
        self.asynchronous.insert(id, (after, handler));
        id
    }

    pub(super) fn add_channel(&mut self, after: Seq, channel: Arc<Channel<T>>) -> u64 {
        let id = self.next_id();
        self.channels.insert(id, (after, channel));
        id
    }

    /// Removes exactly this one.
    pub(super) fn remove(&mut self, id: u64) -> Removed<T> {
        let sync = self.sync.remove(&id).map(|it| it.1);
        let asynchronous = self.asynchronous.remove(&id).map(|it| it.1);
        if let Some(handler) = &sync {
            handler.is_removed.store(true, Ordering::Release);
        }
        if let Some(handler) = &asynchronous {
            handler.is_removed.store(true, Ordering::Release);
        }
        Removed(sync, asynchronous, self.channels.remove(&id).map(|it| it.1))
    }

    /// Those that get the entry `seq`, in the order in which they came.
    pub(super) fn handlers_at(
        &self,
        seq: Seq,
    ) -> (Handlers<SyncHandler<T>>, Handlers<AsyncHandler<T>>) {
        (
            at(&self.sync, seq).collect(),
            at(&self.asynchronous, seq).collect(),
        )
    }

    pub(super) fn channels_at(&self, seq: Seq) -> impl Iterator<Item = Arc<Channel<T>>> {
        at(&self.channels, seq).map(|it| it.1)
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.channels
            .values()
            .for_each(|(_, channel)| channel.end());
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

fn at<S>(all: &ById<S>, seq: Seq) -> impl Iterator<Item = (u64, Arc<S>)> {
    let theirs = all.iter().filter(move |(_, (after, _))| *after < seq);
    theirs.map(|(&id, (_, it))| (id, Arc::clone(it)))
}
