//! No protocol at all: every frame is for the application, and what it says goes out as it is
//! (docs/seeds.md, 0.04, 0.05).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::{Dialect, Frame, FrameKind};
use crate::{Command, Entry, EntryKind, Event, Refusal, json};

/// Every frame is a [`Command::Ask`] of no kind. Of rooms that the application has put a connection
/// into, a message goes out as its text, [`EntryKind::BINARY`] as its bytes, and every other kind as
/// its JSON.
///
/// ```
/// use parlour_proto::dialect::{Dialect, Raw};
/// use parlour_proto::{Command, Event, Frame, FrameKind};
/// let raw = Raw::new("my.protocol");
/// assert!(matches!(raw.decode(Frame::Text("hi")), Ok(Command::Ask { payload, .. }) if payload == "hi"));
/// let told = Event::Told { kind: "", payload: &[1, 2], frame: FrameKind::Binary };
/// let mut out = Vec::new();
/// assert_eq!(raw.encode(&told, &mut out), Some(FrameKind::Binary));
/// assert_eq!(out, [1, 2]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    name: &'static str,
}

impl Raw {
    /// The dialect by this name.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name }
    }
}

impl Dialect for Raw {
    fn name(&self) -> &'static str {
        self.name
    }

    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        Ok(Command::Ask {
            kind: String::new(),
            payload: Bytes::copy_from_slice(frame.bytes()),
            frame: frame.kind(),
        })
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        match event {
            Event::Told { payload, frame, .. } => {
                // A text that is none would end the connection at its client.
                if *frame == FrameKind::Text && std::str::from_utf8(payload).is_err() {
                    return None;
                }
                out.extend_from_slice(payload);
                Some(*frame)
            }
            Event::Entry { entry, .. } => put_entry(entry, out),
            _ => None,
        }
    }

    /// There is no way to say that a frame was thrown away.
    fn waits_for_rate(&self) -> bool {
        true
    }
}

fn put_entry(entry: &Entry, out: &mut Vec<u8>) -> Option<FrameKind> {
    if entry.kind == EntryKind::BINARY {
        let bytes = STANDARD.decode(&*json::text(&entry.payload)?).ok()?;
        out.extend_from_slice(&bytes);
        return Some(FrameKind::Binary);
    }
    if entry.kind == EntryKind::MESSAGE {
        out.extend_from_slice(json::text(&entry.payload)?.as_bytes());
    } else {
        out.extend_from_slice(&entry.payload);
    }
    Some(FrameKind::Text)
}

#[cfg(test)]
mod tests;
