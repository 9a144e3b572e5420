//! The sockets of one shard, in a dense table that a pass over a room walks.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use parlour_hub::{Sent, Sockets};
use socket2::SockRef;

mod piped;
#[cfg(feature = "tls")]
mod sealed;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
mod unsealed;

use super::pipe::Near;
use crate::grow;
#[cfg(feature = "tls")]
pub(crate) use tls::TlsSession;
#[cfg(not(feature = "tls"))]
pub(crate) use unsealed::TlsSession;

/// What carries a connection.
pub(crate) enum Transport {
    /// A socket, with its TLS if it has it.
    Socket(TcpStream, Option<Box<TlsSession>>),
    /// A buffer each way to code of this process.
    Pipe(Near),
}

/// All sockets, and the lists of those with something to do.
pub(super) struct Table {
    slots: Vec<Slot>,
    /// Beside the slots: the TLS of those that have it.
    sessions: Vec<Option<Box<TlsSession>>>,
    /// Beside the slots: the pipes of those that have no socket.
    pipes: Vec<Option<Near>>,
    /// Where ciphertext is read to; there is none before the first session.
    #[cfg(feature = "tls")]
    ciphertext: Vec<u8>,
    registry: Registry,
    /// Have something to read, if their slot still says so. Bounded by the number of slots, and by
    /// the sockets that were buried since the last turn.
    ready: VecDeque<u32>,
    /// Not blocked, but had their share of a turn. Bounded like `ready`.
    later: VecDeque<u32>,
    /// Ended, and wait to be buried. Bounded by the number of slots.
    gone: Vec<u32>,
}

/// What every send touches.
#[derive(Default)]
struct Slot {
    stream: Option<TcpStream>,
    flags: u8,
}

const _: () = assert!(size_of::<Slot>() == 8, "a cache line holds eight sockets");

/// The socket took less than it was given, and has not become writable since.
const BLOCKED: u8 = 1;
/// In `gone`.
const GONE: u8 = 1 << 1;
/// In `ready`.
const READY: u8 = 1 << 2;
/// The hub does not take frames of this connection now, so it is not read.
const HELD: u8 = 1 << 3;
/// The peer has ended its side: read on until the end is seen.
const ENDING: u8 = 1 << 4;
/// Has a TLS session.
const TLS: u8 = 1 << 5;
/// In `later`.
const LATER: u8 = 1 << 6;
/// Has a pipe instead of a socket.
const PIPE: u8 = 1 << 7;

impl Slot {
    fn is_open(&self) -> bool {
        self.stream.is_some() || self.flags & PIPE != 0
    }
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// So many; none if a TLS record is not whole yet.
    Bytes(usize),
    /// Nothing is there now.
    Nothing,
    /// The peer is gone.
    End,
}

impl Table {
    pub(super) fn new(registry: Registry) -> Self {
        Self {
            slots: Vec::new(),
            sessions: Vec::new(),
            pipes: Vec::new(),
            #[cfg(feature = "tls")]
            ciphertext: Vec::new(),
            registry,
            ready: VecDeque::new(),
            later: VecDeque::new(),
            gone: Vec::new(),
        }
    }

    /// Takes a connection in. It is looked at in this turn, whatever epoll will say; what its TLS
    /// has to write goes out first.
    pub(super) fn open(&mut self, index: u32, transport: Transport) -> io::Result<()> {
        let at = index as usize;
        grow::to_hold(&mut self.slots, at, Slot::default);
        match transport {
            Transport::Socket(stream, session) => self.open_socket(index, stream, session),
            Transport::Pipe(near) => {
                self.open_pipe(index, near);
                Ok(())
            }
        }
    }

    fn open_socket(
        &mut self,
        index: u32,
        stream: TcpStream,
        session: Option<Box<TlsSession>>,
    ) -> io::Result<()> {
        let at = index as usize;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registered =
            self.registry
                .register(&mut SourceFd(&stream.as_raw_fd()), Token(at), both);
        self.slots[at] = Slot {
            stream: Some(stream),
            flags: 0,
        };
        if let Some(session) = session {
            self.seal(index, session);
        }
        match registered {
            Ok(()) => self.make_ready(index, false),
            Err(_) => self.end(index),
        }
        registered
    }

    /// Whether the socket had been blocked. Now it is not, unless it does not take all that its TLS
    /// has for it.
    pub(super) fn unblock(&mut self, index: u32) -> bool {
        let slot = &mut self.slots[index as usize];
        let was_blocked = slot.flags & BLOCKED != 0;
        slot.flags &= !BLOCKED;
        let is_open = was_blocked && slot.flags & GONE == 0;
        if is_open && slot.flags & TLS != 0 {
            return self.flush(index);
        }
        is_open
    }

    pub(super) fn later_len(&self) -> usize {
        self.later.len()
    }

