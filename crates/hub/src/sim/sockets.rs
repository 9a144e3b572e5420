//! Sockets with small buffers: what a client has not read does not fit.

use std::collections::BTreeMap;

use super::random::Random;
use crate::sockets::{Sent, Sockets};

/// One end of a simulated connection.
#[derive(Default)]
pub(super) struct SimSocket {
    /// Sent and not read yet.
    pub(super) buffer: Vec<u8>,
    capacity: usize,
    blocked: bool,
    finished: bool,
    cut: bool,
}

/// The sockets of one shard.
pub(super) struct SimSockets {
    pub(super) sockets: BTreeMap<u32, SimSocket>,
    random: Random,
}

impl SimSockets {
    pub(super) fn new(random: Random) -> Self {
        Self {
            sockets: BTreeMap::new(),
            random,
        }
    }

    pub(super) fn open(&mut self, index: u32, capacity: usize) {
        self.sockets.insert(
            index,
            SimSocket {
                capacity,
                ..SimSocket::default()
            },
        );
    }

    /// Takes what the client can read now, and whether the hub is to be told that there is room.
    pub(super) fn read(&mut self, index: u32) -> (Vec<u8>, bool) {
        let Some(socket) = self.sockets.get_mut(&index) else {
            return (Vec::new(), false);
        };
        let bytes = std::mem::take(&mut socket.buffer);
        let writable = socket.blocked && !bytes.is_empty();
        if writable {
            socket.blocked = false;
        }
        (bytes, writable)
    }

    /// Whether the hub has ended this socket and the client has read everything.
    pub(super) fn is_over(&self, index: u32) -> bool {
        let socket = self.sockets.get(&index);
        socket.is_some_and(|s| s.cut || s.finished && s.buffer.is_empty())
    }
}

impl Sockets for SimSockets {
    fn send(&mut self, index: u32, bytes: &[u8]) -> Sent {
        let Some(socket) = self.sockets.get_mut(&index) else {
            return Sent::Gone;
        };
        if socket.blocked {
            return Sent::Bytes(0);
        }
        let mut room = socket
            .capacity
            .saturating_sub(socket.buffer.len())
            .min(bytes.len());
        if room == bytes.len() && room > 1 && socket.capacity != usize::MAX && self.random.chance(2)
        {
            // A socket may take less than it could.
            room = self.random.below(room as u64) as usize;
        }
        socket.buffer.extend_from_slice(&bytes[..room]);
        // An empty buffer that took nothing would never be read again.
        socket.blocked = room < bytes.len() && !socket.buffer.is_empty();
        if room < bytes.len() && socket.buffer.is_empty() {
            socket.buffer.extend_from_slice(&bytes[..1]);
            socket.blocked = true;
            room = 1;
        }
        Sent::Bytes(room)
    }

    fn finish(&mut self, index: u32) {
        if let Some(socket) = self.sockets.get_mut(&index) {
            socket.finished = true;
        }
    }

    fn cut(&mut self, index: u32) {
        if let Some(socket) = self.sockets.get_mut(&index) {
            socket.cut = true;
        }
    }
}
