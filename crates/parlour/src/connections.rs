//! WebSocket connections without any protocol on top: your handlers get every message.
//!
//! [`Connections`] does for raw connections what an [`EventRouter`](crate::EventRouter) does for events:
//! functions for their opening, their messages and their end, a handle to each, a list of all, and one
//! call that speaks to everybody. They share sockets, threads and bounds with all other doors.
//!
//! ```
//! use parlour::connections::{Client, Connections, Message};
//! use parlour::{Doors, Hub, HubConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clients = Connections::builder("upper.case")
//!     .on_open(|client: Client| async move { client.send("what shall I shout?").await })
//!     .on_message(|client: Client, message: Message| async move {
//!         match message {
//!             Message::Text(text) => client.send(text.to_uppercase()).await,
//!             bytes => client.send(bytes).await, // stays binary
//!         }
//!     })
//!     .on_close(|client: Client, _| async move { println!("{} has gone", client.id()) })
//!     .build();
//!
//! let hub = Hub::start(HubConfig::default().connections(&clients))?;
//! # let address = "127.0.0.1:8080".parse()?;
//! let doors = Doors::new(&hub, address);
//! let app = axum::Router::<()>::new().route("/shout", doors.free_door("upper.case", None));
//!
//! println!("{} are here", clients.list().len());
//! clients.broadcast("closing in five minutes").await?;
//! clients.close_all();
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! **What comes when.** The set-up sees the request and may refuse it. Then the client is in
//! [`list`](Connections::list), then each `on_open` runs to its end, then its first message is read.
//! Each `on_message` runs in the order in which they were added, each to its end, for one message after
//! the other; without any, messages are read and thrown away. When the connection has ended, the client
//! is out of the list, the handler that still runs ends, and then each `on_close` runs, once.
//! [`Hub::shutdown`](crate::Hub::shutdown) waits for that, within its deadline.
//!
//! **Handlers** are async functions that return nothing or a `Result`. An error, a panic, or more time
//! than [`HubConfig::handler_time`](crate::HubConfig::handler_time) ends that connection with 1011, and
//! nothing else. They run on the runtime that the hub was started in, those of different connections
//! side by side.
//!
//! **Nothing waits for a slow client.** [`Client::send`] fails by name when the client has not read what
//! was sent before. A [broadcast](Connections::broadcast) is an entry in a room that all are in: it is
//! kept once, each client reads at its own speed, and one that falls behind by more than a room's log
//! holds is closed with 1008. So the two are not in order with one another; each by itself is.
//!
//! Pings, deadlines and the largest message are those of [`Limits`](crate::Limits).

mod builder;
mod client;
mod life;
mod message;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use parlour_hub::{Asked, Brought, What};
use parlour_proto::dialect::{Dialect, Raw};
use parlour_proto::{Draft, RoomName};

pub use builder::{ConnectionsBuilder, Outcome};
pub use client::Client;
pub use message::Message;

use crate::accounts::BoxFuture;
use crate::application::{ConnectionId, Desk, Serving};
use crate::hub::{PublishError, Reach, Whereabouts};
use crate::policy::{Denied, Visitor};
use builder::Handlers;

/// All connections of one raw door. Clones are the same. See [the module](self).
///
/// `T` is the application's own value for each connection, which
/// [`with_set_up`](Self::with_set_up) makes from the request.
///
/// ```
/// use parlour::connections::{Client, Connections};
/// let clients = Connections::builder("echo")
///     .on_message(|client: Client, message| async move { client.send(message).await })
///     .build();
/// assert!(clients.list().is_empty());
/// ```
pub struct Connections<T = ()>(Arc<Inner<T>>);

struct Inner<T> {
    name: &'static str,
    /// All are in it.
    room: RoomName,
    handlers: Handlers<T>,
    here: Mutex<HashMap<ConnectionId, Client<T>>>,
    /// A hub is to have them.
    claimed: OnceLock<()>,
    reach: OnceLock<Reach>,
}

impl Connections<()> {
    /// A door by this name, which is its subprotocol and what
    /// [`Doors::free_door`](crate::Doors::free_door) opens.
    pub fn builder(name: &'static str) -> ConnectionsBuilder<()> {
        ConnectionsBuilder::new(name, |_| async { Ok(()) })
    }
}

