//! The doors: which path speaks what, and who may come in.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Once};
use std::task::{Context, Waker};
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use parlour_proto::dialect::{Dialect, Echo, Feed, Plain};
use parlour_proto::{Limits, RoomName, SessionId, UserName};

use crate::accounts::Accounts;
use crate::http::{self, Unhealthy};
use crate::hub::Hub;
use crate::limits::TICKET_SHARE;
use crate::occupancy::{Full, Place};
use crate::rates::Rates;
use crate::source::{Share, Source};
use crate::tickets::{DoorTickets, Holder, TicketError, TicketSecret};
use crate::visit::Visit;

mod config;
mod counts;
mod logins;
mod pages;
mod paths;
mod token;

pub use config::{Compression, Door, DoorLimits, DoorsConfig, Guests, RoomsHealth};
pub(crate) use counts::{Counter, Counters};
pub use counts::{DoorCounts, TicketCounts};
pub use paths::{DoorPath, DoorPathError, DoorPaths, Route, SamePath};
pub use token::{Token, TokenError};

use logins::Logins;

/// The doors of one listener to one hub: `/ws`, `/plain`, `/subscribe` and `/echo` for WebSockets,
/// `POST /ticket`, `/login`, `/logout`, `/publish` and `/rooms/{room}/publish`, and
/// `GET /rooms/{room}/history`, `/healthz` and `/debug`. Each has its place in [`DoorPaths`].
///
/// What may be done without an account (guest tickets, free doors) is open on loopback only, and
/// that means: `bind` is a loopback address, the peer has one and is no
/// [trusted proxy](DoorsConfig::trusted_proxies), the `Host` header names one with the right port,
/// and no proxy has put a header like `Forwarded`, `X-Forwarded-…`, `Via` or `X-Real-IP` on the
/// request. A proxy on this machine that is not named, rewrites `Host` to the loopback address and
/// adds none of these makes its clients local: name it.
///
/// Serve the routes with [`serve`](crate::serve), or with `axum::serve` and
/// `into_make_service_with_connect_info::<SocketAddr>()`; without the peer's address every request
/// counts as foreign.
///
/// ```
/// use axum::Router;
/// use parlour::{Doors, Hub, HubConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = Hub::start(HubConfig::default())?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let doors = Doors::new(&hub, listener.local_addr()?);
/// let app = Router::new().merge(doors.routes()); // and your own routes
/// let stop = async {}; // e.g. a signal
/// let under_way = parlour::serve(listener, app, stop).await;
/// hub.shutdown(std::time::Duration::from_secs(9)).await;
/// under_way.finish(std::time::Duration::from_secs(1)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Doors(Arc<Inner>);

struct Inner {
    hub: Hub,
    config: DoorsConfig,
    tickets: DoorTickets,
    logins: Logins,
    publishes: Option<Rates>,
    counters: Counters,
    unknown_proxy_told: Once,
}

impl Doors {
    /// Doors to `hub` for the listener at `bind`, as [`DoorsConfig::new`] has them.
    #[must_use]
    pub fn new(hub: &Hub, bind: SocketAddr) -> Self {
        Self::with(hub, DoorsConfig::new(bind))
    }

    /// Doors to `hub`.
    #[must_use]
    pub fn with(hub: &Hub, config: DoorsConfig) -> Self {
        warn_of_unspoken(hub, &config.open_doors);
        if let Some(accounts) = &config.accounts {
            hub.nicknames().keep_clear_of(accounts);
        }
        let limits = &config.limits;
        let share = Share {
            loopback: limits.tickets_max / 4 * 3,
            address: TICKET_SHARE.address,
        };
        Self(Arc::new(Inner {
            hub: hub.clone(),
            tickets: DoorTickets::new(limits.ticket_lifetime, limits.tickets_max, share),
            logins: Logins::new(limits),
            publishes: publishes_per_address(hub.limits()),
            counters: Counters::default(),
            unknown_proxy_told: Once::new(),
            config,
        }))
    }

    /// What these doors have counted.
    #[must_use]
    pub fn counts(&self) -> DoorCounts {
        let tickets = self.0.tickets.counts(self.now());
        self.0.counters.with(tickets)
    }

