//! A typed view of a room, for code in the hub's own process.
//!
//! [`Hub::topic`] opens one, [`Topic::publish`] puts a value into its room, and three kinds of
//! subscribers get it: sync handlers, async handlers and [`Subscription`]s. Each has a bound of its own
//! and is told by name what it did not get: [`Lost`].

mod broadcast;
mod channel;
mod delivery;
mod open;
mod subscribers;

use std::collections::HashMap;
use std::future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_core::Stream;
use parlour_proto::{Draft, EntryId, Join, Position, RoomName, Seq};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::hub::Hub;
use crate::limits::{TOPIC_BUFFER, TOPIC_PUBLISHES_MAX};
use broadcast::Broadcast;
use channel::Channel;
pub use delivery::{Delivery, Item, Lost, TopicConfig, TopicError};
pub(crate) use open::Topics;
use subscribers::Subscribers;

/// A typed view of a room: publish values, get values. Rooms need no client for it, and the same
/// entries are seen by whoever else is in the room.
///
/// Every message goes to the sync handlers first, then to the async ones, then to the
/// subscriptions, and reaches sync handlers and subscriptions in the room's order. Each of them gets a
/// [`Delivery`]: a value, or by name what it did not get. Clones are the same topic; when the last
/// is dropped, it is [closed](Self::close). Opening a room twice gives two topics, each with its own
/// subscribers, which both get everything.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use parlour::{Hub, HubConfig, RoomName};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, PartialEq, Debug)]
/// struct Move { x: u8, y: u8 }
///
/// let hub = Hub::start(HubConfig::default())?;
/// let moves = hub.topic::<Move>(RoomName::new("board")?).await?;
/// let mut seen = moves.subscribe()?;
/// moves.publish(&Move { x: 4, y: 2 }).await?;
/// let item = seen.next().await.expect("the topic is open")?;
/// assert_eq!(*item.value, Move { x: 4, y: 2 });
/// assert_eq!(item.position.seq.0, 1);
/// # Ok(())
/// # }
/// ```
pub struct Topic<T>(Arc<Inner<T>>);

/// One handler of a topic. Dropping it leaves the handler where it is; see [`remove`](Self::remove).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use parlour::{Hub, HubConfig, RoomName};
/// let hub = Hub::start(HubConfig::default())?;
/// let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
/// let handle = numbers.handle_sync(|delivery| println!("{}", delivery.is_ok()))?;
/// handle.remove(); // it is called no more
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Handle {
    remove: Arc<dyn Fn() + Send + Sync>,
}

/// What one subscriber of a topic has not taken yet. Dropping it ends the subscription.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use parlour::{Hub, HubConfig, RoomName};
/// let hub = Hub::start(HubConfig::default())?;
/// let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
/// let mut seen = numbers.subscribe()?;
/// numbers.publish(&7).await?;
/// numbers.close(); // what was accepted is still delivered
/// assert_eq!(*seen.next().await.expect("one is left")?.value, 7);
/// assert!(seen.next().await.is_none());
/// # Ok(()) }
/// ```
pub struct Subscription<T> {
    channel: Arc<Channel<T>>,
    shared: Arc<Shared<T>>,
    id: u64,
}

struct Inner<T> {
    hub: Hub,
    room: RoomName,
    config: TopicConfig,
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    /// One for each own publish that was not told yet.
    permits: Arc<Semaphore>,
    state: Mutex<State<T>>,
    /// The topic was closed, or a publish answered.
    changed: Notify,
    has_ended: watch::Sender<bool>,
}

struct State<T> {
    subscribers: Subscribers<T>,
    is_closed: bool,
    has_ended: bool,
    /// Publishes without an answer; none begins after the close.
    under_way: usize,
    /// The last own entry that has its place.
    accepted: Seq,
    /// The last entry that every subscriber was given.
    told: Seq,
    /// Tells the ids of this topic from those of others.
    number: u64,
    last_publish: u64,
    /// Own publishes that were not told yet, with their place once it is known.
    untold: HashMap<EntryId, (OwnedSemaphorePermit, Option<Seq>)>,
}

