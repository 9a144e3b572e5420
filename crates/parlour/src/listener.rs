//! The accept loop: HTTP/1.1 on TCP, in plain or by TLS, with bounds, until it is told to stop.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;

use crate::limits::HTTP_PLACE_TIME;
use crate::proxies::Network;
#[cfg(feature = "tls")]
use crate::tls::TlsKeys;

mod accept;
mod connection;
mod host;
mod limits;
mod places;
#[cfg(feature = "tls")]
mod secure;
mod slots;
mod stop;
mod urgent;
mod watched;

use accept::{Accept, Accepting};
use connection::Serving;
pub use limits::{ListenerLimits, ListenerLimitsError};
#[cfg(feature = "tls")]
pub(crate) use secure::Secure;
use slots::Slots;
use stop::Stop;
use urgent::Urgent;
pub(crate) use watched::Watched;

/// A socket to serve a router on, with its bounds, in plain or by TLS.
///
/// A connection has [`handshake_time`](ListenerLimits::handshake_time) for its TLS handshake and
/// for each request's head, then it is cut; a head over
/// [`head_bytes_max`](ListenerLimits::head_bytes_max) is answered with 431. A client that takes
/// nothing of its answer for [`write_time`](ListenerLimits::write_time) is reset. A request must name its host once (RFC 9112, 3.2), else 400. Connections over their number
/// wait, and those who are not [served](ListenerLimits::http_served_max) yet wait unread; those over their address's share are closed, which
/// [proxies](Self::trusted_proxies) have none of; sockets that were handed to a hub do not
/// count. Requests carry their peer as [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo).
///
/// When the process has no file handle left, it says so once and goes on when there is one.
///
/// ```
/// use parlour::{Listener, ListenerLimits};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let limits = ListenerLimits { http_connections_max: 100, ..ListenerLimits::default() };
/// let stop = async {}; // e.g. a signal
/// let under_way = Listener::new(socket).limits(limits)?.serve(axum::Router::new(), stop).await;
/// under_way.finish(std::time::Duration::from_secs(1)).await;
/// # Ok(())
/// # }
/// ```
#[must_use = "it serves nothing until `serve`"]
pub struct Listener {
    socket: TcpListener,
    #[cfg(feature = "tls")]
    keys: Option<TlsKeys>,
    limits: ListenerLimits,
    trusted_proxies: Vec<Network>,
    urgent: Urgent,
}

impl Listener {
    /// A listener of plain HTTP with the default bounds.
    pub fn new(socket: TcpListener) -> Self {
        Self {
            socket,
            #[cfg(feature = "tls")]
            keys: None,
            limits: ListenerLimits::default(),
            trusted_proxies: Vec::new(),
            urgent: Urgent::default(),
        }
    }

    /// Names proxies, which speak for many: no share per address is theirs, only the whole
    /// [`http_connections_max`](ListenerLimits::http_connections_max). Give the doors the same, in
    /// [`DoorsConfig::trusted_proxies`](crate::DoorsConfig::trusted_proxies).
    ///
    /// ```
    /// # fn of(listener: tokio::net::TcpListener) -> Result<(), parlour::NetworkError> {
    /// use parlour::Listener;
    /// let listener = Listener::new(listener).trusted_proxies(vec!["10.0.0.0/8".parse()?]);
    /// # let _ = listener;
    /// # Ok(()) }
    /// ```
    pub fn trusted_proxies(mut self, proxies: Vec<Network>) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    /// Names paths that are asked for by who watches over the server. What asks for them in plain is
    /// served beside the [`http_served_max`](ListenerLimits::http_served_max), eight at once.
    ///
    /// ```
    /// # fn of(listener: tokio::net::TcpListener) {
    /// use parlour::Listener;
    /// let listener = Listener::new(listener).urgent(["/healthz".to_owned()]);
    /// # let _ = listener;
    /// # }
    /// ```
    pub fn urgent(mut self, paths: impl IntoIterator<Item = String>) -> Self {
        self.urgent = Urgent::new(paths);
        self
    }

    /// Serves by TLS 1.2 and 1.3, and nothing in plain: plain HTTP is answered with 400 and the
    /// https address, everything else is cut. Feature `tls`.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, keys: TlsKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Sets the bounds.
    ///
    /// # Errors
    /// [`ListenerLimits::check`]'s.
    pub fn limits(mut self, limits: ListenerLimits) -> Result<Self, ListenerLimitsError> {
        limits.check()?;
        self.limits = limits;
        Ok(self)
    }

    /// Serves `router` until `stop` ends. When this returns the socket is closed, handshakes are
    /// broken off, and idle connections are about to end; requests that are under way go on, see
    /// [`UnderWay`]. Sockets that were handed to a hub are none of its business any more.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()>) -> UnderWay {
        let serving = Serving {
            router,
            #[cfg(feature = "tls")]
            tls: self.keys.map(|keys| TlsAcceptor::from(keys.config())),
            limits: self.limits,
            urgent: self.urgent,
            place_time: HTTP_PLACE_TIME,
        };
        let slots = Slots::new(&serving.limits, &self.trusted_proxies);
        serve_from(self.socket, slots, serving, stop).await
    }
}

/// Serves `router` in plain with the default bounds: [`Listener::new`], then [`Listener::serve`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let stop = async {}; // e.g. a signal
/// parlour::serve(socket, axum::Router::new(), stop).await;
/// # Ok(()) }
/// ```
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> UnderWay {
    Listener::new(listener).serve(router, stop).await
}

/// The requests that were under way when [`serve`] stopped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let under_way = parlour::serve(socket, axum::Router::new(), async {}).await;
/// under_way.finish(std::time::Duration::from_secs(1)).await; // then it cuts them
/// # Ok(()) }
/// ```
pub struct UnderWay {
    slots: Slots,
    stop: Stop,
}

impl UnderWay {
    /// Waits until all of them are answered, but no longer than `grace`; then cuts who is left.
    pub async fn finish(self, grace: Duration) {
        self.slots.all_free(grace).await;
        self.stop.end();
    }
}

async fn serve_from(
    mut source: impl Accept,
    slots: Slots,
    serving: Serving,
    stop: impl Future<Output = ()>,
) -> UnderWay {
    let serving = Arc::new(serving);
    let (stop_all, stopped) = stop::pair();
    let mut accepting = Accepting::new(serving.limits.accept_pause);
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let permit = slots.free().await;
            (accepting.next(&mut source).await, permit)
        };
        tokio::select! {
            () = &mut stop => break,
            ((stream, peer), permit) = next => {
                // Without a slot the stream is dropped, which closes it.
                if let Some(slot) = slots.fill(permit, peer.ip()) {
                    let (serving, stopped) = (Arc::clone(&serving), stopped.clone());
                    tokio::spawn(connection::serve(stream, peer, serving, stopped, slot));
                }
            }
        }
    }
    drop(source);
    stop_all.stop();
    UnderWay {
        slots,
        stop: stop_all,
    }
}

#[cfg(test)]
mod tests;
