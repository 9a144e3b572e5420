//! The server's side of the opening handshake: RFC 6455, 4.2, for any HTTP library.
//!
//! ```
//! use parlour_ws::handshake::{HandshakeError, check};
//!
//! let headers = [
//!     ("Connection", "keep-alive, Upgrade"),
//!     ("Upgrade", "websocket"),
//!     ("Sec-WebSocket-Version", "13"),
//!     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
//!     ("Sec-WebSocket-Protocol", "chat, superchat"),
//! ];
//! let headers = || headers.iter().map(|(name, value)| (*name, value.as_bytes()));
//!
//! let upgrade = check("GET", headers())?;
//! assert_eq!(upgrade.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455, 1.3
//! assert_eq!(upgrade.protocols, ["chat", "superchat"]);
//!
//! assert_eq!(check("POST", headers()), Err(HandshakeError::Method));
//! assert_eq!(HandshakeError::Method.status(), 405);
//! # Ok::<(), HandshakeError>(())
//! ```
//!
//! Left to the caller: the HTTP version (1.1 or later), the `Host` and `Origin` headers, and which
//! subprotocol to choose.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

/// The one version there is (RFC 6455, 4.1), for the `Sec-WebSocket-Version` header of an answer.
pub const VERSION: &str = "13";

const KEY_BYTES: usize = 16;
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A few clients leave stray bits in the last digit of the key; only its length says something.
const KEY_DIGITS: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A request that may be answered with 101.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade<'a> {
    /// The value of the answer's `Sec-WebSocket-Accept` header.
    pub accept: String,
    /// The subprotocols that the client offers, the one it likes best first. The answer names one
    /// of them, or none.
    pub protocols: Vec<&'a str>,
    /// The extensions that the client offers, each with its parameters as they were written, the
    /// one it likes best first. An answer that names none declines them all.
    pub extensions: Vec<&'a str>,
}

/// Why a request is not upgraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// Neither GET nor HEAD; or HEAD where everything else asks for a WebSocket.
    #[error("a WebSocket is opened with the method GET")]
    Method,
    /// A plain request.
    #[error("this address speaks WebSocket: the request needs the header `Upgrade: websocket`")]
    NotWebSocket,
    /// `Upgrade` is there, but `Connection` does not name it.
    #[error("the `Connection` header of the request does not name `upgrade`")]
    ConnectionNotUpgrade,
    /// `Transfer-Encoding`, or a `Content-Length` other than 0: nobody could tell the body from the
    /// first frames.
    #[error(
        "a request for an upgrade has no body: leave out `Transfer-Encoding` and `Content-Length`"
    )]
    Body,
    /// Missing, repeated, or another one than [`VERSION`].
    #[error("the request needs one `Sec-WebSocket-Version` header, and it must be 13")]
    Version,
    /// No key.
    #[error("the request has no `Sec-WebSocket-Key` header")]
    KeyMissing,
    /// More than one key.
    #[error("the request has more than one `Sec-WebSocket-Key` header")]
    KeyRepeated,
    /// Not a key.
    #[error("the `Sec-WebSocket-Key` header of the request is not 16 bytes in base64")]
    KeyMalformed,
}

impl HandshakeError {
    /// The status to answer with. To 426 belong the headers `Connection: Upgrade` and
    /// `Upgrade: websocket`; to [`Version`](Self::Version) belongs `Sec-WebSocket-Version: 13`,
    /// which does no harm on the others.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Method => 405,
            Self::NotWebSocket => 426,
            Self::ConnectionNotUpgrade
            | Self::Body
            | Self::Version
            | Self::KeyMissing
            | Self::KeyRepeated
            | Self::KeyMalformed => 400,
        }
    }
}

