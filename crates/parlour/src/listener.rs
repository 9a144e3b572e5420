//! The accept loop: HTTP/1.1 on TCP, in plain or by TLS, with bounds, until it is told to stop.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::accounts::BoxFuture;
use crate::authority::Scheme;
use crate::tls::TlsKeys;

mod host;
mod limits;
mod secure;
mod slots;
mod stop;
mod watched;

pub use limits::{ListenerLimits, ListenerLimitsError};
use secure::Opened;
pub(crate) use secure::Secure;
use slots::{Slot, Slots};
use stop::{Stop, Stopped};
pub(crate) use watched::Watched;

/// A socket to serve a router on, with its bounds, in plain or by TLS.
///
/// A connection has [`handshake_time`](ListenerLimits::handshake_time) for its TLS handshake and for
/// each request's head (then it is cut; over [`head_bytes_max`](ListenerLimits::head_bytes_max): 431).
/// A client that takes nothing of its answer for [`write_time`](ListenerLimits::write_time) is
/// reset. A request must name its host once (RFC 9112, 3.2), else 400. Connections over their number
/// wait, those over their address's share are closed; sockets that were handed to a hub do not
/// count. Requests carry their peer as [`ConnectInfo<SocketAddr>`].
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
    keys: Option<TlsKeys>,
    limits: ListenerLimits,
}

impl Listener {
    /// A listener of plain HTTP with the default bounds.
    pub fn new(socket: TcpListener) -> Self {
        Self {
            socket,
            keys: None,
            limits: ListenerLimits::default(),
        }
    }

    /// Serves by TLS 1.2 and 1.3, and nothing in plain: plain HTTP is answered with 400 and the
    /// https address, everything else is cut.
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
            tls: self.keys.map(|keys| TlsAcceptor::from(keys.config())),
            limits: self.limits,
        };
        serve_from(self.socket, serving, stop).await
    }
}

/// Serves `router` in plain with the default bounds: [`Listener::new`], then [`Listener::serve`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> UnderWay {
    Listener::new(listener).serve(router, stop).await
}

/// The requests that were under way when [`serve`] stopped.
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

/// Where sockets come from; tests put errors in between.
trait Accept {
    fn accept(&mut self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        TcpListener::accept(self).await
    }
}

/// What every connection is served with.
struct Serving {
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: ListenerLimits,
}

async fn serve_from(
    mut source: impl Accept,
    serving: Serving,
    stop: impl Future<Output = ()>,
) -> UnderWay {
    let serving = Arc::new(serving);
    let slots = Slots::new(&serving.limits);
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
                    tokio::spawn(serve_until_over(stream, peer, serving, stopped, slot));
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

/// Accepts, and waits out what passes.
struct Accepting {
    pause: Duration,
    is_out_of_handles: bool,
}

impl Accepting {
    fn new(pause: Duration) -> Self {
        Self {
            pause,
            is_out_of_handles: false,
        }
    }

    async fn next(&mut self, source: &mut impl Accept) -> (TcpStream, SocketAddr) {
        loop {
            match source.accept().await {
                Ok(accepted) => {
                    self.is_out_of_handles = false;
                    return accepted;
                }
                Err(error) if is_of_one_client(&error) => {}
                Err(error) => self.pause(&error).await,
            }
        }
    }

    /// Said once per shortage: the log must not grow by ten lines a second.
    async fn pause(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_out_of_handles, true) {
            tracing::error!(
                %error,
                "no new connection can be accepted; raise the limit of open files (ulimit -n)"
            );
        }
        tokio::time::sleep(self.pause).await;
    }
}

/// The client went away between its knock and our opening.
fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

async fn serve_until_over(
    stream: TcpStream,
    peer: SocketAddr,
    serving: Arc<Serving>,
    mut stopped: Stopped,
    _slot: Slot,
) {
    let served = serve_connection(stream, peer, serving, stopped.clone());
    tokio::select! {
        () = served => {}
        () = stopped.over() => {}
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    serving: Arc<Serving>,
    mut stopped: Stopped,
) {
    let limits = &serving.limits;
    let Ok(stream) = Watched::new(stream, limits) else {
        return; // The client is gone already.
    };
    let Some(acceptor) = &serving.tls else {
        let answer = router_of(&serving, peer, Scheme::Http);
        return serve_http(stream, limits, answer, stopped).await;
    };
    let opened = tokio::select! {
        opened = secure::open(stream, acceptor, limits.handshake_time) => opened,
        () = stopped.stopping() => return, // It has asked for nothing yet.
    };
    match opened {
        Ok(Opened::Tls(stream)) => {
            let answer = router_of(&serving, peer, Scheme::Https);
            serve_http(*stream, limits, answer, stopped).await;
        }
        Ok(Opened::PlainHttp(stream)) => {
            let answer = |request| std::future::ready(secure::speak_https(&request));
            serve_http(stream, limits, answer, stopped).await;
        }
        // Its text holds nothing but what TLS itself says.
        Err(error) => tracing::debug!(%error, "a TLS connection did not begin"),
    }
}

/// Answers one connection's requests by the router.
fn router_of(
    serving: &Serving,
    peer: SocketAddr,
    scheme: Scheme,
) -> impl Fn(Request) -> BoxFuture<'static, Response> + use<> {
    let router = serving.router.clone();
    move |mut request| {
        request.extensions_mut().insert(ConnectInfo(peer));
        Box::pin(respond(router.clone(), scheme, request))
    }
}

async fn serve_http<S, A>(
    stream: S,
    limits: &ListenerLimits,
    answer: impl Fn(Request) -> A,
    mut stopped: Stopped,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Future<Output = Response>,
{
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let response = answer(request.map(Body::new));
        async move { Ok::<_, Infallible>(response.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake_time)
        .max_buf_size(limits.head_bytes_max)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        () = stopped.stopping() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // A client that breaks off or sends no HTTP. The error's text holds nothing of its request.
        tracing::debug!(%error, "an HTTP connection ended badly");
    }
}

async fn respond(router: Router, scheme: Scheme, request: Request) -> Response {
    if let Err(error) = host::check(scheme, &request) {
        return error.into_response();
    }
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests;
