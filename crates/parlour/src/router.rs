//! Events by their types: one line for each.
//!
//! An [`EventRouter`] gives the events door types of your own, besides the `send_message` and
//! `change_room` that it has. A handler is an async function. Its parameters are made from the event,
//! as in axum, and what it returns says what its client is told:
//!
//! ```
//! use parlour::router::{Connection, EventError, Payload, Reply, Room, State};
//! use parlour::{EventRouter, HubConfig, UserName};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone)]
//! struct Rules { stars_max: u8 }
//!
//! #[derive(Deserialize, Serialize)]
//! struct Stars { stars: u8 }
//!
//! async fn rate(room: Room, State(rules): State<Rules>, Payload(given): Payload<Stars>) -> Result<(), EventError> {
//!     if given.stars > rules.stars_max {
//!         return Err(EventError::new("too_many_stars", "be honest"));
//!     }
//!     room.publish("rated", &given).await?; // everybody in the room is told
//!     Ok(())
//! }
//!
//! async fn whoami(who: UserName) -> Reply<String> {
//!     Reply("you_are", who.as_str().to_owned()) // only its client is told
//! }
//!
//! async fn bye(connection: Connection) {
//!     connection.close();
//! }
//!
//! let router = EventRouter::new(Rules { stars_max: 5 })
//!     .on("rate", rate)
//!     .on("whoami", whoami)
//!     .on("bye", bye)
//!     .tells("rated");
//! let config = HubConfig::default().router(router);
//! # let _ = config;
//! ```
//!
//! | parameter | what |
//! |---|---|
//! | [`Payload<T>`] | the payload, read into `T` |
//! | [`State<S>`] | a clone of what the router was made with |
//! | [`Room`], `Option<Room>` | the room that the connection is in; publishes there |
//! | [`Connection`] | whose event it is: told, moved, closed |
//! | [`UserName`](crate::UserName) | who that is |
//! | [`Hub`](crate::Hub) | the hub of that connection: publishes in any room, opens topics and sessions |
//! | [`ClientEvent`] | the event as it came |
//! | your own | whatever is [`FromEvent`] |
//!
//! **Order.** Events of one connection are handled one after the other: the next is not even read
//! before the handler has ended. Those of different connections run side by side, on the runtime that
//! the hub was started in, and never on the threads that serve sockets. What a handler answers and what
//! it publishes go two ways, which are not in order with one another: see [`Reply`].
//!
//! **Other rooms.** A router is made before its hub, so its state cannot hold that hub: a handler takes
//! it as a parameter.
//!
//! ```
//! use parlour::router::{EventError, Payload};
//! use parlour::{Draft, EventRouter, Hub, RoomName};
//!
//! async fn call_waiter(hub: Hub, Payload(table): Payload<u32>) -> Result<(), EventError> {
//!     let call = Draft::message("$guests", &format!("table {table}, please"));
//!     hub.publish(RoomName::new("kitchen")?, call).await?;
//!     Ok(())
//! }
//! let router = EventRouter::new(()).on("waiter", call_waiter);
//! # let _ = router;
//! ```
//!
//! **The same entries elsewhere.** What a handler publishes is an entry like any other: a
//! [`Topic`](crate::Topic) of that [kind](crate::TopicConfig::kind) gets it as a value, and clients of
//! `parlour.v1` see it with its type. The other way, too: what comes from a topic, from
//! [`Hub::publish`](crate::Hub::publish) or from another door shows here, if the router
//! [`tells`](EventRouter::tells) its kind.
//!
//! **Errors.** An error goes to the client as `{"type":"error","payload":{"code":…,"message":…}}`, and
//! the connection stays. A handler that panics ends its connection with 1011, and nothing else; one
//! that takes longer than [`HubConfig::handler_time`](crate::HubConfig::handler_time) is dropped, and
//! its client told `timed_out`. A type without a handler stays `unknown_type`.

mod connection;
mod event;
mod extract;
mod handler;
mod routes;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parlour_proto::dialect::{Dialect as _, Events};

pub use connection::Connection;
pub use event::{ClientEvent, EventError, IntoReply, Reply};
pub use extract::{FromEvent, Payload, Room, State};
pub use handler::EventHandler;
pub(crate) use routes::Routes;

use crate::accounts::BoxFuture;

/// Which function handles which type of event. See [the module](self).
///
/// ```
/// use parlour::router::{Payload, Reply};
/// use parlour::{EventRouter, HubConfig};
/// let router = EventRouter::new(())
///     .on("double", |Payload(n): Payload<i64>| async move { Reply("doubled", n * 2) });
/// let config = HubConfig::default().router(router);
/// # let _ = config;
/// ```
#[derive(Clone)]
#[must_use = "a router does nothing before `HubConfig::router` has it"]
pub struct EventRouter<S = ()> {
    name: &'static str,
    state: S,
    handlers: BTreeMap<String, Arc<AnyHandler>>,
    tells: Vec<String>,
}

type Handled = Result<Option<(&'static str, Bytes)>, EventError>;
type AnyHandler = dyn Fn(ClientEvent) -> BoxFuture<'static, Handled> + Send + Sync;

impl<S: Clone + Send + Sync + 'static> EventRouter<S> {
    /// A router at the events door, `/ws`, whose handlers have this state.
    pub fn new(state: S) -> Self {
        Self {
            name: Events.name(),
            state,
            handlers: BTreeMap::new(),
            tells: Vec::new(),
        }
    }

    /// Makes it a door of its own, for [`Doors::free_door`](crate::Doors::free_door) by this name, and
    /// leaves `/ws` as it is.
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Handles events of this type; the last handler of a type counts. `send_message` and `change_room`
    /// are then no longer what they were.
    pub fn on<T: 'static>(
        mut self,
        kind: impl Into<String>,
        handler: impl EventHandler<T, S>,
    ) -> Self {
        let state = self.state.clone();
        let handler: Arc<AnyHandler> = Arc::new(move |event| {
            let (handler, state) = (handler.clone(), state.clone());
            Box::pin(async move { handler.handle(event, state).await })
        });
        self.handlers.insert(kind.into(), handler);
        self
    }

    /// Shows entries of this kind at this door as `{"type":KIND,"payload":PAYLOAD}`, whoever has
    /// published them: a handler, [`Hub::publish`](crate::Hub::publish), a
    /// [`Topic`](crate::Topic) of this kind, a client of another door. The door has no words for kinds
    /// that are not named here.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use parlour::{Draft, EntryKind, EventRouter, Hub, HubConfig, RoomName};
    /// let hub = Hub::start(HubConfig::default().router(EventRouter::new(()).tells("alarm")))?;
    /// // Everybody in `general` at /ws is told {"type":"alarm","payload":{"floor":3}}
    /// let alarm = Draft::new("$house", EntryKind::new("alarm")?, r#"{"floor":3}"#);
    /// hub.publish(RoomName::general(), alarm).await?;
    /// # Ok(()) }
    /// ```
    pub fn tells(mut self, kind: impl Into<String>) -> Self {
        self.tells.push(kind.into());
        self
    }

    pub(crate) fn into_routes(self) -> Routes {
        Routes::new(self.name, self.handlers, &self.tells)
    }
}
