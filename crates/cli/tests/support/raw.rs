//! A client that sends the bytes it is told to, in plain or by TLS.

use std::io::{Read, Write};
use std::net::TcpStream;

/// A connection, and what has been read of it and not been used.
pub struct Raw<S = TcpStream> {
    pub stream: S,
    unread: Vec<u8>,
}

/// An answer of HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The only header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(this, _)| this == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }
}

impl<S: Read + Write> Raw<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads an answer; a body comes only if its length is announced.
    pub fn answer(&mut self) -> Answer {
        self.read_answer(true)
    }

    /// Reads the answer to a HEAD.
    pub fn answer_without_body(&mut self) -> Answer {
        self.read_answer(false)
    }

    fn read_answer(&mut self, has_body: bool) -> Answer {
        let head_len = loop {
            if let Some(at) = self
                .unread
                .windows(4)
                .position(|bytes| bytes == b"\r\n\r\n")
            {
                break at + 4;
            }
            assert!(
                self.read_more(),
                "the connection ended within a head: {:?}",
                self.unread
            );
        };
        let head: Vec<u8> = self.unread.drain(..head_len).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer {
            status,
            headers,
            body: String::new(),
        };
        if let Some(len) = answer.header("content-length").filter(|_| has_body) {
            let len = len.parse().unwrap();
            answer.body = String::from_utf8(self.take(len)).unwrap();
        }
        answer
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Vec<u8> {
        while self.unread.len() < len {
            assert!(
                self.read_more(),
                "the connection ended too early: {:?}",
                self.unread
            );
        }
        self.unread.drain(..len).collect()
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.read_more() {}
        std::mem::take(&mut self.unread)
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let len = self.stream.read(&mut buffer).unwrap();
        self.unread.extend_from_slice(&buffer[..len]);
        len > 0
    }
}

/// A frame as a client sends it, of at most 125 bytes: `first` holds FIN and opcode.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let len = u8::try_from(payload.len()).unwrap();
    assert!(len <= 125);
    let mut frame = vec![first, 0x80 | len];
    frame.extend_from_slice(&KEY);
    frame.extend(
        payload
            .iter()
            .zip(KEY.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}