    /// The first of those that had their share of an earlier turn. It is blocked like one that
    /// waits for its socket, and is to be unblocked like one.
    pub(super) fn take_later(&mut self) -> Option<u32> {
        let index = self.later.pop_front()?;
        let slot = &mut self.slots[index as usize];
        let is_later = slot.flags & LATER != 0;
        slot.flags &= !LATER;
        is_later.then_some(index)
    }

    /// Puts the socket on the list of those to read, unless its reading is held.
    pub(super) fn make_ready(&mut self, index: u32, ending: bool) {
        let slot = &mut self.slots[index as usize];
        if ending {
            slot.flags |= ENDING;
        }
        if slot.is_open() && slot.flags & (GONE | READY | HELD) == 0 {
            slot.flags |= READY;
            self.ready.push_back(index);
        }
    }

    /// Does not read the socket until [`resume`](Self::resume).
    pub(super) fn hold(&mut self, index: u32) {
        self.slots[index as usize].flags |= HELD;
    }

    /// Reads the socket again. What came meanwhile has been signalled once and not looked at, so
    /// this looks.
    pub(super) fn resume(&mut self, index: u32) {
        self.slots[index as usize].flags &= !HELD;
        self.make_ready(index, false);
    }

    pub(super) fn ready_len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn has_work(&self) -> bool {
        !self.ready.is_empty() || !self.later.is_empty()
    }

    /// The first of the list, or `None` if it has been buried since.
    pub(super) fn take_ready(&mut self) -> Option<u32> {
        let index = self.ready.pop_front()?;
        let slot = &mut self.slots[index as usize];
        // A held one comes back when it is resumed.
        let is_ready = slot.flags & READY != 0 && slot.flags & (GONE | HELD) == 0;
        slot.flags &= !READY;
        is_ready.then_some(index)
    }

    /// Reads once. A read that fills `scratch`, or of a peer that has ended its side, may have left
    /// something, so the socket is ready again; after every other one epoll tells.
    pub(super) fn read(&mut self, index: u32, scratch: &mut [u8]) -> Got {
        let slot = &mut self.slots[index as usize];
        let Some(stream) = &slot.stream else {
            return self.read_pipe(index, scratch);
        };
        if slot.flags & TLS != 0 {
            return self.read_tls(index, scratch);
        }
        match recv(stream, scratch) {
            Ok(len @ 1..) => {
                if len == scratch.len() || slot.flags & ENDING != 0 {
                    self.make_ready(index, false);
                }
                Got::Bytes(len)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Got::Nothing,
            Ok(_) | Err(_) => Got::End,
        }
    }

    /// The socket has ended; it is buried at the end of the turn.
    pub(super) fn end(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        if slot.is_open() && slot.flags & GONE == 0 {
            slot.flags |= GONE;
            self.gone.push(index);
        }
    }

    /// Closes one socket that has ended and gives its index back.
    pub(super) fn take_gone(&mut self) -> Option<u32> {
        let index = self.gone.pop()?;
        let slot = std::mem::take(&mut self.slots[index as usize]);
        if slot.flags & TLS != 0 {
            self.sessions[index as usize] = None;
        }
        if slot.flags & PIPE != 0 {
            self.pipes[index as usize] = None;
        }
        Some(index)
    }
}

impl Sockets for Table {
    fn send(&mut self, index: u32, bytes: &[u8]) -> Sent {
        let slot = &mut self.slots[index as usize];
        if slot.flags & (BLOCKED | GONE | TLS | PIPE) != 0 {
            return if slot.flags & GONE != 0 {
                Sent::Gone
            } else if slot.flags & BLOCKED != 0 {
                Sent::Bytes(0)
            } else if slot.flags & TLS != 0 {
                self.send_tls(index, bytes)
            } else {
                self.send_pipe(index, bytes)
            };
        }
        let Some(stream) = &slot.stream else {
            return Sent::Gone;
        };
        loop {
            // One send(2) with MSG_NOSIGNAL.
            match (&*stream).write(bytes) {
                Ok(len) => {
                    if len < bytes.len() {
                        slot.flags |= BLOCKED;
                    }
                    return Sent::Bytes(len);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    slot.flags |= BLOCKED;
                    return Sent::Bytes(0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.end(index);
                    return Sent::Gone;
                }
            }
        }
    }

    fn finish(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        // A closing connection's input is thrown away, so nobody has to be asked for leave to read.
        slot.flags &= !HELD;
        if slot.flags & TLS != 0 {
            self.finish_tls(index);
        } else if slot.flags & PIPE != 0 {
            self.finish_pipe(index);
        } else if let Some(stream) = &slot.stream {
            // It fails only when the peer is gone already, which the next read tells.
            let _ = stream.shutdown(Shutdown::Write);
        }
        self.make_ready(index, true);
    }

    /// With a reset, so that the kernel does not go on sending to a peer that does not read.
    fn cut(&mut self, index: u32) {
        if let Some(stream) = &self.slots[index as usize].stream {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
        self.cut_pipe(index);
        self.end(index);
    }
}

/// Reads once, whatever signals come.
fn recv(mut stream: &TcpStream, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests;
