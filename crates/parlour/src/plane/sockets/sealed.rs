//! The sockets of the table that have TLS: beside each of their slots lies a session.

use std::net::TcpStream;

use parlour_hub::Sent;

use crate::grow;

use super::tls::{Decrypted, READ_BYTES, Then};
use super::{BLOCKED, ENDING, GONE, Got, LATER, Slot, TLS, Table, TlsSession};

impl Table {
    pub(super) fn seal(&mut self, index: u32, session: Box<TlsSession>) {
        let at = index as usize;
        grow::to_hold(&mut self.sessions, at, || None);
        self.ciphertext.resize(READ_BYTES, 0);
        self.sessions[at] = Some(session);
        self.slots[at].flags |= TLS;
        self.flush(index);
    }

    /// Like [`read`](Self::read). All that was read is decrypted, so none is left where epoll does
    /// not tell of it.
    pub(super) fn read_tls(&mut self, index: u32, scratch: &mut [u8]) -> Got {
        let at = index as usize;
        let Some((stream, session)) = both(&self.slots[at], &mut self.sessions[at]) else {
            return Got::End;
        };
        let decrypted = session.read(stream, &mut self.ciphertext, scratch);
        // What TLS itself answers: an alert, the other close_notify.
        if session.wants_write() && self.slots[at].flags & (BLOCKED | GONE) == 0 {
            self.flush(index);
        }
        match decrypted {
            Decrypted::More(len) => {
                self.make_ready(index, false);
                Got::Bytes(len)
            }
            Decrypted::All(len) => {
                if self.slots[at].flags & ENDING != 0 {
                    self.make_ready(index, false);
                }
                Got::Bytes(len)
            }
            Decrypted::Nothing => Got::Nothing,
            Decrypted::End => Got::End,
        }
    }

    /// Writes what the socket's TLS has for it; whether that was all. The socket is not blocked.
    pub(super) fn flush(&mut self, index: u32) -> bool {
        let at = index as usize;
        let Some((stream, session)) = both(&self.slots[at], &mut self.sessions[at]) else {
            return false;
        };
        match session.flush(stream) {
            Ok(true) => return true,
            Ok(false) => self.slots[at].flags |= BLOCKED,
            Err(_) => self.end(index),
        }
        false
    }

    /// The last word goes behind what waits, and the end of the stream behind it.
    pub(super) fn finish_tls(&mut self, index: u32) {
        let at = index as usize;
        let Some(session) = self.sessions[at].as_mut() else {
            return;
        };
        if session.finish().is_err() {
            self.end(index);
        } else if self.slots[at].flags & (BLOCKED | GONE) == 0 {
            self.flush(index);
        }
    }

    pub(super) fn send_tls(&mut self, index: u32, bytes: &[u8]) -> Sent {
        let at = index as usize;
        let Some((stream, session)) = both(&self.slots[at], &mut self.sessions[at]) else {
            return Sent::Gone;
        };
        match session.send(stream, bytes) {
            Ok((taken, then)) => {
                let slot = &mut self.slots[at];
                if then != Then::Free {
                    slot.flags |= BLOCKED;
                }
                if then == Then::Later && slot.flags & LATER == 0 {
                    slot.flags |= LATER;
                    self.later.push_back(index);
                }
                Sent::Bytes(taken)
            }
            Err(_) => {
                self.end(index);
                Sent::Gone
            }
        }
    }
}

fn both<'a>(
    slot: &'a Slot,
    session: &'a mut Option<Box<TlsSession>>,
) -> Option<(&'a TcpStream, &'a mut TlsSession)> {
    slot.stream.as_ref().zip(session.as_deref_mut())
}