    /// Ends what a session has: its tickets, and its connections with close 1008. Whoever ends a
    /// session marks it ended first, so that [`Accounts::is_open`](crate::Accounts::is_open) says
    /// so.
    pub fn end_session(&self, session: SessionId) {
        self.0.tickets.end_session(session);
        self.0.hub.close_session(session);
    }

    /// Ends what a user has, whose sessions have all been marked ended: tickets, and connections
    /// with close 1008.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Doors, Hub, HubConfig, SessionId, UserName};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let doors = Doors::new(&hub, "127.0.0.1:8080".parse()?);
    /// let ann = UserName::user("ann")?;
    /// // In the application's own book ann has no session any more.
    /// doors.end_user(&ann);
    /// # Ok(()) }
    /// ```
    pub fn end_user(&self, who: &UserName) {
        self.0.tickets.end_user(who);
        self.0.hub.close_user(who);
    }

    /// Told of every account that is made while the server runs: who has its name as a nickname at
    /// `/plain` is called otherwise from here on.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Doors, Hub, HubConfig, SessionId, UserName};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let doors = Doors::new(&hub, "127.0.0.1:8080".parse()?);
    /// let ann = UserName::user("ann")?;
    /// // In the application's own book ann has an account from now on.
    /// doors.user_added(&ann);
    /// # Ok(()) }
    /// ```
    pub fn user_added(&self, who: &UserName) {
        self.0.hub.nicknames().is_taken_by_account(who);
    }

    /// All doors, each at its [path](DoorsConfig::paths): [`Route`] tells what they are. Without
    /// accounts there is no sign-in and no sign-out.
    pub fn routes(&self) -> Router {
        let path = |route| self.0.config.paths.of(route).as_str();
        let plain_room = Some(self.0.config.plain_room.clone());
        let feed_room = Some(self.0.config.subscribe_room.clone());
        let in_a_room = |what| format!("{}/{{room}}/{what}", path(Route::Rooms));
        let routes = Router::new()
            .route(path(Route::Ws), self.any(http::ws::answer))
            .route(path(Route::Plain), self.free_door(Plain.name(), plain_room))
            .route(
                path(Route::Subscribe),
                self.free_door(Feed.name(), feed_room),
            )
            .route(path(Route::Echo), self.free_door(Echo.name(), None))
            .route(path(Route::Ticket), self.any(http::ticket::answer))
            .route(path(Route::Health), self.any(http::health::answer))
            .route(path(Route::Debug), self.any(http::debug::answer))
            .route(
                path(Route::Publish),
                self.any(http::publish::answer_to_feed),
            )
            .route(&in_a_room("publish"), self.publish_door())
            .route(&in_a_room("history"), self.history_door());
        if self.0.config.accounts.is_none() {
            return routes;
        }
        routes
            .route(path(Route::Login), self.any(http::login::answer))
            .route(path(Route::Logout), self.any(http::logout::answer))
    }

    fn publish_door(&self) -> MethodRouter {
        let doors = self.clone();
        any(move |room: Result<Path<String>, PathRejection>, request| {
            http::publish::answer(doors, room.ok(), request)
        })
    }

    fn history_door(&self) -> MethodRouter {
        let doors = self.clone();
        any(move |room: Result<Path<String>, PathRejection>, request| {
            http::history::answer(doors, room.ok(), request)
        })
    }

