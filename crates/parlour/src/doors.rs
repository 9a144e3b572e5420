//! The doors: which path speaks what, and who may come in.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use axum::routing::{MethodRouter, any};
use parlour_proto::dialect::{Dialect, Echo};
use parlour_proto::{RoomName, SessionId, UserName};

use crate::authority::Scheme;
use crate::http;
use crate::hub::Hub;
use crate::limits::TICKET_SHARE;
use crate::local;
use crate::occupancy::{Full, Place};
use crate::source::Share;
use crate::tickets::Tickets;

mod config;
mod token;

pub use config::{DoorLimits, DoorsConfig, Guests};
pub use token::{Token, TokenError};

/// The doors of one listener to one hub: `GET /ws`, `GET /echo`, `POST /ticket`.
///
/// What may be done without an account (guest tickets, free doors) is open on loopback only, and
/// that means: `bind` is a loopback address, the peer has one, the `Host` header names one with
/// the right port, and no proxy has put a header like `Forwarded`, `X-Forwarded-…`, `Via` or `X-Real-IP` on the request.
/// A proxy that rewrites `Host` to the loopback address and adds none of these makes its clients
/// local.
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
    tickets: Tickets,
    start: Instant,
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
        let limits = &config.limits;
        let share = Share {
            loopback: limits.tickets_max / 4 * 3,
            address: TICKET_SHARE.address,
        };
        Self(Arc::new(Inner {
            hub: hub.clone(),
            tickets: Tickets::new(limits.ticket_lifetime, limits.tickets_max, share),
            config,
            start: Instant::now(),
        }))
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
    pub fn end_user(&self, who: &UserName) {
        self.0.tickets.end_user(who);
        self.0.hub.close_user(who);
    }

    /// All doors of the default dialects.
    pub fn routes(&self) -> Router {
        let doors = self.clone();
        Router::new()
            .route("/ws", any(move |request| http::ws::answer(doors, request)))
            .route("/echo", self.free_door(Echo.name(), None))
            .route("/ticket", {
                let doors = self.clone();
                any(move |request| http::ticket::answer(doors, request))
            })
    }

    /// A door without tickets, open on loopback only, for one of the dialects of
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

    pub(crate) fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }

    /// The time that tickets count in.
    pub(crate) fn now(&self) -> Duration {
        self.0.start.elapsed()
    }

    /// Whether a request gets the rules of loopback; else the public ones.
    pub(crate) fn is_local(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
        local::is_local(self.0.config.bind, self.scheme(), peer, headers)
    }

    #[allow(dead_code, reason = "the doors that ask follow")]
    pub(crate) fn config(&self) -> &DoorsConfig {
        &self.0.config
    }

    /// What the listener speaks.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.0.config.is_tls {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }
}

/// Where a request comes from, if the server says it.
pub(crate) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.ip())
}
