//! The way of a connection out of HTTP: 101, drained, tuned, handed to its shard.
//!
//! A socket that we can take out becomes the shard's own. Every other stream keeps a task, which
//! [pumps](pump) it through a pipe.

mod pump;

use std::io;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use parlour_hub::Attach;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::hub::Hub;
use crate::limits::{HANDSHAKE_TIME, NOT_SENT_BYTES, SEND_BUFFER_BYTES};
#[cfg(feature = "tls")]
use crate::listener::Secure;
use crate::listener::Watched;
use crate::occupancy::Place;
use crate::plane::{Arrival, Driver, TlsSession, Transport, pipe};

/// Why a socket could not be handed over. Its connection is cut, its place free again.
#[derive(Debug, thiserror::Error)]
enum HandOverError {
    #[error("the 101 could not be sent: {0}")]
    NotUpgraded(#[from] hyper::Error),
    #[error("the client did not take the 101 in time")]
    TooSlow,
    #[cfg(feature = "tls")]
    #[error("the client broke TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the socket could not be prepared: {0}")]
    Socket(#[from] io::Error),
}

/// Hands the socket to the hub when the 101 has been sent. The task that waits for that is bounded
/// in time, and nothing of it stays behind. When the shard has been posted the connection, `after`
/// runs: what it then posts to end that connection comes behind it.
pub(crate) fn hand_over_later(
    on_upgrade: OnUpgrade,
    hub: Hub,
    attach: Attach,
    place: Place,
    after: impl FnOnce() + Send + 'static,
) {
    tokio::spawn(async move {
        match hand_over(on_upgrade, &hub, attach, place).await {
            Ok(()) => after(),
            Err(error) => tracing::debug!(%error, "an upgrade failed"),
        }
    });
}

async fn hand_over(
    on_upgrade: OnUpgrade,
    hub: &Hub,
    attach: Attach,
    place: Place,
) -> Result<(), HandOverError> {
    let upgraded = tokio::time::timeout(HANDSHAKE_TIME, on_upgrade)
        .await
        .map_err(|_| HandOverError::TooSlow)??;
    let (transport, unread, place) = match Taken::from(upgraded)? {
        Taken::Socket(socket) => {
            let (transport, unread) = socket.into_transport()?;
            (transport, unread, place)
        }
        Taken::Stream(stream) => {
            let (place, pumps) = place.shared();
            (pumped(stream, hub, pumps), Vec::new(), place)
        }
    };
    hub.attach(Arrival {
        transport,
        unread,
        attach,
        place,
    });
    Ok(())
}

/// A stream that stays with a task of its own. That has its place for as long as it has the stream,
/// which may be longer than its shard: nobody holds more of them than there are places.
fn pumped(stream: Upgraded, hub: &Hub, place: Place) -> Transport {
    let (near, far) = pipe(hub.inbox(place.shard()), Driver::Task);
    tokio::spawn(async move {
        pump::run(TokioIo::new(stream), far).await;
        drop(place);
    });
    Transport::Pipe(near)
}

/// What an HTTP connection was made of.
enum Taken {
    Socket(Socket),
    /// An embedder's own: a Unix socket, another TLS, a buffer in memory. What hyper had read is in
    /// it, too.
    Stream(Upgraded),
}

struct Socket {
    stream: TcpStream,
    session: Option<Box<TlsSession>>,
    /// The client's first frames: what hyper had read behind the request's head, and behind that
    /// what TLS had decrypted. What it has not decrypted stays in the session.
    unread: Vec<u8>,
    send_buffer_bytes: usize,
}

impl Taken {
    fn from(upgraded: Upgraded) -> Result<Self, HandOverError> {
        let upgraded = match upgraded.downcast::<TokioIo<Watched>>() {
            Ok(parts) => {
                let socket = Socket::plain(parts.io.into_inner(), &parts.read_buf);
                return Ok(Self::Socket(socket));
            }
            Err(upgraded) => upgraded,
        };
        #[cfg(feature = "tls")]
        let upgraded = match upgraded.downcast::<TokioIo<Secure>>() {
            Ok(parts) => {
                let socket = Socket::secure(parts.io.into_inner(), &parts.read_buf)?;
                return Ok(Self::Socket(socket));
            }
            Err(upgraded) => upgraded,
        };
        // `axum::serve` and others that take HTTP/1 and HTTP/2 on one socket wrap it once more.
        let (stream, unread) = match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
            Ok(parts) => (parts.io, parts.read_buf),
            Err(upgraded) => match upgraded.downcast::<TokioIo<TcpStream>>() {
                Ok(parts) => (parts.io, parts.read_buf),
                Err(upgraded) => return Ok(Self::Stream(upgraded)),
            },
        };
        Ok(Self::Socket(Socket::foreign(stream.into_inner(), &unread)))
    }
}

impl Socket {
    fn into_transport(self) -> io::Result<(Transport, Vec<u8>)> {
        let stream = self.stream.into_std()?;
        tune(&stream, self.send_buffer_bytes)?;
        Ok((Transport::Socket(stream, self.session), self.unread))
    }

    fn plain(watched: Watched, unread: &[u8]) -> Self {
        Self {
            send_buffer_bytes: watched.send_buffer_bytes(),
            ..Self::foreign(watched.into_inner(), unread)
        }
    }

    #[cfg(feature = "tls")]
    fn secure(secure: Secure, unread: &[u8]) -> Result<Self, HandOverError> {
        let (watched, connection) = secure.into_inner();
        let (session, decrypted) = TlsSession::take_over(connection)?;
        Ok(Self {
            session: Some(session),
            unread: [unread, &decrypted].concat(),
            ..Self::plain(watched, &[])
        })
    }

    /// Of a listener that has no bounds of ours.
    fn foreign(stream: TcpStream, unread: &[u8]) -> Self {
        Self {
            stream,
            session: None,
            unread: unread.to_vec(),
            send_buffer_bytes: SEND_BUFFER_BYTES,
        }
    }
}

fn tune(stream: &std::net::TcpStream, send_buffer_bytes: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_send_buffer_size(send_buffer_bytes / 2)?;
    socket.set_tcp_notsent_lowat(NOT_SENT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_keeps_no_more_for_a_socket_than_it_may() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        tune(&stream, SEND_BUFFER_BYTES).unwrap();
        let socket = SockRef::from(&stream);
        assert_eq!(socket.send_buffer_size().unwrap(), SEND_BUFFER_BYTES);
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), NOT_SENT_BYTES);
        assert!(stream.nodelay().unwrap());
    }
}
