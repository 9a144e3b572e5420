//! The six kinds of frame.

/// What a frame is: RFC 6455, 5.2 and 11.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// A further piece of the message that is under way.
    Continuation,
    /// A message, or its first piece, of UTF-8 text.
    Text,
    /// A message, or its first piece, of plain bytes.
    Binary,
    /// The sender has nothing more to say.
    Close,
    /// Asks for a pong with the same payload.
    Ping,
    /// Answers a ping; may also come unasked.
    Pong,
}

impl Opcode {
    /// The four bits of the wire.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    /// The opcode with these four bits; `None` if RFC 6455 keeps them in reserve.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// Close, ping and pong: never fragmented, never longer than [`MAX_CONTROL_BYTES`].
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

/// The longest payload of a control frame, in bytes: RFC 6455, 5.5.
pub const MAX_CONTROL_BYTES: usize = 125;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_opcodes_are_one_to_one() {
        let known: Vec<u8> = (0..=0xF)
            .filter(|&bits| Opcode::from_bits(bits).is_some_and(|opcode| opcode.bits() == bits))
            .collect();
        assert_eq!(known, [0x0, 0x1, 0x2, 0x8, 0x9, 0xA]);
    }

    #[test]
    fn only_close_ping_and_pong_are_control_frames() {
        let control: Vec<Opcode> = (0..=0xF)
            .filter_map(Opcode::from_bits)
            .filter(|opcode| opcode.is_control())
            .collect();
        assert_eq!(control, [Opcode::Close, Opcode::Ping, Opcode::Pong]);
    }
}
