//! Requests and answers (RFC 9112), one to a connection.

use std::io::{Read, Write};

use serde_json::{Value, json};

use super::{Line, Outcome, Way, require, while_doing};

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// What is asked. `Host` is the server's address unless the request names another.
#[derive(Clone)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// Without a type, unless one is added.
    pub fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", path).body(body)
    }

    /// A request for an upgrade with all that RFC 6455, 4.1 asks for.
    pub fn upgrade(path: &str) -> Self {
        Self::get(path)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    pub fn login(user: &str, password: &str) -> Self {
        let body = json!({ "username": user, "password": password });
        Self::post("/login", body.to_string()).header("Content-Type", "application/json")
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name))
    }

    /// As it is sent.
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let mut line = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
        if !self.has("Host") {
            line("Host", host);
        }
        if !self.has("Connection") {
            line("Connection", "close");
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if let Some(body) = self.body.as_ref().filter(|_| !self.has("Content-Length")) {
            line("Content-Length", &body.len().to_string());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Outcome<Value> {
        serde_json::from_str(&self.body).map_err(|error| format!("{error} in {self:?}"))
    }

    /// A text field of the body.
    pub fn field(&self, name: &str) -> Outcome<String> {
        let body = self.json()?;
        let text = body[name].as_str();
        text.map(str::to_owned)
            .ok_or_else(|| format!("no {name} in {self:?}"))
    }

    /// The `error` of an error's body.
    pub fn code(&self) -> String {
        self.field("error").unwrap_or_default()
    }

    /// That it has this status.
    pub fn expect(self, status: u16, what: &str) -> Outcome<Self> {
        require(self.status == status, || {
            format!("{what}: {status} is due, not {self:?}")
        })?;
        Ok(self)
    }

    /// That it is an error of the API with this status and code, with words for people.
    pub fn expect_error(self, status: u16, code: &str, what: &str) -> Outcome<Self> {
        let answer = self.expect(status, what)?;
        require(answer.code() == code, || {
            format!("{what}: {code} is due, not {answer:?}")
        })?;
        answer.field("message")?;
        Ok(answer)
    }
}

impl Way {
    /// Asks on a connection of its own.
    pub fn ask(&self, request: &Request) -> Outcome<Answer> {
        let mut line = self.line()?;
        let bytes = request.bytes(&self.address.to_string());
        // A server may answer and close before it has read everything; its answer is what counts.
        let sent = line.write_all(&bytes).and_then(|()| line.flush());
        let answer = read_answer(&mut line);
        match (sent, answer) {
            (_, Ok(answer)) => Ok(answer),
            (Err(error), Err(_)) => Err(format!("sending: {error}")),
            (Ok(()), Err(error)) => Err(error),
        }
    }

    /// The ticket that a login gives.
    pub fn login(&self, user: &str, password: &str) -> Outcome<String> {
        let answer = self.ask(&Request::login(user, password))?;
        answer.expect(200, "a login")?.field("otp")
    }

    /// The ticket of a guest.
    pub fn guest(&self, name: &str) -> Outcome<String> {
        let request = Request::post("/ticket", json!({ "name": name }).to_string());
        self.ask(&request)?
            .expect(200, "a guest's ticket")?
            .field("otp")
    }
}

/// Reads one answer; what follows it stays unread, or is lost with an answer without a length.
pub fn read_answer(line: &mut Line) -> Outcome<Answer> {
    let mut head = Vec::new();
    // Byte by byte: the first byte after the head may be a frame's.
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        let len = line.read(&mut byte).map_err(while_doing("an answer"))?;
        require(len == 1 && head.len() < 64 << 10, || {
            format!(
                "the answer breaks off: {:?}",
                String::from_utf8_lossy(&head)
            )
        })?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).map_err(while_doing("an answer's head"))?;
    let mut lines = head.trim_end().split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let mut answer = Answer {
        status: status.ok_or_else(|| format!("no status: {head}"))?,
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: String::new(),
    };
    if matches!(answer.status, 101 | 204 | 304) {
        return Ok(answer);
    }
    let len = answer.header("content-length").map(str::parse::<usize>);
    let mut body = Vec::new();
    match len {
        Some(Ok(len)) if len <= ANSWER_BYTES_MAX => {
            body.resize(len, 0);
            line.read_exact(&mut body)
        }
        _ => {
            let limited = line.take(ANSWER_BYTES_MAX as u64);
            { limited }.read_to_end(&mut body).map(drop)
        }
    }
    .map_err(while_doing("an answer's body"))?;
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Ok(answer)
}
