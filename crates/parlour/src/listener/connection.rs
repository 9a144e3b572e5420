//! One connection: its TLS if there is any, its requests, its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

#[cfg(feature = "tls")]
use super::secure::{self, Opened};
use super::slots::Slot;
use super::stop::Stopped;
use super::{ListenerLimits, Watched, host};
use crate::accounts::BoxFuture;
use crate::authority::Scheme;

/// What every connection is served with.
pub(super) struct Serving {
    pub(super) router: Router,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: ListenerLimits,
}

/// Serves one connection to its end, or until it is over for all.
pub(super) async fn serve(
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
    stopped: Stopped,
) {
    let limits = &serving.limits;
    let Ok(stream) = Watched::new(stream, limits) else {
        return; // The client is gone already.
    };
    #[cfg(feature = "tls")]
    if let Some(acceptor) = &serving.tls {
        return serve_tls(stream, peer, &serving, acceptor, stopped).await;
    }
    let answer = router_of(&serving, peer, Scheme::Http);
    serve_http(stream, limits, answer, stopped).await;
}

#[cfg(feature = "tls")]
async fn serve_tls(
    stream: Watched,
    peer: SocketAddr,
    serving: &Serving,
    acceptor: &TlsAcceptor,
    mut stopped: Stopped,
) {
    let limits = &serving.limits;
    let opened = tokio::select! {
        opened = secure::open(stream, acceptor, limits.handshake_time) => opened,
        () = stopped.stopping() => return, // It has asked for nothing yet.
    };
    match opened {
        Ok(Opened::Tls(stream)) => {
            let answer = router_of(serving, peer, Scheme::Https);
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