/// How many topics this process has opened.
static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Hub {
    /// Opens a typed view of a room, from its next entry on.
    ///
    /// # Errors
    /// [`TopicError::Session`] and [`TopicError::NoRuntime`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, RoomName};
    /// let hub = Hub::start(HubConfig::default())?;
    /// let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
    /// assert_eq!(numbers.publish(&7).await?.seq.0, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn topic<T>(&self, room: RoomName) -> Result<Topic<T>, TopicError>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.topic_with(room, TopicConfig::default()).await
    }

    /// The same, not with the defaults: see [`TopicConfig`].
    ///
    /// # Errors
    /// As [`topic`](Self::topic).
    pub async fn topic_with<T>(
        &self,
        room: RoomName,
        config: TopicConfig,
    ) -> Result<Topic<T>, TopicError>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let runtime = self.runtime().ok_or(TopicError::NoRuntime)?;
        let mut session = self.own_session()?;
        let joined = session.join(Join::next(room.clone())).await?;
        let publishes_max = config.publishes_max.min(TOPIC_PUBLISHES_MAX);
        let shared = Arc::new(Shared {
            permits: Arc::new(Semaphore::new(publishes_max.get())),
            state: Mutex::new(State::new(joined.position.seq)),
            changed: Notify::new(),
            has_ended: watch::Sender::new(false),
        });
        let broadcast = Broadcast {
            shared: Arc::clone(&shared),
            kind: config.kind.clone(),
            runtime: runtime.clone(),
            busy: self.busy(),
        };
        runtime.spawn(broadcast.run(session, self.topics().open()));
        Ok(Topic(Arc::new(Inner {
            hub: self.clone(),
            room,
            config,
            shared,
        })))
    }
}

