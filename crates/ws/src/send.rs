//! Frames on the way out: final; unmasked as a server sends them, masked as a client does (RFC 6455, 5.1).

use crate::mask::unmask;
use crate::opcode::{MAX_CONTROL_BYTES, Opcode};

const FINAL: u8 = 0x80;
/// The first frame of a compressed message (RFC 7692, 6).
const RSV1: u8 = 0x40;
const MASKED: u8 = 0x80;
const MAX_HEADER_BYTES: usize = 10;

/// The bytes before a payload.
#[derive(Debug, Clone, Copy)]
pub struct FrameHeader {
    bytes: [u8; MAX_HEADER_BYTES],
    len: u8,
}

impl FrameHeader {
    /// Two, four or ten bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The same, of a payload that is compressed.
    pub(crate) fn of_compressed(mut self) -> Self {
        self.bytes[0] |= RSV1;
        self
    }
}

/// The header of a final, unmasked frame, its length in the shortest form (RFC 6455, 5.2).
///
/// For callers that write the payload from where it lies; [`put_frame`] appends both.
///
/// ```
/// use parlour_ws::{Opcode, frame_header};
///
/// assert_eq!(frame_header(Opcode::Text, 5).as_bytes(), [0x81, 5]);
/// assert_eq!(frame_header(Opcode::Binary, 256).as_bytes(), [0x82, 126, 1, 0]);
/// ```
///
/// # Panics
///
/// If a control frame is to carry more than 125 bytes, which every peer would have to refuse.
#[must_use]
pub fn frame_header(opcode: Opcode, payload_len: usize) -> FrameHeader {
    assert!(
        !opcode.is_control() || payload_len <= MAX_CONTROL_BYTES,
        "a control frame carries at most {MAX_CONTROL_BYTES} bytes, not {payload_len}"
    );
    let mut bytes = [0; MAX_HEADER_BYTES];
    bytes[0] = FINAL | opcode.bits();
    let len = match payload_len {
        0..=125 => {
            bytes[1] = payload_len as u8;
            2
        }
        126..=0xFFFF => {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&(payload_len as u16).to_be_bytes());
            4
        }
        _ => {
            bytes[1] = 127;
            bytes[2..].copy_from_slice(&(payload_len as u64).to_be_bytes());
            10
        }
    };
    FrameHeader { bytes, len }
}

/// Appends a final, unmasked frame, its length in the shortest form.
///
/// ```
/// let mut out = Vec::new();
/// parlour_ws::put_frame(&mut out, parlour_ws::Opcode::Pong, b"hi");
/// assert_eq!(out, b"\x8a\x02hi");
/// ```
///
/// # Panics
///
/// As [`frame_header`]: a control frame of more than 125 bytes.
pub fn put_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    let header = frame_header(opcode, payload.len());
    out.reserve(header.as_bytes().len() + payload.len());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(payload);
}

/// Appends a final, masked frame, as clients send them.
///
/// The key must be one that nobody can foresee, another one for every frame (RFC 6455, 5.3): take it
/// from the operating system. Zero leaves the payload as it is, for peers in the same memory.
///
/// ```
/// let mut out = Vec::new();
/// let key = [0x37, 0xfa, 0x21, 0x3d];
/// parlour_ws::put_masked_frame(&mut out, parlour_ws::Opcode::Text, b"Hello", key);
/// assert_eq!(out, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"); // RFC 6455, 5.7
/// ```
///
/// # Panics
///
/// As [`frame_header`]: a control frame of more than 125 bytes.
pub fn put_masked_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    put_masked_pieces(out, opcode, &[payload], key);
}

/// The same, with a payload that lies in pieces.
pub(crate) fn put_masked_pieces(
    out: &mut Vec<u8>,
    opcode: Opcode,
    pieces: &[&[u8]],
    mut key: [u8; 4],
) {
    let payload_len = pieces.iter().map(|piece| piece.len()).sum();
    let mut header = frame_header(opcode, payload_len);
    header.bytes[1] |= MASKED;
    out.reserve(header.as_bytes().len() + key.len() + payload_len);
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&key);
    let start = out.len();
    for piece in pieces {
        out.extend_from_slice(piece);
    }
    unmask(&mut out[start..], &mut key);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form_rfc_6455_5_2() {
        let header = |len| frame_header(Opcode::Binary, len).as_bytes().to_vec();
        assert_eq!(header(0), [0x82, 0]);
        assert_eq!(header(125), [0x82, 125]);
        assert_eq!(header(126), [0x82, 126, 0, 126]);
        assert_eq!(header(65_535), [0x82, 126, 0xff, 0xff]);
        assert_eq!(header(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn every_opcode_is_sent_final_and_without_reserved_bits() {
        for opcode in (0..=0xF).filter_map(Opcode::from_bits) {
            assert_eq!(frame_header(opcode, 0).as_bytes()[0], 0x80 | opcode.bits());
        }
    }

    #[test]
    fn a_frame_is_its_header_and_its_payload() {
        let mut out = b"before".to_vec();
        put_frame(&mut out, Opcode::Text, b"Hello"); // RFC 6455, 5.7
        assert_eq!(out, b"before\x81\x05Hello");
    }

    #[test]
    fn a_masked_frame_says_so_carries_its_key_and_comes_back_whole() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let (mut out, mut plain) = (b"before".to_vec(), b"before".to_vec());
            put_masked_frame(&mut out, Opcode::Binary, &payload, key);
            put_frame(&mut plain, Opcode::Binary, &payload);
            let header = plain.len() - payload.len();
            assert_eq!(out[7], plain[7] | 0x80);
            assert_eq!(out[8..header], plain[8..header]);
            assert_eq!(out[header..header + 4], key);
            unmask(&mut out[header + 4..], &mut key.clone());
            assert_eq!(out[header + 4..], payload, "{len} bytes");
        }
    }

    #[test]
    fn a_key_of_zero_leaves_the_payload_readable() {
        let mut out = Vec::new();
        put_masked_frame(&mut out, Opcode::Text, b"Hello", [0; 4]);
        assert_eq!(out, b"\x81\x85\0\0\0\0Hello");
    }

    #[test]
    #[should_panic(expected = "at most 125 bytes, not 126")]
    fn a_control_frame_over_125_bytes_is_the_callers_mistake_rfc_6455_5_5() {
        put_frame(&mut Vec::new(), Opcode::Ping, &[0; 126]);
    }
}
