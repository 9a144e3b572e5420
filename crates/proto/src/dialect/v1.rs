//! The whole protocol, `parlour.v1`: JSON objects with a field `t`, many rooms at once, positions,
//! acknowledgements, gaps told, presence. Every frame stands in docs/protocol.md, and a test holds
//! this code to it.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use super::{Dialect, Frame, FrameKind};
use crate::{Command, Event, Refusal};

/// The dialect of the subprotocol `parlour.v1`.
///
/// ```
/// use parlour_proto::dialect::{Dialect, V1};
/// use parlour_proto::{Command, Frame};
/// let frame = Frame::Text(r#"{"t":"join","rooms":[{"room":"den"},{"room":"hall"}]}"#);
/// assert!(matches!(V1.decode(frame), Ok(Command::Join { rooms }) if rooms.len() == 2));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct V1;

impl Dialect for V1 {
    fn name(&self) -> &'static str {
        "parlour.v1"
    }

    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        decode::command(frame.bytes())
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        encode::event(event, out).then_some(FrameKind::Text)
    }
}
