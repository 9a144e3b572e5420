//! The way from the embedder's handlers to the connections of their hub.

use std::sync::{Arc, OnceLock, Weak};

use parlour_hub::{Answer, NotTold, OwnedTold};
use parlour_proto::{CloseReason, Command, Join, RoomName, UserName};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::application::Whereabouts;
use super::{Busy, Hub, Running, UnderWay};
use crate::plane::{Inbox, Mail, Telling};

/// What handlers tell connections and has not reached them yet, in pieces of 4 KiB. Over it:
/// who tells waits, and a command is [`SendError::Busy`].
const TELLINGS_MAX: u32 = 4_096;
const BYTES_PER_PERMIT: usize = 4 * 1024;

/// Why a connection was not told something.
///
/// ```
/// use parlour::SendError;
/// use parlour::connections::Client;
/// async fn remind(client: &Client) {
///     match client.send("are you there?").await {
///         Err(SendError::Full) => client.close(), // it does not read
///         Err(error) => println!("{error}"),
///         Ok(()) => {}
///     }
/// }
/// # let _ = remind;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// It does not read, and what waits for it has reached its bound.
    #[error("the connection does not read what it is sent")]
    Full,
    /// It is closed, or the hub has ended.
    #[error("the connection is closed")]
    Gone,
    /// Its door has no words for it: send to connections of a router or of raw handlers.
    #[error("this connection's protocol has no words for what the application tells")]
    NoWords,
    /// Larger than `Limits::message_bytes_max`: the caller's mistake.
    #[error("a message may have at most {0} bytes")]
    TooLarge(usize),
    /// The hub has as much under way as it may; try again later.
    #[error("the hub has too much under way; try again later")]
    Busy,
}

/// Reaches the connections of a hub, and does not keep the hub running. After its end everything is
/// [`SendError::Gone`].
#[derive(Clone)]
pub(crate) struct Reach {
    inboxes: Arc<[Inbox]>,
    permits: Arc<Semaphore>,
    message_bytes_max: usize,
    runtime: Option<Handle>,
    busy: Busy,
    handled: Busy,
    hub: Arc<OnceLock<Weak<Running>>>,
}

impl Reach {
    pub(super) fn new(
        inboxes: Arc<[Inbox]>,
        message_bytes_max: usize,
        runtime: Option<Handle>,
        busy: Busy,
    ) -> Self {
        Self {
            inboxes,
            permits: Arc::new(Semaphore::new(TELLINGS_MAX as usize)),
            message_bytes_max,
            runtime,
            busy,
            handled: Busy::default(),
            hub: Arc::default(),
        }
    }

    /// The hub that this reaches into has started.
    pub(super) fn lead_to(&self, hub: &Arc<Running>) {
        // There is one.
        let _ = self.hub.set(Arc::downgrade(hub));
    }

    /// The hub, while somebody holds it.
    pub(crate) fn hub(&self) -> Option<Hub> {
        self.hub.get()?.upgrade().map(Hub)
    }

