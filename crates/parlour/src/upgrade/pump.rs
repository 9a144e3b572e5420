//! A stream that a shard cannot own, carried through a pipe by one task.
//!
//! The task holds what it took out of the pipe until the stream has taken it, and nothing else: an
//! idle connection costs no buffer. Deadlines and bounds are the shard's, which sees a pipe that
//! takes bytes or does not.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::{LAST_WORDS_TIME, PUMP_BYTES};
use crate::plane::{Far, Taken};

/// Carries bytes both ways until both sides have ended, one has failed, or the shard cuts.
pub(super) async fn run(stream: impl AsyncRead + AsyncWrite, far: Far) {
    let mut stream = pin!(stream);
    let mut pump = Pump::new(far);
    let ended = poll_fn(|context| pump.poll_until_over(context, stream.as_mut())).await;
    if let Err(error) = ended {
        tracing::debug!(%error, "a stream failed");
        return;
    }
    // The shard has let go of a connection that it had ended in order.
    let last = poll_fn(|context| pump.poll_out(context, stream.as_mut()));
    if tokio::time::timeout(LAST_WORDS_TIME, last).await.is_err() {
        tracing::debug!("a client did not take the last words");
    }
}

struct Pump {
    far: Far,
    /// Taken out of the pipe; the stream has had the first of them.
    out: Vec<u8>,
    written: usize,
    input: In,
    output: Out,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Open,
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Out {
    Open,
    /// Everything that was taken is written; it may still lie in the stream's own buffer.
    Flushing,
    /// The shard sends nothing more.
    ShuttingDown,
    Ended,
}

impl Pump {
    fn new(far: Far) -> Self {
        Self {
            far,
            out: Vec::new(),
            written: 0,
            input: In::Open,
            output: Out::Open,
        }
    }

    /// Ends when both directions have ended, or the shard is done with the connection.
    fn poll_until_over<S: AsyncRead + AsyncWrite>(
        &mut self,
        context: &mut Context<'_>,
        mut stream: Pin<&mut S>,
    ) -> Poll<io::Result<()>> {
        let output = self.poll_out(context, stream.as_mut())?;
        let input = self.poll_in(context, stream)?;
        // Whatever the stream is waited for: this hears of the shard's end.
        if self.far.poll_is_cut(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if self.far.is_over() || (output.is_ready() && input.is_ready()) {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    fn poll_in<S: AsyncRead>(
        &mut self,
        context: &mut Context<'_>,
        mut stream: Pin<&mut S>,
    ) -> Poll<io::Result<()>> {
        let mut scratch = [MaybeUninit::uninit(); PUMP_BYTES];
        while self.input == In::Open {
            let Some(room) = ready!(self.far.poll_room(context)) else {
                self.input = In::Ended;
                break;
            };
            let mut read = ReadBuf::uninit(&mut scratch[..room.min(PUMP_BYTES)]);
            ready!(stream.as_mut().poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                self.far.finish();
                self.input = In::Ended;
                break;
            }
            // There is room for all of it: only this task fills the pipe.
            let _ = self.far.poll_send(context, read.filled());
        }
        Poll::Ready(Ok(()))
    }

    fn poll_out<S: AsyncWrite>(
        &mut self,
        context: &mut Context<'_>,
        mut stream: Pin<&mut S>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_write(context, stream.as_mut()))?;
            match self.output {
                Out::Ended => return Poll::Ready(Ok(())),
                Out::ShuttingDown => {
                    ready!(stream.as_mut().poll_shutdown(context))?;
                    self.output = Out::Ended;
                }
                Out::Open | Out::Flushing => match self.far.poll_take(context, &mut self.out) {
                    Poll::Ready(Taken::Bytes(_)) => self.output = Out::Flushing,
                    Poll::Ready(Taken::End) => self.output = Out::ShuttingDown,
                    Poll::Ready(Taken::Cut) => {
                        return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                    }
                    Poll::Pending if self.output == Out::Flushing => {
                        ready!(stream.as_mut().poll_flush(context))?;
                        self.output = Out::Open;
                    }
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// Writes all that was taken out of the pipe.
    fn poll_write<S: AsyncWrite>(
        &mut self,
        context: &mut Context<'_>,
        mut stream: Pin<&mut S>,
    ) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            match ready!(
                stream
                    .as_mut()
                    .poll_write(context, &self.out[self.written..])
            )? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                len => self.written += len,
            }
        }
        self.out = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}
