//! A hub for tests: connections in memory, time that only a test moves, and rest that can be waited
//! for. Feature `testing`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use parlour::{HubConfig, testing::TestHub};
//!
//! let hub = TestHub::start(HubConfig::default());
//! let mut ann = hub.connect("parlour.v1").await;
//! let mut bob = hub.connect("parlour.v1").await;
//! for who in [&mut ann, &mut bob] {
//!     who.assert_receives(r#"{"t":"hello"}"#).await;
//!     who.send(r#"{"t":"join","rooms":[{"room":"den"}]}"#);
//!     who.assert_receives(r#"{"t":"joined","room":"den"}"#).await;
//! }
//!
//! ann.send(r#"{"t":"publish","room":"den","payload":"hello"}"#);
//! ann.assert_receives(r#"{"t":"ack","seq":1}"#).await;
//! ann.assert_receives(r#"{"t":"entry","payload":"hello"}"#).await;
//! bob.assert_receives(r#"{"t":"entry","payload":"hello"}"#).await;
//! bob.assert_nothing().await;
//! # }
//! ```

mod connection;
mod expected;

use std::ops::Deref;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::Request;
use parlour_hub::Attach;
use parlour_proto::dialect::{Dialect as _, Plain};
use parlour_proto::{Author, ClientId, RoomName, UserName};
use tokio::sync::oneshot;

use crate::hub::{Hub, HubConfig};
use crate::local_session::line::Line;
use crate::plane::{Arrival, Driver, Mail, Probe, Time, Transport, pipe};
use connection::Wire;
pub use connection::{TestConnection, TestFrame};

/// How long, in real time, anything may be under way before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// A turn of the hub's deadlines: what is due is found out at most so often.
const TICK: Duration = Duration::from_millis(250);

/// A hub whose time stands still until a test moves it. It derefs to the [`Hub`]; other clones of
/// that, doors, sessions and topics are in the same time.
///
/// Rooms get the same epochs in every run.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use parlour::{HubConfig, testing::TestHub};
/// let hub = TestHub::start(HubConfig::default());
/// let mut echo = hub.connect("parlour.echo").await;
/// echo.send("hello");
/// echo.assert_receives("hello").await;
/// # }
/// ```
pub struct TestHub(Arc<World>);

struct World {
    hub: Hub,
    /// In nanoseconds since the start.
    now: Arc<AtomicU64>,
    wires: Mutex<Vec<Weak<Mutex<Wire>>>>,
    names: AtomicUsize,
}

impl TestHub {
    /// Starts a hub at 2026-01-01T00:00:00Z.
    ///
    /// # Panics
    /// If the hub does not start; the words say why.
    #[must_use]
    pub fn start(config: HubConfig) -> Self {
        let now = Arc::new(AtomicU64::new(0));
        let hub = Hub::start_at(config, Time::Virtual(Arc::clone(&now)));
        Self(Arc::new(World {
            hub: hub.unwrap_or_else(|error| panic!("the hub did not start: {error}")),
            now,
            wires: Mutex::default(),
            names: AtomicUsize::new(1),
        }))
    }

    /// A connection in memory that speaks one of the hub's dialects, as `guest-1`, `guest-2` and so
    /// on, in no room; at `/plain` under the next nickname there, in `general`.
    ///
    /// # Panics
    /// If the hub does not speak the dialect, or lets nobody in.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, testing::TestHub};
    /// let hub = TestHub::start(HubConfig::default());
    /// let mut echo = hub.connect("parlour.echo").await;
    /// echo.send("hello");
    /// echo.assert_receives("hello").await;
    /// # }
    /// ```
    pub async fn connect(&self, dialect: &'static str) -> TestConnection {
        if dialect == Plain.name() {
            return self.connect_plain(RoomName::general()).await;
        }
        let name = self.0.names.fetch_add(1, Ordering::Relaxed).to_string();
        // A number is a name.
        let who = UserName::guest(&name).unwrap_or_else(|error| panic!("{error}"));
        self.connect_as(dialect, who, None).await
    }

