//! What a peer can do wrong on an open connection.

use crate::close::code;
use crate::opcode::Opcode;

/// What the peer did against RFC 6455, or against the receiver's limit.
///
/// After it the connection is lost (RFC 6455, 7.1.7): send a close frame with [`close_code`] and
/// this error's text as the reason, then hang up.
///
/// [`close_code`]: ProtocolError::close_code
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set that no negotiated extension gives a meaning (5.2), or RSV1 on a
    /// frame that does not begin a message (RFC 7692, 6.1).
    #[error("the peer set a reserved bit that no negotiated extension uses on this frame")]
    ReservedBit,
    /// An opcode without a meaning (5.2).
    #[error("the peer sent a frame with the reserved opcode {0:#x}")]
    ReservedOpcode(u8),
    /// A client must mask every frame (5.1).
    #[error("the peer sent a frame without a mask")]
    NotMasked,
    /// A server must not mask a frame (5.1).
    #[error("the peer is a server and sent a frame with a mask")]
    Masked,
    /// A length that fits a shorter form (5.2).
    #[error("the peer wrote a length in more bytes than it needs")]
    LengthNotMinimal,
    /// A 64-bit length with its highest bit set (5.2).
    #[error("the peer announced a length of 2^63 bytes or more")]
    LengthOutOfRange,
    /// A close, ping or pong in pieces (5.5).
    #[error("the peer fragmented a control frame ({0:?})")]
    ControlFragmented(Opcode),
    /// A close, ping or pong of more than 125 bytes (5.5).
    #[error("the peer sent a control frame ({0:?}) of more than 125 bytes")]
    ControlTooLong(Opcode),
    /// A new message before the last piece of the one under way (5.4).
    #[error("the peer began a message inside another one")]
    MessageInsideMessage,
    /// A continuation frame with no message under way (5.4).
    #[error("the peer continued a message that it had not begun")]
    NothingToContinue,
    /// A message of more than [`Limits::max_message_bytes`](crate::Limits::max_message_bytes).
    #[error("the peer announced a message of {announced} bytes or more, the limit is {limit}")]
    MessageTooBig {
        /// The message up to the end of the frame that was refused, in bytes.
        announced: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A compressed message that inflates to more than
    /// [`Limits::max_message_bytes`](crate::Limits::max_message_bytes).
    #[error("the peer sent a message that inflates to more than {limit} bytes, the limit")]
    InflatesTooBig {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A message that says it is compressed and is not, or not to its end (RFC 7692, 7.2.2).
    #[error("the peer sent a compressed message that cannot be inflated")]
    NotDeflate,
    /// A text that is not UTF-8 (8.1).
    #[error("the peer sent text that is not UTF-8")]
    TextNotUtf8,
    /// A close frame with a single byte, where a code has two (5.5.1).
    #[error("the peer sent a close frame with half a code")]
    CloseCodeCut,
    /// A close code that must not be sent (7.4).
    #[error("the peer closed with the code {0}, which must not be sent")]
    CloseCodeInvalid(u16),
    /// A close reason that is not UTF-8 (5.5.1).
    #[error("the peer closed with a reason that is not UTF-8")]
    CloseReasonNotUtf8,
}

impl ProtocolError {
    /// The code to close with: 1002, 1007 or 1009 (RFC 6455, 7.4.1).
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        match self {
            Self::TextNotUtf8 | Self::CloseReasonNotUtf8 => code::INVALID_PAYLOAD,
            Self::MessageTooBig { .. } | Self::InflatesTooBig { .. } => code::TOO_BIG,
            _ => code::PROTOCOL_ERROR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_follow_rfc_6455_7_4_1() {
        let too_big = ProtocolError::MessageTooBig {
            announced: 9,
            limit: 8,
        };
        assert_eq!(too_big.close_code(), 1009);
        assert_eq!(ProtocolError::TextNotUtf8.close_code(), 1007);
        assert_eq!(ProtocolError::CloseReasonNotUtf8.close_code(), 1007);
        let inflates = ProtocolError::InflatesTooBig { limit: 8 };
        assert_eq!(inflates.close_code(), 1009);
        assert_eq!(ProtocolError::NotDeflate.close_code(), 1002);
        assert_eq!(ProtocolError::NotMasked.close_code(), 1002);
        assert_eq!(ProtocolError::Masked.close_code(), 1002);
        assert_eq!(ProtocolError::CloseCodeInvalid(1005).close_code(), 1002);
    }

    #[test]
    fn every_text_fits_a_close_frame() {
        let longest = ProtocolError::MessageTooBig {
            announced: u64::MAX,
            limit: usize::MAX,
        };
        assert!(longest.to_string().len() <= 123, "{longest}");
        let inflates = ProtocolError::InflatesTooBig { limit: usize::MAX };
        assert!(inflates.to_string().len() <= 123, "{inflates}");
    }
}
