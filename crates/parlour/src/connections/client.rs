//! A handle to one raw connection.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlour_proto::{CloseReason, RoomName, SessionId, UserName};
use tokio::sync::watch;

use super::Message;
use crate::application::{CloseCode, ConnectionId, Line};
use crate::hub::{SendError, UnderWay};

/// One connection. It may be kept and used from anywhere, also after the connection's end: then
/// nothing happens, or an error says so. Clones are the same connection.
///
/// ```
/// use parlour::connections::Client;
/// async fn ask(client: Client) {
///     match client.send("are you still there?").await {
///         Ok(()) => println!("on its way to {}", client.who().as_str()),
///         Err(error) => println!("{error}"),
///     }
/// }
/// # let _ = ask;
/// ```
pub struct Client<T = ()>(Arc<Record<T>>);

struct Record<T> {
    line: Line,
    who: UserName,
    session: SessionId,
    value: T,
    stage: Mutex<Stage>,
    ended: watch::Sender<bool>,
}

/// At most one handler of a connection runs, and its end waits for that.
struct Stage {
    is_busy: bool,
    closed: Option<CloseReason>,
    /// Until its end was handled.
    handled: Option<UnderWay>,
}

impl<T> Client<T> {
    pub(super) fn new(line: Line, who: UserName, session: SessionId, value: T) -> Self {
        let stage = Stage {
            is_busy: false,
            closed: None,
            handled: Some(line.handled()),
        };
        Self(Arc::new(Record {
            line,
            who,
            session,
            value,
            stage: Mutex::new(stage),
            ended: watch::Sender::new(false),
        }))
    }

    /// Which connection it is.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.0.line.id()
    }

    /// Who speaks through it.
    #[must_use]
    pub fn who(&self) -> &UserName {
        &self.0.who
    }

    /// The session that it ends with; [`SessionId::NONE`] for guests.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// What the set-up made for this connection.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.0.value
    }

    /// Sends it a message. Ends when that lies in the connection's bounded output, in the order of the
    /// calls, or never will: a client that does not read is [`SendError::Full`] at once.
    ///
    /// # Errors
    /// [`SendError`]; the message is not sent then.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.0.line.tell(message.into().into_told()).await
    }

    /// Closes it with 1000, behind what was sent before. A second time is harmless.
    pub fn close(&self) {
        self.close_with(CloseCode::NORMAL);
    }

    /// Closes it with this code, behind what was sent before. A second time is harmless: the first
    /// code counts.
    ///
    /// ```
    /// use parlour::CloseCode;
    /// use parlour::connections::{Client, Message};
    /// const NO_BINARY: u16 = 4_003;
    /// async fn handle(client: Client, message: Message) {
    ///     if message.as_text().is_none()
    ///         && let Some(code) = CloseCode::new(NO_BINARY)
    ///     {
    ///         client.close_with(code);
    ///     }
    /// }
    /// # parlour::Connections::builder("texts").on_message(handle).build();
    /// ```
    pub fn close_with(&self, code: CloseCode) {
        self.0.line.close(code);
    }

    /// Puts it into a room, from its next entry on: it is sent the text of messages, and of other
    /// entries their JSON. No policy is asked.
    ///
    /// # Errors
    /// [`SendError::Busy`]; try again later.
    pub fn join(&self, room: RoomName) -> Result<(), SendError> {
        self.0.line.join(room)
    }

    /// Takes it out of a room.
    ///
    /// # Errors
    /// [`SendError::Busy`]; try again later.
    pub fn leave(&self, room: RoomName) -> Result<(), SendError> {
        self.0.line.leave(room)
    }

    /// Waits until it has gone and every `on_close` has run.
    pub async fn closed(&self) {
        let mut ended = self.0.ended.subscribe();
        // The sender lives in here.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    pub(super) fn line(&self) -> &Line {
        &self.0.line
    }

    pub(super) fn begin(&self) {
        self.stage().is_busy = true;
    }

    /// A handler has ended; why the connection did, if it did meanwhile.
    pub(super) fn rest(&self) -> Option<CloseReason> {
        let mut stage = self.stage();
        stage.is_busy = false;
        stage.closed.take()
    }

    /// The connection has ended; `false` if a handler still runs, which goes on with that.
    pub(super) fn ends(&self, reason: CloseReason) -> bool {
        let mut stage = self.stage();
        if stage.is_busy {
            stage.closed = Some(reason);
        }
        !stage.is_busy
    }

    pub(super) fn has_ended(&self) {
        self.0.ended.send_replace(true);
        let handled = self.stage().handled.take();
        drop(handled);
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Client<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for Client<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl<T> Eq for Client<T> {}

impl<T> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} {:?})", self.id(), self.0.who)
    }
}
