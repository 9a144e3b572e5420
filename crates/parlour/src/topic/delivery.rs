//! What a topic is opened with, and what its subscribers get.

use std::num::NonZeroUsize;
use std::sync::Arc;

use parlour_proto::{EntryKind, Missed, Position};

use crate::hub::PublishError;
use crate::limits::TOPIC_PUBLISHES;
use crate::local_session::SessionError;

/// What a topic is opened with.
///
/// ```
/// use parlour::{EntryKind, TopicConfig};
/// // One that clients of `parlour.v1` may publish to, too.
/// let open = TopicConfig { kind: EntryKind::new("move").unwrap(), ..TopicConfig::default() };
/// # let _ = open;
/// ```
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use parlour::{Draft, EntryKind, Hub, HubConfig, RoomName, TopicConfig};
/// let hub = Hub::start(HubConfig::default())?;
/// let room = RoomName::new("lab")?;
/// let config = TopicConfig { kind: EntryKind::new("celsius")?, ..TopicConfig::default() };
/// let degrees = hub.topic_with::<f64>(room.clone(), config).await?;
/// let mut seen = degrees.subscribe()?;
/// // Whoever publishes that kind there, also a router's handler:
/// hub.publish(room, Draft::new("probe-3", EntryKind::new("celsius")?, "21.5")).await?;
/// let item = seen.next().await.expect("the topic is open")?;
/// assert_eq!((&*item.from, *item.value), ("probe-3", 21.5));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TopicConfig {
    /// The kind of its entries; what is of another kind in that room is not the topic's. By default
    /// `$topic`, which no client can publish.
    ///
    /// With a kind that others publish, the topic is a typed view of theirs: of what a handler of an
    /// [`EventRouter`](crate::EventRouter) gives to [`Room::publish`](crate::router::Room::publish), for
    /// instance. Their values come with whom they are [from](Item::from), and a value of the topic shows
    /// at the router's door, if that [tells](crate::EventRouter::tells) the kind.
    pub kind: EntryKind,
    /// Whom its entries are from. By default `$topic`, which nobody else can be called.
    pub from: Arc<str>,
    /// Own publishes that no handler has seen yet; over it [`Topic::publish`](super::Topic::publish) waits. At most 1,024.
    pub publishes_max: NonZeroUsize,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            kind: EntryKind::named("$topic"),
            from: "$topic".into(),
            publishes_max: TOPIC_PUBLISHES,
        }
    }
}

/// One value of a topic.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use parlour::{Hub, HubConfig, RoomName};
/// let hub = Hub::start(HubConfig::default())?;
/// let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
/// let mut seen = numbers.subscribe()?;
/// let position = numbers.publish(&7).await?;
/// let item = seen.next().await.expect("the topic is open")?;
/// assert_eq!((item.position, *item.value), (position, 7));
/// # Ok(()) }
/// ```
pub struct Item<T> {
    /// Its place in the room.
    pub position: Position,
    /// Who published it: [`TopicConfig::from`], or a client where clients may.
    pub from: Arc<str>,
    /// The value, one for all who get it.
    pub value: Arc<T>,
}

/// What a subscriber gets.
///
/// ```
/// use parlour::topic::Delivery;
/// fn sum(delivery: Delivery<u64>, sum: &mut u64) {
///     match delivery {
///         Ok(item) => *sum += *item.value,
///         Err(lost) => println!("{lost}"),
///     }
/// }
/// # let _ = sum;
/// ```
pub type Delivery<T> = Result<Item<T>, Lost>;

/// What a subscriber did not get. It gets what comes after it.
///
/// ```
/// use parlour::topic::{Delivery, Lost};
/// fn is_behind<T>(delivery: &Delivery<T>) -> bool {
///     matches!(delivery, Err(Lost::Lagged(_)))
/// }
/// # let _ = is_behind::<u64>;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// It was too slow: these entries of the room are not coming.
    #[error("too slow: missed {0:?}")]
    Lagged(Missed),
    /// An entry of the topic's kind that is no `T`, or that `T` panics at when it is read: another
    /// program publishes another type here.
    #[error("the entry at {position:?} from {from} is of another type: {error}")]
    OtherType {
        /// Its place in the room.
        position: Position,
        /// Who published it.
        from: Arc<str>,
        /// What does not fit.
        error: String,
    },
}

/// Why a topic did not do what it was asked.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use parlour::{Hub, HubConfig, RoomName, TopicError};
/// let hub = Hub::start(HubConfig::default())?;
/// let numbers = hub.topic::<u64>(RoomName::new("numbers")?).await?;
/// numbers.close();
/// assert_eq!(numbers.publish(&7).await, Err(TopicError::Closed));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The topic is closed, or its hub has ended.
    #[error("the topic is closed")]
    Closed,
    /// The value cannot be written as JSON; nothing was published.
    #[error("it cannot be written as JSON: {0}")]
    NotJson(String),
    /// The room did not take it.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The room cannot be joined.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// There is no tokio runtime that could serve the topic.
    #[error("a topic needs a tokio runtime: open it on one, or set HubConfig::runtime")]
    NoRuntime,
}

impl<T> Clone for Item<T> {
    fn clone(&self) -> Self {
        Self {
            position: self.position,
            from: Arc::clone(&self.from),
            value: Arc::clone(&self.value),
        }
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Item<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Item")
            .field("position", &self.position)
            .field("from", &self.from)
            .field("value", &self.value)
            .finish()
    }
}
