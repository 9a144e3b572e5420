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
//! **Publishes.** What is published is in the outbox until it has its answer, in memory or in a file
//! ([`Config::outbox`]) that outlasts the process. It is sent again over every new connection, with the same id and
//! with the place that its room had before it was sent first: by these the server takes it once. A refusal that
//! passes is waited out. With [`Client::start`] all this begins before there is a connection. [`Client::publish`] answers with the entry's place once the server has acknowledged it,
//! [`Client::submit`] with a [`Receipt`] that tells how it stands. Only where the server no longer remembers, as a
//! room of its memory after its restart, the answer is [`CallError::Unknown`].
//!
//! **Bounds.** 1,024 events wait for their reader, or 4 MiB of them and one message more. Then nothing more
//! is read from the server, whose log keeps what comes; only while a call waits for its answer is reading
//! continued, and what finds no place is told as a gap. Who only publishes drops [`Events`]. 64 publishes
//! are on their way at once, and no faster than the server allows; 10,000 or 16 MiB of them wait in the
//! outbox, and further calls until there is place. Of rooms that it did not ask for and a server puts it into, a
//! client hears 2,000.

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
mod receipt;
mod rooms;
mod socket;
mod state;
mod task;
mod tls;
mod unread;

use std::sync::{Arc, Mutex, PoisonError};

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
use outbox::Outbox;
pub use outbox::OutboxError;
pub use receipt::{Delivery, Receipt};
use socket::Socket;
use state::State;
use task::Task;
pub use tls::CaError;
use unread::{Inbox, Unread};

/// Calls that wait to be begun; the callers of further ones wait themselves.
const CALLS_MAX: usize = 64;

/// A client. Clones are the same client; when the last is dropped, it closes its connection.
#[derive(Clone)]
pub struct Client {
    calls: mpsc::Sender<Call>,
    status: watch::Receiver<Status>,
    close: Arc<watch::Sender<bool>>,
    left_over: Arc<Mutex<Vec<Receipt>>>,
}

/// What a client is told, in order.
pub struct Events(Inbox);

impl Client {
    /// Connects, and goes on in a task of the current runtime, which must have tokio's I/O and time.
    ///
    /// # Errors
    /// The first attempt failed; it is the caller's to try again if
    /// [`may_pass`](ConnectError::may_pass) says so.
    pub async fn connect(config: Config) -> Result<(Self, Events), ConnectError> {
        let mut outbox = Outbox::open(config.outbox.as_deref())?;
        let mut entrance = Entrance::new(config);
        let (socket, hello) = entrance.enter().await?;
        entrance.keep_name(&hello);
        let left_over = outbox.speak_as(&hello.user);
        let status = Status::Connected {
            user: hello.user.clone(),
            guest: hello.guest,
        };
        Ok(Self::run(
            entrance,
            outbox,
            status,
            left_over,
            Some((socket, hello)),
        ))
    }

    /// As [`connect`](Self::connect), but comes back at once: it connects meanwhile, and tries again as after a lost
    /// connection. What is submitted is in the outbox before there is a connection, if a call of
    /// [`join`](Self::join) that waits has asked for its room.
    ///
    /// ```
    /// use parlour_client::{CallError, Client, Config, EntryKind, Join, RoomName};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("outbox");
    /// // Nobody listens there.
    /// let config = Config::new("http://127.0.0.1:1")?.guest("ann").outbox(&file);
    /// let (client, _events) = Client::start(config)?;
    /// let room = RoomName::general();
    /// let receipt = tokio::select! {
    ///     biased;
    ///     joined = client.join(Join::next(room.clone())) => panic!("joined: {joined:?}"),
    ///     receipt = client.submit(&room, EntryKind::MESSAGE, r#""hello""#.into()) => receipt?,
    /// };
    /// assert!(std::fs::read_to_string(&file)?.contains("hello"));
    /// client.close().await;
    /// assert_eq!(receipt.await, Err(CallError::Kept), "and sent by the next client of the file");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It ends with [`Ended::NeverIn`] where the first attempts show that trying again cannot help.
    ///
    /// # Errors
    /// The file of [`Config::outbox`] cannot be used, or belongs to nobody: whose it is must be known before the server
    /// says so, by [`Config::guest`] or [`Config::user`].
    pub fn start(config: Config) -> Result<(Self, Events), OutboxError> {
        let user = config.expected_user();
        if user.is_none() && config.outbox.is_some() {
            return Err(OutboxError::NoName);
        }
        let mut outbox = Outbox::open(config.outbox.as_deref())?;
        let left_over = user.map_or_else(Vec::new, |user| outbox.speak_as(&user));
        let entrance = Entrance::new(config);
        Ok(Self::run(
            entrance,
            outbox,
            Status::Connecting,
            left_over,
            None,
        ))
    }

    fn run(
        entrance: Entrance,
        outbox: Outbox,
        status: Status,
        left_over: Vec<Receipt>,
        first: Option<(Socket, Hello)>,
    ) -> (Self, Events) {
        let (unread, events) = Unread::new();
        let (status, status_seen) = watch::channel(status);
        let (calls, calls_taken) = mpsc::channel(CALLS_MAX);
        let (close, closed) = watch::channel(false);
        let answer_timeout = entrance.config().answer_timeout;
        let state = State::new(unread, outbox, status, answer_timeout);
        let task = Task {
            entrance,
            state,
            calls: calls_taken,
            call: None,
            closed,
        };
        tokio::spawn(task.run(first));
        let client = Self {
            calls,
            status: status_seen,
            close: Arc::new(close),
            left_over: Arc::new(Mutex::new(left_over)),
        };
        (client, Events(events))
    }