    /// The same, as somebody and in a room from the start.
    ///
    /// # Panics
    /// As [`connect`](Self::connect).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, RoomName, UserName, testing::TestHub};
    /// # let hub = TestHub::start(HubConfig::default());
    /// let ann = UserName::user("ann").unwrap();
    /// let mut ann = hub.connect_as("parlour.events", ann, Some(RoomName::general())).await;
    /// ann.send(r#"{"type":"send_message","payload":{"message":"hello"}}"#);
    /// ann.assert_receives(r#"{"type":"new_message","payload":{"message":"hello","from":"ann"}}"#).await;
    /// # }
    /// ```
    pub async fn connect_as(
        &self,
        dialect: &'static str,
        who: UserName,
        room: Option<RoomName>,
    ) -> TestConnection {
        let attach = Attach {
            room,
            ..Attach::new(self.0.wire(dialect), who)
        };
        self.0.open(dialect, attach).await
    }

    async fn connect_plain(&self, room: RoomName) -> TestConnection {
        let first = self.0.hub.nicknames().first().await;
        let first = first.unwrap_or_else(|error| panic!("there is no nickname: {error}"));
        let attach = Attach {
            room: Some(room),
            author: Author::Plain(ClientId::of_name(first.who.as_str())),
            ..Attach::new(self.0.wire(Plain.name()), first.who.clone())
        };
        let connection = self.0.open(Plain.name(), attach).await;
        first.goes_in();
        connection
    }

    /// Waits until nothing is under way: no shard has work, no letter is on its way, every
    /// connection of this module has taken what it was sent, and topics and handlers are done. What
    /// real sockets and a test's own tasks do is not seen.
    ///
    /// # Panics
    /// After 30 seconds, with what is still under way: most likely a handler that waits for something.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, testing::TestHub};
    /// # let hub = TestHub::start(HubConfig::default());
    /// let echo = hub.connect("parlour.echo").await;
    /// drop(echo);
    /// hub.settle().await;
    /// assert_eq!(hub.connections(), 0);
    /// # }
    /// ```
    pub async fn settle(&self) {
        self.0.settle().await;
    }

    /// Moves time on, from one thing that is due to the next: pings, deadlines, tickets, rooms that
    /// are forgotten. Everything settles before each step and after the last.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use std::time::Duration;
    /// # use parlour::{HubConfig, testing::TestHub};
    /// let hub = TestHub::start(HubConfig::default());
    /// let mut asleep = hub.connect("parlour.echo").await;
    /// let awake = hub.connect("parlour.echo").await;
    /// asleep.stop_answering();
    /// hub.advance(Duration::from_secs(60)).await;
    /// asleep.assert_closed(1008).await;
    /// assert!(!awake.is_closed());
    /// # }
    /// ```
    pub async fn advance(&self, by: Duration) {
        self.0.advance(by).await;
    }

    /// How far time was moved.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, testing::TestHub};
    /// # use std::time::Duration;
    /// # let hub = TestHub::start(HubConfig::default());
    /// hub.advance(Duration::from_secs(60)).await;
    /// assert_eq!(hub.elapsed(), Duration::from_secs(60));
    /// # }
    /// ```
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// The orderly end of the hub; every connection answers its close. How many had to be cut.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, testing::TestHub};
    /// # let hub = TestHub::start(HubConfig::default());
    /// let mut echo = hub.connect("parlour.echo").await;
    /// assert_eq!(hub.shutdown().await, 0);
    /// echo.assert_closed(1001).await;
    /// # }
    /// ```
    pub async fn shutdown(&self) -> usize {
        let mut end = pin!(self.0.hub.shutdown(PATIENCE));
        std::future::poll_fn(|context| {
            self.0.pump();
            let ended = end.as_mut().poll(context);
            if ended.is_pending() {
                context.waker().wake_by_ref();
            }
            ended
        })
        .await
    }
}

