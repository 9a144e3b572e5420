//! One request to a connection, and what is answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::{Value, json};

use super::sessions::Login;
use super::{Fault, Inner, entry, frames, lock, pages};
use crate::wire::PUBLISH_TOKEN;

const HEAD_BYTES_MAX: usize = 16 << 10;
const BODY_BYTES_MAX: usize = 16 << 10;
/// What a faulty double takes instead.
const ANY_BODY_BYTES: usize = 8 << 20;

pub(super) struct Asked {
    pub(super) method: String,
    /// Without the query.
    pub(super) path: String,
    pub(super) query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    is_too_large: bool,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it comes from this machine, and through no proxy.
    pub(super) fn is_local(&self) -> bool {
        self.header("x-forwarded-for").is_none()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        let reply = Self::new(status, body.to_string());
        reply
            .with("Content-Type", "application/json")
            .with("Cache-Control", "no-store")
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        Self::json(status, &json!({ "error": code, "message": "no" }))
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} Status\r\n", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let len = self.body.len();
        text.push_str(&format!("Content-Length: {len}\r\n\r\n{}", self.body));
        text.into_bytes()
    }
}

/// Serves a connection to its end.
pub(super) fn serve(inner: &Arc<Inner>, mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Some(asked) = read(inner, &mut stream) else {
        return;
    };
    if inner.is(Fault::LogsAddresses) {
        inner.write_log(&format!("{} {}?{}", asked.method, asked.path, asked.query));
    } else if inner.logs_requests {
        inner.write_log(&format!("{} {}", asked.method, asked.path));
    }
    if matches!(
        asked.path.as_str(),
        "/ws" | "/echo" | "/plain" | "/subscribe"
    ) {
        return entry::serve(inner, &asked, stream);
    }
    let reply = answer(inner, &asked);
    let _ = stream.write_all(&reply.bytes());
}

fn read(inner: &Inner, stream: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next()?.split(' ');
    let method = first.next()?.to_owned();
    let target = first.next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(':'));
    let mut asked = Asked {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: Vec::new(),
        is_too_large: false,
    };
    let len = asked.header("content-length");
    let len = len.map_or(0, |len| len.parse().unwrap_or(0));
    let takes_any = match inner.fault {
        Some(Fault::LoginOfAnySize) => path == "/login",
        Some(Fault::PublishOfAnySize) => path != "/login",
        _ => false,
    };
    let max = if takes_any {
        ANY_BODY_BYTES
    } else {
        BODY_BYTES_MAX
    };
    asked.is_too_large = len > max;
    if !asked.is_too_large {
        asked.body = vec![0; len];
        stream.read_exact(&mut asked.body).ok()?;
    }
    Some(asked)
}

fn answer(inner: &Inner, asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/login" => login(inner, asked),
        "/ticket" => ticket(inner, asked),
        "/healthz" if !inner.is(Fault::SaysNothingOfItself) => Reply::new(200, "ok\n"),
        "/debug" if !asked.is_local() && !inner.is(Fault::DebugForAll) => {
            Reply::error(403, "not_local")
        }
        "/debug" if asked.query == "format=json" && !inner.is(Fault::SaysNothingOfItself) => {
            Reply::json(200, &json!({ "connections": inner.rooms.count() }))
        }
        "/debug" => Reply::new(200, inner.rooms.count().to_string()),
        "/publish" => publish(inner, asked),
        path if path.starts_with("/rooms/") => publish(inner, asked),
        path => pages::answer(inner.fault, path),
    }
}

