//! A room as a dense array of sockets, and the loop that is the yardstick.

use std::collections::HashMap;
use std::io::Write;
use std::net::Shutdown;
use std::ops::Range;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::dialect::{Dialect, Said};
use crate::frame::{self, TEXT};

/// Bytes that may wait for one socket; a reader that is slower is cut off.
const MAX_BACKLOG: usize = 1024 * 1024;
/// Bytes that may wait for the end of a turn; more are sent at once.
const MAX_WAITING: usize = 1024 * 1024;

pub(super) struct Room {
    dialect: Dialect,
    name: Vec<u8>,
    /// Number of the last entry.
    seq: u64,
    streams: Vec<TcpStream>,
    /// The connection behind each socket.
    owners: Vec<usize>,
    /// Frames that wait for the end of the turn.
    waiting: Vec<u8>,
    /// What single members are to get in front of these.
    answers: Vec<Answer>,
    /// The payload that is being made.
    payload: Vec<u8>,
}

/// Acknowledgements for one member.
struct Answer {
    slot: usize,
    bytes: Vec<u8>,
}

impl Room {
    pub(super) fn new(dialect: Dialect, name: &[u8]) -> Self {
        Self {
            dialect,
            name: name.to_vec(),
            seq: 0,
            streams: Vec::new(),
            owners: Vec::new(),
            waiting: Vec::new(),
            answers: Vec::new(),
            payload: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, owner: usize, stream: TcpStream) -> usize {
        self.streams.push(stream);
        self.owners.push(owner);
        self.streams.len() - 1
    }

    /// Takes a socket out; gives the owner of the one that now has its slot, if any.
    pub(super) fn remove(&mut self, slot: usize) -> (TcpStream, Option<usize>) {
        self.answers.retain(|answer| answer.slot != slot);
        self.owners.swap_remove(slot);
        for answer in &mut self.answers {
            if answer.slot == self.owners.len() {
                answer.slot = slot;
            }
        }
        (
            self.streams.swap_remove(slot),
            self.owners.get(slot).copied(),
        )
    }

    pub(super) fn stream(&self, slot: usize) -> &TcpStream {
        &self.streams[slot]
    }

    pub(super) fn stream_mut(&mut self, slot: usize) -> &mut TcpStream {
        &mut self.streams[slot]
    }

    /// Appends what the member at `slot` said for the next [`Room::flush`]; true if it is the
    /// first one.
    pub(super) fn append(&mut self, slot: usize, said: Said<'_>) -> bool {
        let first = self.waiting.is_empty();
        self.seq += 1;
        self.payload.clear();
        self.dialect
            .entry(&self.name, self.seq, said, &mut self.payload);
        frame::push_plain(&mut self.waiting, TEXT, &[&self.payload]);
        if self.dialect.answers() {
            self.payload.clear();
            self.dialect
                .answer(&self.name, self.seq, said, &mut self.payload);
            let known = self.answers.iter().position(|answer| answer.slot == slot);
            let place = known.unwrap_or_else(|| {
                let bytes = Vec::new();
                self.answers.push(Answer { slot, bytes });
                self.answers.len() - 1
            });
            frame::push_plain(&mut self.answers[place].bytes, TEXT, &[&self.payload]);
        }
        first
    }

    /// Whether what was appended should not wait for the end of the turn.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    /// Sends what was appended: to everybody the same bytes, and who spoke is answered in front
    /// of them.
    pub(super) fn flush(&mut self, backlogs: &mut Backlogs, registry: &Registry) {
        if self.waiting.is_empty() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut answers = std::mem::take(&mut self.answers);
        answers.sort_unstable_by_key(|answer| answer.slot);
        let mut next = 0;
        for Answer { slot, bytes } in &mut answers {
            bytes.extend_from_slice(&waiting);
            self.send(next..*slot, &waiting, backlogs);
            self.send(*slot..*slot + 1, bytes, backlogs);
            next = *slot + 1;
        }
        self.send(next..self.streams.len(), &waiting, backlogs);
        if !backlogs.is_empty() {
            self.watch(backlogs, registry);
        }
        waiting.clear();
        answers.clear();
        (self.waiting, self.answers) = (waiting, answers);
    }

    /// **The measured loop**: one `send()` per member.
    fn send(&self, slots: Range<usize>, bytes: &[u8], backlogs: &mut Backlogs) {
        backlogs.sends += slots.len() as u64;
        if !backlogs.is_empty() {
            return self.send_behind(slots, bytes, backlogs);
        }
        for (slot, mut stream) in slots.clone().zip(&self.streams[slots]) {
            match stream.write(bytes) {
                Ok(count) if count == bytes.len() => {}
                written => {
                    let sent = written.unwrap_or(0);
                    backlogs.add(self.owners[slot], &bytes[sent..]);
                }
            }
        }
    }

    /// The same while some sockets are full and must not be overtaken.
    #[cold]
    fn send_behind(&self, slots: Range<usize>, bytes: &[u8], backlogs: &mut Backlogs) {
        let owners = &self.owners[slots.clone()];
        for (mut stream, owner) in self.streams[slots].iter().zip(owners) {
            let sent = if backlogs.has(*owner) {
                0
            } else {
                stream.write(bytes).unwrap_or(0)
            };
            backlogs.add(*owner, &bytes[sent..]);
        }
    }

    /// Asks to be told when full sockets can take bytes again.
    fn watch(&mut self, backlogs: &mut Backlogs, registry: &Registry) {
        for (stream, owner) in self.streams.iter_mut().zip(&self.owners) {
            backlogs.watch(*owner, stream, registry);
        }
    }
}

/// What full sockets still have to get. Empty while the measured loop runs.
#[derive(Default)]
pub(super) struct Backlogs {
    of: HashMap<usize, Backlog>,
    /// Sends to members so far.
    sends: u64,
}

#[derive(Default)]
struct Backlog {
    bytes: Vec<u8>,
    watched: bool,
}

impl Backlogs {
    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Sends to members since the start.
    pub(super) fn sends(&self) -> u64 {
        self.sends
    }

