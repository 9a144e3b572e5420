//! One connection, as the application reaches it from anywhere.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parlour_hub::{Answer, OwnedTold};
use parlour_proto::{CloseReason, Command, Join, RoomName};

use crate::hub::{Hub, Reach, SendError, UnderWay, Whereabouts};

/// The name of a connection, as long as this process lives: no two ever have the same.
///
/// ```
/// use parlour::ConnectionId;
/// fn log(id: ConnectionId) {
///     println!("{id} has come"); // e.g. 0-17-3
/// }
/// # let _ = log;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(Whereabouts);

impl ConnectionId {
    pub(crate) fn of(at: Whereabouts) -> Self {
        Self(at)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Whereabouts { shard, id } = self.0;
        write!(f, "{}-{}-{}", shard.0, id.index, id.generation)
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionId({self})")
    }
}

/// The code of a close by the application (RFC 6455, 7.4.2).
///
/// ```
/// use parlour::CloseCode;
/// assert_eq!(CloseCode::default(), CloseCode::NORMAL);
/// assert!(CloseCode::new(4000).is_some());
/// assert!(CloseCode::new(1006).is_none(), "no close may say that");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: what the connection was for is done.
    pub const NORMAL: Self = Self(1000);

    /// 1000, or one of the application's own: 3000 to 4999.
    #[must_use]
    pub fn new(code: u16) -> Option<Self> {
        matches!(code, 1000 | 3000..=4999).then_some(Self(code))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for CloseCode {
    fn default() -> Self {
        Self::NORMAL
    }
}

/// A way to one connection that does not keep the hub alive. All of it is harmless when the
/// connection is gone.
#[derive(Clone)]
pub(crate) struct Line {
    reach: Reach,
    at: Whereabouts,
    is_closed: Arc<AtomicBool>,
}

impl Line {
    pub(crate) fn new(reach: Reach, at: Whereabouts) -> Self {
        Self {
            reach,
            at,
            is_closed: Arc::default(),
        }
    }

    pub(crate) fn id(&self) -> ConnectionId {
        ConnectionId(self.at)
    }

    /// The hub's end waits until this is dropped.
    pub(crate) fn handled(&self) -> UnderWay {
        self.reach.handled()
    }

    pub(crate) fn hub(&self) -> Option<Hub> {
        self.reach.hub()
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.reach.answer(self.at, answer);
    }

    /// Ends when the shard has taken it, or will not.
    pub(crate) async fn tell(&self, told: OwnedTold) -> Result<(), SendError> {
        self.reach.tell(self.at, told).await
    }

    pub(crate) fn close(&self, code: CloseCode) {
        self.end(CloseReason::Application(code.0));
    }

    /// 1011: the application has failed in handling it.
    pub(crate) fn fail(&self) {
        self.end(CloseReason::Failed);
    }

    /// Into the room that it has from its opening on.
    pub(crate) fn begin_in(&self, room: RoomName) {
        self.reach.begin_in(self.at, room);
    }

    pub(crate) fn join(&self, room: RoomName) -> Result<(), SendError> {
        let rooms = vec![Join::next(room)];
        self.reach.command(self.at, Command::Join { rooms })
    }

    /// Waits until a room that it has joined knows of it before it numbers what is published now.
    pub(crate) async fn told(&self) {
        self.reach.told(self.at).await;
    }

    pub(crate) fn leave(&self, room: RoomName) -> Result<(), SendError> {
        let rooms = vec![room];
        self.reach.command(self.at, Command::Leave { rooms })
    }

    /// Posts once, however often it is asked to.
    fn end(&self, reason: CloseReason) {
        if !self.is_closed.swap(true, Ordering::Relaxed) {
            self.reach.close(self.at, reason);
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.id())
    }
}
