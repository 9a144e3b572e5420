//! Sockets that take as much as a test lets them, and keep it.

use std::collections::HashMap;

use parlour_hub::{Sent, Sockets};

/// The sockets of one shard.
#[derive(Default)]
pub(crate) struct TestSockets {
    pub(crate) sockets: HashMap<u32, Socket>,
    /// Connections that the driver must report as gone.
    pub(crate) gone: Vec<u32>,
    pub(crate) cut: Vec<u32>,
}

pub(crate) struct Socket {
    /// How many more bytes it takes; `usize::MAX` for any number.
    pub(crate) capacity: usize,
    pub(crate) blocked: bool,
    pub(crate) taken: Vec<u8>,
    pub(crate) finished: bool,
    pub(crate) vanished: bool,
}

impl Socket {
    /// Takes everything.
    pub(crate) fn open() -> Self {
        Self {
            capacity: usize::MAX,
            blocked: false,
            taken: Vec::new(),
            finished: false,
            vanished: false,
        }
    }
}

impl Sockets for TestSockets {
    fn send(&mut self, index: u32, bytes: &[u8]) -> Sent {
        let socket = self.sockets.get_mut(&index).expect("an open socket");
        assert!(!socket.finished, "nothing is sent after finish");
        if socket.vanished {
            self.gone.push(index);
            return Sent::Gone;
        }
        if socket.blocked {
            return Sent::Bytes(0);
        }
        let count = bytes.len().min(socket.capacity);
        if socket.capacity != usize::MAX {
            socket.capacity -= count;
        }
        socket.blocked = count < bytes.len();
        socket.taken.extend_from_slice(&bytes[..count]);
        Sent::Bytes(count)
    }

    fn finish(&mut self, index: u32) {
        let socket = self.sockets.get_mut(&index).expect("an open socket");
        assert!(!socket.finished, "finished once");
        socket.finished = true;
    }

    fn cut(&mut self, index: u32) {
        self.cut.push(index);
        self.gone.push(index);
    }
}
