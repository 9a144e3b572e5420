//! Just enough HTTP for a ticket and an upgrade.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Every ticket is the same: the yardstick has no secrets. As long as a real one.
const TICKET: &str =
    r#"{"otp":"0000000000000000000000000000000000000000000","name":"guest-raw000","expires_in":5}"#;
/// RFC 6455, 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request whose head is complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Ticket,
    Upgrade { key: String },
    Unknown,
}

impl Request {
    /// The first request in `bytes` and its length, when it is complete. Bodies are not expected.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let length = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..length]);
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let key = lines
            .filter_map(|line| line.split_once(':'))
            .find_map(|(name, value)| {
                name.eq_ignore_ascii_case("sec-websocket-key")
                    .then(|| value.trim().to_owned())
            });
        let request = match key {
            _ if first.starts_with("POST /ticket ") => Self::Ticket,
            Some(key) if first.starts_with("GET /ws") => Self::Upgrade { key },
            _ => Self::Unknown,
        };
        Some((request, length))
    }

    /// Appends the answer.
    pub(super) fn answer(&self, out: &mut Vec<u8>) {
        let answer = match self {
            Self::Ticket => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{TICKET}",
                TICKET.len()
            ),
            Self::Upgrade { key } => format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {}\r\n\r\n",
                accept(key)
            ),
            Self::Unknown => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        };
        out.extend_from_slice(answer.as_bytes());
    }
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
            GET /ws?otp=0 HTTP/1.1\r\nsec-websocket-KEY: abc\r\n\r\nGET / HTTP/1.1\r\n\r\nPOST";
        let (mut rest, mut seen) = (&wire[..], Vec::new());
        while let Some((request, length)) = Request::read(rest) {
            seen.push(request);
            rest = &rest[length..];
        }
        let upgrade = Request::Upgrade { key: "abc".into() };
        assert_eq!(seen, [Request::Ticket, upgrade, Request::Unknown]);
        assert_eq!(rest, b"POST");
    }
}
