//! Just enough HTTP for a ticket and an upgrade.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::dialect::Dialect;

/// Every ticket is the same: the yardstick has no secrets. As long as a real one.
const TICKET: &str =
    r#"{"otp":"0000000000000000000000000000000000000000000","name":"guest-raw000","expires_in":5}"#;
/// RFC 6455, 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request whose head is complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Ticket,
    Upgrade { key: String, dialect: Dialect },
    Debug,
    Unknown,
}

impl Request {
    /// The first request in `bytes` and its length, when it is complete. Bodies are not expected.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let length = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..length]);
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let (mut key, mut dialect) = (None, Dialect::Events);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("sec-websocket-key") {
                key = Some(value.trim().to_owned());
            } else if name.eq_ignore_ascii_case("sec-websocket-protocol")
                && Dialect::V1.subprotocol() == Some(value.trim())
            {
                dialect = Dialect::V1;
            }
        }
        let request = match key {
            _ if first.starts_with("POST /ticket ") => Self::Ticket,
            _ if first.starts_with("GET /debug") => Self::Debug,
            Some(key) if first.starts_with("GET /ws") => Self::Upgrade { key, dialect },
            _ => Self::Unknown,
        };
        Some((request, length))
    }

    /// Appends the answer of a server that has sent so often.
    pub(super) fn answer(&self, sends: u64, out: &mut Vec<u8>) {
        let answer = match self {
            Self::Ticket => json(TICKET),
            // As Parlour's `/debug?format=json` says it.
            Self::Debug => json(&format!(r#"{{"hub":{{"sends":{sends}}}}}"#)),
            Self::Upgrade { key, dialect } => {
                let header = dialect.subprotocol().map_or(String::new(), |name| {
                    format!("Sec-WebSocket-Protocol: {name}\r\n")
                });
                format!(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     {header}Sec-WebSocket-Accept: {}\r\n\r\n",
                    accept(key)
                )
            }
            Self::Unknown => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        };
        out.extend_from_slice(answer.as_bytes());
    }
}

fn json(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn accept(key: &str) -> String {
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key.as_bytes());
    sha1.update(GUID);
    BASE64_STANDARD.encode(sha1.digest().bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_that_of_the_rfc() {
        assert_eq!(
            accept("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn requests_one_behind_the_other_are_told_apart() {
        let wire = b"POST /ticket HTTP/1.1\r\nHost: x\r\n\r\n\
            GET /ws?otp=0 HTTP/1.1\r\nsec-websocket-KEY: abc\r\n\r\nGET / HTTP/1.1\r\n\r\n\
            GET /debug?format=json HTTP/1.1\r\n\r\n\
            GET /ws HTTP/1.1\r\nSec-WebSocket-Protocol: parlour.v1\r\nSec-WebSocket-Key: d\r\n\r\nPOST";
        let (mut rest, mut seen) = (&wire[..], Vec::new());
        while let Some((request, length)) = Request::read(rest) {
            seen.push(request);
            rest = &rest[length..];
        }
        let upgrade = |key: &str, dialect| {
            let key = key.into();
            Request::Upgrade { key, dialect }
        };
        let expected = [
            Request::Ticket,
            upgrade("abc", Dialect::Events),
            Request::Unknown,
            Request::Debug,
            upgrade("d", Dialect::V1),
        ];
        assert_eq!(seen, expected);
        assert_eq!(rest, b"POST");
    }
}
