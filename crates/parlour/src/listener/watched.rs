//! A TCP stream whose peer must take what is written to it.

use std::future::Future as _;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::ListenerLimits;

/// The stream of one HTTP connection. When its peer takes nothing for
/// [`ListenerLimits::write_time`] although there is something to write, writing fails and the
/// connection is reset.
pub(crate) struct Watched {
    stream: TcpStream,
    send_buffer_bytes: usize,
    patience: Patience,
}

impl Watched {
    /// Bounds what the kernel keeps for the peer, too.
    pub(super) fn new(stream: TcpStream, limits: &ListenerLimits) -> io::Result<Self> {
        let send_buffer_bytes = limits.send_buffer_bytes;
        SockRef::from(&stream).set_send_buffer_size(send_buffer_bytes / 2)?;
        Ok(Self {
            stream,
            send_buffer_bytes,
            patience: Patience::new(limits.write_time),
        })
    }

    /// What the kernel may keep for the peer.
    pub(crate) fn send_buffer_bytes(&self) -> usize {
        self.send_buffer_bytes
    }

    /// The stream, watched no longer.
    pub(crate) fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// Waits for the first byte and leaves it where it is; `None` when there will be none.
    #[cfg(feature = "tls")]
    pub(super) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let mut first = [0];
        let len = self.stream.peek(&mut first).await?;
        Ok(first[..len].first().copied())
    }

    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let result = ready!(self.patience.watch(context, written));
        if matches!(&result, Err(error) if error.kind() == ErrorKind::TimedOut) {
            // Without this the kernel would offer the rest for minutes to who does not want it.
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
        Poll::Ready(result)
    }
}

/// Runs out when nothing could be written for `write_time`.
struct Patience {
    write_time: Duration,
    end: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    fn new(write_time: Duration) -> Self {
        Self {
            write_time,
            end: None,
        }
    }

    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.end = None;
            return written;
        }
        let write_time = self.write_time;
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(write_time)));
        ready!(end.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// TCP has nothing to flush.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    /// A write that blocks until `ready`.
    async fn write_until(patience: &mut Patience, ready: Duration) -> io::Result<()> {
        let mut free = Box::pin(sleep(ready));
        poll_fn(|context| {
            let written = free.as_mut().poll(context).map(Ok);
            patience.watch(context, written)
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn patience_starts_anew_with_every_progress() {
        const JUST_IN_TIME: Duration = Duration::from_millis(9_900);
        const WRITE_TIME: Duration = Duration::from_secs(10);
        let mut patience = Patience::new(WRITE_TIME);
        for _ in 0..5 {
            write_until(&mut patience, JUST_IN_TIME).await.unwrap();
        }
        let error = write_until(&mut patience, 2 * WRITE_TIME).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
