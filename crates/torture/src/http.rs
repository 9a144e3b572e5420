//! The few requests that a client makes over HTTP, each on a connection of its own.

use std::io;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::target::Target;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// Longest time that an answer can ask to wait.
const RETRY_AFTER_MAX: u64 = 30;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// What opens one connection, once; and what gives further ones.
#[derive(Debug, Deserialize)]
pub(crate) struct Given {
    pub(crate) otp: String,
    #[serde(default)]
    pub(crate) session: Option<String>,
}

/// Who asks for a ticket.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    /// A guest of this name.
    Guest(String),
    /// Who has signed in, by the session.
    Session(std::sync::Arc<str>),
}

/// `POST /ticket`.
pub(crate) async fn ticket(target: &Target, who: &Who) -> io::Result<Answer> {
    match who {
        Who::Guest(name) => {
            let body = serde_json::json!({ "name": name }).to_string();
            ask(target, "POST", "/ticket", None, &body).await
        }
        Who::Session(session) => ask(target, "POST", "/ticket", Some(session), "").await,
    }
}

/// `POST /login`.
pub(crate) async fn login(target: &Target, name: &str, password: &str) -> io::Result<Answer> {
    let body = serde_json::json!({ "username": name, "password": password }).to_string();
    ask(target, "POST", "/login", None, &body).await
}

/// Whether the server says that it is well.
pub(crate) async fn is_well(target: &Target) -> bool {
    let answer = ask(target, "GET", "/healthz", None, "").await;
    answer.is_ok_and(|answer| answer.status == 200)
}

async fn ask(
    target: &Target,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: &str,
) -> io::Result<Answer> {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
        target.authority,
        body.len()
    );
    if !body.is_empty() {
        request.push_str("Content-Type: application/json\r\n");
    }
    if let Some(bearer) = bearer {
        request.push_str(&format!("Authorization: Bearer {bearer}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(body);
    let asked = async {
        let mut stream = TcpStream::connect(target.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut bounded = stream.take(ANSWER_BYTES_MAX);
        bounded.read_to_end(&mut answer).await?;
        understand(&answer)
    };
    let answered = timeout(PATIENCE, asked).await;
    answered.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn understand(answer: &[u8]) -> io::Result<Answer> {
    let broken = || io::Error::other("the answer is no whole answer of HTTP/1.1");
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n");
    let end = end.ok_or_else(broken)?;
    let head = std::str::from_utf8(&answer[..end]).map_err(|_| broken())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|it| it.parse().ok()).ok_or_else(broken)?;
    let (mut length, mut retry_after) = (0, None);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().map_err(|_| broken())?;
        } else if name.eq_ignore_ascii_case("retry-after") {
            retry_after = value.parse().ok();
        }
    }
    let body = &answer[end + 4..];
    if body.len() < length {
        return Err(broken());
    }
    Ok(Answer {
        status,
        retry_after: retry_after.map(|it: u64| Duration::from_secs(it.min(RETRY_AFTER_MAX))),
        body: body[..length].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_a_cut_one_refused() {
        let wire = b"HTTP/1.1 429 Too Many\r\nretry-after: 7\r\nContent-Length: 2\r\n\r\n{}";
        let answer = understand(wire).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (429, &b"{}"[..]));
        assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
        for cut in 0..wire.len() {
            assert!(understand(&wire[..cut]).is_err(), "cut at {cut}");
        }
    }
}
