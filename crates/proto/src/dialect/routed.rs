//! The events dialect with types of the application's own (docs/seeds.md, 2.15, 2.16).

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::events::{Envelope, Events, parse_envelope, put_event};
use super::{Dialect, Frame, FrameKind};
use crate::{Command, Event, Refusal, json};

/// [`Events`], and besides types that are handed to the application, kinds of entries that are shown
/// as they are, and whatever the application tells one connection.
///
/// ```
/// use parlour_proto::dialect::{Dialect, Routed};
/// use parlour_proto::{Command, Frame};
/// let dialect = Routed::new("my.events").asks("wave").tells("waved");
/// let frame = Frame::Text(r#"{"type":"wave","payload":{"hand":"left"}}"#);
/// assert!(matches!(dialect.decode(frame), Ok(Command::Ask { kind, .. }) if kind == "wave"));
/// ```
#[derive(Clone, Debug)]
pub struct Routed {
    name: &'static str,
    asks: BTreeSet<String>,
    tells: BTreeSet<String>,
}

impl Routed {
    /// The dialect by this name, as yet without types of its own.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            asks: BTreeSet::new(),
            tells: BTreeSet::new(),
        }
    }

    /// Hands frames of this type to the application, also one that [`Events`] knows itself.
    #[must_use]
    pub fn asks(mut self, kind: impl Into<String>) -> Self {
        self.asks.insert(kind.into());
        self
    }

    /// Shows entries of this kind, as `{"type":KIND,"payload":PAYLOAD}`.
    #[must_use]
    pub fn tells(mut self, kind: impl Into<String>) -> Self {
        self.tells.insert(kind.into());
        self
    }
}

impl Dialect for Routed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        let Envelope { kind, payload } = parse_envelope(frame.bytes())?;
        match kind {
            Some(kind) if self.asks.contains(&*kind) => {
                let payload = payload.map_or("null", RawValue::get);
                json::check(payload)?;
                Ok(Command::Ask {
                    kind: kind.into_owned(),
                    payload: Bytes::copy_from_slice(payload.as_bytes()),
                    frame: frame.kind(),
                })
            }
            _ => Events.decode(frame),
        }
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        match event {
            Event::Entry { entry, .. } if self.tells.contains(entry.kind.as_str()) => {
                put_event(entry.kind.as_str(), &entry.payload, out);
            }
            Event::Told { kind, payload, .. } => put_event(kind, json::or_null(payload), out),
            _ => return Events.encode(event, out),
        }
        Some(FrameKind::Text)
    }
}

#[cfg(test)]
mod tests;
