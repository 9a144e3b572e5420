//! A client of Parlour. It stays in its rooms while connections come and go, knows what became of what
//! it published, and is told exactly what it missed.
//!
//! ```
//! use parlour_client::{Client, Config, Event, Join, RoomName};
//!
//! # async fn run(url: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let (client, mut events) = Client::connect(Config::new(url)?.guest("ann")).await?;
//! let room = RoomName::general();
//! client.join(Join::next(room.clone())).await?;
//! let position = client.say(&room, "hello").await?;
//! println!("everybody sees it as entry {}", position.seq.0);
//! # client.close().await; // so that the example ends
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::Entry(said) => println!("{}: {}", said.from, said.text().unwrap_or_default()),
//!         Event::Away { why, retry_in } => println!("{why}; again in {retry_in:.1?}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! # // Run against a server, so that it cannot rot.
//! # use parlour::{Doors, Hub, HubConfig};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let hub = Hub::start(HubConfig::default())?;
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?;
//! # let doors = Doors::new(&hub, address).routes();
//! # tokio::spawn(parlour::serve(listener, doors, std::future::pending()));
//! # let url = format!("http://{address}");
//! # run(&url).await
//! # }
//! ```
//!
//! **Lost connections.** The client comes back by itself, after about a second and then ever more slowly
//! up to half a minute, or when the server asked it to; it says so with [`Event::Away`] and
//! [`Event::Connected`]. All rooms go on where they were, and what cannot be had any more is told as
//! [`Event::Gap`]. It ends, with [`Event::Ended`], only where coming back cannot help.
//!
//! **Publishes.** [`Client::publish`] answers with the entry's place once the server has acknowledged
//! it. If the connection is lost before, the client looks for the entry in what the server replays; if
//! it is not there, the answer is [`CallError::Unknown`], and nothing is ever sent twice.
//!
//! **Bounds.** 1,024 events wait for their reader, or 4 MiB of them and one message more. Then nothing more
//! is read from the server, whose log keeps what comes; only while a call waits for its answer is reading
//! continued, and what finds no place is told as a gap. Who only publishes drops [`Events`]. 64 publishes
//! are on their way at once, and no faster than the server allows; further calls wait.

#![doc(html_no_source)]

mod address;
mod backoff;
mod call;
mod config;
mod entrance;
mod error;
mod event;
mod outbox;
mod pace;
mod random;
mod rooms;
mod socket;
mod state;
mod task;
mod tls;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
pub use parlour_proto::told::{Hello, HelloLimits, Said};
pub use parlour_proto::{
    EntryId, EntryKind, Epoch, Join, Missed, Position, RoomName, RoomNameError, Seq, Timestamp,
};
use tokio::sync::{mpsc, oneshot, watch};

pub use address::{AddressError, PathError};
use call::{Call, Reply, ToPublish};
pub use config::Config;
use entrance::Entrance;
pub use error::{CallError, ConnectError, Ended, Lost};
pub use event::{Away, Event, Joined, Status};
use outbox::{Inbox, Outbox};
use state::State;
use task::Task;
pub use tls::CaError;

/// Calls that wait to be begun; the callers of further ones wait themselves.
const CALLS_MAX: usize = 64;

/// A client. Clones are the same client; when the last is dropped, it closes its connection.
#[derive(Clone)]
pub struct Client {
    calls: mpsc::Sender<Call>,
    status: watch::Receiver<Status>,
    close: Arc<watch::Sender<bool>>,
}

/// What a client is told, in order.
pub struct Events(Inbox);

/// The answer to a publish that is on its way, in the order in which they were submitted. Dropping it
/// does not take the publish back.
#[must_use = "whether it was published is known only by waiting for it"]
pub struct Receipt {
    answer: oneshot::Receiver<Result<Position, CallError>>,
    client: Client,
}

impl Client {
    /// Connects, and goes on in a task of the current runtime, which must have tokio's I/O and time.
    ///
    /// # Errors
    /// The first attempt failed; it is the caller's to try again if
    /// [`may_pass`](ConnectError::may_pass) says so.
    pub async fn connect(config: Config) -> Result<(Self, Events), ConnectError> {
        let mut entrance = Entrance::new(config);
        let (socket, hello) = entrance.enter().await?;
        let (outbox, events) = Outbox::new();
        let (status, status_seen) = watch::channel(Status::Connected {
            user: hello.user.clone(),
            guest: hello.guest,
        });
        let (calls, calls_taken) = mpsc::channel(CALLS_MAX);
        let (close, closed) = watch::channel(false);
        let answer_timeout = entrance.config().answer_timeout;
        let task = Task {
            entrance,
            state: State::new(outbox, status, hello.clone(), answer_timeout),
            calls: calls_taken,
            closed,
        };
        tokio::spawn(task.run(socket, hello));
        let client = Self {
            calls,
            status: status_seen,
            close: Arc::new(close),
        };
        Ok((client, Events(events)))
    }

