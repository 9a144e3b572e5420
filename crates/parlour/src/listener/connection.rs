//! One connection: its TLS if there is any, its requests, its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::places::{Place, Wanted};
#[cfg(feature = "tls")]
use super::secure::{self, Opened};
use super::slots::Slot;
use super::stop::Stopped;
use super::urgent::{First, Urgent};
use super::{ListenerLimits, Watched, host};
use crate::accounts::BoxFuture;
use crate::authority::Scheme;

/// What every connection is served with.
pub(super) struct Serving {
    pub(super) router: Router,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: ListenerLimits,
    pub(super) urgent: Urgent,
    /// How long a place is kept from who waits.
    pub(super) place_time: Duration,
}

/// Serves one connection to its end, or until it is over for all. What waits is small: thousands may.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    serving: Arc<Serving>,
    mut stopped: Stopped,
    slot: Slot,
) {
    if let Some(place) = arrive(&stream, &serving, &mut stopped, &slot).await {
        Box::pin(serve_in_place(stream, peer, serving, stopped, place)).await;
    }
}

async fn serve_in_place(
    stream: TcpStream,
    peer: SocketAddr,
    serving: Arc<Serving>,
    mut stopped: Stopped,
    place: Place,
) {
    let (wanted, place_time) = (place.wanted(), serving.place_time);
    let served = pin!(serve_connection(
        stream,
        peer,
        serving,
        wanted,
        stopped.clone()
    ));
    tokio::select! {
        biased;
        () = stopped.over() => {}
        () = hold(place, place_time, served) => {}
    }
}

/// Waits until the client says something, and then for a place; `None` when it says nothing in time.
/// Until there is a place nothing is read.
async fn arrive(
    stream: &TcpStream,
    serving: &Serving,
    stopped: &mut Stopped,
    slot: &Slot,
) -> Option<Place> {
    let first = serving.urgent.first_of(stream);
    let first = timeout(serving.limits.handshake_time, first);
    let first = tokio::select! {
        biased;
        first = first => first.ok()?.ok()??,
        () = stopped.stopping() => return None, // It has asked for nothing yet.
    };
    let First { is_urgent } = first;
    Some(slot.place(is_urgent).await)
}

/// Whoever takes longer than `time` goes on without its place, so that who dawdles holds up nobody.
async fn hold(place: Place, time: Duration, mut served: impl Future<Output = ()> + Unpin) {
    if timeout(time, &mut served).await.is_err() {
        drop(place);
        served.await;
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    serving: Arc<Serving>,
    wanted: Wanted,
    stopped: Stopped,
) {
    let limits = &serving.limits;
    let Ok(stream) = Watched::new(stream, limits) else {
        return; // The client is gone already.
    };
    #[cfg(feature = "tls")]
    if let Some(acceptor) = &serving.tls {
        return serve_tls(stream, peer, &serving, acceptor, wanted, stopped).await;
    }
    let answer = router_of(&serving, peer, Scheme::Http, wanted);
    serve_http(stream, limits, answer, stopped).await;
}

#[cfg(feature = "tls")]
async fn serve_tls(
    stream: Watched,
    peer: SocketAddr,
    serving: &Serving,
    acceptor: &TlsAcceptor,
    wanted: Wanted,
    mut stopped: Stopped,
) {
    let limits = &serving.limits;
    let opened = tokio::select! {
        opened = secure::open(stream, acceptor, limits.handshake_time) => opened,
        () = stopped.stopping() => return, // It has asked for nothing yet.
    };
    match opened {
        Ok(Opened::Tls(stream)) => {
            let answer = router_of(serving, peer, Scheme::Https, wanted);
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
    wanted: Wanted,
) -> impl Fn(Request) -> BoxFuture<'static, Response> + use<> {
    let router = serving.router.clone();
    move |mut request| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let (router, wanted) = (router.clone(), wanted.clone());
        Box::pin(async move {
            let mut response = respond(router, scheme, request).await;
            if wanted.is_true() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            response
        })
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
        biased; // What was sent before the stop is read before it.
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
