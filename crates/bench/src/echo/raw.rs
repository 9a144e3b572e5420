//! The yardstick of an echo: a loop of `recv()` and `send()` with nothing around it.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mio::Interest;
use mio::net::TcpStream;

use crate::BenchError;
use crate::frame::{self, CLOSE, MAX_FRAME, PING, PONG, TEXT};
use crate::handshake::waits;
use crate::listening::{self, Listening};

const READ: usize = 64 * 1024;
/// Longest request that is waited for.
const MAX_REQUEST: usize = 16 * 1024;
/// RFC 6455, 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Options of the bare loop.
#[derive(Debug, Clone, clap::Args)]
pub struct RawEchoOptions {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub addr: SocketAddr,
}

/// Listens, says `listening on http://ADDRESS` on standard output, and echoes for ever.
///
/// # Errors
/// When it cannot listen, or epoll fails.
pub fn serve(options: &RawEchoOptions) -> Result<Infallible, BenchError> {
    listening::run(options.addr, RawEcho::new, RawEcho::serve)
}

/// The bare loop: one thread, one buffer, and per connection what is not whole yet.
pub struct RawEcho {
    listening: Listening,
    connections: Vec<Option<Connection>>,
    buffer: Box<[u8]>,
    out: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    upgraded: bool,
    tail: Vec<u8>,
    /// What the socket has not taken yet.
    unsent: Vec<u8>,
}

impl RawEcho {
    /// Listens on `address`.
    ///
    /// # Errors
    /// When the address is taken or the system refuses.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::new(Listening::bind(address)?))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listening.address()
    }

    fn new(listening: Listening) -> Self {
        Self {
            listening,
            connections: Vec::new(),
            buffer: vec![0; MAX_FRAME + READ].into_boxed_slice(),
            out: Vec::new(),
        }
    }

    /// Echoes until epoll fails.
    ///
    /// # Errors
    /// What epoll said. Trouble with one connection only ends that connection.
    pub fn serve(&mut self) -> io::Result<Infallible> {
        let mut events = listening::events();
        loop {
            self.listening.wait(&mut events)?;
            for event in &events {
                if listening::is_newcomer(event) {
                    self.accept();
                    continue;
                }
                let number = event.token().0;
                let Some(Some(connection)) = self.connections.get_mut(number) else {
                    continue;
                };
                if !connection.go_on(&mut self.buffer, &mut self.out) {
                    self.connections[number] = None;
                    self.listening.give_back(number);
                }
            }
        }
    }

    fn accept(&mut self) {
        let both = Interest::READABLE | Interest::WRITABLE;
        while let Some((number, stream)) = self.listening.accept(both) {
            let connection = Connection {
                stream,
                upgraded: false,
                tail: Vec::new(),
                unsent: Vec::new(),
            };
            if number == self.connections.len() {
                self.connections.push(None);
            }
            self.connections[number] = Some(connection);
        }
    }
}

impl Connection {
    /// Reads until the socket is empty, and sends back what was whole; false at its end.
    fn go_on(&mut self, buffer: &mut [u8], out: &mut Vec<u8>) -> bool {
        if !self.flush() {
            return false;
        }
        loop {
            let kept = self.tail.len();
            buffer[..kept].copy_from_slice(&self.tail);
            let count = match self.stream.read(&mut buffer[kept..kept + READ]) {
                Ok(0) => return false,
                Ok(count) => count,
                Err(error) => return waits(&error),
            };
            let bytes = &mut buffer[..kept + count];
            out.clear();
            let Some(used) = self.take(bytes, out) else {
                return false;
            };
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[used..]);
            if self.tail.len() > MAX_FRAME || !self.send(out) {
                return false;
            }
            if count < READ {
                return true;
            }
        }
    }

    /// Answers all whole frames; gives the bytes they were, `None` to end it.
    fn take(&mut self, bytes: &mut [u8], out: &mut Vec<u8>) -> Option<usize> {
        let mut used = 0;
        if !self.upgraded {
            let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else {
                return (bytes.len() < MAX_REQUEST).then_some(0);
            };
            used = end + 4;
            out.extend_from_slice(answer(&bytes[..used])?.as_bytes());
            self.upgraded = true;
        }
        while let Some(frame) = frame::split_masked(&mut bytes[used..]).ok()? {
            match frame.first {
                CLOSE => return None,
                PING => frame::push_plain(out, PONG, &[frame.payload]),
                PONG => {}
                _ => frame::push_plain(out, TEXT, &[frame.payload]),
            }
            used += frame.length;
        }
        Some(used)
    }

    /// One send for what one read brought.
    fn send(&mut self, out: &[u8]) -> bool {
        if out.is_empty() {
            return true;
        }
        let sent = match self.unsent.is_empty() {
            true => match self.stream.write(out) {
                Ok(sent) => sent,
                Err(error) if waits(&error) => 0,
                Err(_) => return false,
            },
            false => 0,
        };
        self.unsent.extend_from_slice(&out[sent..]);
        true
    }

    fn flush(&mut self) -> bool {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) => return waits(&error),
            }
        }
        true
    }
}

/// The answer to an upgrade, if the request is one.
fn answer(request: &[u8]) -> Option<String> {
    let request = String::from_utf8_lossy(request);
    let mut headers = request.lines().filter_map(|line| line.split_once(':'));
    let (_, key) = headers.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))?;
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key.trim().as_bytes());
    sha1.update(GUID);
    Some(format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        BASE64_STANDARD.encode(sha1.digest().bytes())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_is_answered_as_the_rfc_has_it() {
        let request = b"GET /echo HTTP/1.1\r\nsec-websocket-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        assert!(
            answer(request)
                .unwrap()
                .contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        assert_eq!(answer(b"GET / HTTP/1.1\r\n\r\n"), None);
    }
}
