//! What comes out of a receiver, and what bounds it.

use crate::close::CloseFrame;
use crate::error::ProtocolError;
use crate::opcode::Opcode;

/// One thing that the peer has said, lent until the next call of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A whole message of text.
    Text(&'a str),
    /// A whole message of bytes.
    Binary(&'a [u8]),
    /// To be answered with a pong of the same payload, at most 125 bytes (RFC 6455, 5.5.2).
    Ping(&'a [u8]),
    /// At most 125 bytes (RFC 6455, 5.5.3).
    Pong(&'a [u8]),
    /// The last item: to be answered with a close frame (RFC 6455, 5.5.1). `None`: without a code.
    Close(Option<CloseFrame<'a>>),
}

/// What one call of the receiver has taken and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// Bytes of the input that are done with. All of them if there is no item.
    pub consumed: usize,
    /// What the last of these bytes completed.
    pub item: Option<Incoming<'a>>,
}

/// What a receiver allows: given with every call, so that one value serves all connections.
///
/// ```
/// use parlour_ws::Limits;
///
/// let limits = Limits { max_message_bytes: 512, ..Limits::default() };
/// assert_eq!(Limits::default().max_message_bytes, 65_536);
/// # let _ = limits;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes of payload over all of its frames. It is checked against the
    /// length that a frame announces, before any of it is kept.
    pub max_message_bytes: usize,
    /// What was agreed on in the handshake.
    pub extensions: Extensions,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: 65_536,
            extensions: Extensions::NONE,
        }
    }
}

/// The extensions that a connection has negotiated. There is none to negotiate yet:
/// permessage-deflate (RFC 7692) gets its place here, and until then the bit that it uses (RSV1)
/// is refused like every reserved bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extensions {
    compressed_messages: bool,
}

impl Extensions {
    /// Plain RFC 6455.
    pub const NONE: Self = Self {
        compressed_messages: false,
    };

    /// RSV1 may mark a message as compressed (RFC 7692, 6).
    #[cfg(test)]
    pub(crate) const COMPRESSED_MESSAGES: Self = Self {
        compressed_messages: true,
    };

    pub(crate) fn compressed_messages(self) -> bool {
        self.compressed_messages
    }
}

/// A message that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) text: bool,
    /// Its first frame had RSV1, which only an extension allows.
    pub(crate) compressed: bool,
}

impl Open {
    /// Whether its payload, as it stands on the wire, must be UTF-8.
    pub(crate) fn is_plain_text(self) -> bool {
        self.text && !self.compressed
    }
}

/// What a payload belongs to, once all of it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Complete {
    Message(Open),
    Control(Opcode),
}

impl<'a> Incoming<'a> {
    pub(crate) fn new(complete: Complete, payload: &'a [u8]) -> Result<Self, ProtocolError> {
        match complete {
            Complete::Message(open) if open.is_plain_text() => simdutf8::basic::from_utf8(payload)
                .map(Self::Text)
                .map_err(|_| ProtocolError::TextNotUtf8),
            // Where a compressed message will be inflated; no caller can negotiate one yet.
            Complete::Message(_) => Ok(Self::Binary(payload)),
            Complete::Control(Opcode::Ping) => Ok(Self::Ping(payload)),
            Complete::Control(Opcode::Pong) => Ok(Self::Pong(payload)),
            Complete::Control(_) => CloseFrame::parse(payload).map(Self::Close),
        }
    }
}
