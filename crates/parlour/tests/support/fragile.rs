//! A dialect that fails on demand, in either direction.

use parlour::dialect::{Dialect, Echo};
use parlour::{Command, Event, Frame, FrameKind, Refusal};

/// Echoes all but `fail to decode` and `fail to encode`.
pub(crate) struct Fragile;

impl Dialect for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }

    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        assert_ne!(frame.bytes(), b"fail to decode", "as it was asked to");
        Echo.decode(frame)
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        if let Event::Echo(frame) = event {
            assert_ne!(frame.bytes(), b"fail to encode", "as it was asked to");
        }
        Echo.encode(event, out)
    }
}
