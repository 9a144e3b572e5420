//! The hub's handle: starts the shards, gives them connections, adds up their counters, ends them.

mod application;
mod busy;
mod publish;
mod reach;
mod since;

use std::io;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::Poll;
use parlour_hub::{Counts, Logs, NoStore, ShardConfig, Stats, WireIndex};
use parlour_proto::dialect::Plain;
use parlour_proto::{
    CloseReason, Dialect, Limits, RoomKinds, SessionId, ShardId, UserName, dialect,
};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

pub(crate) use application::{Application, Asking, Whereabouts};
pub(crate) use busy::{Busy, UnderWay};
pub use publish::PublishError;
pub(crate) use reach::Reach;
pub use reach::SendError;
pub use since::HistoryError;

use crate::application::{Desk, Handlers};
use crate::nicknames::Nicknames;
use crate::occupancy::{Full, Occupancy, Place};
use crate::plane::{AnyStore, Arrival, Inbox, Mail, Mailbox, Plane, Time, pair};
use crate::source::Share;
use crate::topic::Topics;
use crate::wires::{self, DIALECTS_MAX};

/// What a hub is started with.
///
/// ```
/// use parlour::{HubConfig, Limits};
/// let limits = Limits { message_bytes_max: 512, ..Limits::default() };
/// let config = HubConfig { limits, ..HubConfig::default() };
/// # let _ = config;
/// ```
pub struct HubConfig {
    /// The bounds of the engine.
    pub limits: Limits,
    /// Threads that serve sockets; `None` is one for each core that this process may use.
    pub shards: Option<NonZeroU16>,
    /// The wire protocols that doors can be opened for, by their names; at most 85.
    pub dialects: Vec<Arc<dyn Dialect>>,
    /// What the embedder's own code answers.
    pub handlers: Handlers,
    /// Which rooms outlive a crash, and how much is kept of them: by default all rooms are in memory.
    pub rooms: RoomKinds,
    /// Where the rooms that do are kept. They need one; rooms in memory need none.
    pub store: Option<Arc<dyn Logs>>,
    /// Where that code runs; `None` is the runtime that the hub is started on.
    pub runtime: Option<Handle>,
}

impl Default for HubConfig {
    fn default() -> Self {
        let dialects: Vec<Arc<dyn Dialect>> = vec![
            Arc::new(dialect::Events),
            Arc::new(dialect::V1),
            Arc::new(dialect::Echo),
            Arc::new(Plain),
            Arc::new(dialect::Feed),
        ];
        Self {
            limits: Limits::default(),
            shards: None,
            dialects,
            handlers: Handlers::default(),
            rooms: RoomKinds::default(),
            store: None,
            runtime: None,
        }
    }
}