impl<T> Topic<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Publishes a value, and gives its place in the room once it is final: from then on every
    /// subscriber gets it, also if the topic is closed meanwhile. Waits while
    /// [`TopicConfig::publishes_max`] own values have not been handed to the subscribers. Who drops
    /// the future before its end does not know whether the value is published.
    ///
    /// # Errors
    /// [`TopicError`]; nothing was published then, but as [`PublishError::GoingAway`](crate::PublishError::GoingAway) says.
    pub async fn publish(&self, value: &T) -> Result<Position, TopicError> {
        let payload = serde_json::to_vec(value);
        let payload = payload.map_err(|error| TopicError::NotJson(error.to_string()))?;
        let permits = Arc::clone(&self.0.shared.permits);
        let permit = permits.acquire_owned().await;
        let permit = permit.map_err(|_| TopicError::Closed)?;
        let publish = Publish::begin(&self.0.shared, permit)?;
        let TopicConfig { kind, from, .. } = &self.0.config;
        let draft = Draft::new(Arc::clone(from), kind.clone(), payload);
        let draft = draft.with_id(publish.id.clone());
        let position = self.0.hub.publish(self.0.room.clone(), draft).await?;
        publish.has_place(position.seq);
        Ok(position)
    }

    /// A stream of everything that is published from now on, of which 1,024 wait for their reader.
    ///
    /// # Errors
    /// [`TopicError::Closed`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, RoomName, TopicError};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
    /// let mut seen = numbers.subscribe()?;
    /// numbers.publish(&7).await?;
    /// assert_eq!(*seen.next().await.expect("the topic is open")?.value, 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self) -> Result<Subscription<T>, TopicError> {
        self.subscribe_with(TOPIC_BUFFER)
    }

    /// The same, of which so many wait for their reader. Over it the rest is not kept: the reader is
    /// told exactly what it missed, in its place, and goes on.
    ///
    /// # Errors
    /// [`TopicError::Closed`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, Missed, RoomName, topic::Lost};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
    /// let mut slow = numbers.subscribe_with(2.try_into()?)?;
    /// for number in 1..=5 {
    ///     numbers.publish(&number).await?;
    /// }
    /// numbers.close();
    /// numbers.ended().await;
    /// assert_eq!(*slow.next().await.unwrap()?.value, 1);
    /// assert_eq!(*slow.next().await.unwrap()?.value, 2);
    /// let Some(Err(Lost::Lagged(Missed::Entries { first, last, .. }))) = slow.next().await else {
    ///     panic!("three are missing")
    /// };
    /// assert_eq!((first.0, last.0), (3, 5));
    /// assert!(slow.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe_with(&self, buffer: NonZeroUsize) -> Result<Subscription<T>, TopicError> {
        let channel = Arc::new(Channel::new(buffer));
        let id = {
            let mut state = self.0.shared.lock_open()?;
            let after = state.accepted.max(state.told);
            state.subscribers.add_channel(after, Arc::clone(&channel))
        };
        Ok(Subscription {
            channel,
            shared: Arc::clone(&self.0.shared),
            id,
        })
    }

    /// Calls `handler` with everything that is published from now on, one after the other and
    /// before anybody else gets it. It delays all of them, so it should be quick; one that panics is
    /// removed.
    ///
    /// # Errors
    /// [`TopicError::Closed`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, RoomName};
    /// # use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
    /// let sum = Arc::new(AtomicU64::new(0));
    /// let handle = numbers.handle_sync({
    ///     let sum = Arc::clone(&sum);
    ///     move |delivery| if let Ok(item) = delivery {
    ///         sum.fetch_add(*item.value, Ordering::Relaxed);
    ///     }
    /// })?;
    /// numbers.publish(&40).await?;
    /// numbers.publish(&2).await?;
    /// numbers.close();
    /// numbers.ended().await;
    /// assert_eq!(sum.load(Ordering::Relaxed), 42);
    /// handle.remove(); // harmless: the topic is closed
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle_sync(
        &self,
        handler: impl FnMut(Delivery<T>) + Send + 'static,
    ) -> Result<Handle, TopicError> {
        let id = {
            let mut state = self.0.shared.lock_open()?;
            let after = state.accepted.max(state.told);
            state.subscribers.add_sync(after, Box::new(handler))
        };
        Ok(self.handle(id))
    }

    /// Runs `handler` as a task of its own for everything that is published from now on, in no
    /// order. At most 1,024 of its tasks run at once; what is published over that it is told as
    /// lost.
    ///
    /// # Errors
    /// [`TopicError::Closed`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, RoomName, TopicError};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
    /// let (seen, mut values) = tokio::sync::mpsc::channel(8);
    /// numbers.handle_async(move |delivery| {
    ///     let seen = seen.clone();
    ///     async move {
    ///         if let Ok(item) = delivery {
    ///             let _ = seen.send(*item.value).await;
    ///         }
    ///     }
    /// })?;
    /// numbers.publish(&7).await?;
    /// assert_eq!(values.recv().await, Some(7));
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle_async<F>(
        &self,
        mut handler: impl FnMut(Delivery<T>) -> F + Send + 'static,
    ) -> Result<Handle, TopicError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let id = {
            let mut state = self.0.shared.lock_open()?;
            let boxed = move |delivery| -> subscribers::Task { Box::pin(handler(delivery)) };
            let after = state.accepted.max(state.told);
            state.subscribers.add_async(after, Box::new(boxed))
        };
        Ok(self.handle(id))
    }

    fn handle(&self, id: u64) -> Handle {
        // It does not keep the topic's subscribers.
        let shared = Arc::downgrade(&self.0.shared);
        Handle {
            remove: Arc::new(move || {
                if let Some(shared) = shared.upgrade() {
                    let removed = shared.lock().subscribers.remove(id);
                    // What a handler drops with it may use the topic.
                    drop(removed);
                }
            }),
        }
    }

    /// The room that it is a view of.
    #[must_use]
    pub fn room(&self) -> &RoomName {
        &self.0.room
    }
}

