//! From a socket's bytes to the hub: one bounded step per connection and turn.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parlour_hub::{Shard, Sockets, Store};
use parlour_proto::{CloseReason, Frame};
use parlour_ws::deflate::Inflater;
use parlour_ws::{Incoming, Limits, ProtocolError, Received, Receiver, code};

use crate::grow;
use crate::limits::SCRATCH_BYTES;
use crate::occupancy::Place;
use crate::wires;

use super::sockets::{Got, Table};

/// What only the reading of a connection touches, beside the table of sockets.
pub(super) struct Readings {
    readings: Vec<Option<Reading>>,
    limits: Limits,
    /// The one read buffer of the shard.
    scratch: Box<[u8]>,
    /// The one of the shard, too.
    inflater: Inflater,
}

struct Reading {
    /// `None` between messages, which is where nearly all connections are.
    begun: Option<Box<Begun>>,
    /// Held until the socket's end.
    _place: Place,
}

const _: () = assert!(size_of::<Reading>() <= 24, "every connection has one");

/// What has come and is not with the hub.
#[derive(Default)]
struct Begun {
    receiver: Receiver,
    /// Read from the socket and not taken by the hub: at most one scratch buffer. It goes first.
    unread: Vec<u8>,
}

/// What all connections of a shard are read with.
struct Means<'a> {
    limits: &'a Limits,
    /// Where compression was agreed on.
    inflater: Option<&'a mut Inflater>,
}

impl Means<'_> {
    fn receive<'b>(
        &'b mut self,
        receiver: &'b mut Receiver,
        bytes: &'b mut [u8],
    ) -> Result<Received<'b>, ProtocolError> {
        match &mut self.inflater {
            Some(inflater) => receiver.receive_inflating(self.limits, inflater, bytes),
            None => receiver.receive(self.limits, bytes),
        }
    }
}

impl Readings {
    pub(super) fn new(message_bytes_max: usize) -> Self {
        let limits = Limits {
            max_message_bytes: message_bytes_max,
        };
        let scratch = vec![0; SCRATCH_BYTES].into_boxed_slice();
        Self {
            readings: Vec::new(),
            limits,
            scratch,
            inflater: Inflater::new(),
        }
    }

    pub(super) fn open(&mut self, index: u32, unread: Vec<u8>, place: Place) {
        let at = index as usize;
        grow::to_hold(&mut self.readings, at, || None);
        let mut reading = Reading {
            begun: None,
            _place: place,
        };
        reading.keep(Begun {
            receiver: Receiver::new(),
            unread,
        });
        self.readings[at] = Some(reading);
    }

    pub(super) fn close(&mut self, index: u32) {
        self.readings[index as usize] = None;
    }

    /// Hands what is unread, or else what one read brings, to the hub, until it takes no more.
    pub(super) fn read<S: Store>(&mut self, index: u32, shard: &mut Shard<S>, table: &mut Table) {
        let Some(reading) = &mut self.readings[index as usize] else {
            return;
        };
        if !shard.is_closing(index) && !shard.takes_frames(index) {
            table.hold(index);
            return;
        }
        let mut begun = reading.take();
        if shard.is_closing(index) {
            begun.unread = Vec::new();
        }
        let means = Means {
            limits: &self.limits,
            inflater: shard
                .wire_of(index)
                .is_some_and(wires::is_compressed)
                .then_some(&mut self.inflater),
        };
        if begun.unread.is_empty() {
            begun.read(means, index, &mut self.scratch, shard, table);
        } else {
            begun.go_on(means, index, shard, table);
        }
        reading.keep(begun);
    }
}

impl Reading {
    fn take(&mut self) -> Begun {
        self.begun
            .take()
            .map_or_else(Begun::default, |begun| *begun)
    }

    fn keep(&mut self, begun: Begun) {
        let is_idle = begun.unread.is_empty() && begun.receiver.is_idle();
        self.begun = (!is_idle).then(|| Box::new(begun));
    }
}

impl Begun {
    /// What one read brings.
    fn read<S: Store>(
        &mut self,
        means: Means<'_>,
        index: u32,
        scratch: &mut [u8],
        shard: &mut Shard<S>,
        table: &mut Table,
    ) {
        match table.read(index, scratch) {
            Got::Bytes(len) => {
                shard.handle_heard(index);
                let bytes = &mut scratch[..len];
                let left = self.feed(means, index, bytes, shard, table);
                self.unread.extend_from_slice(&bytes[len - left..]);
            }
            Got::Nothing => {}
            Got::End => table.end(index),
        }
    }

    /// What an earlier read brought.
    fn go_on<S: Store>(
        &mut self,
        means: Means<'_>,
        index: u32,
        shard: &mut Shard<S>,
        table: &mut Table,
    ) {
        table.make_ready(index, false);
        shard.handle_heard(index);
        let mut bytes = std::mem::take(&mut self.unread);
        let left = self.feed(means, index, &mut bytes, shard, table);
        self.unread = bytes.split_off(bytes.len() - left);
    }

    /// How many bytes at the end of `bytes` the hub does not take now. A panic ends this connection
    /// and nothing else (invariant 7): whatever the hub had begun for it goes with it.
    fn feed<S: Store>(
        &mut self,
        means: Means<'_>,
        index: u32,
        bytes: &mut [u8],
        shard: &mut Shard<S>,
        table: &mut Table,
    ) -> usize {
        let handled = catch_unwind(AssertUnwindSafe(|| {
            self.hand_over(means, index, bytes, shard, table)
        }));
        handled.unwrap_or_else(|_| {
            tracing::error!(index, "handling a connection's input failed; it is closed");
            let closed = catch_unwind(AssertUnwindSafe(|| {
                shard.close(index, CloseReason::Failed);
            }));
            if closed.is_err() {
                table.cut(index);
            }
            0
        })
    }

    fn hand_over<S: Store>(
        &mut self,
        mut means: Means<'_>,
        index: u32,
        mut bytes: &mut [u8],
        shard: &mut Shard<S>,
        table: &mut Table,
    ) -> usize {
        loop {
            if shard.is_closing(index) {
                return 0;
            }
            if !shard.takes_frames(index) {
                table.hold(index);
                return bytes.len();
            }
            let consumed = match means.receive(&mut self.receiver, bytes) {
                Ok(received) => {
                    match received.item {
                        Some(item) => take(item, index, shard),
                        None => return 0,
                    }
                    received.consumed
                }
                Err(error) => {
                    tracing::debug!(index, %error, "a peer broke the protocol");
                    shard.close(index, close_reason(error));
                    return 0;
                }
            };
            bytes = &mut bytes[consumed..];
        }
    }
}

fn take<S: Store>(item: Incoming<'_>, index: u32, shard: &mut Shard<S>) {
    match item {
        Incoming::Text(text) => shard.handle_frame(index, Frame::Text(text)),
        Incoming::Binary(bytes) => shard.handle_frame(index, Frame::Binary(bytes)),
        Incoming::Ping(payload) => shard.handle_ping(index, payload),
        // It was a sign of life, like every byte.
        Incoming::Pong(_) => {}
        Incoming::Close(frame) => shard.handle_close(index, frame.map(|frame| frame.code)),
    }
}

fn close_reason(error: ProtocolError) -> CloseReason {
    match error.close_code() {
        code::INVALID_PAYLOAD => CloseReason::NotUtf8,
        code::TOO_BIG => CloseReason::TooLarge,
        _ => CloseReason::Protocol,
    }
}