/// Why a hub did not start.
///
/// ```
/// use parlour::dialect::Echo;
/// use parlour::{Hub, HubConfig, StartError};
/// let mut config = HubConfig::default();
/// config.dialects.push(std::sync::Arc::new(Echo)); // it has one by this name
/// assert!(matches!(Hub::start(config), Err(StartError::Dialects)));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// More than 85, or two with one name: the embedder's mistake.
    #[error("a hub speaks at most {DIALECTS_MAX} dialects, and each has its own name")]
    Dialects,
    /// The `Connections` of this name serve another hub: the embedder's mistake.
    #[error("the connections of {0:?} belong to another hub: build them once for each")]
    Taken(&'static str),
    /// There are handlers and nowhere to run them: start the hub on a tokio runtime, or give it one.
    #[error(
        "a hub with handlers needs a tokio runtime: start it on one, or set HubConfig::runtime"
    )]
    NoRuntime,
    /// Some rooms are to be durable, and there is nowhere to keep them: the embedder's mistake.
    #[error("durable rooms need a store: set HubConfig::store, or make no room durable")]
    NoStore,
    /// No thread, no epoll or no random bytes: the operating system is out of something.
    #[error("the operating system refused a shard's {what}: {source}")]
    System {
        /// What was refused.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// The handle of a running hub. Clones are the same hub; when the last one is dropped, the hub's
/// connections are cut and its threads end. For an orderly end, see [`shutdown`](Self::shutdown).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use parlour::{Hub, HubConfig};
/// let hub = Hub::start(HubConfig::default())?;
/// assert_eq!((hub.connections(), hub.stats().entries), (0, 0));
/// assert_eq!(hub.shutdown(std::time::Duration::from_secs(10)).await, 0, "nobody was cut");
/// assert!(hub.is_going_away());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Hub(Arc<Running>);

struct Running {
    inboxes: Arc<[Inbox]>,
    stats: Vec<Arc<Stats>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    occupancy: Arc<Occupancy>,
    dialects: Vec<&'static str>,
    limits: Arc<Limits>,
    is_going_away: AtomicBool,
    failure: watch::Receiver<bool>,
    publishes: Arc<Semaphore>,
    questions: Arc<Semaphore>,
    asking: Arc<Asking>,
    desk: Option<Arc<Desk>>,
    reach: Reach,
    nicknames: OnceLock<Nicknames>,
    time: Time,
    busy: Busy,
    topics: Topics,
}

impl Hub {
    /// Starts the shards' threads.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start(config: HubConfig) -> Result<Self, StartError> {
        Self::start_at(config, Time::real())
    }

    pub(crate) fn start_at(config: HubConfig, time: Time) -> Result<Self, StartError> {
        let dialects = names(&config.dialects)?;
        let runtime = config.runtime.or_else(|| Handle::try_current().ok());
        let (handled, asks) = (config.handlers.handled(), config.handlers.asks());
        let desk = config.handlers.into_desk(&dialects)?;
        if desk.is_some() && runtime.is_none() {
            return Err(StartError::NoRuntime);
        }
        if config.rooms.any_durable() && config.store.is_none() {
            return Err(StartError::NoStore);
        }
        let shards = config.shards.map_or_else(cores, NonZeroU16::get);
        let occupancy = Occupancy::new(config.limits.connections_max, usize::from(shards));
        let template = ShardConfig {
            id: ShardId(0),
            shards,
            wires: wires::all(config.dialects, &handled),
            limits: Arc::new(config.limits),
            kinds: Arc::new(config.rooms),
            asks,
            seed: 0,
        };
        let limits = Arc::clone(&template.limits);
        let (on_failure, failure) = watch::channel(false);
        let guard = Guard {
            occupancy: Arc::clone(&occupancy),
            on_failure: Arc::new(on_failure),
        };
        let asking = Arc::new(Asking {
            application: desk.clone().map(|desk| desk as Arc<dyn Application>),
            names: OnceLock::new(),
            plain: place_of(&dialects, Plain.name()),
        });
        let ends = Ends::open(shards)?;
        let busy = Busy::default();
        let reach = Reach::new(
            ends.inboxes(),
            limits.message_bytes_max,
            runtime,
            busy.clone(),
        );
        if let Some(application) = &asking.application {
            application.begin(reach.clone());
        }
        let (inboxes, stats, threads) = start_shards(
            &template,
            config.store.as_deref(),
            &guard,
            &asking,
            &time,
            ends,
        )?;
        let running = Arc::new(Running {
            inboxes,
            stats,
            threads: Mutex::new(threads),
            occupancy,
            dialects,
            limits,
            is_going_away: AtomicBool::new(false),
            failure,
            publishes: publish::permits(),
            questions: since::permits(),
            asking,
            desk,
            reach,
            nicknames: OnceLock::new(),
            time,
            busy,
            topics: Topics::default(),
        });
        running.reach.lead_to(&running);
        Ok(Self(running))
    }

    /// The counters of all shards, added up.
    #[must_use]
    pub fn stats(&self) -> Counts {
        let mut counts = Counts::default();
        for stats in &self.0.stats {
            stats.add_to(&mut counts);
        }
        counts
    }

    /// The bounds that it was started with.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Connections that hold a place now, from their upgrade to their socket's end.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.occupancy.total()
    }

    /// Whether [`shutdown`](Self::shutdown) has begun.
    #[must_use]
    pub fn is_going_away(&self) -> bool {
        self.0.is_going_away.load(Ordering::Relaxed)
    }

    /// Waits until a shard has failed, which is a mistake in this program: its connections are cut,
    /// its rooms gone, and nobody is let in any more. What is left to do is to end the process, so
    /// that whoever watches over it starts it again. Without a failure this never ends.
    ///
    /// ```
    /// use parlour::Hub;
    /// async fn watch(hub: Hub) {
    ///     hub.failed().await;
    ///     eprintln!("a shard has failed; starting again");
    ///     std::process::exit(1);
    /// }
    /// # let _ = watch;
    /// ```
    pub async fn failed(&self) {
        let mut failure = self.0.failure.clone();
        if failure.wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends the hub: no new connections, close 1001 to all, wait until they are gone, then end the
    /// threads and wait until every `on_close` of [`Connections`](crate::Connections) has run. When
    /// `deadline` has passed, whoever is still there is cut, and nobody's handlers are waited for any
    /// more. Returns how many were cut.
    ///
    /// Must be called on a tokio runtime with its timer on, and not be waited for in a handler of
    /// `Connections`, which would wait for itself.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        let begin = Instant::now();
        let time_left = || deadline.saturating_sub(begin.elapsed());
        self.0.is_going_away.store(true, Ordering::Relaxed);
        self.0.occupancy.close();
        self.0.topics.end(deadline).await;
        self.0.post_all(|| Mail::CloseAll);
        let _ = tokio::time::timeout(time_left(), self.0.occupancy.emptied()).await;
        let cut = self.connections();
        self.0.post_all(|| Mail::Stop);
        let threads = std::mem::take(&mut *self.0.lock_threads());
        for thread in threads {
            // They end within one bounded turn. One that failed has said so.
            let _ = thread.join();
        }
        // From here on no end is still to be told.
        let _ = tokio::time::timeout(time_left(), self.0.reach.ends_handled()).await;
        cut
    }

    /// Closes all connections of a session that has ended, with 1008. Guests have none.
    pub fn close_session(&self, session: SessionId) {
        if session != SessionId::NONE {
            self.0.post_all(|| Mail::CloseSession(session));
        }
    }

    /// Closes all connections of a user whose sessions have all ended, with 1008.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, SessionId, UserName};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// hub.close_session(SessionId(7)); // one session, which is marked ended
    /// hub.close_user(&UserName::user("ann")?); // all of hers
    /// # Ok(()) }
    /// ```
    pub fn close_user(&self, who: &UserName) {
        self.0.post_all(|| Mail::CloseUser(who.clone()));
    }

    /// The plain wire of a dialect.
    pub(crate) fn wire(&self, dialect: &str) -> Option<WireIndex> {
        place_of(&self.0.dialects, dialect)
    }

    /// The embedder's own code, if there is any.
    pub(crate) fn desk(&self) -> Option<&Arc<Desk>> {
        self.0.desk.as_ref()
    }

    /// The way to its connections.
    #[cfg(test)]
    pub(crate) fn reach(&self) -> &Reach {
        &self.0.reach
    }

    /// Who is at `/plain` under which nickname.
    pub(crate) fn nicknames(&self) -> &Nicknames {
        self.0.nicknames.get_or_init(|| {
            let nicknames = Nicknames::default();
            self.give_names_by(Arc::new(nicknames.clone()));
            nicknames
        })
    }

    /// Lets the names of `/plain` be given out by `names`, which is asked when such a connection opens,
    /// wants another name and has ended. `false`: somebody does so already.
    pub(crate) fn give_names_by(&self, names: Arc<dyn Application>) -> bool {
        names.begin(self.0.reach.clone());
        self.0.asking.names.set(names).is_ok()
    }

    /// A place for a connection from `address`, if there is one; an address may have its `share`.
    pub(crate) fn take_place(&self, address: Option<IpAddr>, share: Share) -> Result<Place, Full> {
        self.0.occupancy.take(address, share)
    }

    /// A place for a client in this process, which has no address.
    pub(crate) fn take_local_place(&self) -> Result<Place, Full> {
        self.0.occupancy.take_local()
    }

    /// Where tasks of the embedder's code run.
    pub(crate) fn runtime(&self) -> Option<Handle> {
        let given = self.0.reach.runtime().cloned();
        given.or_else(|| Handle::try_current().ok())
    }

    pub(crate) fn busy(&self) -> Busy {
        self.0.busy.clone()
    }

    /// Since its start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.time.elapsed()
    }

    #[cfg(feature = "testing")]
    pub(crate) fn inboxes(&self) -> &[Inbox] {
        &self.0.inboxes
    }

    pub(crate) fn topics(&self) -> Topics {
        self.0.topics.clone()
    }

    pub(crate) fn shared_limits(&self) -> Arc<Limits> {
        Arc::clone(&self.0.limits)
    }

    /// Where a shard gets its mail.
    pub(crate) fn inbox(&self, shard: ShardId) -> Inbox {
        self.0.inboxes[usize::from(shard.0)].clone()
    }

    /// Gives a connection to the shard that its place is on.
    pub(crate) fn attach(&self, arrival: Arrival) {
        let shard = usize::from(arrival.place.shard().0);
        self.0.inboxes[shard].post(Mail::Arrival(Box::new(arrival)));
    }
}

