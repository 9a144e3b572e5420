//! The dialect of `/subscribe` (docs/seeds.md, 3.17 to 3.19): messages out as `{name, msg}`, nothing
//! in.

use super::{Dialect, Frame, FrameKind};
use crate::id::bare;
use crate::{Author, Command, EntryKind, Event, Refusal, json};

/// The dialect of `/subscribe`.
///
/// ```
/// use parlour_proto::dialect::{Dialect, Feed};
/// use parlour_proto::{Command, Frame};
/// assert!(matches!(Feed.decode(Frame::Text("hi")), Ok(Command::Unexpected)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Feed;

impl Dialect for Feed {
    fn name(&self) -> &'static str {
        "parlour.subscribe"
    }

    /// One way: any data ends the connection (row 3.18).
    fn decode<'a>(&self, _: Frame<'a>) -> Result<Command<'a>, Refusal> {
        Ok(Command::Unexpected)
    }

    /// Fields in this order for good: name, msg.
    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        let Event::Entry { entry, .. } = event else {
            return None;
        };
        if entry.kind != EntryKind::MESSAGE {
            return None;
        }
        let name = match entry.author {
            Author::Published => bare(&entry.from),
            Author::Named | Author::Plain(_) => &entry.from,
        };
        out.extend_from_slice(br#"{"name":"#);
        json::put(name, out);
        out.extend_from_slice(br#","msg":"#);
        out.extend_from_slice(&entry.payload);
        out.push(b'}');
        Some(FrameKind::Text)
    }

    /// The one frame that a client can send ends it.
    fn has_rate_limit(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