impl<T: Send + Sync + 'static> Connections<T> {
    /// A door whose connections each have a value of the application's own, made by `set_up` from the
    /// request. It may take its time, and may refuse: then the answer is 403 with its words, there is no
    /// connection, and no handler runs.
    ///
    /// ```
    /// use parlour::connections::{Client, Connections, Message};
    /// use parlour::policy::{Denied, Visitor};
    ///
    /// struct Device { serial: String }
    ///
    /// async fn recognise(visitor: Visitor) -> Result<Device, Denied> {
    ///     let serial = visitor.head().headers.get("x-serial");
    ///     let serial = serial.and_then(|it| it.to_str().ok());
    ///     let serial = serial.ok_or(Denied::because("say your serial number in X-Serial"))?;
    ///     Ok(Device { serial: serial.to_owned() })
    /// }
    ///
    /// let devices = Connections::with_set_up("devices", recognise)
    ///     .on_message(|device: Client<Device>, reading: Message| async move {
    ///         println!("{}: {reading:?}", device.value().serial);
    ///     })
    ///     .build();
    /// # let _ = devices;
    /// ```
    pub fn with_set_up<F, Fut>(name: &'static str, set_up: F) -> ConnectionsBuilder<T>
    where
        F: Fn(Visitor) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, Denied>> + Send + 'static,
    {
        ConnectionsBuilder::new(name, set_up)
    }

    /// Who is here now, in no order. The list is the caller's own: it does not change afterwards.
    #[must_use]
    pub fn list(&self) -> Vec<Client<T>> {
        self.0.lock().values().cloned().collect()
    }

    /// The client with this id, if it is here.
    #[must_use]
    pub fn get(&self, id: ConnectionId) -> Option<Client<T>> {
        self.0.lock().get(&id).cloned()
    }

    /// Sends a message to everybody who is here, and comes back when it has its place in their common
    /// order; nobody's reading is waited for. A client is told what is broadcast from its first
    /// `on_open` on.
    ///
    /// # Errors
    /// [`PublishError`]; nobody was told then. `GoingAway` also before the hub has started.
    pub async fn broadcast(&self, message: impl Into<Message>) -> Result<(), PublishError> {
        let hub = self.0.reach.get().and_then(Reach::hub);
        let hub = hub.ok_or(PublishError::GoingAway)?;
        let draft: Draft = message.into().into_draft(self.0.name);
        hub.publish(self.0.room.clone(), draft).await?;
        Ok(())
    }

    /// Closes everybody who is here with 1000. Who comes later is let in.
    pub fn close_all(&self) {
        self.list().iter().for_each(Client::close);
    }

    pub(crate) fn serving(&self) -> Arc<dyn Serving> {
        self.0.clone()
    }
}

impl<T> Clone for Connections<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Connections<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connections({}: {})", self.0.name, self.0.lock().len())
    }
}

impl<T> Inner<T> {
    /// Nothing in here panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Client<T>>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + Sync + 'static> Serving for Inner<T> {
    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::new(Raw::new(self.name))
    }

    fn is_handled(&self) -> bool {
        true
    }

    fn claim(&self) -> bool {
        self.claimed.set(()).is_ok()
    }

    fn begin(&self, reach: &Reach) {
        // Only one hub could claim it.
        let _ = self.reach.set(reach.clone());
    }

    fn set_up<'a>(
        &'a self,
        visitor: &'a Visitor,
    ) -> BoxFuture<'a, Result<Option<Brought>, Denied>> {
        Box::pin(async {
            let value = (self.handlers.set_up)(visitor.clone()).await?;
            let brought: Brought = Box::new(value);
            Ok(Some(brought))
        })
    }

    fn asked(self: Arc<Self>, desk: &Desk, at: Whereabouts, asked: Asked) {
        match asked.what {
            What::Opened { brought } => {
                life::open(&self, desk, at, (asked.who, asked.session), brought);
            }
            What::Ask { payload, frame, .. } => life::message(&self, desk, at, payload, frame),
            What::Closed(reason) => life::close(&self, desk, at, reason),
            // A raw dialect asks for nothing else.
            _ => desk.line(at).answer(parlour_hub::Answer::Done),
        }
    }
}