    /// Where handlers run: there is one wherever there are handlers.
    pub(crate) fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref()
    }

    /// Counts something that handlers do, until it is dropped.
    pub(crate) fn under_way(&self) -> UnderWay {
        self.busy.begin()
    }

    /// Counts a connection whose end the application is told of, until it has done with that.
    pub(crate) fn handled(&self) -> UnderWay {
        self.handled.begin()
    }

    /// Waits until there is none of these.
    pub(super) async fn ends_handled(&self) {
        self.handled.ended().await;
    }

    /// The answer to a question. One for a connection that is gone or closing is dropped.
    pub(crate) fn answer(&self, at: Whereabouts, answer: Answer) {
        self.post(at, Mail::Answer(at.id, Box::new(answer)));
    }

    /// Tells one connection something; comes back when it lies in its output. Waits while too much of
    /// the hub's is under way, which one slow connection cannot cause.
    ///
    /// # Errors
    /// [`SendError`]: it was not told.
    pub(crate) async fn tell(&self, at: Whereabouts, told: OwnedTold) -> Result<(), SendError> {
        let size = told.payload.len() + told.kind.len();
        if size > self.message_bytes_max {
            return Err(SendError::TooLarge(self.message_bytes_max));
        }
        let pieces = u32::try_from(size / BYTES_PER_PERMIT).unwrap_or(TELLINGS_MAX);
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_many_owned((pieces + 1).min(TELLINGS_MAX));
        let permit = permit.await.map_err(|_| SendError::Gone)?;
        let (answer, answered) = oneshot::channel();
        let telling = Telling {
            told,
            answer,
            _permit: permit,
        };
        self.post(at, Mail::Tell(at.id, Box::new(telling)));
        match answered.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(NotTold::Full)) => Err(SendError::Full),
            Ok(Err(NotTold::NoWords)) => Err(SendError::NoWords),
            Ok(Err(NotTold::Gone)) | Err(_) => Err(SendError::Gone),
        }
    }

    /// Carries out a command on behalf of a connection, without rate and policy. What is refused is
    /// told to the connection. Of a connection that is gone nothing is said.
    ///
    /// # Errors
    /// [`SendError::Busy`].
    pub(crate) fn command(
        &self,
        at: Whereabouts,
        command: Command<'static>,
    ) -> Result<(), SendError> {
        let permit = self.permit()?;
        self.post(at, Mail::Command(at.id, Box::new(command), Some(permit)));
        Ok(())
    }

    /// Puts a connection that is just opening into a room, however much is under way. The caller does
    /// so once for each.
    pub(crate) fn begin_in(&self, at: Whereabouts, room: RoomName) {
        let rooms = vec![Join::next(room)];
        let join = Box::new(Command::Join { rooms });
        self.post(at, Mail::Command(at.id, join, None));
    }

    /// Calls a connection by another name from now on, as if it had asked for it.
    ///
    /// # Errors
    /// [`SendError::Busy`].
    pub(crate) fn rename(&self, at: Whereabouts, who: UserName) -> Result<(), SendError> {
        let permit = self.permit()?;
        self.post(at, Mail::Rename(at.id, who, permit));
        Ok(())
    }

    /// Waits until the letters that a shard writes because of earlier calls are on their way: what is
    /// posted to another shard afterwards comes behind them. Once for each connection.
    pub(crate) async fn told(&self, at: Whereabouts) {
        let (say, said) = oneshot::channel();
        self.post(at, Mail::Told(say));
        // A shard that has ended tells nobody anything more.
        let _ = said.await;
    }

    /// Closes one connection; one that is closing or gone is left alone. The caller does so once for
    /// each.
    pub(crate) fn close(&self, at: Whereabouts, reason: CloseReason) {
        self.post(at, Mail::Close(at.id, reason));
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, SendError> {
        let permits = Arc::clone(&self.permits);
        permits.try_acquire_owned().map_err(|_| SendError::Busy)
    }

    fn post(&self, at: Whereabouts, mail: Mail) {
        if let Some(inbox) = self.inboxes.get(usize::from(at.shard.0)) {
            inbox.post(mail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HubConfig;
    use parlour_proto::{ConnectionId, FrameKind, ShardId};
    use std::time::Duration;

    const NOBODY: Whereabouts = Whereabouts {
        shard: ShardId(0),
        id: ConnectionId {
            index: 7,
            generation: 1,
        },
    };

    fn told(bytes: usize) -> OwnedTold {
        OwnedTold {
            kind: "x".into(),
            payload: vec![b' '; bytes].into(),
            frame: FrameKind::Text,
        }
    }

    #[tokio::test]
    async fn who_is_not_there_is_gone_and_what_is_too_large_is_the_callers_mistake() {
        let hub = Hub::start(HubConfig::default()).unwrap();
        let reach = hub.reach().clone();
        assert_eq!(reach.tell(NOBODY, told(10)).await, Err(SendError::Gone));
        let most = hub.limits().message_bytes_max;
        let large = reach.tell(NOBODY, told(most)).await;
        assert_eq!(large, Err(SendError::TooLarge(most)));
        hub.shutdown(Duration::from_secs(600)).await;
        assert_eq!(reach.tell(NOBODY, told(10)).await, Err(SendError::Gone));
        assert!(reach.command(NOBODY, Command::Nothing).is_ok());
        let all = reach.permits.available_permits();
        assert_eq!(all, TELLINGS_MAX as usize, "nothing is under way");
    }

    #[tokio::test]
    async fn commands_that_a_shard_does_not_come_to_are_bounded() {
        let hub = Hub::start(HubConfig::default()).unwrap();
        let reach = hub.reach().clone();
        // Whatever is under way holds its permit.
        let held = Arc::clone(&reach.permits).try_acquire_many_owned(TELLINGS_MAX);
        let refused = reach.command(NOBODY, Command::Nothing);
        assert_eq!(refused, Err(SendError::Busy));
        drop(held);
        assert_eq!(reach.command(NOBODY, Command::Nothing), Ok(()));
    }

    #[cfg(feature = "testing")]
    #[tokio::test]
    async fn a_newcomer_is_let_in_however_much_is_under_way() {
        let clients = crate::connections::Connections::builder("mine").build();
        let config = HubConfig::default().connections(&clients);
        let hub = crate::testing::TestHub::start(config);
        let reach = hub.reach().clone();
        let held = Arc::clone(&reach.permits).try_acquire_many_owned(TELLINGS_MAX);
        let mut peer = hub.connect("mine").await;
        hub.settle().await;
        clients.broadcast("hello").await.unwrap();
        peer.assert_receives("hello").await;
        drop(held);
    }
}
