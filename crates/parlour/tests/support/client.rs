//! HTTP by hand, so that every header is what the test says, and a WebSocket behind it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::PATIENCE;

/// A request. `Host` is the server's address unless it says another.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

pub(crate) fn request(method: &str, path: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: String::new(),
    }
}

/// A good request for a WebSocket.
pub(crate) fn upgrade(path: &str) -> Request {
    request("GET", path)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
}

impl Request {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn headers(self, headers: &[(&str, &str)]) -> Self {
        headers
            .iter()
            .fold(self, |it, (name, value)| it.header(name, value))
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name == "Host") {
            text.push_str(&format!("Host: {address}\r\n"));
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let has_length = self
            .headers
            .iter()
            .any(|(name, _)| name == "Content-Length");
        if !has_length && (self.method != "GET" || !self.body.is_empty()) {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}

/// An answer, its headers' names in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A field that is text.
    pub(crate) fn text(&self, field: &str) -> String {
        let json = self.json();
        json[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field}: {self:?}"))
            .to_owned()
    }

    /// Status and code of an error of the API, which has words too.
    pub(crate) fn refusal(&self) -> (u16, String) {
        assert!(!self.text("message").is_empty());
        (self.status, self.text("error"))
    }

    /// Whole seconds to wait.
    pub(crate) fn retry_after(&self) -> u64 {
        self.header("retry-after").unwrap().parse().unwrap()
    }
}

/// A connection to the server.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    address: SocketAddr,
    unread: Vec<u8>,
}

impl Socket {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            address,
            unread: Vec::new(),
        }
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Answer {
        self.stream.write_all(&request.bytes(self.address)).unwrap();
        self.answer(request.method == "HEAD")
    }

    /// The next answer.
    pub(crate) fn answer(&mut self, is_to_head: bool) -> Answer {
        let head_len = loop {
            if let Some(at) = self.unread.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            self.read();
        };
        let head = String::from_utf8(self.unread.drain(..head_len).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse().unwrap());
        let length: usize = if is_to_head || status == 101 {
            0
        } else {
            length
        };
        while self.unread.len() < length {
            self.read();
        }
        let body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        Answer {
            status,
            headers,
            body,
        }
    }

    fn read(&mut self) {
        let mut bytes = [0; 4096];
        let count = self.stream.read(&mut bytes).unwrap();
        assert_ne!(
            count,
            0,
            "cut after {:?}",
            String::from_utf8_lossy(&self.unread)
        );
        self.unread.extend_from_slice(&bytes[..count]);
    }

    /// The connection, and what was read of it behind the last answer.
    pub(crate) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.unread)
    }

    /// The WebSocket that the last answer has opened.
    pub(crate) fn web_socket(self) -> WebSocket<TcpStream> {
        WebSocket::from_partially_read(self.stream, self.unread, Role::Client, None)
    }

    /// Reads to the close frame; its code and reason.
    pub(crate) fn closed(self) -> (u16, String) {
        let mut socket = self.web_socket();
        loop {
            if let Message::Close(Some(frame)) = socket.read().unwrap() {
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}
