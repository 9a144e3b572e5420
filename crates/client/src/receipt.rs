//! What became of one publish, for its owner.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use parlour_proto::{EntryId, EntryKind, Position, RoomName};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::call::ToPublish;
use crate::error::CallError;

/// How a publish stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// In the outbox: there is no connection, the room has not been entered, the server wants it later,
    /// or others go first.
    Waiting,
    /// On its way; the answer may come at any moment.
    Sent,
    /// It has its place.
    Delivered(Position),
    /// It is not going to be delivered by this client, or with [`CallError::Unknown`] nobody knows whether it was.
    Failed(CallError),
}

/// A publish that is in the outbox. Awaiting it gives its place; dropping it does not take the publish
/// back.
///
/// ```
/// use parlour_client::{Client, Config, Delivery, EntryKind, Join, RoomName};
///
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let url = server().await?;
/// let config = Config::new(&url)?.guest("ann");
/// let (client, _events) = Client::connect(config).await?;
/// let room = RoomName::general();
/// client.join(Join::next(room.clone())).await?;
/// let mut receipts = Vec::new();
/// for text in [r#""one""#, r#""two""#] {
///     // Without waiting for an answer in between.
///     receipts.push(client.submit(&room, EntryKind::MESSAGE, text.into()).await?);
/// }
/// for (receipt, seq) in receipts.iter_mut().zip(1..) {
///     assert_eq!((&mut *receipt).await?.seq.0, seq);
///     assert!(matches!(receipt.delivery(), Delivery::Delivered(_)));
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "whether it was published is known only by waiting for it"]
pub struct Receipt {
    publish: ToPublish,
    answer: oneshot::Receiver<Result<Position, CallError>>,
    is_sent: Arc<AtomicBool>,
    answered: Option<Result<Position, CallError>>,
}

/// The outbox's end of a receipt.
pub(crate) struct Waiter {
    /// Until it is in the outbox.
    accepted: Option<oneshot::Sender<Result<(), CallError>>>,
    answer: oneshot::Sender<Result<Position, CallError>>,
    is_sent: Arc<AtomicBool>,
}

impl Receipt {
    /// For `publish`, with its other end and what tells that it is in the outbox.
    pub(crate) fn new(
        publish: ToPublish,
    ) -> (Self, Waiter, oneshot::Receiver<Result<(), CallError>>) {
        let (answered, answer) = oneshot::channel();
        let (accepted, is_accepted) = oneshot::channel();
        let is_sent = Arc::new(AtomicBool::new(false));
        let waiter = Waiter {
            accepted: Some(accepted),
            answer: answered,
            is_sent: Arc::clone(&is_sent),
        };
        let receipt = Self {
            publish,
            answer,
            is_sent,
            answered: None,
        };
        (receipt, waiter, is_accepted)
    }

    /// What the entry is called.
    #[must_use]
    pub fn id(&self) -> &EntryId {
        &self.publish.id
    }

    /// The room that it is for.
    #[must_use]
    pub fn room(&self) -> &RoomName {
        &self.publish.room
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> &EntryKind {
        &self.publish.kind
    }

    /// The text of a message.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let is_message = self.publish.kind == EntryKind::MESSAGE;
        let text = || serde_json::from_slice(&self.publish.payload).ok();
        is_message.then(text).flatten()
    }

    /// How it stands at this moment.
    pub fn delivery(&mut self) -> Delivery {
        if self.answered.is_none() {
            self.answered = match self.answer.try_recv() {
                Ok(answer) => Some(answer),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Closed) => Some(Err(CallError::Unknown)),
            };
        }
        match &self.answered {
            Some(Ok(position)) => Delivery::Delivered(*position),
            Some(Err(error)) => Delivery::Failed(error.clone()),
            None if self.is_sent.load(Ordering::Acquire) => Delivery::Sent,
            None => Delivery::Waiting,
        }
    }
}

impl Future for Receipt {
    type Output = Result<Position, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(answer) = &self.answered {
            return Poll::Ready(answer.clone());
        }
        let answer = Pin::new(&mut self.answer).poll(context);
        // The task tells every waiter; it is gone only if the runtime is.
        answer.map(|answer| {
            let answer = answer.unwrap_or(Err(CallError::Unknown));
            self.answered = Some(answer.clone());
            answer
        })
    }
}

impl Waiter {
    pub(crate) fn is_given_up(&self) -> bool {
        self.accepted
            .as_ref()
            .is_some_and(oneshot::Sender::is_closed)
    }

    /// It is in the outbox.
    pub(crate) fn accept(&mut self) {
        if let Some(accepted) = self.accepted.take() {
            // Dropping the call does not take it back any more.
            let _ = accepted.send(Ok(()));
        }
    }

    pub(crate) fn set_sent(&self, is_sent: bool) {
        self.is_sent.store(is_sent, Ordering::Release);
    }

    /// It is not in the outbox, and does not come there.
    pub(crate) fn refuse(mut self, error: CallError) {
        match self.accepted.take() {
            Some(accepted) => drop(accepted.send(Err(error))),
            None => drop(self.answer.send(Err(error))),
        }
    }

    pub(crate) fn answer(mut self, answer: Result<Position, CallError>) {
        self.accept();
        let _ = self.answer.send(answer);
    }
}
