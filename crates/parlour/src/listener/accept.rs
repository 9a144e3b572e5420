//! Where connections come from, and what to do while none can come.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// Where sockets come from; tests put errors in between.
pub(super) trait Accept {
    fn accept(&mut self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        TcpListener::accept(self).await
    }
}

/// Accepts, and waits out what passes.
pub(super) struct Accepting {
    pause: Duration,
    pub(super) is_out_of_handles: bool,
}

impl Accepting {
    pub(super) fn new(pause: Duration) -> Self {
        Self {
            pause,
            is_out_of_handles: false,
        }
    }

    pub(super) async fn next(&mut self, source: &mut impl Accept) -> (TcpStream, SocketAddr) {
        loop {
            match source.accept().await {
                Ok((stream, from)) => {
                    self.is_out_of_handles = false;
                    // Else the end of an answer waits until its beginning is acknowledged, 40 ms for
                    // whoever asks for several things at once. A socket that has gone says so itself.
                    let _ = stream.set_nodelay(true);
                    return (stream, from);
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
