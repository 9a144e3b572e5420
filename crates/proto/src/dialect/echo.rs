//! The echo door: every message comes back unchanged (docs/seeds.md, 4.01, 4.02).

use super::{Dialect, Frame, FrameKind};
use crate::{Command, Event, Refusal};

/// The dialect of `/echo`.
///
/// ```
/// use parlour_proto::dialect::{Dialect, Echo};
/// use parlour_proto::{Command, Frame};
/// assert!(matches!(Echo.decode(Frame::Text("hi")), Ok(Command::Echo(Frame::Text("hi")))));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Echo;

impl Dialect for Echo {
    fn name(&self) -> &'static str {
        "parlour.echo"
    }

    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        Ok(Command::Echo(frame))
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        let Event::Echo(frame) = event else {
            return None;
        };
        out.extend_from_slice(frame.bytes());
        Some(frame.kind())
    }

    /// What comes back goes to nobody else.
    fn has_rate_limit(&self) -> bool {
        false
    }
}
