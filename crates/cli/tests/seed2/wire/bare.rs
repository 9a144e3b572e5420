//! A WebSocket that does only what it is told to: it answers no ping and no close (RFC 6455, 5.2).

use std::io::{Read, Write};

use super::http::read_answer;
use super::{Line, Outcome, Request, Way, require, while_doing};

/// Its bytes cover everything that the tests are sent.
const FRAME_BYTES_MAX: u64 = 16 << 20;

/// An open WebSocket.
pub struct Bare(Line);

/// A frame as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN and opcode.
    pub first: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn is_ping(&self) -> bool {
        self.first == 0x89
    }

    /// The code of a close frame; 1005 if it is empty.
    pub fn close_code(&self) -> Option<u16> {
        let code = |bytes: &[u8]| match bytes {
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => 1005,
        };
        (self.first == 0x88).then(|| code(&self.payload))
    }
}

impl Way {
    /// An upgrade by hand.
    pub fn open_bare(&self, path: &str) -> Outcome<Bare> {
        let mut line = self.line()?;
        let request = Request::upgrade(path).bytes(&self.address.to_string());
        line.write_all(&request).map_err(while_doing("sending"))?;
        read_answer(&mut line)?.expect(101, path)?;
        Ok(Bare(line))
    }
}

impl Bare {
    /// Sends one frame of at most 65,535 bytes.
    pub fn send(&mut self, first: u8, payload: &[u8]) -> Outcome<()> {
        const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
        let mut bytes = vec![first];
        match u8::try_from(payload.len()) {
            Ok(len @ 0..=125) => bytes.push(0x80 | len),
            _ => {
                let len = u16::try_from(payload.len()).map_err(while_doing("a frame"))?;
                bytes.push(0x80 | 126);
                bytes.extend(len.to_be_bytes());
            }
        }
        bytes.extend(KEY);
        let masked = payload.iter().zip(KEY.iter().cycle());
        bytes.extend(masked.map(|(byte, key)| byte ^ key));
        self.send_bytes(&bytes)
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) -> Outcome<()> {
        let sent = self.0.write_all(bytes).and_then(|()| self.0.flush());
        sent.map_err(while_doing("sending"))
    }

    /// The next frame; an error when the connection ends instead.
    pub fn next(&mut self) -> Outcome<Frame> {
        let [first, second] = self.take::<2>()?;
        require(second & 0x80 == 0, || "a server masks nothing".to_owned())?;
        let len = match second {
            126 => u64::from(u16::from_be_bytes(self.take()?)),
            127 => u64::from_be_bytes(self.take()?),
            len => u64::from(len),
        };
        require(len <= FRAME_BYTES_MAX, || format!("a frame of {len} bytes"))?;
        let mut payload = Vec::new();
        let limited = Read::take(&mut self.0, len);
        { limited }
            .read_to_end(&mut payload)
            .map_err(while_doing("reading"))?;
        Ok(Frame { first, payload })
    }

    /// The next frame that is no ping.
    pub fn next_but_pings(&mut self) -> Outcome<Frame> {
        loop {
            let frame = self.next()?;
            if !frame.is_ping() {
                return Ok(frame);
            }
        }
    }

    /// The code of the next close frame, whatever comes before it.
    pub fn close_code(&mut self) -> Outcome<u16> {
        loop {
            if let Some(code) = self.next()?.close_code() {
                return Ok(code);
            }
        }
    }

    /// Reads and throws away until the connection ends.
    pub fn drain(&mut self) -> Outcome<()> {
        let mut buffer = [0; 16 << 10];
        loop {
            match self.0.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if super::socket::is_timeout(&error) => {
                    return Err("the connection does not end".to_owned());
                }
                Err(_) => return Ok(()),
            }
        }
    }

    /// The connection underneath.
    pub fn line(&self) -> &Line {
        &self.0
    }

    fn take<const LEN: usize>(&mut self) -> Outcome<[u8; LEN]> {
        let mut bytes = [0; LEN];
        self.0
            .read_exact(&mut bytes)
            .map_err(while_doing("reading"))?;
        Ok(bytes)
    }
}