    /// Every method: each door says itself which it answers.
    fn any<F>(&self, answer: fn(Doors, Request) -> F) -> MethodRouter
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let doors = self.clone();
        any(move |request| answer(doors, request))
    }

    /// A door without tickets, open on loopback only unless
    /// [`open_doors`](DoorsConfig::open_doors) names it, for one of the dialects of
    /// [`HubConfig`](crate::HubConfig). Its clients are guests with chosen names and start in
    /// `room`, or in none. A dialect that the hub does not speak answers 404.
    pub fn free_door(&self, dialect: &'static str, room: Option<RoomName>) -> MethodRouter {
        let doors = self.clone();
        any(move |request| http::free::answer(doors, dialect, room.clone(), request))
    }

    /// Closes what a session still has, if it has ended while a connection was on its way to its
    /// shard: whoever ended it could not reach that one.
    pub(crate) fn close_if_ended(&self, session: SessionId) {
        if !self.is_open(session) {
            self.0.hub.close_session(session);
        }
    }

    /// Whether a session is open. Guests have none that could end.
    pub(crate) fn is_open(&self, session: SessionId) -> bool {
        session == SessionId::NONE
            || self
                .0
                .config
                .accounts
                .as_ref()
                .is_some_and(|accounts| accounts.is_open(session))
    }

    /// A place for a connection from `address`.
    pub(crate) fn take_place(&self, address: Option<IpAddr>) -> Result<Place, Full> {
        let unlimited = |max: usize| if max == 0 { usize::MAX } else { max };
        let limits = &self.0.config.limits;
        let share = Share {
            loopback: unlimited(limits.connections_per_loopback_address),
            address: unlimited(limits.connections_per_address),
        };
        self.0.hub.take_place(address, share)
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(crate) fn tickets(&self) -> &DoorTickets {
        &self.0.tickets
    }

    /// The time that tickets count in.
    pub(crate) fn now(&self) -> Duration {
        self.0.hub.elapsed()
    }

    pub(crate) fn logins(&self) -> &Logins {
        &self.0.logins
    }

    pub(crate) fn publishes(&self) -> Option<&Rates> {
        self.0.publishes.as_ref()
    }

    pub(crate) fn accounts(&self) -> Option<&Arc<dyn Accounts>> {
        self.0.config.accounts.as_ref()
    }

    pub(crate) fn config(&self) -> &DoorsConfig {
        &self.0.config
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// A request, as the doors see it.
    pub(crate) fn visit(&self, request: &Request) -> Visit {
        Visit::of(&self.0.config, request.extensions(), request.headers())
    }

    pub(crate) fn lets_guests_in(&self, visit: &Visit) -> bool {
        match self.0.config.guests {
            Guests::Nobody => false,
            Guests::Loopback => visit.is_local,
            Guests::Everybody => true,
        }
    }

    /// Whether a door that is shut beyond loopback is open to a visit.
    pub(crate) fn is_open_to(&self, door: Door, visit: &Visit) -> bool {
        visit.is_local || self.0.config.open_doors.contains(&door)
    }

    /// Whether everything is there that serving needs.
    pub(crate) fn health(&self) -> Result<(), Unhealthy> {
        if self.0.hub.is_going_away() {
            return Err(Unhealthy::GoingAway);
        }
        if has_ended(self.0.hub.failed()) {
            return Err(Unhealthy::ShardFailed);
        }
        if let Some(Err(error)) = self.accounts().map(|accounts| accounts.health()) {
            tracing::error!(%error, "this server is not healthy");
            return Err(Unhealthy::Accounts);
        }
        if let Some(trouble) = self.0.config.rooms.as_ref().and_then(|it| it.trouble()) {
            return Err(Unhealthy::Rooms(trouble));
        }
        Ok(())
    }

    /// A ticket for `holder`, unless its session ends meanwhile: whoever ended it could not take
    /// back a ticket that was not there yet.
    pub(crate) fn issue(
        &self,
        holder: Holder,
        source: Source,
    ) -> Result<TicketSecret, TicketError> {
        let session = holder.session;
        let secret = self.0.tickets.issue(holder, source, self.now())?;
        if self.is_open(session) {
            return Ok(secret);
        }
        self.0.tickets.end_session(session);
        Err(TicketError::SessionEnded)
    }
}

/// Opening a door that answers 404 is a slip of who embeds this.
fn warn_of_unspoken(hub: &Hub, doors: &[Door]) {
    for door in doors {
        let dialect = match door {
            Door::Free(dialect) => dialect,
            Door::Plain => Plain.name(),
            Door::Subscribe => Feed.name(),
            Door::Echo => Echo.name(),
            Door::Publish | Door::Debug => continue,
        };
        if hub.wire(dialect).is_none() {
            tracing::warn!(
                dialect,
                "open_doors opens a dialect that the hub does not speak"
            );
        }
    }
}

/// Publishing over HTTP has the rate of one connection for each address.
fn publishes_per_address(limits: &Limits) -> Option<Rates> {
    let (rate, burst) = (limits.messages_per_second, limits.message_burst);
    (rate > 0).then(|| Rates::with_burst(rate, Duration::from_secs(1), burst))
}

/// Whether a future that nobody has to wait for has ended.
fn has_ended(future: impl Future<Output = ()>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    pin!(future).poll(&mut context).is_ready()
}