impl Running {
    fn post_all(&self, mail: impl Fn() -> Mail) {
        for inbox in &*self.inboxes {
            inbox.post(mail());
        }
    }

    fn lock_threads(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.post_all(|| Mail::Stop);
    }
}

/// The dialects' names in their order, if they can be told apart and counted.
fn names(dialects: &[Arc<dyn Dialect>]) -> Result<Vec<&'static str>, StartError> {
    let names: Vec<&str> = dialects.iter().map(|dialect| dialect.name()).collect();
    let mut distinct = names.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() != names.len() || names.len() > DIALECTS_MAX {
        return Err(StartError::Dialects);
    }
    Ok(names)
}

fn place_of(dialects: &[&'static str], dialect: &str) -> Option<WireIndex> {
    wires::plain(dialects.iter().position(|name| *name == dialect)?)
}

fn cores() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores).unwrap_or(u16::MAX)
}

type Started = (Arc<[Inbox]>, Vec<Arc<Stats>>, Vec<JoinHandle<()>>);

/// What is left of a shard that fails: nobody else must wait for it.
#[derive(Clone)]
struct Guard {
    occupancy: Arc<Occupancy>,
    on_failure: Arc<watch::Sender<bool>>,
}

impl Guard {
    fn run(&self, mut plane: Plane) {
        let ran = catch_unwind(AssertUnwindSafe(|| plane.run()));
        let reason = match ran {
            Ok(()) => CloseReason::GoingAway,
            Err(_) => {
                tracing::error!(
                    "a shard failed: its connections are cut, and nobody is let in any more"
                );
                self.occupancy.close();
                CloseReason::Failed
            }
        };
        // What has failed once may do so again: then some are not told.
        let _ = catch_unwind(AssertUnwindSafe(|| plane.end(reason)));
        if ran.is_err() {
            self.on_failure.send_replace(true);
        }
    }
}

