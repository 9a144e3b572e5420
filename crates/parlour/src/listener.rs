//! The accept loop: HTTP/1.1 on TCP, with bounds, until it is told to stop.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::limits::{ACCEPT_PAUSE, HANDSHAKE_TIME, HEAD_BYTES_MAX};

mod host;
mod slots;
mod watched;

use slots::{Slot, Slots};
pub(crate) use watched::Watched;

/// Serves `router` on `listener` until `stop` ends. When this returns the listener is closed, and
/// idle connections are about to be; requests that are under way go on, see [`UnderWay`]. Sockets
/// that were handed to a hub are none of its business any more.
///
/// A request's head may take 10 s and 16 KiB (else 431 or cut), and a client that takes nothing of
/// its answer for 10 s is cut. A request must name its host once (RFC 9112, 3.2), else 400. There are 8,192 connections at once, of which the loopback addresses
/// may have three quarters, and any other address (a /64 of IPv6) 256; over that they are closed.
/// Sockets that were handed to a hub do not count. Requests carry their peer as
/// [`ConnectInfo<SocketAddr>`].
///
/// When the process has no file handle left, it says so once and goes on when there is one.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> UnderWay {
    serve_from(listener, router, stop).await
}

/// The requests that were under way when [`serve`] stopped.
pub struct UnderWay {
    slots: Slots,
}

impl UnderWay {
    /// Waits until all of them are answered, but no longer than `grace`.
    pub async fn finish(self, grace: Duration) {
        self.slots.all_free(grace).await;
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

async fn serve_from(
    mut source: impl Accept,
    router: Router,
    stop: impl Future<Output = ()>,
) -> UnderWay {
    let slots = Slots::new();
    let (stopping, stopped) = watch::channel(());
    let mut accepting = Accepting::default();
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
                    tokio::spawn(serve_connection(stream, peer, router.clone(), stopped.clone(), slot));
                }
            }
        }
    }
    drop(source);
    drop(stopping);
    UnderWay { slots }
}

/// Accepts, and waits out what passes.
#[derive(Default)]
struct Accepting {
    is_out_of_handles: bool,
}

impl Accepting {
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
        tokio::time::sleep(ACCEPT_PAUSE).await;
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

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stopped: watch::Receiver<()>,
    _slot: Slot,
) {
    let Ok(stream) = Watched::new(stream) else {
        return; // The client is gone already.
    };
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move { Ok::<_, Infallible>(respond(router, request.map(Body::new)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE_TIME)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // A client that breaks off or sends no HTTP. The error's text holds nothing of its request.
        tracing::debug!(%error, "an HTTP connection ended badly");
    }
}

async fn respond(router: Router, request: axum::extract::Request) -> axum::response::Response {
    if let Err(error) = host::check(&request) {
        return error.into_response();
    }
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests;
