//! An open WebSocket at the events door.

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::{Error, Message, WebSocket};

use super::{Answer, Line, Outcome, Way, require, while_doing};

/// How a request for a WebSocket ended.
pub enum Opened {
    Socket(Box<Socket>),
    Refused(Answer),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With a close frame: its code, if it had one, and its reason.
    Closed(Option<u16>, String),
    /// Without one: what a browser calls 1006.
    Cut,
}

impl End {
    /// The code of the close frame.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Closed(code, _) => *code,
            Self::Cut => None,
        }
    }
}

/// One open WebSocket.
pub struct Socket {
    inner: WebSocket<Line>,
    /// The subprotocol that the server has chosen.
    pub protocol: Option<String>,
}

impl Way {
    /// Asks for a WebSocket.
    pub fn knock(&self, path: &str, headers: &[(&'static str, &str)]) -> Outcome<Opened> {
        let scheme = if self.is_tls() { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{path}", self.address);
        let mut request = url
            .into_client_request()
            .map_err(while_doing("an address"))?;
        for (name, value) in headers {
            let value = value.parse().map_err(while_doing("a header"))?;
            request.headers_mut().insert(*name, value);
        }
        match tungstenite::client(request, self.line()?) {
            Ok((inner, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                let protocol = protocol.and_then(|it| it.to_str().ok()).map(str::to_owned);
                Ok(Opened::Socket(Box::new(Socket { inner, protocol })))
            }
            Err(HandshakeError::Failure(Error::Http(response))) => {
                let headers = response.headers().iter();
                let headers = headers.map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    (name.as_str().to_owned(), value.into_owned())
                });
                Ok(Opened::Refused(Answer {
                    status: response.status().as_u16(),
                    headers: headers.collect(),
                    body: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default())
                        .into_owned(),
                }))
            }
            Err(error) => Err(format!("the handshake at {path} failed: {error}")),
        }
    }

    /// A WebSocket that must open.
    pub fn open(&self, path: &str, headers: &[(&'static str, &str)]) -> Outcome<Socket> {
        match self.knock(path, headers)? {
            Opened::Socket(socket) => Ok(*socket),
            Opened::Refused(answer) => Err(format!("{path} was refused: {answer:?}")),
        }
    }

    /// At the events door by a ticket, in the first room or in this one, and told all that is said
    /// there from now on.
    pub fn enter(&self, ticket: &str, room: Option<&str>) -> Outcome<Socket> {
        let room = room.map_or_else(String::new, |room| format!("&room={room}"));
        let mut socket = self.open(&format!("/ws?otp={ticket}{room}"), &[])?;
        socket.settle()?;
        Ok(socket)
    }

    /// A guest in a room.
    pub fn enter_as_guest(&self, name: &str, room: &str) -> Outcome<Socket> {
        self.enter(&self.guest(name)?, Some(room))
    }
}

impl Socket {
    pub fn send(&mut self, message: Message) -> Outcome<()> {
        self.inner.send(message).map_err(while_doing("sending"))
    }

    pub fn send_text(&mut self, text: &str) -> Outcome<()> {
        self.send(Message::text(text))
    }

    /// Sends an event.
    pub fn event(&mut self, kind: &str, payload: &Value) -> Outcome<()> {
        self.send_text(&json!({ "type": kind, "payload": payload }).to_string())
    }

    /// Says something, with a name that it has not.
    pub fn say(&mut self, text: &str) -> Outcome<()> {
        let payload = json!({ "message": text, "from": "somebody-else" });
        self.event("send_message", &payload)
    }

    /// The next message of any kind, pings too.
    pub fn next(&mut self) -> Outcome<Message> {
        self.inner.read().map_err(while_doing("reading"))
    }

    /// The next text, as it came.
    pub fn next_text(&mut self) -> Outcome<String> {
        loop {
            match self.next()? {
                Message::Text(text) => return Ok(text.to_string()),
                Message::Ping(_) | Message::Pong(_) => {}
                other => return Err(format!("a text is due, not {other:?}")),
            }
        }
    }

    /// The next event.
    pub fn next_event(&mut self) -> Outcome<Value> {
        let text = self.next_text()?;
        serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))
    }

    /// The payload of the next `new_message` that nobody sent in order to settle.
    pub fn heard(&mut self) -> Outcome<Value> {
        loop {
            let payload = self.any_heard()?;
            if !is_settling(&payload) {
                return Ok(payload);
            }
        }
    }

    /// That this is said next.
    pub fn expect_heard(&mut self, text: &str) -> Outcome<Value> {
        let heard = self.heard()?;
        require(heard["message"] == text, || {
            format!("{text:?} is due, not {heard}")
        })?;
        Ok(heard)
    }

    /// The code of the next event, which must be an error in words.
    pub fn refused(&mut self) -> Outcome<String> {
        loop {
            let event = self.next_event()?;
            if event["type"] == "new_message" && is_settling(&event["payload"]) {
                continue;
            }
            let payload = &event["payload"];
            let code = payload["code"].as_str();
            require(
                event["type"] == "error" && payload["message"].is_string(),
                || format!("an error is due, not {event}"),
            )?;
            return Ok(code.unwrap_or_default().to_owned());
        }
    }

    /// Waits until all that it has sent has been done, its joining too: its own words come back.
    pub fn settle(&mut self) -> Outcome<()> {
        let address = self.inner.get_ref().tcp().local_addr();
        let mark = format!("settled {:?}", address.map_err(while_doing("an address"))?);
        self.say(&mark)?;
        while self.any_heard()?["message"] != mark.as_str() {}
        Ok(())
    }

    fn any_heard(&mut self) -> Outcome<Value> {
        let mut event = self.next_event()?;
        require(event["type"] == "new_message", || {
            format!("a new_message is due, not {event}")
        })?;
        Ok(event["payload"].take())
    }

    /// Reads to the end of the connection, whatever comes before it.
    pub fn end(&mut self) -> Outcome<End> {
        let mut end = None;
        loop {
            match self.inner.read() {
                Ok(Message::Close(frame)) => {
                    end = Some(End::Closed(
                        frame.as_ref().map(|frame| frame.code.into()),
                        frame.map_or_else(String::new, |frame| frame.reason.to_string()),
                    ));
                }
                Ok(_) => {}
                Err(Error::Io(error)) if is_timeout(&error) => {
                    return Err("the connection does not end".to_owned());
                }
                Err(_) => return Ok(end.unwrap_or(End::Cut)),
            }
        }
    }

    /// Sends a close.
    pub fn close(&mut self) -> Outcome<()> {
        self.inner.close(None).map_err(while_doing("closing"))
    }

    /// The connection underneath.
    pub fn line(&self) -> &Line {
        self.inner.get_ref()
    }
}

pub fn is_timeout(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
    )
}

fn is_settling(payload: &Value) -> bool {
    payload["message"]
        .as_str()
        .is_some_and(|text| text.starts_with("settled "))
}