impl Deref for TestHub {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.0.hub
    }
}

/// Whether two rounds of questions found nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Round {
    handled: u64,
    pipes_rest: bool,
    busy: usize,
}

impl World {
    fn wire(&self, dialect: &str) -> parlour_hub::WireIndex {
        let wire = self.hub.wire(dialect);
        wire.unwrap_or_else(|| panic!("this hub does not speak {dialect:?}"))
    }

    async fn open(self: &Arc<Self>, door: &'static str, mut attach: Attach) -> TestConnection {
        let (head, ()) = Request::new(()).into_parts();
        if let Err(denied) = self.hub.admit(&mut attach, door, head).await {
            panic!("the application lets nobody in: {denied:?}");
        }
        let place = self.hub.take_local_place();
        let place = place.unwrap_or_else(|full| panic!("there is no place: {full}"));
        let (near, far) = pipe(self.hub.inbox(place.shard()), Driver::Test);
        self.hub.attach(Arrival {
            transport: Transport::Pipe(near),
            unread: Vec::new(),
            attach,
            place,
        });
        let wire = Arc::new(Mutex::new(Wire::new(Line::new(far))));
        let mut wires = self.lock();
        wires.retain(|wire| wire.strong_count() > 0);
        wires.push(Arc::downgrade(&wire));
        drop(wires);
        TestConnection::new(Arc::clone(self), wire)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.now.load(Ordering::Acquire))
    }

    async fn settle(&self) -> Vec<Probe> {
        let start = Instant::now();
        let mut before = None;
        loop {
            let moved = self.pump();
            let probes = self.probe().await;
            let round = Round {
                handled: probes.iter().map(|probe| probe.handled).sum(),
                pipes_rest: probes.iter().all(|probe| probe.pipes_rest),
                busy: self.hub.busy().count(),
            };
            let rests = round.pipes_rest && round.busy == 0;
            if rests && !moved && before == Some(round) {
                return probes;
            }
            before = (!moved).then_some(round);
            assert!(
                start.elapsed() < PATIENCE,
                "there is no rest: {} handlers run, {}",
                round.busy,
                if round.pipes_rest {
                    "and connections do not stop"
                } else {
                    "and a topic or a stream has something to do"
                }
            );
            yield_now().await;
        }
    }

    /// Every connection takes what it was sent and sends what it was given; whether any did.
    fn pump(&self) -> bool {
        let wires: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        let mut moved = false;
        for wire in wires {
            moved |= wire.lock().unwrap_or_else(PoisonError::into_inner).pump();
        }
        moved
    }

    /// Asks every shard that has not ended.
    async fn probe(&self) -> Vec<Probe> {
        let mut asked = Vec::new();
        for inbox in self.hub.inboxes() {
            let (send, receive) = oneshot::channel();
            inbox.post(Mail::Probe(send));
            asked.push(receive);
        }
        let mut probes = Vec::new();
        for receive in asked {
            probes.extend(receive.await.ok());
        }
        probes
    }

    async fn advance(&self, by: Duration) {
        let mut probes = self.settle().await;
        let target = self.elapsed() + by;
        while self.elapsed() < target {
            let now = self.elapsed();
            let due = probes.iter().filter_map(|probe| probe.deadline).min();
            let next = due.map_or(target, |due| due.max(now + TICK)).min(target);
            let nanoseconds = u64::try_from(next.as_nanos()).unwrap_or(u64::MAX);
            self.now.store(nanoseconds, Ordering::Release);
            // The first probe is the mail that lets each shard see the time.
            probes = self.settle().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Mutex<Wire>>>> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets other tasks of this thread go on, on any executor.
async fn yield_now() {
    let mut has_yielded = false;
    std::future::poll_fn(|context: &mut Context<'_>| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
