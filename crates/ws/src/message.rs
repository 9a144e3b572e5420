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
/// let limits = Limits { max_message_bytes: 512 };
/// assert_eq!(Limits::default().max_message_bytes, 65_536);
/// # let _ = limits;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes of payload over all of its frames. It is checked against the
    /// length that a frame announces, before any of it is kept. Of a compressed message it bounds
    /// what comes out; what goes in may be an eighth and 64 bytes longer, as compression can make
    /// longer what it cannot make shorter.
    pub max_message_bytes: usize,
}

impl Limits {
    /// Bytes of payload that a message may have on the wire.
    pub(crate) fn wire_bytes_max(&self, is_compressed: bool) -> usize {
        let limit = self.max_message_bytes;
        if is_compressed {
            limit.saturating_add(limit / 8).saturating_add(64)
        } else {
            limit
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: 65_536,
        }
    }
}

/// A message that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) text: bool,
    /// Its first frame had RSV1, which only permessage-deflate allows.
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
    /// A message as it was said.
    pub(crate) fn message(is_text: bool, payload: &'a [u8]) -> Result<Self, ProtocolError> {
        if !is_text {
            return Ok(Self::Binary(payload));
        }
        let text = simdutf8::basic::from_utf8(payload);
        text.map(Self::Text).map_err(|_| ProtocolError::TextNotUtf8)
    }

    pub(crate) fn control(opcode: Opcode, payload: &'a [u8]) -> Result<Self, ProtocolError> {
        match opcode {
            Opcode::Ping => Ok(Self::Ping(payload)),
            Opcode::Pong => Ok(Self::Pong(payload)),
            _ => CloseFrame::parse(payload).map(Self::Close),
        }
    }
}
