//! The doors: which path speaks what, and who may come in.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use axum::routing::{MethodRouter, any};
use parlour_proto::RoomName;
use parlour_proto::dialect::{Dialect, Echo};

use crate::http;
use crate::hub::Hub;
use crate::limits::{TICKET_LIFETIME, TICKET_SHARE, TICKETS_OUTSTANDING_MAX};
use crate::local;
use crate::tickets::Tickets;

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
    bind: SocketAddr,
    tickets: Tickets,
    start: Instant,
}

impl Doors {
    /// Doors to `hub` for the listener at `bind`.
    #[must_use]
    pub fn new(hub: &Hub, bind: SocketAddr) -> Self {
        Self(Arc::new(Inner {
            hub: hub.clone(),
            bind,
            tickets: Tickets::new(TICKET_LIFETIME, TICKETS_OUTSTANDING_MAX, TICKET_SHARE),
            start: Instant::now(),
        }))
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
        local::is_local(self.0.bind, peer, headers)
    }
}

/// Where a request comes from, if the server says it.
pub(crate) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.ip())
}
