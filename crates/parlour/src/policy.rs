//! Who may connect, join and publish: the application's own rules.
//!
//! Write a type that is a [`Policy`], override what is not allowed to everybody, and give it to
//! [`HubConfig::policy`](crate::HubConfig::policy). A refusal is told to the client in the policy's own
//! words.

use std::fmt;
use std::sync::Arc;

use axum::http::request::Parts;
use parlour_proto::{Draft, RoomName, UserName};

use crate::accounts::BoxFuture;

/// The application's rules, asked before anything is done. What is not overridden is allowed.
///
/// A policy may take its time: while it thinks about a command, that connection is not read, so its
/// commands keep their order, and nobody else waits. One that panics or exceeds
/// [`HubConfig::handler_time`](crate::HubConfig::handler_time) has not allowed anything.
///
/// What the application does itself is not asked for: [`Hub::publish`](crate::Hub::publish), sessions
/// in this process, and rooms that a handler puts a connection into.
///
/// ```
/// use parlour::policy::{Denied, Policy};
/// use parlour::{HubConfig, RoomName, UserName};
///
/// struct Staff;
///
/// impl Policy for Staff {
///     // Who may join may publish: that is not asked, and costs nothing.
///     const ASKED_TO_PUBLISH: bool = false;
///
///     async fn join(&self, who: &UserName, room: &RoomName) -> Result<(), Denied> {
///         if room.as_str() == "staff" && who.is_guest() {
///             return Err(Denied::because("this room is for those who have an account"));
///         }
///         Ok(())
///     }
/// }
///
/// let config = HubConfig::default().policy(Staff);
/// # let _ = config;
/// ```
pub trait Policy: Send + Sync + 'static {
    /// Whether [`join`](Self::join) is asked at all.
    const ASKED_TO_JOIN: bool = true;
    /// Whether [`publish`](Self::publish) is asked at all.
    const ASKED_TO_PUBLISH: bool = true;

    /// Whether somebody may open a connection: at every door, after the door's own checks and before
    /// a ticket is spent. A refusal is answered with 403.
    fn connect(&self, visitor: &Visitor) -> impl Future<Output = Result<(), Denied>> + Send {
        let _ = visitor;
        std::future::ready(Ok(()))
    }

    /// Whether `who` may be in `room`. A refusal is the error `not_allowed`, and the connection stays.
    /// Who publishes over HTTP is in no room, so this is asked before each
    /// [`publish`](Self::publish) there; a refusal is 403.
    fn join(
        &self,
        who: &UserName,
        room: &RoomName,
    ) -> impl Future<Output = Result<(), Denied>> + Send {
        let _ = (who, room);
        std::future::ready(Ok(()))
    }

    /// Whether `who` may publish this in `room`: through a connection that is in it, or over HTTP. A
    /// refusal is the error `not_allowed`, over HTTP 403.
    fn publish(
        &self,
        who: &UserName,
        room: &RoomName,
        draft: &Draft,
    ) -> impl Future<Output = Result<(), Denied>> + Send {
        let _ = (who, room, draft);
        std::future::ready(Ok(()))
    }
}

/// A refusal, with words for who is refused.
///
/// ```
/// let denied = parlour::policy::Denied::because("the den is full today");
/// assert_eq!(denied.to_string(), "the den is full today");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied(String);

impl Denied {
    /// The name of every such refusal on the wire.
    pub const CODE: &'static str = "not_allowed";

    /// A refusal with these words. They are told to the client.
    #[must_use]
    pub fn because(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    pub(crate) fn no_answer() -> Self {
        Self::because("whoever decides on this has failed or took too long; try again later")
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Denied {}

/// Somebody at a door, who is not let in yet. Clones are the same.
///
/// ```
/// use parlour::policy::{Denied, Visitor};
///
/// fn from_our_app(visitor: &Visitor) -> Result<(), Denied> {
///     match visitor.head().headers.get("x-app-version") {
///         Some(_) => Ok(()),
///         None => Err(Denied::because("please update the app")),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Visitor(Arc<AtDoor>);

#[derive(Debug)]
struct AtDoor {
    who: UserName,
    door: &'static str,
    room: Option<RoomName>,
    head: Parts,
}

impl Visitor {
    pub(crate) fn new(
        who: UserName,
        door: &'static str,
        room: Option<RoomName>,
        head: Parts,
    ) -> Self {
        Self(Arc::new(AtDoor {
            who,
            door,
            room,
            head,
        }))
    }

    /// Who they will be.
    #[must_use]
    pub fn who(&self) -> &UserName {
        &self.0.who
    }

    /// The name of the dialect that will be spoken.
    #[must_use]
    pub fn door(&self) -> &'static str {
        self.0.door
    }

    /// The room that the connection starts in.
    #[must_use]
    pub fn room(&self) -> Option<&RoomName> {
        self.0.room.as_ref()
    }

    /// The request's head: its address, headers, and what the application's own layers have put into
    /// its extensions.
    #[must_use]
    pub fn head(&self) -> &Parts {
        &self.0.head
    }
}

/// A policy behind a pointer.
pub(crate) trait AnyPolicy: Send + Sync {
    fn is_asked_to_join(&self) -> bool;
    fn is_asked_to_publish(&self) -> bool;
    fn connect<'a>(&'a self, visitor: &'a Visitor) -> BoxFuture<'a, Result<(), Denied>>;
    fn join<'a>(
        &'a self,
        who: &'a UserName,
        room: &'a RoomName,
    ) -> BoxFuture<'a, Result<(), Denied>>;
    fn publish<'a>(
        &'a self,
        who: &'a UserName,
        room: &'a RoomName,
        draft: &'a Draft,
    ) -> BoxFuture<'a, Result<(), Denied>>;
}

impl<P: Policy> AnyPolicy for P {
    fn is_asked_to_join(&self) -> bool {
        P::ASKED_TO_JOIN
    }

    fn is_asked_to_publish(&self) -> bool {
        P::ASKED_TO_PUBLISH
    }

    fn connect<'a>(&'a self, visitor: &'a Visitor) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(Policy::connect(self, visitor))
    }

    fn join<'a>(
        &'a self,
        who: &'a UserName,
        room: &'a RoomName,
    ) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(Policy::join(self, who, room))
    }

    fn publish<'a>(
        &'a self,
        who: &'a UserName,
        room: &'a RoomName,
        draft: &'a Draft,
    ) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(Policy::publish(self, who, room, draft))
    }
}
