//! What goes through a raw connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use parlour_hub::OwnedTold;
use parlour_proto::{Draft, EntryKind, FrameKind};

/// One whole message. Text stays text and binary stays binary, both ways.
///
/// ```
/// use parlour::connections::Message;
/// assert_eq!(Message::from("hi"), Message::Text("hi".to_owned()));
/// assert_eq!(Message::from(vec![1, 2]), Message::Binary(vec![1, 2].into()));
/// assert_eq!(Message::from("hi").as_bytes(), b"hi");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8.
    Text(String),
    /// Any bytes.
    Binary(Bytes),
}

impl Message {
    /// Its bytes, whichever it is.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The text, if it is one.
    ///
    /// ```
    /// use parlour::connections::Message;
    /// assert_eq!(Message::from("hi").as_text(), Some("hi"));
    /// assert_eq!(Message::from(vec![1, 2]).as_text(), None);
    /// ```
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// `None` if what is said to be text is none, which the codec has seen to.
    pub(super) fn received(payload: Bytes, frame: FrameKind) -> Option<Self> {
        match frame {
            FrameKind::Text => String::from_utf8(payload.into()).ok().map(Self::Text),
            FrameKind::Binary => Some(Self::Binary(payload)),
        }
    }

    pub(super) fn into_told(self) -> OwnedTold {
        let (payload, frame) = match self {
            Self::Text(text) => (text.into(), FrameKind::Text),
            Self::Binary(bytes) => (bytes, FrameKind::Binary),
        };
        OwnedTold {
            kind: "".into(),
            payload,
            frame,
        }
    }

    pub(super) fn into_draft(self, from: &'static str) -> Draft {
        match self {
            Self::Text(text) => Draft::message(from, &text),
            Self::Binary(bytes) => {
                let payload = format!("\"{}\"", STANDARD.encode(bytes));
                Draft::new(from, EntryKind::BINARY, payload)
            }
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}