/// Checks a request for an upgrade: RFC 6455, 4.2.1.
///
/// Names of headers and tokens are compared without regard to case; a header may come in several
/// lines, and a line may hold a list.
///
/// # Errors
///
/// The first thing that is wrong, in the order of [`HandshakeError`]'s variants.
pub fn check<'a, I>(method: &str, headers: I) -> Result<Upgrade<'a>, HandshakeError>
where
    I: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    if !matches!(method, "GET" | "HEAD") {
        return Err(HandshakeError::Method);
    }
    if !names_token(headers.clone(), "upgrade", "websocket") {
        return Err(HandshakeError::NotWebSocket);
    }
    if method != "GET" {
        return Err(HandshakeError::Method);
    }
    if !names_token(headers.clone(), "connection", "upgrade") {
        return Err(HandshakeError::ConnectionNotUpgrade);
    }
    if has_body(headers.clone()) {
        return Err(HandshakeError::Body);
    }
    let mut versions = lines(headers.clone(), "sec-websocket-version");
    if (versions.next(), versions.next()) != (Some(VERSION.as_bytes()), None) {
        return Err(HandshakeError::Version);
    }
    let accept = accept_key(key(headers.clone())?);
    let protocols = elements(headers.clone(), "sec-websocket-protocol").collect();
    let extensions = elements(headers, "sec-websocket-extensions").collect();
    Ok(Upgrade {
        accept,
        protocols,
        extensions,
    })
}

/// The value of `Sec-WebSocket-Accept` for a client's key: RFC 6455, 4.2.2, step 5.
///
/// ```
/// let accept = parlour_ws::handshake::accept_key("dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455, 1.3
/// ```
#[must_use]
pub fn accept_key(key: &str) -> String {
    let mut sha1 = sha1_smol::Sha1::from(key);
    sha1.update(ACCEPT_GUID.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(sha1.digest().bytes())
}

/// Whether a body is announced (RFC 9112, 6.3). What is no length counts as one.
fn has_body<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone) -> bool {
    let is_zero = |value: &[u8]| !value.is_empty() && value.iter().all(|digit| *digit == b'0');
    lines(headers.clone(), "transfer-encoding").next().is_some()
        || lines(headers, "content-length").any(|length| !is_zero(length))
}

/// The only key, if it is one.
fn key<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<&'a str, HandshakeError> {
    let mut keys = lines(headers, "sec-websocket-key");
    let key = keys.next().ok_or(HandshakeError::KeyMissing)?;
    if keys.next().is_some() {
        return Err(HandshakeError::KeyRepeated);
    }
    let mut bytes = [0; KEY_BYTES + 2]; // 24 digits of base64 stand for 18 bytes, padding included
    match (
        std::str::from_utf8(key),
        KEY_DIGITS.decode_slice(key, &mut bytes),
    ) {
        (Ok(key), Ok(KEY_BYTES)) => Ok(key),
        _ => Err(HandshakeError::KeyMalformed),
    }
}

pub(crate) fn names_token<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    name: &str,
    token: &str,
) -> bool {
    elements(headers, name).any(|element| element.eq_ignore_ascii_case(token))
}

/// The values of a header, one per line, without white space around them.
pub(crate) fn lines<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    headers
        .filter(move |(this, _)| this.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_ascii())
}

/// The elements of a header that is a list (RFC 9110, 5.6.1), over all its lines. A line that is
/// not text has none.
pub(crate) fn elements<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    name: &str,
) -> impl Iterator<Item = &'a str> {
    lines(headers, name)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .flat_map(|line| {
            let mut quoting = Quoting::Outside;
            line.split(move |char| quoting.is_comma_of_list(char))
        })
        .map(|element| element.trim_matches([' ', '\t']))
        .filter(|element| !element.is_empty())
}

/// Where a character of a header's value stands: a comma in quotes parts nothing.
#[derive(Clone, Copy)]
enum Quoting {
    Outside,
    Inside,
    AfterBackslash,
}

impl Quoting {
    fn is_comma_of_list(&mut self, char: char) -> bool {
        let outside = matches!(self, Self::Outside);
        *self = match (*self, char) {
            (Self::Outside, '"') => Self::Inside,
            (Self::Inside, '"') => Self::Outside,
            (Self::Inside, '\\') => Self::AfterBackslash,
            (Self::AfterBackslash, _) => Self::Inside,
            (state, _) => state,
        };
        outside && char == ','
    }
}