    pub(super) fn has(&self, owner: usize) -> bool {
        self.of.contains_key(&owner)
    }

    pub(super) fn add(&mut self, owner: usize, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.of
                .entry(owner)
                .or_default()
                .bytes
                .extend_from_slice(bytes);
        }
    }

    pub(super) fn forget(&mut self, owner: usize) {
        self.of.remove(&owner);
    }

    /// Asks to be told when the socket can take bytes; cuts off a reader that is too slow, whose
    /// end the poll then reports.
    pub(super) fn watch(&mut self, owner: usize, stream: &mut TcpStream, registry: &Registry) {
        let Some(backlog) = self.of.get_mut(&owner) else {
            return;
        };
        if backlog.bytes.len() > MAX_BACKLOG {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        if backlog.watched {
            return;
        }
        let both = Interest::READABLE | Interest::WRITABLE;
        backlog.watched = registry.reregister(stream, Token(owner), both).is_ok();
    }

    /// Sends on.
    pub(super) fn drain(&mut self, owner: usize, stream: &mut TcpStream, registry: &Registry) {
        let Some(backlog) = self.of.get_mut(&owner) else {
            return;
        };
        while let Ok(count @ 1..) = stream.write(&backlog.bytes) {
            backlog.bytes.drain(..count);
        }
        if backlog.bytes.is_empty() {
            self.of.remove(&owner);
            // If this fails the socket only wakes the loop too often.
            let _ = registry.reregister(stream, Token(owner), Interest::READABLE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(mut wire: &[u8]) -> Vec<serde_json::Value> {
        let mut seen = Vec::new();
        while let Some(frame) = frame::split(wire).unwrap() {
            seen.push(serde_json::from_slice(frame.payload).unwrap());
            wire = frame.rest;
        }
        seen
    }

    #[test]
    fn messages_are_numbered_and_each_speaker_is_answered_once_per_message() {
        let mut room = Room::new(Dialect::V1, b"tea");
        let said = |id| Said { id, text: b"hello" };
        assert!(room.append(3, said(b"a")));
        assert!(!room.append(1, said(b"b")));
        assert!(!room.append(3, said(b"c")));
        let seqs: Vec<_> = (frames(&room.waiting).iter())
            .map(|entry| entry["seq"].as_u64().unwrap())
            .collect();
        assert_eq!(seqs, [1, 2, 3]);
        let answers: Vec<_> = (room.answers.iter())
            .map(|answer| (answer.slot, frames(&answer.bytes)))
            .collect();
        assert_eq!((answers[0].0, answers[0].1.len()), (3, 2));
        assert_eq!((answers[1].0, answers[1].1.len()), (1, 1));
        assert_eq!(answers[0].1[1]["id"], "c");
    }

    #[test]
    fn the_events_door_answers_nobody() {
        let mut room = Room::new(Dialect::Events, b"tea");
        room.append(
            0,
            Said {
                id: b"",
                text: b"hello",
            },
        );
        assert_eq!(frames(&room.waiting)[0]["payload"]["message"], "hello");
        assert!(room.answers.is_empty());
    }
}
