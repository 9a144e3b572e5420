//! A client's end of a WebSocket over a pipe: frames in, masked frames out.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use parlour_ws::{Incoming, Limits, Opcode, Receiver, put_masked_frame};

use crate::plane::{Far, Taken};

/// Nobody between both ends could be fooled by what is not masked (RFC 6455, 10.3).
const NO_MASK: [u8; 4] = [0; 4];
/// What this very process sends has its own bounds.
const LIMITS: Limits = Limits {
    max_message_bytes: usize::MAX,
};

/// One connection, as its client sees it.
pub(crate) struct Line {
    far: Far,
    receiver: Receiver,
    /// Taken out of the pipe; what lies before `at` is done with.
    input: Vec<u8>,
    at: usize,
    /// Frames for the shard; the first `sent` bytes are with it.
    out: Vec<u8>,
    sent: usize,
}

/// One thing that the shard has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Binary(Bytes),
    Ping(Bytes),
    Pong(Bytes),
    /// The last; with its code and text, unless it had none.
    Close(Option<(u16, String)>),
}

impl Line {
    pub(crate) fn new(far: Far) -> Self {
        Self {
            far,
            receiver: Receiver::client(),
            input: Vec::new(),
            at: 0,
            out: Vec::new(),
            sent: 0,
        }
    }

    /// Puts a frame behind what waits to be sent.
    pub(crate) fn put(&mut self, opcode: Opcode, payload: &[u8]) {
        put_masked_frame(&mut self.out, opcode, payload, NO_MASK);
    }

    /// Whether something that was put is not with the shard yet.
    #[cfg(feature = "testing")]
    pub(crate) fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    /// Sends nothing more, as a client does that has been closed.
    #[cfg(feature = "testing")]
    pub(crate) fn finish(&mut self) {
        self.far.finish();
    }

    /// Sends what was put; `false` when the shard takes nothing more.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        while self.sent < self.out.len() {
            match ready!(self.far.poll_send(context, &self.out[self.sent..])) {
                Some(len) => self.sent += len,
                None => {
                    self.out.clear();
                    self.sent = 0;
                    return Poll::Ready(false);
                }
            }
        }
        self.out.clear();
        self.sent = 0;
        Poll::Ready(true)
    }

    /// The next that the shard has sent; `None` at the end.
    pub(crate) fn poll_hear(&mut self, context: &mut Context<'_>) -> Poll<Option<Heard>> {
        loop {
            if let Some(heard) = self.parse() {
                return Poll::Ready(Some(heard));
            }
            self.input.clear();
            self.at = 0;
            match ready!(self.far.poll_take(context, &mut self.input)) {
                Taken::Bytes(_) => {}
                Taken::End | Taken::Cut => return Poll::Ready(None),
            }
        }
    }

    /// The first item of what was taken.
    fn parse(&mut self) -> Option<Heard> {
        let input = &mut self.input[self.at..];
        if input.is_empty() {
            return None;
        }
        match self.receiver.receive(&LIMITS, input) {
            Ok(received) => {
                let heard = received.item.map(Heard::of);
                self.at += received.consumed;
                heard
            }
            Err(error) => {
                tracing::error!(%error, "this server broke the protocol towards itself");
                None
            }
        }
    }
}

impl Heard {
    fn of(item: Incoming<'_>) -> Self {
        match item {
            Incoming::Text(text) => Self::Text(text.to_owned()),
            Incoming::Binary(bytes) => Self::Binary(Bytes::copy_from_slice(bytes)),
            Incoming::Ping(payload) => Self::Ping(Bytes::copy_from_slice(payload)),
            Incoming::Pong(payload) => Self::Pong(Bytes::copy_from_slice(payload)),
            Incoming::Close(frame) => {
                Self::Close(frame.map(|frame| (frame.code, frame.reason.to_owned())))
            }
        }
    }
}