fn login(inner: &Inner, asked: &Asked) -> Reply {
    if asked.method != "POST" && !inner.is(Fault::LoginByAnyMethod) {
        return Reply::error(405, "method_not_allowed").with("Allow", "POST");
    }
    if asked.is_too_large {
        return Reply::error(413, "too_large");
    }
    let body = asked.json();
    let (Some(name), Some(password)) = (body["username"].as_str(), body["password"].as_str())
    else {
        return Reply::error(400, "bad_json");
    };
    if inner.is(Fault::LogsSecrets) {
        inner.write_log(&format!("login {body}"));
    }
    match inner.doorkeeper.login(name, password) {
        Login::Ticket(otp) if inner.is(Fault::CacheableLogin) => {
            Reply::new(200, json!({ "otp": otp }).to_string())
                .with("Content-Type", "text/plain; charset=utf-8")
        }
        Login::Ticket(otp) => {
            let (session, _) = inner.doorkeeper.issue(name);
            Reply::json(200, &json!({ "otp": otp, "session": session }))
        }
        Login::Wrong => Reply::error(401, "bad_credentials"),
        Login::TooMany => Reply::error(429, "too_many_logins").with("Retry-After", "12"),
    }
}

fn ticket(inner: &Inner, asked: &Asked) -> Reply {
    let body = asked.json();
    let name = body["name"].as_str().unwrap_or("nobody");
    let is_good = !name.trim().is_empty() && name.len() <= 64 && !name.contains(char::is_control);
    if !is_good && !inner.is(Fault::AnyGuestName) {
        return Reply::error(400, "bad_name");
    }
    let name = match inner.fault {
        Some(Fault::AnyGuestName) => name.to_owned(),
        _ => format!("guest-{name}"),
    };
    if inner.doorkeeper.is_full() {
        return Reply::error(429, "too_many_tickets").with("Retry-After", "1");
    }
    let (otp, died) = inner.doorkeeper.issue(&name);
    if died {
        inner.die();
    }
    let mut body = json!({ "otp": otp, "name": name });
    if !inner.is(Fault::LimitIsNotTold) {
        body["max_message_bytes"] = inner.message_bytes_max.into();
    }
    Reply::json(200, &body)
}

fn publish(inner: &Inner, asked: &Asked) -> Reply {
    let token = format!("Bearer {PUBLISH_TOKEN}");
    let may = asked.header("authorization") == Some(token.as_str());
    if !may && !inner.is(Fault::PublishByAnybody) {
        return Reply::error(401, "bad_token");
    }
    if asked.is_too_large {
        return Reply::error(413, "too_large");
    }
    let is_feed = asked.path == "/publish";
    let (name, message) = if is_feed {
        ("name", "msg")
    } else {
        ("from", "payload")
    };
    let room = asked.path.split('/').nth(2).unwrap_or("general");
    let body = asked.json();
    let claimed = body[name].as_str().unwrap_or("nobody");
    let from = match inner.fault {
        Some(Fault::PublishByAnyName) => claimed.to_owned(),
        _ => format!("guest-{claimed}"),
    };
    let text = event(&body[message], &from);
    inner.rooms.publish(inner, room, text.as_bytes());
    if is_feed {
        return Reply::new(204, "");
    }
    Reply::json(200, &json!({ "room": room, "seq": 1 }))
}

/// A `new_message`.
pub(super) fn event(message: &Value, from: &str) -> String {
    let payload = json!({ "message": message, "from": from, "sent": "2026-01-01T00:00:00Z" });
    json!({ "type": "new_message", "payload": payload }).to_string()
}

/// The bytes of an upgrade's answer, and of nothing else.
pub(super) fn refuse(stream: &mut TcpStream, status: u16) {
    let reply = Reply::new(status, "no\n").with("Sec-WebSocket-Version", "13");
    let _ = stream.write_all(&reply.bytes());
}

/// Sends a close frame and ends the connection.
pub(super) fn close(stream: &mut TcpStream, code: u16, reason: &str) {
    let _ = stream.write_all(&frames::close(code, reason));
    let _ = stream.shutdown(std::net::Shutdown::Write);
}

/// Takes part in what is cut when the double ends.
pub(super) fn register(inner: &Inner, stream: &TcpStream) {
    lock(&inner.connections).push(stream.try_clone().unwrap());
}
