//! What arrives: frames, told apart by their first byte, and messages, known by their tag.

use std::time::Instant;

use hdrhistogram::Histogram;

use crate::BenchError;
use crate::dialect::{Dialect, Told};
use crate::frame::{self, CLOSE, COMPRESSED_TEXT, Frame, PING, PONG, TEXT};
use crate::generator::inflated::Inflated;
use crate::ledger::{Layout, Ledger};
use crate::tag::Tag;

/// Latencies are kept from 1 µs to 10 min, to three digits.
const LATENCY_RANGE: (u64, u64, u8) = (1_000, 600_000_000_000, 3);

pub(crate) struct Receiver {
    pub(crate) ledger: Ledger,
    pub(crate) meter: Meter,
    /// Number of this run.
    pub(crate) run: u32,
    pub(crate) dialect: Dialect,
    /// Bytes of a message's text.
    text: usize,
    /// Pings to be answered, with what they say.
    pub(crate) pings: Vec<(usize, Vec<u8>)>,
    inflated: Inflated,
    seen: Vec<bool>,
    unseen: Vec<usize>,
    clock: Instant,
}

pub(crate) struct Meter {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) reads: u64,
    /// Publishes that were answered.
    pub(crate) answers: u64,
    pub(crate) latency: Histogram<u64>,
}

impl Meter {
    fn new() -> Self {
        let (low, high, digits) = LATENCY_RANGE;
        let latency = Histogram::new_with_bounds(low, high, digits)
            .expect("low is above 0, high above twice low, and digits below 6");
        Self {
            frames: 0,
            bytes: 0,
            reads: 0,
            answers: 0,
            latency,
        }
    }

    pub(crate) fn reset(&mut self) {
        (self.frames, self.bytes) = (0, 0);
        (self.reads, self.answers) = (0, 0);
        self.latency.reset();
    }
}

impl Receiver {
    pub(crate) fn new(
        run: u32,
        ledger: Ledger,
        layout: Layout,
        dialect: Dialect,
        text: usize,
    ) -> Self {
        Self {
            ledger,
            meter: Meter::new(),
            run,
            dialect,
            text,
            pings: Vec::new(),
            inflated: Inflated::default(),
            seen: vec![false; layout.members],
            unseen: (0..layout.rooms).map(|room| layout.size_of(room)).collect(),
            clock: Instant::now(),
        }
    }

    /// Nanoseconds since this run began.
    pub(crate) fn now(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    /// The run number that probes carry.
    pub(crate) fn probes(&self) -> u32 {
        !self.run
    }

    /// Members that have not yet seen a probe.
    pub(crate) fn unseen(&self) -> usize {
        self.unseen.iter().sum()
    }

    /// Whether a room has such members.
    pub(crate) fn unseen_in(&self, room: usize) -> bool {
        self.unseen[room] > 0
    }

    /// Takes all whole frames at the start of `bytes`; gives how many bytes they were.
    pub(crate) fn take(&mut self, connection: usize, bytes: &[u8]) -> Result<usize, BenchError> {
        let now = self.now();
        let frames_before = self.meter.frames;
        let mut rest = bytes;
        loop {
            let frame = match frame::split(rest) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(why) => return Err(BenchError::Frame { connection, why }),
            };
            let length = rest.len() - frame.rest.len();
            if frame.first == TEXT {
                self.message(connection, frame.payload, length, now)?;
            } else if frame.first == COMPRESSED_TEXT {
                self.compressed(connection, frame.payload, length, now)?;
            } else {
                self.control(connection, frame)?;
            }
            rest = frame.rest;
        }
        self.meter.reads += u64::from(self.meter.frames != frames_before);
        Ok(bytes.len() - rest.len())
    }

    #[inline]
    fn message(
        &mut self,
        connection: usize,
        payload: &[u8],
        frame_length: usize,
        now: u64,
    ) -> Result<(), BenchError> {
        let text = match self.dialect.told(payload, self.text) {
            Told::Message(text) => text,
            Told::Answer => {
                self.meter.answers += 1;
                return Ok(());
            }
            Told::Other => return Ok(()),
            Told::Refusal => return Err(BenchError::refused(connection, payload)),
        };
        // A short text is somebody else's message.
        let Some(tag) = text.first_chunk().map(Tag::decode) else {
            return Ok(());
        };
        if tag.run == self.run {
            self.ledger.arrive(connection, &tag);
            self.meter.frames += 1;
            self.meter.bytes += frame_length as u64;
            self.meter
                .latency
                .saturating_record(now.saturating_sub(tag.sent));
        } else if tag.run == self.probes() {
            self.probed(connection);
        }
        Ok(())
    }