    /// How it is at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Waits until it is so; at once if it is. After its end no other status comes.
    pub async fn until(&self, is: impl Fn(&Status) -> bool) {
        let mut status = self.status.clone();
        if status.wait_for(|it| is(it)).await.is_err() {
            std::future::pending::<()>().await;
        }
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
    /// ```
    /// use parlour_client::{CallError, Client, Config, Join, RoomName};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let url = server().await?;
    /// let config = Config::new(&url)?.guest("ann");
    /// let (client, _events) = Client::connect(config).await?;
    /// let room = RoomName::general();
    /// client.join(Join::next(room.clone())).await?;
    /// client.leave(&room).await?;
    /// assert!(matches!(client.say(&room, "x").await, Err(CallError::NotInRoom(_))));
    /// # Ok(())
    /// # }
    /// ```
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
    /// is JSON text; for [`EntryKind::MESSAGE`] one string. While the client is away it waits. Dropping this
    /// future does not take back what is in the outbox.
    ///
    /// ```
    /// use parlour_client::{Client, Config, EntryKind, Join, RoomName};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let url = server().await?;
    /// let config = Config::new(&url)?.guest("ann");
    /// let (client, _events) = Client::connect(config).await?;
    /// let room = RoomName::general();
    /// client.join(Join::next(room.clone())).await?;
    /// let position = client.publish(&room, EntryKind::new("app:move")?, r#"{"to":[4,2]}"#.into()).await?;
    /// assert_eq!(position.seq.0, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// It was not published: [`CallError::Refused`], [`NotInRoom`](CallError::NotInRoom),
    /// [`TooLarge`](CallError::TooLarge), [`BadPayload`](CallError::BadPayload),
    /// [`Outbox`](CallError::Outbox) or [`Ended`](CallError::Ended). Not yet: [`CallError::Kept`]. Or nobody
    /// knows: [`CallError::Unknown`].
    pub async fn publish(
        &self,
        room: &RoomName,
        kind: EntryKind,
        payload: Bytes,
    ) -> Result<Position, CallError> {
        self.submit(room, kind, payload).await?.await
    }

    /// As [`publish`](Self::publish), but comes back when the publish is in the outbox, safe in its file if it
    /// has one: so many can be on their way at once, in order. What becomes of it the receipt tells.
    ///
    /// # Errors
    /// The payload is no JSON, the outbox file cannot be written, or the client has ended. All else the
    /// receipt tells.
    pub async fn submit(
        &self,
        room: &RoomName,
        kind: EntryKind,
        payload: Bytes,
    ) -> Result<Receipt, CallError> {
        self.put_out(ToPublish::new(room.clone(), kind, payload, None)?)
            .await
    }

    /// As [`submit`](Self::submit), under an id of the caller's: submitted again, by whatever client of this user,
    /// it is there once, as long as the server remembers the id ([`HelloLimits::ids`]).
    ///
    /// ```
    /// use parlour_client::{Client, Config, EntryId, EntryKind, Join, RoomName};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let url = server().await?;
    /// let config = Config::new(&url)?.guest("ann");
    /// let (client, _events) = Client::connect(config).await?;
    /// let room = RoomName::general();
    /// client.join(Join::next(room.clone())).await?;
    /// let id = EntryId::new("build-17")?;
    /// let mut places = Vec::new();
    /// for _ in 0..2 {
    ///     let green = r#""green""#.into();
    ///     let receipt = client.submit_once(&room, id.clone(), EntryKind::MESSAGE, green).await?;
    ///     places.push(receipt.await?);
    /// }
    /// assert_eq!(places[0], places[1], "said twice, there once");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub async fn submit_once(
        &self,
        room: &RoomName,
        id: EntryId,
        kind: EntryKind,
        payload: Bytes,
    ) -> Result<Receipt, CallError> {
        self.put_out(ToPublish::new(room.clone(), kind, payload, Some(id))?)
            .await
    }

    async fn put_out(&self, publish: ToPublish) -> Result<Receipt, CallError> {
        let (receipt, waiter, accepted) = Receipt::new(publish.clone());
        self.begin(Call::Publish(publish, waiter)).await?;
        accepted.await.unwrap_or_else(|_| Err(self.ended()))?;
        Ok(receipt)
    }

    /// What an earlier client left in the file of [`Config::outbox`], by the same user and in the order of its
    /// writing: once, to whoever asks first. It is sent when its room is [joined](Self::join).
    ///
    /// ```
    /// use parlour_client::{Client, Config, Join};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let url = server().await?;
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("outbox");
    /// let config = Config::new(&url)?.guest("ann").outbox(&file);
    /// let (client, _events) = Client::connect(config).await?;
    /// for receipt in client.left_over() {
    ///     let room = receipt.room().clone();
    ///     client.join(Join::next(room)).await?;
    ///     println!("said at last, as entry {}", receipt.await?.seq.0);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn left_over(&self) -> Vec<Receipt> {
        let left_over = self.left_over.lock();
        std::mem::take(&mut *left_over.unwrap_or_else(PoisonError::into_inner))
    }

    /// Comes back under another name, for guests only: with a new ticket on a new connection, told with
    /// [`Event::Connected`]. All rooms go on where they were. The answer is the name as others see it.
    ///
    /// ```
    /// use parlour_client::{Client, Config};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let url = server().await?;
    /// let (client, _events) = Client::connect(Config::new(&url)?.guest("ann")).await?;
    /// assert_eq!(client.rename("bea").await?, "guest-bea");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The server refuses the name, or this is no guest; the old name stays.
    pub async fn rename(&self, name: &str) -> Result<String, CallError> {
        self.call(|reply| Call::Rename(name.to_owned(), reply))
            .await
    }

    /// Closes the connection and waits for its end. What was submitted and not answered is not waited
    /// for: wait for the receipts first. With a file it is kept there.
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
