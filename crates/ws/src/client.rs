//! The client's side of the opening handshake: RFC 6455, 4.1.
//!
//! ```
//! use parlour_ws::client::{Opening, OpeningError};
//!
//! let opening = Opening {
//!     host: "server.example.com",
//!     target: "/chat",
//!     key: *b"the sample nonce", // RFC 6455, 1.3; a real one is random
//!     protocols: &["chat", "superchat"],
//!     headers: &[],
//! };
//! let request = opening.request()?;
//! assert!(request.starts_with(b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"));
//!
//! let answer = b"HTTP/1.1 101 Switching Protocols\r\n\
//!     Upgrade: websocket\r\n\
//!     Connection: Upgrade\r\n\
//!     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
//!     Sec-WebSocket-Protocol: chat\r\n\r\n\
//!     \x81\x02hi";
//! assert_eq!(opening.check(&answer[..40])?, None); // not complete yet
//! let opened = opening.check(answer)?.expect("all of it is there");
//! assert_eq!(opened.protocol, Some("chat"));
//! assert_eq!(&answer[opened.head_bytes..], b"\x81\x02hi"); // the first frame
//!
//! let refusal = opening.check(b"HTTP/1.1 403 Forbidden\r\n\r\n");
//! assert!(matches!(refusal, Err(OpeningError::Refused { status: 403, .. })));
//! # Ok::<(), OpeningError>(())
//! ```
//!
//! No extension is offered, so an answer that names one is refused.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::handshake::{VERSION, accept_key, elements, lines, names_token};

/// Longest head of an answer, in bytes, and most headers in it.
pub const HEAD_BYTES_MAX: usize = 16_384;
const HEADERS_MAX: usize = 64;
/// Longest time that an answer can ask to wait, in seconds: a day, as a clock that adds it must not overflow.
const RETRY_AFTER_MAX: u64 = 86_400;

/// What a client asks for, and by which it knows the right answer.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// The host of the address, with the port if it is not the scheme's own.
    pub host: &'a str,
    /// Path and query, beginning with `/`.
    pub target: &'a str,
    /// Random for every connection: it shows that the answer belongs to this request.
    pub key: [u8; 16],
    /// The subprotocols on offer, the one liked best first. The answer may name only one of them.
    pub protocols: &'a [&'a str],
    /// Further headers, such as `Origin`, `Authorization` or `User-Agent`.
    pub headers: &'a [(&'a str, &'a str)],
}

/// An answer that opens the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The subprotocol that the server chose, one of those on offer; `None` if it chose none.
    pub protocol: Option<&'a str>,
    /// Where the answer ends. What follows are frames.
    pub head_bytes: usize,
}

/// Why no connection was opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpeningError {
    /// A part of the request cannot stand in a request; the caller's mistake.
    #[error("the {0} of the request has a character that it must not have, or is empty")]
    BadRequest(&'static str),
    /// The answer is no answer of HTTP/1.1.
    #[error("what answers there does not speak HTTP/1.1; check scheme and port of the address")]
    NotHttp,
    /// The head of the answer has more than [`HEAD_BYTES_MAX`] bytes, or too many headers.
    #[error(
        "the head of the server's answer has more than {HEAD_BYTES_MAX} bytes or too many headers"
    )]
    HeadTooLarge,
    /// Another status than 101: the server has answered the request and does not upgrade.
    #[error("the server answered {status} {reason} instead of opening a WebSocket")]
    Refused {
        /// The status.
        status: u16,
        /// The words beside it, often empty.
        reason: String,
        /// `Retry-After`, where it was in seconds; never more than a day.
        retry_after: Option<Duration>,
        /// Bytes of body that were announced; `None` if their number was not.
        body_bytes: Option<usize>,
        /// Where the head ends and the body begins.
        head_bytes: usize,
    },
    /// 101, but not to the protocol that was asked for.
    #[error("the server answered 101, but its `Upgrade` header does not say `websocket`")]
    NotWebSocket,
    /// 101, but without a word of it in `Connection`.
    #[error("the server answered 101, but its `Connection` header does not name `upgrade`")]
    ConnectionNotUpgrade,
    /// The proof that the server has read this request is missing, repeated or another one's.
    #[error(
        "the `Sec-WebSocket-Accept` header of the server's answer is not the one that belongs to this \
         request; something between may have kept an old answer"
    )]
    WrongAccept,
    /// A subprotocol that was not on offer, or more than one.
    #[error("the server chose the subprotocol {0:?}, which was not on offer")]
    UnofferedProtocol(String),
    /// An extension; none was on offer.
    #[error("the server uses the extension {0:?}, which was not on offer")]
    UnofferedExtension(String),
}