    fn compressed(
        &mut self,
        connection: usize,
        payload: &[u8],
        frame_length: usize,
        now: u64,
    ) -> Result<(), BenchError> {
        let mut inflated = std::mem::take(&mut self.inflated);
        let taken = if inflated.read(payload) {
            self.message(connection, &inflated.said, frame_length, now)
        } else {
            let why = "a compressed message that cannot be inflated";
            Err(BenchError::Frame { connection, why })
        };
        self.inflated = inflated;
        taken
    }

    fn probed(&mut self, connection: usize) {
        if let Some(seen) = self.seen.get_mut(connection)
            && !*seen
        {
            *seen = true;
            let rooms = self.unseen.len();
            self.unseen[connection % rooms] -= 1;
        }
    }

    #[cold]
    fn control(&mut self, connection: usize, frame: Frame<'_>) -> Result<(), BenchError> {
        match frame.first {
            PING => self.pings.push((connection, frame.payload.to_vec())),
            PONG => {}
            CLOSE => {
                return Err(BenchError::closed(
                    connection,
                    frame::close_reason(frame.payload),
                ));
            }
            _ => {
                let why = "neither an unfragmented text frame nor a control frame";
                return Err(BenchError::Frame { connection, why });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{NEW_MESSAGE_HEAD, NEW_MESSAGE_TAIL};

    const LAYOUT: Layout = Layout {
        members: 2,
        rooms: 1,
        publishers: 1,
        idle: 0,
    };

    fn receiver() -> Receiver {
        let mut receiver = Receiver::new(7, Ledger::new(LAYOUT), LAYOUT, Dialect::Events, 42);
        for _ in 0..3 {
            receiver.ledger.publish(0);
        }
        receiver
    }

    fn message(run: u32, count: u32) -> Vec<u8> {
        let tag = Tag {
            sent: 0,
            run,
            publisher: 0,
            count,
        }
        .encode();
        let mut wire = Vec::new();
        frame::push_plain(
            &mut wire,
            TEXT,
            &[NEW_MESSAGE_HEAD, &tag, b"..", NEW_MESSAGE_TAIL],
        );
        wire
    }

    #[test]
    fn messages_in_any_cut_are_counted_once() {
        let wire = [message(7, 0), message(7, 1), message(7, 2)].concat();
        for cut in 0..=wire.len() {
            let mut receiver = receiver();
            let used = receiver.take(0, &wire[..cut]).unwrap();
            receiver.take(0, &wire[used..]).unwrap();
            assert_eq!(
                (receiver.meter.frames, receiver.meter.bytes),
                (3, wire.len() as u64)
            );
            assert!(!receiver.ledger.broken(), "cut at {cut}");
        }
    }

    #[test]
    fn other_runs_and_other_people_are_not_counted() {
        let mut receiver = receiver();
        let mut wire = message(8, 0);
        frame::push_plain(
            &mut wire,
            TEXT,
            &[NEW_MESSAGE_HEAD, b"hi", NEW_MESSAGE_TAIL],
        );
        assert_eq!(receiver.take(0, &wire).unwrap(), wire.len());
        assert_eq!(
            (receiver.meter.frames, receiver.ledger.broken()),
            (0, false)
        );
    }

    #[test]
    fn probes_show_who_is_a_member() {
        let mut receiver = receiver();
        let probe = message(receiver.probes(), 0);
        assert_eq!(receiver.unseen(), 2);
        receiver.take(1, &probe).unwrap();
        receiver.take(1, &probe).unwrap();
        assert_eq!((receiver.unseen(), receiver.unseen_in(0)), (1, true));
        receiver.take(0, &probe).unwrap();
        assert_eq!((receiver.unseen(), receiver.unseen_in(0)), (0, false));
    }

    #[test]
    fn pings_are_kept_and_closes_and_errors_are_told() {
        let mut receiver = receiver();
        receiver.take(1, b"\x89\x02hi\x8a\x00").unwrap();
        assert_eq!(receiver.pings, [(1, b"hi".to_vec())]);
        let close = receiver
            .take(1, b"\x88\x06\x03\xf0slow")
            .unwrap_err()
            .to_string();
        assert!(close.contains("1008") && close.contains("slow"), "{close}");
        let mut refusal = Vec::new();
        frame::push_plain(&mut refusal, TEXT, &[br#"{"type":"error"}"#]);
        let refused = receiver.take(1, &refusal).unwrap_err().to_string();
        assert!(refused.contains("limit"), "{refused}");
        assert!(matches!(
            receiver.take(1, b"\x82\x00"),
            Err(BenchError::Frame { .. })
        ));
    }
}
