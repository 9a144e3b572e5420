//! A handle to a connection at a routed door.

use std::borrow::Cow;

use parlour_hub::OwnedTold;
use parlour_proto::{EntryKind, FrameKind, RoomName, SessionId, UserName};
use serde::Serialize;

use crate::application::{CloseCode, ConnectionId, Line};
use crate::hub::{Hub, SendError};

/// A connection that an event came from. It may be kept and used from anywhere, also after the
/// connection's end: then nothing happens, or an error says so. Clones are the same connection.
///
/// ```
/// use parlour::router::Connection;
/// async fn remind(connection: Connection) {
///     tokio::spawn(async move {
///         tokio::time::sleep(std::time::Duration::from_secs(60)).await;
///         let _ = connection.tell("reminder", "stretch your legs").await; // or it has gone
///     });
/// }
/// # parlour::EventRouter::new(()).on("remind_me", remind);
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    line: Line,
    who: UserName,
    session: SessionId,
}

impl Connection {
    pub(super) fn new(line: Line, who: UserName, session: SessionId) -> Self {
        Self { line, who, session }
    }

    /// Which connection it is.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.line.id()
    }

    /// Who speaks through it.
    #[must_use]
    pub fn who(&self) -> &UserName {
        &self.who
    }

    /// The session that it ends with; [`SessionId::NONE`] for guests.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Tells this connection alone an event of this type. Ends when the connection has it in its
    /// bounded output, or will never have it.
    ///
    /// # Errors
    /// [`SendError`]; the client was told nothing then.
    pub async fn tell<T: Serialize + ?Sized>(
        &self,
        kind: impl Into<Cow<'static, str>>,
        payload: &T,
    ) -> Result<(), SendError> {
        let kind = kind.into();
        let payload = serde_json::to_vec(payload).map_err(|_| SendError::NoWords)?;
        EntryKind::new(&kind).map_err(|_| SendError::NoWords)?;
        let told = OwnedTold {
            kind,
            payload: payload.into(),
            frame: FrameKind::Text,
        };
        self.line.tell(told).await
    }

    /// Closes it with 1000. A second time is harmless.
    pub fn close(&self) {
        self.line.close(CloseCode::NORMAL);
    }

    /// Closes it with this code. A second time is harmless.
    ///
    /// ```
    /// use parlour::CloseCode;
    /// use parlour::router::Connection;
    /// async fn resign(connection: Connection) {
    ///     connection.close_with(CloseCode::new(4_001).unwrap_or_default());
    /// }
    /// # parlour::EventRouter::new(()).on("resign", resign);
    /// ```
    pub fn close_with(&self, code: CloseCode) {
        self.line.close(code);
    }

    /// Puts it into a room, from its next entry on. No policy is asked. At the events door, which has
    /// one room at a time for its client, it is then in several and is told of all. What is refused is
    /// told to the client.
    ///
    /// # Errors
    /// [`SendError::Busy`]; try again later.
    pub fn join(&self, room: RoomName) -> Result<(), SendError> {
        self.line.join(room)
    }

    /// Takes it out of a room.
    ///
    /// # Errors
    /// [`SendError::Busy`]; try again later.
    pub fn leave(&self, room: RoomName) -> Result<(), SendError> {
        self.line.leave(room)
    }

    pub(super) fn hub(&self) -> Option<Hub> {
        self.line.hub()
    }
}
