//! A server that does as a test says: tickets for everybody, and a WebSocket whose frames the test
//! writes itself.

use std::cell::Cell;
use std::collections::VecDeque;
use std::net::SocketAddr;

use parlour_client::{Client, Events, Join};
use parlour_ws::handshake::accept_key;
use parlour_ws::{Incoming, Limits, Opcode, Receiver, put_close, put_frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{PATIENCE, connect, room};

pub(crate) const HELLO: &str = r#"{"t":"hello","version":"0","user":"guest-ann","guest":true,
    "limits":{"message_bytes":65536,"rooms":10,"messages_per_second":0,"burst":0}}"#;

/// The server.
pub(crate) struct Script {
    listener: TcpListener,
    /// Tickets that it gave.
    pub(crate) tickets: Cell<usize>,
}

/// One WebSocket of it.
pub(crate) struct Line {
    pub(crate) stream: TcpStream,
    receiver: Receiver,
    heard: VecDeque<String>,
}

impl Script {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            listener,
            tickets: Cell::new(0),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Gives a ticket and opens the next WebSocket, without a word yet.
    pub(crate) async fn bare(&self) -> Line {
        let accepted = tokio::time::timeout(PATIENCE, self.opened()).await;
        accepted.expect("somebody comes")
    }

    /// As [`bare`](Self::bare), and says hello.
    pub(crate) async fn line(&self) -> Line {
        let mut line = self.bare().await;
        line.tell(HELLO).await;
        line
    }

    /// A client of it, and the other end of its connection.
    pub(crate) async fn client(&self) -> (Client, Events, Line) {
        let url = self.url();
        let ((client, events), line) = tokio::join!(connect(&url, "ann"), self.line());
        (client, events, line)
    }

    /// As [`client`](Self::client), in the room `den`, of which it has all up to `seq`.
    pub(crate) async fn client_in_den(&self, seq: u64) -> (Client, Events, Line) {
        let (client, events, mut line) = self.client().await;
        let den = Join::next(room("den"));
        let (joined, _) = tokio::join!(client.join(den), line.joins_den(seq, seq));
        joined.unwrap();
        (client, events, line)
    }

    /// The next request for a WebSocket; tickets are given until it comes.
    async fn opening(&self) -> (TcpStream, String) {
        loop {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            let head = read_head(&mut stream).await;
            if head.starts_with("GET /ws ") {
                return (stream, head);
            }
            assert!(head.starts_with("POST /ticket "), "{head}");
            self.tickets.set(self.tickets.get() + 1);
            let body = r#"{"otp":"SECRET","name":"guest-ann"}"#;
            answer(&mut stream, "200 OK", body).await;
        }
    }

    /// Gives a ticket and does not open the WebSocket.
    pub(crate) async fn refuse(&self, status: &str) {
        let (mut stream, _) = self.opening().await;
        answer(&mut stream, status, "not now").await;
    }

    /// Answers the next request like this, whatever it is.
    pub(crate) async fn answer_once(&self, status: &str) {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        read_head(&mut stream).await;
        answer(&mut stream, status, "not now").await;
    }

    async fn opened(&self) -> Line {
        let (mut stream, head) = self.opening().await;
        assert!(head.contains("Sec-WebSocket-Protocol: parlour.v1, ticket.SECRET\r\n"));
        let key = head
            .lines()
            .find_map(|it| it.strip_prefix("Sec-WebSocket-Key: "));
        let accept = accept_key(key.unwrap());
        let answer = format!(
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: parlour.v1\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        Line {
            stream,
            receiver: Receiver::new(),
            heard: VecDeque::new(),
        }
    }

    /// Answers every request like this, until it is dropped.
    pub(crate) async fn answer_always(&self, status: &str, body: &str) {
        loop {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            read_head(&mut stream).await;
            answer(&mut stream, status, body).await;
        }
    }

    /// Takes the next connection and says nothing on it.
    pub(crate) async fn silent(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        // Byte by byte, so that a body stays where it is.
        bytes.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head
        .lines()
        .find_map(|it| it.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |it| it.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    head
}

async fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

impl Line {
    pub(crate) async fn tell(&mut self, frame: &str) {
        let mut out = Vec::new();
        put_frame(&mut out, Opcode::Text, frame.as_bytes());
        self.stream.write_all(&out).await.unwrap();
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &str) {
        let mut out = Vec::new();
        put_close(&mut out, code, reason);
        self.stream.write_all(&out).await.unwrap();
    }

    /// The client's next frame; `None` at its close.
    pub(crate) async fn asked(&mut self) -> Option<serde_json::Value> {
        let asked = tokio::time::timeout(PATIENCE, self.read()).await;
        let frame = asked.expect("a frame in time")?;
        Some(serde_json::from_str(&frame).unwrap())
    }

    async fn read(&mut self) -> Option<String> {
        loop {
            if let Some(frame) = self.heard.pop_front() {
                return (!frame.is_empty()).then_some(frame);
            }
            let mut bytes = vec![0; 16_384];
            let count = self.stream.read(&mut bytes).await.unwrap();
            if count == 0 {
                return None;
            }
            let mut input = &mut bytes[..count];
            loop {
                let received = self.receiver.receive(&Limits::default(), input).unwrap();
                let consumed = received.consumed;
                match received.item {
                    None => break,
                    Some(Incoming::Text(text)) => self.heard.push_back(text.to_owned()),
                    Some(Incoming::Close(_)) => self.heard.push_back(String::new()),
                    Some(_) => {}
                }
                input = &mut input[consumed..];
            }
        }
    }

    /// Takes the join of `den` and answers it.
    pub(crate) async fn joins_den(&mut self, seq: u64, head: u64) -> serde_json::Value {
        let asked = self.asked().await.unwrap();
        assert_eq!(
            (&asked["t"], &asked["rooms"][0]["room"]),
            (&"join".into(), &"den".into())
        );
        self.tell(&format!(
            r#"{{"t":"joined","room":"den","epoch":"9f3c5d20a1b4e687","seq":{seq},"head":{head}}}"#
        ))
        .await;
        asked
    }

    /// Tells an entry of `den` by this client.
    pub(crate) async fn entry(&mut self, seq: u64, id: &str, text: &str) {
        self.entry_of("guest-ann", seq, id, text).await;
    }

    /// Tells an entry of `den`.
    pub(crate) async fn entry_of(&mut self, from: &str, seq: u64, id: &str, text: &str) {
        self.tell(&format!(
            r#"{{"t":"entry","room":"den","epoch":"9f3c5d20a1b4e687","seq":{seq},"id":"{id}",
            "from":"{from}","type":"message","payload":"{text}","sent":"2026-11-22T04:00:00Z"}}"#
        ))
        .await;
    }

    /// Acknowledges a publish to `den`.
    pub(crate) async fn ack(&mut self, seq: u64, id: &str) {
        self.tell(&format!(
            r#"{{"t":"ack","room":"den","epoch":"9f3c5d20a1b4e687","seq":{seq},"id":"{id}"}}"#
        ))
        .await;
    }
}
