//! The seam between wire protocols and rooms: name, decode, encode.

mod echo;
mod events;
mod feed;
mod plain;
mod raw;
mod routed;
#[cfg(test)]
mod shown;
mod v1;

pub use echo::Echo;
pub use events::Events;
pub use feed::Feed;
pub use plain::Plain;
pub use raw::Raw;
pub use routed::Routed;
pub use v1::V1;

use crate::{CloseReason, Command, Event, Refusal};

/// The kind of a data frame.
///
/// ```
/// use parlour_proto::{Frame, FrameKind};
/// assert_eq!(Frame::Text("hi").kind(), FrameKind::Text);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

/// One whole message of a client, as the codec hands it over.
///
/// ```
/// use parlour_proto::Frame;
/// assert_eq!(Frame::Text("hi").bytes(), Frame::Binary(b"hi").bytes());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

impl<'a> Frame<'a> {
    /// The message's bytes.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(self) -> FrameKind {
        match self {
            Self::Text(_) => FrameKind::Text,
            Self::Binary(_) => FrameKind::Binary,
        }
    }
}

/// One wire protocol. It never sees a room's members; the hub never looks inside its bytes.
///
/// ```
/// use parlour_proto::dialect::{Dialect, Events};
/// use parlour_proto::{Command, Frame};
/// let frame = Frame::Text(r#"{"type":"change_room","payload":{"name":"den"}}"#);
/// assert!(matches!(Events.decode(frame), Ok(Command::Enter { room }) if room.as_str() == "den"));
/// ```
pub trait Dialect: Send + Sync + 'static {
    /// The subprotocol's name.
    fn name(&self) -> &'static str;

    /// Turns a client's frame into a command.
    ///
    /// # Errors
    /// A [`Refusal`] is told to the client, which stays connected. If the frame could be read so far
    /// that its answer can name a room or an id, [`Command::Refused`] says so instead.
    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal>;

    /// Writes the frame that tells `event` behind what is in `out`. `None`: this dialect has no
    /// words for it, and nothing was written.
    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind>;

    /// Whether [`Limits::messages_per_second`](crate::Limits::messages_per_second) holds for frames
    /// of this dialect.
    fn has_rate_limit(&self) -> bool {
        true
    }

    /// Whether a connection that has spent its rate is not read for a while, instead of being refused a
    /// frame: for dialects without words for a refusal.
    fn waits_for_rate(&self) -> bool {
        false
    }

    /// Whether rooms are told when a connection of this dialect has come and when it has gone, by
    /// [`Event::Notice`].
    fn announces(&self) -> bool {
        false
    }

    /// What becomes of a connection that missed entries when [`encode`](Self::encode) has no words
    /// for [`Event::Gap`].
    fn without_words_for_gap(&self) -> CloseReason {
        CloseReason::Lagged
    }
}
