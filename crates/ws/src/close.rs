//! The close frame: RFC 6455, 5.5.1 and 7.4.

use crate::error::ProtocolError;
use crate::opcode::{MAX_CONTROL_BYTES, Opcode};
use crate::send::{frame_header, put_masked_pieces};

/// The close codes that this crate itself speaks of: RFC 6455, 7.4.1.
pub mod code {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The endpoint goes away, for example because the server stops.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// A text, or the reason of a close frame, is not UTF-8.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// The peer did something that the application does not allow.
    pub const POLICY: u16 = 1008;
    /// A message is too big to be processed.
    pub const TOO_BIG: u16 = 1009;
}

/// Why the peer closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseFrame<'a> {
    /// A code that may be sent: see [`may_be_sent`].
    pub code: u16,
    /// Text for a log, at most 123 bytes; often empty.
    pub reason: &'a str,
}

impl<'a> CloseFrame<'a> {
    /// Reads the payload of a close frame; `None` if it is empty.
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Option<Self>, ProtocolError> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return if payload.is_empty() {
                Ok(None)
            } else {
                Err(ProtocolError::CloseCodeCut)
            };
        };
        let code = u16::from_be_bytes(*code);
        if !may_be_sent(code) {
            return Err(ProtocolError::CloseCodeInvalid(code));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| ProtocolError::CloseReasonNotUtf8)?;
        Ok(Some(Self { code, reason }))
    }
}

/// Whether a close frame may carry this code: the registered ones that are meant for the wire, and
/// 3000 to 4999 for libraries and applications (RFC 6455, 7.4.2; 1012 to 1014 are in IANA's
/// registry).
///
/// ```
/// assert!(parlour_ws::may_be_sent(1000));
/// assert!(!parlour_ws::may_be_sent(1006)); // only for the local end to say "it just broke off"
/// ```
#[must_use]
pub const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Appends a close frame. A reason of more than 123 bytes is cut before the character that would
/// go over.
///
/// The answer to a close frame is the same code (RFC 6455, 5.5.1); to one without a code it is an
/// empty frame, `put_frame(out, Opcode::Close, b"")`.
///
/// ```
/// let mut out = Vec::new();
/// parlour_ws::put_close(&mut out, 1001, "bye");
/// assert_eq!(out, b"\x88\x05\x03\xe9bye");
/// ```
pub fn put_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let reason = cut(reason);
    out.extend_from_slice(frame_header(Opcode::Close, CODE_BYTES + reason.len()).as_bytes());
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

/// As [`put_close`], masked with this key as clients do: see
/// [`put_masked_frame`](crate::put_masked_frame).
///
/// ```
/// let mut out = Vec::new();
/// parlour_ws::put_masked_close(&mut out, 1001, "bye", [0; 4]);
/// assert_eq!(out, b"\x88\x85\0\0\0\0\x03\xe9bye");
/// ```
pub fn put_masked_close(out: &mut Vec<u8>, code: u16, reason: &str, key: [u8; 4]) {
    let pieces = [&code.to_be_bytes()[..], cut(reason).as_bytes()];
    put_masked_pieces(out, Opcode::Close, &pieces, key);
}

const CODE_BYTES: usize = 2;

/// As much of the reason as fits, in whole characters.
fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_CONTROL_BYTES - CODE_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_frame_may_be_empty_rfc_6455_5_5_1() {
        assert_eq!(CloseFrame::parse(b""), Ok(None));
    }

    #[test]
    fn a_close_frame_of_one_byte_is_refused_rfc_6455_5_5_1() {
        assert_eq!(CloseFrame::parse(b"\x03"), Err(ProtocolError::CloseCodeCut));
    }

    #[test]
    fn code_and_reason_are_read_rfc_6455_5_5_1() {
        let frame = CloseFrame {
            code: 1001,
            reason: "führt weg",
        };
        assert_eq!(
            CloseFrame::parse("\u{3}é".as_bytes()),
            Err(ProtocolError::CloseCodeInvalid(0x3c3))
        );
        assert_eq!(
            CloseFrame::parse(b"\x03\xe9f\xc3\xbchrt weg"),
            Ok(Some(frame))
        );
    }

    #[test]
    fn a_reason_that_is_not_utf8_is_refused_rfc_6455_5_5_1() {
        let refused = Err(ProtocolError::CloseReasonNotUtf8);
        assert_eq!(CloseFrame::parse(b"\x03\xe8\xed\xa0\x80"), refused);
        assert_eq!(CloseFrame::parse(b"\x03\xe8\xc3"), refused);
    }

    #[test]
    fn codes_on_the_wire_rfc_6455_7_4() {
        let allowed = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
            4000, 4999,
        ];
        let refused = [
            0,
            999,
            1004,
            1005,
            1006,
            1015,
            1016,
            1100,
            2000,
            2999,
            5000,
            u16::MAX,
        ];
        assert!(allowed.into_iter().all(may_be_sent));
        assert!(!refused.into_iter().any(may_be_sent));
    }

    #[test]
    fn a_long_reason_is_cut_before_the_character_that_goes_over() {
        let mut out = Vec::new();
        put_close(&mut out, 1000, &"é".repeat(100)); // byte 123 lies inside a character
        assert_eq!(out[..4], [0x88, 124, 0x03, 0xe8]);
        assert_eq!(out[4..], *"é".repeat(61).as_bytes());
    }
}
