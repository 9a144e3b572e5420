//! TLS on a socket of the table: what is sent is encrypted here, what is read decrypted.
//!
//! The table sees a socket that takes bytes or is blocked. What was encrypted is never given back,
//! so it is written before anything else, and nothing more is encrypted while some of it waits.

use std::io::{self, ErrorKind, Read as _, Write};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustls::{IoState, ServerConnection};

use super::recv;
use crate::limits::SCRATCH_BYTES;

/// Plaintext of one record (RFC 8446, 5.1).
const RECORD_BYTES: usize = 16 * 1024;
/// One record on the wire (RFC 5246, 6.2.3).
const RECORD_WIRE_BYTES_MAX: usize = 5 + RECORD_BYTES + 2 * 1024;
/// Plaintext that one send encrypts; the rest is for another turn.
pub(super) const SEND_BYTES_MAX: usize = 256 * 1024;
/// Ciphertext that one read takes in. Its plaintext, and that of a record which was begun before,
/// is at most one scratch buffer.
pub(super) const READ_BYTES: usize = SCRATCH_BYTES - RECORD_WIRE_BYTES_MAX;
/// Ciphertext that may wait for the socket: one record, and as much of alerts and key updates,
/// which no honest peer causes.
pub(super) const WAITING_BYTES_MAX: usize = 2 * RECORD_WIRE_BYTES_MAX;

/// The TLS side of one socket.
pub(crate) struct TlsSession {
    connection: ServerConnection,
    /// The peer has said its end, or has broken TLS: it is not read any more.
    has_ended: bool,
    /// The last word is encrypted; when it is written, so is the end of the stream.
    is_finishing: bool,
    #[cfg(test)]
    pub(super) panics: bool,
}

/// How a send went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Everything is written.
    Free,
    /// The socket takes no more.
    Blocked,
    /// The socket takes more, but this connection had its share.
    Later,
}

/// What a read brought.
pub(super) enum Decrypted {
    /// So many bytes of plaintext, which may be none. The socket or the session has more to say.
    More(usize),
    /// So many, and epoll tells of more.
    All(usize),
    /// The socket had nothing.
    Nothing,
    /// The peer is gone.
    End,
}

impl TlsSession {
    /// Takes a session that has shaken hands, and what it has decrypted already.
    ///
    /// # Errors
    /// The peer has broken TLS.
    pub(crate) fn take_over(
        mut connection: ServerConnection,
    ) -> Result<(Box<Self>, Vec<u8>), rustls::Error> {
        let state = connection.process_new_packets()?;
        // The session itself has a bound for it.
        let mut plaintext = vec![0; state.plaintext_bytes_to_read()];
        let mut filled = 0;
        drain(&mut connection, &mut plaintext, &mut filled);
        plaintext.truncate(filled);
        let session = Self {
            connection,
            has_ended: state.peer_has_closed(),
            is_finishing: false,
            #[cfg(test)]
            panics: false,
        };
        Ok((Box::new(session), plaintext))
    }

    /// Encrypts and writes, record by record, until the socket is full: how many bytes of `bytes`
    /// were taken.
    pub(super) fn send(&mut self, stream: &TcpStream, bytes: &[u8]) -> io::Result<(usize, Then)> {
        self.guarded(|session| {
            let mut taken = 0;
            loop {
                if !session.write(stream)? {
                    return Ok((taken, Then::Blocked));
                }
                let rest = &bytes[taken..];
                if rest.is_empty() {
                    return Ok((taken, Then::Free));
                }
                if taken >= SEND_BYTES_MAX {
                    return Ok((taken, Then::Later));
                }
                let record = &rest[..rest.len().min(RECORD_BYTES)];
                match session.connection.writer().write(record)? {
                    0 => return Err(ErrorKind::WriteZero.into()), // Its keys are worn out.
                    len => taken += len,
                }
            }
        })
    }