impl<'a> Opening<'a> {
    /// The request, to be sent as it is.
    ///
    /// # Errors
    ///
    /// [`OpeningError::BadRequest`] if a part would break out of its place.
    pub fn request(&self) -> Result<Vec<u8>, OpeningError> {
        let is_word =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let check = |holds: bool, what| holds.then_some(()).ok_or(OpeningError::BadRequest(what));
        check(is_word(self.host), "host")?;
        check(
            is_word(self.target) && self.target.starts_with('/'),
            "target",
        )?;
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: {VERSION}\r\nSec-WebSocket-Key: {}\r\n",
            self.target,
            self.host,
            STANDARD.encode(self.key)
        );
        for protocol in self.protocols {
            check(is_word(protocol) && !protocol.contains(','), "subprotocol")?;
        }
        if !self.protocols.is_empty() {
            let offer = self.protocols.join(", ");
            request.push_str(&format!("Sec-WebSocket-Protocol: {offer}\r\n"));
        }
        for (name, value) in self.headers {
            check(is_word(name) && !name.contains(':'), "name of a header")?;
            check(
                !value.contains(|char: char| char.is_control()),
                "value of a header",
            )?;
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        Ok(request.into_bytes())
    }

    /// Checks what was received so far; `None` if the answer is not complete yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the answer, or what the server answered instead.
    pub fn check(&self, received: &[u8]) -> Result<Option<Opened<'a>>, OpeningError> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut answer = httparse::Response::new(&mut headers);
        let bounded = &received[..received.len().min(HEAD_BYTES_MAX)];
        let head_bytes = match answer.parse(bounded) {
            Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
            Ok(httparse::Status::Partial) if received.len() < HEAD_BYTES_MAX => return Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(OpeningError::HeadTooLarge);
            }
            Err(_) => return Err(OpeningError::NotHttp),
        };
        let status = answer.code.ok_or(OpeningError::NotHttp)?;
        let headers = || {
            answer
                .headers
                .iter()
                .map(|header| (header.name, header.value))
        };
        if status != 101 {
            return Err(OpeningError::Refused {
                status,
                reason: answer.reason.unwrap_or_default().to_owned(),
                retry_after: number(headers(), "retry-after")
                    .map(|wait| Duration::from_secs(wait.min(RETRY_AFTER_MAX))),
                body_bytes: number(headers(), "content-length").and_then(|it| it.try_into().ok()),
                head_bytes,
            });
        }
        if answer.version != Some(1) {
            return Err(OpeningError::NotHttp);
        }
        let protocol = self.upgraded(headers())?;
        Ok(Some(Opened {
            protocol,
            head_bytes,
        }))
    }

    /// Checks the headers of a 101: RFC 6455, 4.1, "once the client's opening handshake has been sent".
    fn upgraded<'h>(
        &self,
        headers: impl Iterator<Item = (&'h str, &'h [u8])> + Clone,
    ) -> Result<Option<&'a str>, OpeningError> {
        if !names_token(headers.clone(), "upgrade", "websocket") {
            return Err(OpeningError::NotWebSocket);
        }
        if !names_token(headers.clone(), "connection", "upgrade") {
            return Err(OpeningError::ConnectionNotUpgrade);
        }
        let expected = accept_key(&STANDARD.encode(self.key));
        let mut accepts = lines(headers.clone(), "sec-websocket-accept");
        if (accepts.next(), accepts.next()) != (Some(expected.as_bytes()), None) {
            return Err(OpeningError::WrongAccept);
        }
        if let Some(extension) = elements(headers.clone(), "sec-websocket-extensions").next() {
            return Err(OpeningError::UnofferedExtension(extension.to_owned()));
        }
        self.chosen(headers)
    }

    fn chosen<'h>(
        &self,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Option<&'a str>, OpeningError> {
        let chosen: Vec<&[u8]> = lines(headers, "sec-websocket-protocol").collect();
        let offered = |line: &[u8]| {
            let mut protocols = self.protocols.iter();
            protocols
                .find(|offered| offered.as_bytes() == line)
                .copied()
        };
        match &chosen[..] {
            [] => Ok(None),
            [line] if let Some(protocol) = offered(line) => Ok(Some(protocol)),
            lines => {
                let lines = lines.join(&b", "[..]);
                Err(OpeningError::UnofferedProtocol(
                    String::from_utf8_lossy(&lines).into_owned(),
                ))
            }
        }
    }
}

/// The value of a header that is one plain number.
fn number<'h>(headers: impl Iterator<Item = (&'h str, &'h [u8])>, name: &str) -> Option<u64> {
    let value = lines(headers, name).next()?;
    std::str::from_utf8(value).ok()?.parse().ok()
}
