//! The client's half of an upgrade to WebSocket (RFC 6455, 4.1), on a socket that never blocks.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

use crate::target::Target;

/// The sample key of RFC 6455, 1.3, and the answer it must get. A random key would prove nothing
/// more here: no cache stands between.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// Longest answer that is waited for, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// An upgrade on its way.
pub(crate) struct Handshake {
    request: Vec<u8>,
    /// Compression was offered.
    deflate: bool,
    written: usize,
    answer: Vec<u8>,
}

/// What became of an upgrade so far.
pub(crate) enum Progress {
    /// Nothing more can be done now.
    Waiting,
    /// The connection speaks WebSocket; these bytes came behind the answer.
    Open(Vec<u8>),
}

impl Handshake {
    pub(crate) fn new(target: &Target, ticket: &str) -> Self {
        Self::with(target, ticket, "")
    }

    /// One that asks for a dialect, such as `parlour.v1`.
    pub(crate) fn speaking(target: &Target, ticket: &str, dialect: &str) -> Self {
        let header = format!("Sec-WebSocket-Protocol: {dialect}\r\n");
        Self::with(target, ticket, &header)
    }

    /// One that is in `room` when it is open.
    pub(crate) fn into_room(
        target: &Target,
        ticket: &str,
        dialect: Option<&str>,
        room: &str,
    ) -> Self {
        let header = match dialect {
            Some(dialect) => format!("Sec-WebSocket-Protocol: {dialect}\r\n"),
            None => String::new(),
        };
        Self::with(target, &format!("{ticket}&room={room}"), &header)
    }

    /// One at a door that asks for nothing, such as `/echo`.
    pub(crate) fn free(target: &Target) -> Self {
        Self::to(target, &target.path, "")
    }

    fn with(target: &Target, ticket: &str, header: &str) -> Self {
        Self::to(target, &format!("{}?otp={ticket}", target.path), header)
    }

    fn to(target: &Target, path: &str, header: &str) -> Self {
        let offer = match target.deflate {
            true => "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
            false => "",
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             {header}{offer}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n",
            target.authority
        );
        Self {
            request: request.into_bytes(),
            deflate: target.deflate,
            written: 0,
            answer: Vec::new(),
        }
    }

    /// Goes on as far as the socket allows; `Err` says why it will never succeed.
    pub(crate) fn advance(&mut self, stream: &mut TcpStream) -> Result<Progress, String> {
        if let Ok(Some(error)) | Err(error) = stream.take_error() {
            return Err(error.to_string());
        }
        while self.written < self.request.len() {
            match stream.write(&self.request[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if waits(&error) => return Ok(Progress::Waiting),
                Err(error) => return Err(error.to_string()),
            }
        }
        let mut piece = [0; 4096];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => return Err(self.describe("closed before the upgrade")),
                Ok(count) => self.answer.extend_from_slice(&piece[..count]),
                Err(error) if waits(&error) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<Progress, String> {
        let Some(end) = self
            .answer
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")
        else {
            if self.answer.len() > MAX_ANSWER {
                return Err(self.describe("an endless answer"));
            }
            return Ok(Progress::Waiting);
        };
        let behind = self.answer.split_off(end + 4);
        let head = String::from_utf8_lossy(&self.answer);
        if head.split(' ').nth(1) != Some("101") || !head.contains(ACCEPT) {
            return Err(self.describe("no upgrade"));
        }
        if self.deflate && !head.contains("permessage-deflate") {
            return Err(self.describe("no compression"));
        }
        Ok(Progress::Open(behind))
    }

    fn describe(&self, what: &str) -> String {
        let head = String::from_utf8_lossy(&self.answer);
        format!("{what} ({})", head.lines().next().unwrap_or("no answer"))
    }
}

/// Whether a socket only says "not now".
pub(crate) fn waits(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    ) || error.kind() == io::ErrorKind::NotConnected
}