    /// Writes what waits, and the end of the stream behind the last word; whether all is written.
    pub(super) fn flush(&mut self, stream: &TcpStream) -> io::Result<bool> {
        self.guarded(|session| {
            let is_all = session.write(stream)?;
            if is_all && session.is_finishing {
                // It fails only when the peer is gone already, which the next read tells.
                let _ = stream.shutdown(Shutdown::Write);
            }
            Ok(is_all)
        })
    }

    /// Puts the last word behind what waits (RFC 8446, 6.1).
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.guarded(|session| {
            session.is_finishing = true;
            session.connection.send_close_notify();
            Ok(())
        })
    }

    /// Reads once and decrypts all of it.
    pub(super) fn read(
        &mut self,
        stream: &TcpStream,
        ciphertext: &mut [u8],
        plaintext: &mut [u8],
    ) -> Decrypted {
        debug_assert!(plaintext.len() >= ciphertext.len() + RECORD_WIRE_BYTES_MAX);
        if self.has_ended {
            return self.end();
        }
        let len = match recv(stream, ciphertext) {
            Ok(len @ 1..) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Decrypted::Nothing,
            Ok(_) | Err(_) => return self.end(),
        };
        let mut filled = 0;
        let decrypted =
            self.guarded(|session| session.decrypt(&ciphertext[..len], plaintext, &mut filled));
        if let Err(error) = decrypted {
            tracing::debug!(%error, "a peer broke TLS");
            self.has_ended = true;
        }
        // What came whole before the end is heard.
        match (filled, self.has_ended) {
            (0, true) => self.end(),
            (_, true) => Decrypted::More(filled),
            _ if len == ciphertext.len() => Decrypted::More(filled),
            _ => Decrypted::All(filled),
        }
    }

    pub(super) fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    fn decrypt(
        &mut self,
        mut ciphertext: &[u8],
        plaintext: &mut [u8],
        filled: &mut usize,
    ) -> io::Result<()> {
        while !ciphertext.is_empty() && !self.has_ended {
            if self.connection.read_tls(&mut ciphertext)? == 0 {
                self.has_ended = true;
            }
            let processed = self.connection.process_new_packets();
            drain(&mut self.connection, plaintext, filled);
            self.heed(&processed.map_err(io::Error::other)?)?;
        }
        Ok(())
    }

    fn heed(&mut self, state: &IoState) -> io::Result<()> {
        if state.peer_has_closed() {
            self.has_ended = true;
        }
        if state.tls_bytes_to_write() > WAITING_BYTES_MAX {
            return Err(io::Error::other(
                "it causes more alerts and key updates than it reads",
            ));
        }
        Ok(())
    }

    /// Who ends is answered, if the socket takes it (RFC 8446, 6.1); not after an alert.
    fn end(&mut self) -> Decrypted {
        // There is nobody to tell of an error any more.
        let _ = self.finish();
        Decrypted::End
    }

    fn write(&mut self, stream: &TcpStream) -> io::Result<bool> {
        let mut socket = Socket {
            stream,
            is_full: false,
        };
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) if socket.is_full => return Ok(false),
                Ok(_) => {}
            }
        }
        Ok(true)
    }

    /// A panic ends this connection and nothing else (invariant 7).
    fn guarded<T>(&mut self, step: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        let stepped = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(test)]
            assert!(!self.panics, "as it was asked to");
            step(self)
        }));
        stepped.unwrap_or_else(|_| {
            tracing::error!("TLS failed on a connection; it is cut");
            self.has_ended = true;
            Err(io::Error::other("TLS failed"))
        })
    }
}

fn drain(connection: &mut ServerConnection, plaintext: &mut [u8], filled: &mut usize) {
    // No bytes are left, or none will come: `process_new_packets` has told which.
    while let Ok(len @ 1..) = connection.reader().read(&mut plaintext[*filled..]) {
        *filled += len;
    }
}

/// A socket that remembers that it took less than it was given.
struct Socket<'a> {
    stream: &'a TcpStream,
    is_full: bool,
}

impl Write for Socket<'_> {
    /// One send(2) with MSG_NOSIGNAL; `writev` would have none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self.stream;
        let len = stream.write(bytes)?;
        self.is_full = len < bytes.len();
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
