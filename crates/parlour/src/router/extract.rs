//! What a handler takes.

use std::ops::Deref;

use parlour_proto::{Draft, EntryKind, Position, Refusal, RoomName, UserName};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ClientEvent, Connection, EventError};
use crate::hub::{Hub, PublishError};

/// A parameter of a handler: something that can be made from an event and the router's state `S`.
///
/// ```
/// use parlour::router::{ClientEvent, EventError, FromEvent};
/// struct Trimmed(String);
/// impl<S: Sync> FromEvent<S> for Trimmed {
///     async fn from_event(event: &ClientEvent, _: &S) -> Result<Self, EventError> {
///         let text = std::str::from_utf8(event.payload()).unwrap_or_default();
///         Ok(Self(text.trim().to_owned()))
///     }
/// }
/// ```
pub trait FromEvent<S>: Sized {
    /// Makes it; may take its time.
    ///
    /// # Errors
    /// What the client is told; the handler does not run then.
    fn from_event(
        event: &ClientEvent,
        state: &S,
    ) -> impl Future<Output = Result<Self, EventError>> + Send;
}

/// The event's payload, read from its JSON. One of another shape is `bad_payload`; the debug log says
/// what was wrong with it.
///
/// ```
/// use parlour::router::Payload;
/// #[derive(serde::Deserialize)]
/// struct Move { x: i32, y: i32 }
/// async fn moved(Payload(to): Payload<Move>) {
///     println!("moved to {}, {}", to.x, to.y);
/// }
/// # parlour::EventRouter::new(()).on("move", moved);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromEvent<S> for Payload<T> {
    async fn from_event(event: &ClientEvent, _: &S) -> Result<Self, EventError> {
        serde_json::from_slice(event.payload())
            .map(Self)
            .map_err(|error| {
                tracing::debug!(kind = event.kind(), %error, "a payload has another shape");
                Refusal::BadPayload.into()
            })
    }
}

/// A clone of what [`EventRouter::new`](super::EventRouter::new) was given.
///
/// ```
/// use parlour::router::{EventRouter, State};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// async fn count(State(clicks): State<Arc<AtomicU64>>) {
///     clicks.fetch_add(1, Ordering::Relaxed);
/// }
/// EventRouter::new(Arc::new(AtomicU64::new(0))).on("click", count);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct State<S>(pub S);

impl<S: Clone + Sync> FromEvent<S> for State<S> {
    async fn from_event(_: &ClientEvent, state: &S) -> Result<Self, EventError> {
        Ok(Self(state.clone()))
    }
}

/// The room that the connection is in. Without one, the event is refused with `not_in_room`; who can
/// do without takes an `Option<Room>`.
///
/// ```
/// use parlour::router::{EventError, Payload, Room};
/// async fn wave(room: Room, Payload(hand): Payload<String>) -> Result<(), EventError> {
///     room.publish("waved", &hand).await?;
///     Ok(())
/// }
/// # parlour::EventRouter::new(()).on("wave", wave).tells("waved");
/// ```
#[derive(Clone, Debug)]
pub struct Room {
    name: RoomName,
    connection: Connection,
}

impl Room {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &RoomName {
        &self.name
    }

    /// Publishes an entry in it, said by the user whose event this is, and gives its place once that is
    /// final. Who may do that is for the handler to say: no policy is asked again.
    ///
    /// Doors show it that have words for its kind: this one if the router
    /// [tells](super::EventRouter::tells) it. A [`Topic`](crate::Topic) of that
    /// [kind](crate::TopicConfig::kind) gets the payload as a value.
    ///
    /// # Errors
    /// [`PublishError`]; `Refused(BadPayload)` if `kind` or `payload` cannot be published.
    pub async fn publish<T: Serialize + ?Sized>(
        &self,
        kind: &str,
        payload: &T,
    ) -> Result<Position, PublishError> {
        let bad = PublishError::Refused(Refusal::BadPayload);
        let kind = EntryKind::new(kind).map_err(|_| bad)?;
        let payload = serde_json::to_vec(payload).map_err(|_| bad)?;
        let from = self.connection.who().shared();
        self.publish_draft(Draft::new(from, kind, payload)).await
    }

    /// As [`publish`](Self::publish), for whatever can be published.
    ///
    /// # Errors
    /// [`PublishError`].
    ///
    /// ```
    /// use parlour::Draft;
    /// use parlour::router::{EventError, Room};
    /// async fn ring(room: Room) -> Result<(), EventError> {
    ///     room.publish_draft(Draft::message("$bell", "ring!")).await?; // in nobody's name
    ///     Ok(())
    /// }
    /// # parlour::EventRouter::new(()).on("ring", ring);
    /// ```
    pub async fn publish_draft(&self, draft: Draft) -> Result<Position, PublishError> {
        let hub = self.connection.hub().ok_or(PublishError::GoingAway)?;
        hub.publish(self.name.clone(), draft).await
    }
}

impl Deref for Room {
    type Target = RoomName;

    fn deref(&self) -> &RoomName {
        &self.name
    }
}

fn room_of(event: &ClientEvent) -> Option<Room> {
    Some(Room {
        name: event.room()?.clone(),
        connection: event.connection().clone(),
    })
}

impl<S: Sync> FromEvent<S> for Room {
    async fn from_event(event: &ClientEvent, _: &S) -> Result<Self, EventError> {
        room_of(event).ok_or_else(|| Refusal::NotInRoom.into())
    }
}

impl<S: Sync> FromEvent<S> for Option<Room> {
    async fn from_event(event: &ClientEvent, _: &S) -> Result<Self, EventError> {
        Ok(room_of(event))
    }
}

impl<S: Sync> FromEvent<S> for Connection {
    async fn from_event(event: &ClientEvent, _: &S) -> Result<Self, EventError> {
        Ok(event.connection().clone())
    }
}

/// The hub of the connection, for what is not about the event's own room. Without one, because it has
/// ended meanwhile, the event is refused with `going_away`.
///
/// Whoever keeps it keeps the hub running.
impl<S: Sync> FromEvent<S> for Hub {
    async fn from_event(event: &ClientEvent, _: &S) -> Result<Self, EventError> {
        let hub = event.connection().hub();
        hub.ok_or_else(|| PublishError::GoingAway.into())
    }
}

impl<S: Sync> FromEvent<S> for UserName {
    async fn from_event(event: &ClientEvent, _: &S) -> Result<Self, EventError> {
        Ok(event.connection().who().clone())
    }
}

impl<S: Sync> FromEvent<S> for ClientEvent {
    async fn from_event(event: &ClientEvent, _: &S) -> Result<Self, EventError> {
        Ok(event.clone())
    }
}
