//! A room as a dense array of sockets, and the loop that is the yardstick.

use std::collections::HashMap;
use std::io::Write;
use std::net::Shutdown;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::events::{NEW_MESSAGE_HEAD, NEW_MESSAGE_TAIL};
use crate::frame::{self, TEXT};

/// Bytes that may wait for one socket; a reader that is slower is cut off.
const MAX_BACKLOG: usize = 1024 * 1024;
/// Bytes that may wait for the end of a turn; more are sent at once.
const MAX_WAITING: usize = 1024 * 1024;

/// Appends the frame that carries `text` to every member.
pub(super) fn encode(out: &mut Vec<u8>, text: &[u8]) {
    frame::push_plain(out, TEXT, &[NEW_MESSAGE_HEAD, text, NEW_MESSAGE_TAIL]);
}

#[derive(Default)]
pub(super) struct Room {
    streams: Vec<TcpStream>,
    /// The connection behind each socket.
    owners: Vec<usize>,
    /// Frames that wait for the end of the turn.
    waiting: Vec<u8>,
}

impl Room {
    pub(super) fn add(&mut self, owner: usize, stream: TcpStream) -> usize {
        self.streams.push(stream);
        self.owners.push(owner);
        self.streams.len() - 1
    }

    /// Takes a socket out; gives the owner of the one that now has its slot, if any.
    pub(super) fn remove(&mut self, slot: usize) -> (TcpStream, Option<usize>) {
        self.owners.swap_remove(slot);
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

    /// Appends a message for the end of the turn; true if it is the first one.
    pub(super) fn append(&mut self, text: &[u8]) -> bool {
        let first = self.waiting.is_empty();
        encode(&mut self.waiting, text);
        first
    }

    /// Whether what was appended should not wait for the end of the turn.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    /// Sends what was appended.
    pub(super) fn flush(&mut self, backlogs: &mut Backlogs, registry: &Registry) {
        if self.waiting.is_empty() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        self.send(&waiting, backlogs, registry);
        waiting.clear();
        self.waiting = waiting;
    }

    /// **The measured loop**: one `send()` per member.
    pub(super) fn send(&mut self, bytes: &[u8], backlogs: &mut Backlogs, registry: &Registry) {
        if !backlogs.is_empty() {
            return self.send_behind(bytes, backlogs, registry);
        }
        for (slot, mut stream) in self.streams.iter().enumerate() {
            match stream.write(bytes) {
                Ok(count) if count == bytes.len() => {}
                written => {
                    let sent = written.unwrap_or(0);
                    backlogs.add(self.owners[slot], &bytes[sent..]);
                }
            }
        }
        if !backlogs.is_empty() {
            self.watch(backlogs, registry);
        }
    }

    /// The same while some sockets are full and must not be overtaken.
    #[cold]
    fn send_behind(&mut self, bytes: &[u8], backlogs: &mut Backlogs, registry: &Registry) {
        for (mut stream, owner) in self.streams.iter().zip(&self.owners) {
            let sent = if backlogs.has(*owner) {
                0
            } else {
                stream.write(bytes).unwrap_or(0)
            };
            backlogs.add(*owner, &bytes[sent..]);
        }
        self.watch(backlogs, registry);
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
pub(super) struct Backlogs(HashMap<usize, Backlog>);

#[derive(Default)]
struct Backlog {
    bytes: Vec<u8>,
    watched: bool,
}

impl Backlogs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, owner: usize) -> bool {
        self.0.contains_key(&owner)
    }

    pub(super) fn add(&mut self, owner: usize, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.0
                .entry(owner)
                .or_default()
                .bytes
                .extend_from_slice(bytes);
        }
    }

    pub(super) fn forget(&mut self, owner: usize) {
        self.0.remove(&owner);
    }

    /// Asks to be told when the socket can take bytes; cuts off a reader that is too slow, whose
    /// end the poll then reports.
    pub(super) fn watch(&mut self, owner: usize, stream: &mut TcpStream, registry: &Registry) {
        let Some(backlog) = self.0.get_mut(&owner) else {
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
        let Some(backlog) = self.0.get_mut(&owner) else {
            return;
        };
        while let Ok(count @ 1..) = stream.write(&backlog.bytes) {
            backlog.bytes.drain(..count);
        }
        if backlog.bytes.is_empty() {
            self.0.remove(&owner);
            // If this fails the socket only wakes the loop too often.
            let _ = registry.reregister(stream, Token(owner), Interest::READABLE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::text_between;

    #[test]
    fn a_message_goes_out_as_members_expect_it() {
        let mut wire = Vec::new();
        encode(&mut wire, b"hello");
        let payload = frame::split(&wire).unwrap().unwrap().payload;
        let tail = NEW_MESSAGE_TAIL.len();
        assert_eq!(
            text_between(payload, NEW_MESSAGE_HEAD, tail),
            Some(&b"hello"[..])
        );
        assert!(serde_json::from_slice::<serde_json::Value>(payload).is_ok());
    }
}