/// Where the shards get their mail.
struct Ends(Vec<(Poll, Inbox, Mailbox)>);

impl Ends {
    fn open(shards: u16) -> Result<Self, StartError> {
        let mut ends = Vec::new();
        for _ in 0..shards {
            let poll = Poll::new().map_err(system("epoll"))?;
            let (inbox, mailbox) = pair(poll.registry()).map_err(system("waker"))?;
            ends.push((poll, inbox, mailbox));
        }
        Ok(Self(ends))
    }

    fn inboxes(&self) -> Arc<[Inbox]> {
        self.0.iter().map(|(_, inbox, _)| inbox.clone()).collect()
    }
}

fn system(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |source| StartError::System { what, source }
}

/// A test sees the same epochs every time.
fn seed(shard: ShardId, time: &Time) -> Result<u64, StartError> {
    if time.is_virtual() {
        return Ok(u64::from(shard.0));
    }
    let seed = getrandom::u64().map_err(io::Error::other);
    seed.map_err(system("random seed"))
}

/// What a shard keeps its durable rooms in.
fn store(id: ShardId, logs: Option<&dyn Logs>, inbox: &Inbox) -> AnyStore {
    let Some(logs) = logs else {
        return Box::new(NoStore::default());
    };
    let inbox = inbox.clone();
    logs.store(id, Arc::new(move || inbox.post(Mail::Stored)))
}

fn start_shards(
    template: &ShardConfig,
    logs: Option<&dyn Logs>,
    guard: &Guard,
    asking: &Arc<Asking>,
    time: &Time,
    ends: Ends,
) -> Result<Started, StartError> {
    let inboxes = ends.inboxes();
    let (mut stats, mut threads) = (Vec::new(), Vec::new());
    for (id, (poll, _, mailbox)) in (0..).map(ShardId).zip(ends.0) {
        let seed = seed(id, time)?;
        let config = ShardConfig {
            id,
            seed,
            wires: Arc::clone(&template.wires),
            limits: Arc::clone(&template.limits),
            kinds: Arc::clone(&template.kinds),
            ..*template
        };
        let store = store(id, logs, &inboxes[usize::from(id.0)]);
        let asking = Arc::clone(asking);
        let plane = Plane::new(
            config,
            store,
            mailbox,
            Arc::clone(&inboxes),
            asking,
            time.clone(),
            poll,
        );
        let plane = plane.map_err(system("epoll"))?;
        stats.push(Arc::clone(plane.shard().stats()));
        let thread = std::thread::Builder::new().name(format!("parlour-shard-{}", id.0));
        let guard = guard.clone();
        match thread.spawn(move || guard.run(plane)) {
            Ok(thread) => threads.push(thread),
            Err(source) => {
                inboxes.iter().for_each(|inbox| inbox.post(Mail::Stop));
                return Err(system("thread")(source));
            }
        }
    }
    Ok((inboxes, stats, threads))
}

#[cfg(test)]
mod tests;
