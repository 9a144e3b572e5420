//! From a socket's bytes to the hub: one bounded step per connection and turn.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parlour_hub::{Shard, Sockets, Store};
use parlour_proto::{CloseReason, Frame};
use parlour_ws::{Incoming, Limits, ProtocolError, Receiver, code};

use crate::limits::SCRATCH_BYTES;
use crate::occupancy::Place;

use super::sockets::{Got, Table};

/// What only the reading of a connection touches, beside the table of sockets.
pub(super) struct Readings {
    readings: Vec<Option<Reading>>,
    limits: Limits,
    /// The one read buffer of the shard.
    scratch: Box<[u8]>,
}

struct Reading {
    receiver: Receiver,
    /// Read from the socket and not taken by the hub: at most one scratch buffer. It goes first.
    unread: Vec<u8>,
    /// Held until the socket's end.
    _place: Place,
}

impl Readings {
    pub(super) fn new(message_bytes_max: usize) -> Self {
        let limits = Limits {
            max_message_bytes: message_bytes_max,
            ..Limits::default()
        };
        let scratch = vec![0; SCRATCH_BYTES].into_boxed_slice();
        Self {
            readings: Vec::new(),
            limits,
            scratch,
        }
    }

    pub(super) fn open(&mut self, index: u32, unread: Vec<u8>, place: Place) {
        let at = index as usize;
        if at >= self.readings.len() {
            self.readings.resize_with(at + 1, || None);
        }
        self.readings[at] = Some(Reading {
            receiver: Receiver::new(),
            unread,
            _place: place,
        });
    }

    pub(super) fn close(&mut self, index: u32) {
        self.readings[index as usize] = None;
    }

    /// Hands what is unread, or else what one read brings, to the hub, until it takes no more.
    pub(super) fn read<S: Store>(&mut self, index: u32, shard: &mut Shard<S>, table: &mut Table) {
        let Some(reading) = &mut self.readings[index as usize] else {
            return;
        };
        let mut bytes = std::mem::take(&mut reading.unread);
        if shard.is_closing(index) {
            bytes = Vec::new();
        } else if !shard.takes_frames(index) {
            reading.unread = bytes;
            table.hold(index);
            return;
        }
        if !bytes.is_empty() {
            table.make_ready(index, false);
            shard.handle_heard(index);
            let left = reading.feed(&self.limits, index, &mut bytes, shard, table);
            reading.unread = bytes.split_off(bytes.len() - left);
            return;
        }
        match table.read(index, &mut self.scratch) {
            Got::Bytes(len) => {
                shard.handle_heard(index);
                let bytes = &mut self.scratch[..len];
                let left = reading.feed(&self.limits, index, bytes, shard, table);
                reading.unread.extend_from_slice(&bytes[len - left..]);
            }
            Got::Nothing => {}
            Got::End => table.end(index),
        }
    }
}

impl Reading {
    /// How many bytes at the end of `bytes` the hub does not take now. A panic ends this connection
    /// and nothing else (invariant 7): whatever the hub had begun for it goes with it.
    fn feed<S: Store>(
        &mut self,
        limits: &Limits,
        index: u32,
        bytes: &mut [u8],
        shard: &mut Shard<S>,
        table: &mut Table,
    ) -> usize {
        let handled = catch_unwind(AssertUnwindSafe(|| {
            self.hand_over(limits, index, bytes, shard, table)
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
        limits: &Limits,
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
            let consumed = match self.receiver.receive(limits, bytes) {
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
