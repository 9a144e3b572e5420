//! A server's half of RFC 6455, 5.2, for small messages.

use std::io::{self, Read};
use std::net::TcpStream;

/// A whole message, or a control frame.
pub(super) enum Got {
    Data {
        is_text: bool,
        payload: Vec<u8>,
    },
    Ping(Vec<u8>),
    Pong,
    Close(Vec<u8>),
    /// Nothing has come for the read's time.
    Nothing,
    /// The connection has ended.
    End,
}

/// Reads messages of one connection.
pub(super) struct Reader {
    stream: TcpStream,
    begun: Option<(bool, Vec<u8>)>,
}

impl Reader {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            begun: None,
        }
    }

    pub(super) fn next(&mut self) -> Got {
        loop {
            match self.stream.peek(&mut [0]) {
                Ok(0) => return Got::End,
                Ok(_) => {}
                Err(error) if crate::wire::is_timeout(&error) => return Got::Nothing,
                Err(_) => return Got::End,
            }
            let Ok((first, payload)) = self.frame() else {
                return Got::End;
            };
            let opcode = first & 0x0f;
            match opcode {
                0x8 => return Got::Close(payload),
                0x9 => return Got::Ping(payload),
                0xa => return Got::Pong,
                _ => {}
            }
            let (is_text, mut whole) = self.begun.take().unwrap_or((opcode == 1, Vec::new()));
            whole.extend(payload);
            if first & 0x80 != 0 {
                return Got::Data {
                    is_text,
                    payload: whole,
                };
            }
            self.begun = Some((is_text, whole));
        }
    }

    fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let [first, second] = self.take()?;
        let len = match second & 0x7f {
            126 => usize::from(u16::from_be_bytes(self.take()?)),
            127 => u64::from_be_bytes(self.take()?).min(1 << 20) as usize,
            len => usize::from(len),
        };
        let key: [u8; 4] = self.take()?;
        let mut payload = vec![0; len];
        self.stream.read_exact(&mut payload)?;
        for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *byte ^= key;
        }
        Ok((first, payload))
    }

    fn take<const LEN: usize>(&mut self) -> io::Result<[u8; LEN]> {
        let mut bytes = [0; LEN];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// A frame that a server sends.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        len @ 0..=125 => frame.push(len as u8),
        len @ 126..=0xffff => {
            frame.push(126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

pub(super) fn close(code: u16, reason: &str) -> Vec<u8> {
    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
    frame(8, &payload)
}
