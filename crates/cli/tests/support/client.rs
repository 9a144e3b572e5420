//! A WebSocket client: tungstenite.

use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::client::Response;
use tungstenite::http::StatusCode;
use tungstenite::{Error, Message, WebSocket};

use super::Server;

/// One open WebSocket.
pub struct Client {
    pub socket: WebSocket<TcpStream>,
    pub response: Response,
}

impl Client {
    /// Opens `path` with further headers, or gives the status of the refusal.
    pub fn open(
        server: &Server,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, StatusCode> {
        let mut request = format!("ws://{}{path}", server.address())
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tungstenite::client(request, server.connect()) {
            Ok((socket, response)) => Ok(Self { socket, response }),
            Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status()),
            Err(error) => panic!("the handshake failed: {error}"),
        }
    }

    pub fn send(&mut self, message: Message) {
        self.socket.send(message).unwrap();
    }

    /// Publishes a chat message at the events door.
    pub fn say(&mut self, text: &str) {
        self.event(
            "send_message",
            &json!({ "message": text, "from": "whoever" }),
        );
    }

    /// Enters a room at the events door, and waits until its messages come.
    pub fn enter(&mut self, room: &str) {
        self.event("change_room", &json!({ "name": room }));
        self.settle();
    }

    /// Sends one event at the events door.
    pub fn event(&mut self, kind: &str, payload: &Value) {
        self.send(Message::text(
            json!({ "type": kind, "payload": payload }).to_string(),
        ));
    }

    /// Waits until everything that this client has sent, its joining included, has been done: its
    /// own message comes back to it. Other messages of the room are skipped.
    pub fn settle(&mut self) {
        let mark = format!("settled {:?}", self.socket.get_ref().local_addr().unwrap());
        self.say(&mark);
        while self.heard()["message"] != mark.as_str() {}
    }

    /// The next message, whatever it is.
    pub fn next(&mut self) -> Message {
        self.socket.read().unwrap()
    }

    /// The next event at the events door.
    pub fn next_event(&mut self) -> Value {
        let text = self.next().into_text().unwrap();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
    }

    /// The payload of the next `new_message` that nobody sent in order to settle.
    pub fn told(&mut self) -> Value {
        loop {
            let payload = self.heard();
            if !payload["message"].as_str().unwrap().starts_with("settled ") {
                return payload;
            }
        }
    }

    /// The text of the next `new_message` that nobody sent in order to settle.
    pub fn told_text(&mut self) -> String {
        loop {
            let text = self.next().into_text().unwrap();
            if !text.contains("settled ") {
                return text.to_string();
            }
        }
    }

    /// As [`refused`](Self::refused), after messages that others sent in order to settle.
    pub fn refused_past_settling(&mut self) -> String {
        loop {
            let event = self.next_event();
            let settling = event["payload"]["message"]
                .as_str()
                .unwrap()
                .starts_with("settled ");
            if !settling {
                assert_eq!(event["type"], "error", "{event}");
                return event["payload"]["code"].as_str().unwrap().to_owned();
            }
        }
    }

    fn heard(&mut self) -> Value {
        let event = self.next_event();
        assert_eq!(event["type"], "new_message", "{event}");
        event["payload"].clone()
    }

    /// The code of the next `error` event.
    pub fn refused(&mut self) -> String {
        let event = self.next_event();
        assert_eq!(event["type"], "error", "{event}");
        assert!(
            event["payload"]["message"]
                .as_str()
                .is_some_and(|words| !words.is_empty())
        );
        event["payload"]["code"].as_str().unwrap().to_owned()
    }

    /// Reads until the close frame: its code, or `None` without one. Panics if the connection ends
    /// without a close frame.
    pub fn closed(&mut self) -> Option<u16> {
        loop {
            if let Message::Close(frame) = self.next() {
                return frame.map(|frame| frame.code.into());
            }
        }
    }
}
