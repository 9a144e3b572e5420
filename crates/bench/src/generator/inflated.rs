//! Compressed messages (RFC 7692). All members of a room are sent the same bytes, so what one of them has
//! been told is known for the next.

use flate2::{Decompress, FlushDecompress};

use crate::frame::MAX_PAYLOAD;

/// What a compressed message is sent without.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The last compressed message, and what it says.
#[derive(Default)]
pub(crate) struct Inflated {
    state: Option<Decompress>,
    compressed: Vec<u8>,
    pub(crate) said: Vec<u8>,
}

impl Inflated {
    /// Reads a message, unless it is the last one again; `false` if it cannot be inflated.
    pub(crate) fn read(&mut self, payload: &[u8]) -> bool {
        if self.compressed == payload && !self.said.is_empty() {
            return true;
        }
        self.compressed.clear();
        self.compressed.extend_from_slice(payload);
        self.said.clear();
        self.said.reserve(MAX_PAYLOAD);
        let state = self.state.get_or_insert_with(|| Decompress::new(false));
        state.reset(false);
        let is_read = [payload, &TAIL].into_iter().all(|mut input| {
            while !input.is_empty() && self.said.len() < MAX_PAYLOAD {
                let before = state.total_in();
                let flush = FlushDecompress::None;
                if state.decompress_vec(input, &mut self.said, flush).is_err() {
                    return false;
                }
                let used = (state.total_in() - before) as usize;
                if used == 0 {
                    return false;
                }
                input = &input[used..];
            }
            input.is_empty()
        });
        if !is_read {
            self.said.clear();
        }
        is_read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_is_known_and_another_is_read() {
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]; // RFC 7692, 7.2.3.1
        let mut inflated = Inflated::default();
        for _ in 0..2 {
            assert!(inflated.read(&hello));
            assert_eq!(inflated.said, b"Hello");
        }
        assert!(!inflated.read(b"garbage"));
        assert!(!inflated.read(b"garbage"), "again");
        assert!(inflated.read(&hello));
        assert_eq!(inflated.said, b"Hello");
    }
}
