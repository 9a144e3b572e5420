//! The tag at the start of every message's text: when, which run, by whom, the how-manyeth.
//!
//! Hexadecimal digits of fixed width, so that a reader finds it without parsing:
//! 16 of the instant, 8 of the run, 8 of the publisher, 8 of the count.

/// Bytes of a tag.
pub const LENGTH: usize = 40;

/// What the generator writes into a message to know it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Nanoseconds since the generator's start: when the message was sent, or should have been.
    pub sent: u64,
    /// Random number of the run; other runs' messages are not counted.
    pub run: u32,
    /// Publisher, numbered through all rooms.
    pub publisher: u32,
    /// Messages of this publisher before this one.
    pub count: u32,
}

impl Tag {
    /// The tag as text.
    ///
    /// ```
    /// use parlour_bench::tag::Tag;
    /// let tag = Tag { sent: 0xabc, run: 1, publisher: 2, count: 3 };
    /// assert_eq!(&tag.encode(), b"0000000000000abc000000010000000200000003");
    /// assert_eq!(Tag::decode(&tag.encode()), tag);
    /// ```
    #[must_use]
    pub fn encode(self) -> [u8; LENGTH] {
        let mut text = [0; LENGTH];
        let words = [
            (self.sent >> 32) as u32,
            self.sent as u32,
            self.run,
            self.publisher,
        ];
        for (index, word) in words.into_iter().chain([self.count]).enumerate() {
            text[index * 8..index * 8 + 8].copy_from_slice(&hex(word));
        }
        text
    }

    /// Reads a tag. Text that is no tag gives a meaningless one, whose run is foreign.
    #[must_use]
    pub fn decode(text: &[u8; LENGTH]) -> Self {
        let word = |index: usize| {
            let mut digits = [0; 8];
            digits.copy_from_slice(&text[index * 8..index * 8 + 8]);
            unhex(digits)
        };
        Self {
            sent: u64::from(word(0)) << 32 | u64::from(word(1)),
            run: word(2),
            publisher: word(3),
            count: word(4),
        }
    }
}

fn hex(word: u32) -> [u8; 8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|index| DIGITS[(word >> (28 - 4 * index)) as usize & 15])
}

/// Eight digits at once, as the lanes of one word: this runs once per delivery.
fn unhex(digits: [u8; 8]) -> u32 {
    let text = u64::from_be_bytes(digits);
    let letters = (text >> 6) & 0x0101_0101_0101_0101;
    let nibbles = (text & 0x0f0f_0f0f_0f0f_0f0f) + letters * 9;
    let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    (pairs | pairs >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_in_every_place_comes_back() {
        for shift in 0..8 {
            for digit in 0..16 {
                let word = digit << (4 * shift);
                assert_eq!(unhex(hex(word)), word);
            }
        }
        assert_eq!(unhex(*b"deadbeef"), 0xdead_beef);
    }

    #[test]
    fn fields_do_not_mix() {
        let tag = Tag {
            sent: u64::MAX - 5,
            run: 0x0123_4567,
            publisher: 0x89ab_cdef,
            count: 7,
        };
        assert_eq!(Tag::decode(&tag.encode()), tag);
    }
}