impl<T> Topic<T> {
    /// Closes the topic for all its clones: publishing and subscribing are
    /// [`TopicError::Closed`] from now on, what was accepted before is delivered, and then every
    /// subscription ends. Running async handlers are not waited for. Closing twice is harmless.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, RoomName, TopicError};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
    /// let mut seen = numbers.subscribe()?;
    /// numbers.publish(&7).await?;
    /// numbers.close();
    /// assert_eq!(numbers.publish(&8).await, Err(TopicError::Closed));
    /// assert_eq!(*seen.next().await.expect("it was accepted")?.value, 7);
    /// assert!(seen.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn close(&self) {
        self.0.close();
    }

    /// Waits until a closed topic has delivered everything, or its hub or its runtime is gone.
    pub async fn ended(&self) {
        let mut has_ended = self.0.shared.has_ended.subscribe();
        // The sender is held here.
        let _ = has_ended.wait_for(|ended| *ended).await;
    }
}

impl<T> Inner<T> {
    fn close(&self) {
        self.shared.close();
    }
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    /// No code of others runs under the lock.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.permits.close();
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    fn lock_open(&self) -> Result<MutexGuard<'_, State<T>>, TopicError> {
        let state = self.lock();
        if state.is_closed {
            return Err(TopicError::Closed);
        }
        Ok(state)
    }
}

impl<T> State<T> {
    fn new(told: Seq) -> Self {
        Self {
            subscribers: Subscribers::default(),
            is_closed: false,
            has_ended: false,
            under_way: 0,
            accepted: Seq(0),
            told,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            last_publish: 0,
            untold: HashMap::new(),
        }
    }

    /// Everything up to here was given to the subscribers.
    fn tell(&mut self, seq: Seq, id: Option<&EntryId>) {
        self.told = self.told.max(seq);
        match id {
            Some(id) => drop(self.untold.remove(id)),
            None => self
                .untold
                .retain(|_, (_, place)| place.is_none_or(|place| place > seq)),
        }
    }

    fn is_complete(&self) -> bool {
        self.is_closed && self.under_way == 0 && self.told >= self.accepted
    }
}

/// A publish on its way, whether or not somebody waits for its end.
struct Publish<'a, T> {
    shared: &'a Shared<T>,
    id: EntryId,
    has_place: bool,
}

impl<'a, T> Publish<'a, T> {
    fn begin(shared: &'a Shared<T>, permit: OwnedSemaphorePermit) -> Result<Self, TopicError> {
        let mut state = shared.lock_open()?;
        let id = loop {
            state.last_publish += 1;
            // So short a text is an id.
            if let Ok(id) = EntryId::new(&format!("t{}-{}", state.number, state.last_publish)) {
                break id;
            }
        };
        state.under_way += 1;
        state.untold.insert(id.clone(), (permit, None));
        Ok(Self {
            shared,
            id,
            has_place: false,
        })
    }

    fn has_place(mut self, seq: Seq) {
        self.has_place = true;
        let mut state = self.shared.lock();
        state.accepted = state.accepted.max(seq);
        if seq <= state.told {
            state.untold.remove(&self.id);
        } else if let Some((_, place)) = state.untold.get_mut(&self.id) {
            *place = Some(seq);
        }
    }
}

impl<T> Drop for Publish<'_, T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.under_way -= 1;
        if !self.has_place {
            state.untold.remove(&self.id);
        }
        drop(state);
        self.shared.changed.notify_one();
    }
}

impl Handle {
    /// Removes this handler and no other. After it no call of it begins; one that has begun may
    /// still run. Doing it twice is harmless.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, RoomName};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
    /// let handle = numbers.handle_async(|delivery| async move {
    ///     if let Ok(item) = delivery {
    ///         println!("{}", item.value);
    ///     }
    /// })?;
    /// handle.remove();
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove(&self) {
        (self.remove)();
    }
}

impl<T> Subscription<T> {
    /// The next value, or what was not kept for this reader; `None` when the topic is closed and
    /// everything was taken.
    pub async fn next(&mut self) -> Option<Delivery<T>> {
        future::poll_fn(|context| self.channel.poll_take(context)).await
    }
}

/// As [`Subscription::next`].
impl<T> Stream for Subscription<T> {
    type Item = Delivery<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery<T>>> {
        self.channel.poll_take(context)
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        let removed = self.shared.lock().subscribers.remove(self.id);
        drop(removed);
    }
}