    /// How it is at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Is in a room from now on, across lost connections, from its next entry or a position on. While
    /// the client is away it waits.
    ///
    /// # Errors
    /// The server refuses, the client is in that room already, or it has ended. After
    /// [`CallError::Unknown`] (no answer came in time) the room is still wanted.
    pub async fn join(&self, join: Join) -> Result<Joined, CallError> {
        self.call(|reply| Call::Join(join, reply)).await
    }

    /// Is in a room no longer. While the client is away it waits.
    ///
    /// # Errors
    /// The client is not in it, or has ended.
    pub async fn leave(&self, room: &RoomName) -> Result<(), CallError> {
        self.call(|reply| Call::Leave(room.clone(), reply)).await
    }

    /// Says a text in a room that this client is in, and waits until it has its place.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn say(&self, room: &RoomName, text: &str) -> Result<Position, CallError> {
        let payload = serde_json::Value::from(text).to_string();
        let kind = EntryKind::MESSAGE;
        self.publish(room, kind, payload.into()).await
    }

    /// Publishes to a room that this client is in, and waits until the entry has its place. `payload`
    /// is JSON text; for [`EntryKind::MESSAGE`] one string. While the client is away it waits; dropping
    /// this future before it was sent gives it up.
    ///
    /// # Errors
    /// It was not published: [`CallError::Refused`], [`NotInRoom`](CallError::NotInRoom),
    /// [`TooLarge`](CallError::TooLarge), [`BadPayload`](CallError::BadPayload) or
    /// [`Ended`](CallError::Ended). Or nobody knows: [`CallError::Unknown`].
    pub async fn publish(
        &self,
        room: &RoomName,
        kind: EntryKind,
        payload: Bytes,
    ) -> Result<Position, CallError> {
        self.submit(room, kind, payload).await?.await
    }

    /// As [`publish`](Self::publish), but comes back when the publish has its turn, so that many can be
    /// on their way at once, in order.
    ///
    /// # Errors
    /// The payload is no JSON, or the client has ended. All else the receipt tells.
    pub async fn submit(
        &self,
        room: &RoomName,
        kind: EntryKind,
        payload: Bytes,
    ) -> Result<Receipt, CallError> {
        let publish = ToPublish::new(room.clone(), kind, payload)?;
        let (reply, answer) = oneshot::channel();
        self.begin(Call::Publish(publish, reply)).await?;
        let client = self.clone();
        Ok(Receipt { answer, client })
    }

    /// Comes back under another name, for guests only: with a new ticket on a new connection, told with
    /// [`Event::Connected`]. All rooms go on where they were. The answer is the name as others see it.
    ///
    /// # Errors
    /// The server refuses the name, or this is no guest; the old name stays.
    pub async fn rename(&self, name: &str) -> Result<String, CallError> {
        self.call(|reply| Call::Rename(name.to_owned(), reply))
            .await
    }

    /// Closes the connection and waits for its end. What was submitted and not answered is not waited
    /// for: wait for the receipts first.
    pub async fn close(&self) {
        // The task may have ended before.
        let _ = self.close.send(true);
        let mut status = self.status.clone();
        let _ = status.wait_for(|it| matches!(it, Status::Ended(_))).await;
    }

    async fn call<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, CallError> {
        let (reply, answer) = oneshot::channel();
        self.begin(call(reply)).await?;
        answer.await.unwrap_or_else(|_| Err(self.ended()))
    }

    async fn begin(&self, call: Call) -> Result<(), CallError> {
        self.calls.send(call).await.map_err(|_| self.ended())
    }

    fn ended(&self) -> CallError {
        CallError::Ended(match self.status() {
            Status::Ended(ended) => ended,
            _ => Ended::Closed,
        })
    }
}

impl Events {
    /// The next event; `None` after [`Event::Ended`]. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.next().await
    }
}

impl Future for Receipt {
    type Output = Result<Position, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.answer).poll(context);
        answer.map(|answer| answer.unwrap_or_else(|_| Err(self.client.ended())))
    }
}
