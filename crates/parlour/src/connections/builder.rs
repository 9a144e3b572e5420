//! Which functions handle raw connections.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use parlour_proto::{CloseReason, RoomName};

use super::{Client, Connections, Inner, Message};
use crate::accounts::BoxFuture;
use crate::policy::{Denied, Visitor};

/// Takes the handlers of a raw door, one call for each; see [the module](super).
///
/// ```
/// use parlour::connections::{Client, Connections};
/// let clients = Connections::builder("door")
///     .on_open(async |client: Client| println!("{} has come", client.id()))
///     .on_close(async |client: Client, why| println!("{} has gone: {why:?}", client.id()))
///     .build();
/// # let _ = clients;
/// ```
#[must_use = "nothing is served before `build`"]
pub struct ConnectionsBuilder<T = ()> {
    name: &'static str,
    handlers: Handlers<T>,
}

pub(super) struct Handlers<T> {
    pub(super) set_up: SetUp<T>,
    pub(super) on_open: Vec<OnOpen<T>>,
    pub(super) on_message: Vec<OnMessage<T>>,
    pub(super) on_close: Vec<OnClose<T>>,
}

type SetUp<T> = Box<dyn Fn(Visitor) -> BoxFuture<'static, Result<T, Denied>> + Send + Sync>;
type OnOpen<T> = Box<dyn Fn(Client<T>) -> BoxFuture<'static, bool> + Send + Sync>;
type OnMessage<T> = Box<dyn Fn(Client<T>, Message) -> BoxFuture<'static, bool> + Send + Sync>;
type OnClose<T> = Box<dyn Fn(Client<T>, CloseReason) -> BoxFuture<'static, bool> + Send + Sync>;

/// What a handler may return: nothing, or a `Result` whose error ends the connection with 1011 and is
/// logged.
///
/// ```
/// use parlour::connections::Outcome;
/// assert!(().goes_on());
/// assert!(!Err::<(), _>("broken").goes_on());
/// ```
pub trait Outcome {
    /// Whether the connection goes on.
    fn goes_on(self) -> bool;
}

impl Outcome for () {
    fn goes_on(self) -> bool {
        true
    }
}

impl<E: fmt::Display> Outcome for Result<(), E> {
    fn goes_on(self) -> bool {
        if let Err(error) = &self {
            tracing::debug!(%error, "a handler ends its connection");
        }
        self.is_ok()
    }
}

impl<T: Send + Sync + 'static> ConnectionsBuilder<T> {
    pub(super) fn new<F, Fut>(name: &'static str, set_up: F) -> Self
    where
        F: Fn(Visitor) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, Denied>> + Send + 'static,
    {
        Self {
            name,
            handlers: Handlers {
                set_up: Box::new(move |visitor| Box::pin(set_up(visitor))),
                on_open: Vec::new(),
                on_message: Vec::new(),
                on_close: Vec::new(),
            },
        }
    }

    /// Runs when a client is there, before its first message is read.
    pub fn on_open<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Client<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        let handler: OnOpen<T> = Box::new(move |client| {
            let handling = handler(client);
            Box::pin(async { handling.await.goes_on() })
        });
        self.handlers.on_open.push(handler);
        self
    }

    /// Runs for each message, behind the handlers that were added before.
    pub fn on_message<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Client<T>, Message) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        let handler: OnMessage<T> = Box::new(move |client, message| {
            let handling = handler(client, message);
            Box::pin(async { handling.await.goes_on() })
        });
        self.handlers.on_message.push(handler);
        self
    }

    /// Runs once when a client has gone, with the reason.
    pub fn on_close<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Client<T>, CloseReason) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        let handler: OnClose<T> = Box::new(move |client, reason| {
            let handling = handler(client, reason);
            Box::pin(async { handling.await.goes_on() })
        });
        self.handlers.on_close.push(handler);
        self
    }

    /// The handle, for [`HubConfig::connections`](crate::HubConfig::connections). One hub can have it.
    ///
    /// # Panics
    /// If the name of the door is empty, longer than 127 bytes, or has control or invisible characters.
    #[must_use]
    pub fn build(self) -> Connections<T> {
        let Self { name, handlers } = self;
        let room = RoomName::reserved(name);
        Connections(Arc::new(Inner {
            name,
            room: room.unwrap_or_else(|error| panic!("{name:?} is no name of a door: {error}")),
            handlers,
            here: Mutex::new(HashMap::new()),
            claimed: OnceLock::new(),
            reach: OnceLock::new(),
        }))
    }
}
