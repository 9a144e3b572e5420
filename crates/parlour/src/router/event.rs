//! One event on its way to its handler, and the way back.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parlour_proto::{EntryIdError, EntryKindError, NameError, Refusal, RoomName, RoomNameError};
use serde::Serialize;

use super::Connection;
use crate::hub::{PublishError, SendError};
use crate::policy::Denied;

/// An event that a client has sent: `{"type":KIND,"payload":PAYLOAD}`. Extractors are made from it; a
/// handler can also take it as it is. Clones are the same event.
///
/// ```
/// use parlour::router::{ClientEvent, Reply};
/// async fn mirror(event: ClientEvent) -> Reply<String> {
///     Reply("mirrored", event.kind().to_owned())
/// }
/// # parlour::EventRouter::new(()).on("mirror", mirror);
/// ```
#[derive(Clone, Debug)]
pub struct ClientEvent(Arc<Sent>);

#[derive(Debug)]
struct Sent {
    kind: String,
    payload: Bytes,
    room: Option<RoomName>,
    connection: Connection,
}

impl ClientEvent {
    pub(super) fn new(
        kind: String,
        payload: Bytes,
        room: Option<RoomName>,
        connection: Connection,
    ) -> Self {
        Self(Arc::new(Sent {
            kind,
            payload,
            room,
            connection,
        }))
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Its payload: JSON text, `null` if there was none.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.0.payload
    }

    /// The room that its connection is in.
    #[must_use]
    pub fn room(&self) -> Option<&RoomName> {
        self.0.room.as_ref()
    }

    /// Whose it is.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0.connection
    }
}

/// What a client is told when its event could not be handled:
/// `{"type":"error","payload":{"code":CODE,"message":MESSAGE}}`. The connection stays.
///
/// Errors of Parlour become one by `?`: a name that breaks a rule is `bad_payload` with that rule. Errors of the application's own do where it says what of them
/// a client may read, by a `From` of its own:
///
/// ```
/// use parlour::router::EventError;
/// struct Sold;
/// impl From<Sold> for EventError {
///     fn from(_: Sold) -> Self {
///         EventError::new("sold", "somebody was faster")
///     }
/// }
/// let error: EventError = Sold.into();
/// assert_eq!((error.code(), error.message()), ("sold", "somebody was faster"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    refusal: Option<Refusal>,
}

impl EventError {
    /// An error by this name, which programs match on, and with these words, which people read.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            refusal: None,
        }
    }

    /// What programs match on.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What people read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A client has sent a name that is none; the words say which rule it breaks.
    fn bad_payload(error: &impl fmt::Display) -> Self {
        Self::new(Refusal::BadPayload.code(), error.to_string())
    }

    /// If it is one of Parlour's own refusals, which: a frame that was bad itself counts as one.
    pub(super) fn into_parts(self) -> Result<Refusal, (Cow<'static, str>, String)> {
        match self.refusal {
            Some(refusal) => Ok(refusal),
            None => Err((self.code, self.message.into_owned())),
        }
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl From<RoomNameError> for EventError {
    fn from(error: RoomNameError) -> Self {
        Self::bad_payload(&error)
    }
}

impl From<NameError> for EventError {
    fn from(error: NameError) -> Self {
        Self::bad_payload(&error)
    }
}

impl From<EntryIdError> for EventError {
    fn from(error: EntryIdError) -> Self {
        Self::bad_payload(&error)
    }
}

impl From<EntryKindError> for EventError {
    fn from(error: EntryKindError) -> Self {
        Self::bad_payload(&error)
    }
}

impl From<Refusal> for EventError {
    fn from(refusal: Refusal) -> Self {
        let error = Self::new(refusal.code(), refusal.to_string());
        Self {
            refusal: Some(refusal),
            ..error
        }
    }
}

impl From<PublishError> for EventError {
    fn from(error: PublishError) -> Self {
        let code = match error {
            PublishError::Refused(refusal) => return refusal.into(),
            PublishError::Busy { .. } => "busy",
            PublishError::TooLarge(_) => "too_large",
            PublishError::GoingAway => "going_away",
        };
        Self::new(code, error.to_string())
    }
}

impl From<SendError> for EventError {
    fn from(error: SendError) -> Self {
        let code = match error {
            SendError::Busy => "busy",
            SendError::TooLarge(_) => "too_large",
            SendError::Full | SendError::Gone | SendError::NoWords => "not_sent",
        };
        Self::new(code, error.to_string())
    }
}

impl From<Denied> for EventError {
    fn from(denied: Denied) -> Self {
        Self::new(Denied::CODE, denied.to_string())
    }
}

/// An answer to the client whose event it was: an event of this type, with this payload.
///
/// It is told in order with what [`Connection::tell`] tells, and before anything that the client's next
/// event causes. It is **not** in order with the entries of the room, whose way is the room's log: a
/// client may hear the answer before the entry that the handler has published, or behind it. One that
/// reads slowly hears the answer first. Where it matters, answer with the entry's number, which
/// [`Room::publish`](super::Room::publish) gives, or do not answer at all: its publisher is told the
/// entry, too.
///
/// ```
/// use parlour::router::{EventRouter, Reply};
/// async fn time_left() -> Reply<u32> {
///     Reply("time_left", 42)
/// }
/// let router = EventRouter::new(()).on("how_long", time_left);
/// # let _ = router;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<T>(pub &'static str, pub T);

/// What a handler may return: nothing, a [`Reply`], an `Option` of one, or a `Result` of these whose
/// error becomes an [`EventError`].
///
/// ```
/// use parlour::router::{EventError, IntoReply, Reply};
/// assert_eq!(().into_reply(), Ok(None));
/// let reply: Result<_, EventError> = Ok(Reply("sum", 3));
/// assert_eq!(reply.into_reply(), Ok(Some(("sum", "3".into()))));
/// ```
pub trait IntoReply {
    /// What its client is told: an event by type and payload (JSON text), or nothing.
    ///
    /// # Errors
    /// The error that the client is told instead.
    fn into_reply(self) -> Result<Option<(&'static str, Bytes)>, EventError>;
}

impl IntoReply for () {
    fn into_reply(self) -> Result<Option<(&'static str, Bytes)>, EventError> {
        Ok(None)
    }
}

impl<T: Serialize> IntoReply for Reply<T> {
    fn into_reply(self) -> Result<Option<(&'static str, Bytes)>, EventError> {
        let Self(kind, payload) = self;
        let payload = serde_json::to_vec(&payload).map_err(|error| {
            tracing::error!(kind, %error, "a reply is no JSON");
            EventError::new("failed", "the answer to this event could not be written")
        })?;
        Ok(Some((kind, payload.into())))
    }
}

impl<R: IntoReply> IntoReply for Option<R> {
    fn into_reply(self) -> Result<Option<(&'static str, Bytes)>, EventError> {
        self.map_or(Ok(None), IntoReply::into_reply)
    }
}

impl<R: IntoReply, E: Into<EventError>> IntoReply for Result<R, E> {
    fn into_reply(self) -> Result<Option<(&'static str, Bytes)>, EventError> {
        self.map_err(Into::into)?.into_reply()
    }
}
