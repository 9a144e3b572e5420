//! What a room's log is made of.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Refusal, Seq, Timestamp, json};

/// The producer's name for what it publishes: at most 64 bytes. An acknowledgement and the entry
/// itself both carry it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EntryId(Arc<str>);

impl EntryId {
    /// Longest id, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// Takes a producer's id, or `None` if it is empty or longer than [`Self::BYTES_MAX`].
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        (1..=Self::BYTES_MAX)
            .contains(&id.len())
            .then(|| Self(id.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// What kind of thing an entry is, e.g. `message`. Dialects have words for some kinds and none for
/// others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryKind(Cow<'static, str>);

impl EntryKind {
    /// A chat message: the payload is one JSON string.
    pub const MESSAGE: Self = Self(Cow::Borrowed("message"));

    /// Longest name of a kind that a client may use, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// The kind that a client names, or `None` if the name is not 1 to [`Self::BYTES_MAX`] bytes of
    /// letters, digits, `_`, `-`, `.` and `:`.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        if name == Self::MESSAGE.as_str() {
            return Some(Self::MESSAGE);
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        let fits = (1..=Self::BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain);
        fits.then(|| Self(Cow::Owned(name.to_owned())))
    }

    /// A kind of the embedding application's own.
    #[must_use]
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// The kind as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One item of a room's log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number in the log.
    pub seq: Seq,
    /// What its producer called it.
    pub id: Option<EntryId>,
    /// Who published it, as the server knows him; never what a client claims (contract D22).
    pub from: Arc<str>,
    /// What it is.
    pub kind: EntryKind,
    /// JSON text.
    pub payload: Bytes,
    /// When the room numbered it, by the server's clock.
    pub sent: Timestamp,
}

/// An entry that no room has numbered yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What its producer calls it.
    pub id: Option<EntryId>,
    /// Who publishes it.
    pub from: Arc<str>,
    /// What it is.
    pub kind: EntryKind,
    /// JSON text.
    pub payload: Bytes,
}

impl Draft {
    /// Checks what an embedding application publishes by the rules that hold for clients: the
    /// payload is JSON, and that of a [`MESSAGE`](EntryKind::MESSAGE) is one string.
    ///
    /// # Errors
    /// [`Refusal::BadPayload`]; the caller's fault.
    ///
    /// ```
    /// use parlour_proto::{Draft, EntryKind};
    /// let draft = |payload: &'static str| Draft {
    ///     id: None,
    ///     from: "app".into(),
    ///     kind: EntryKind::MESSAGE,
    ///     payload: payload.into(),
    /// };
    /// assert!(draft("\"hello\"").check().is_ok());
    /// assert!(draft("hello").check().is_err());
    /// ```
    pub fn check(&self) -> Result<(), Refusal> {
        let text = std::str::from_utf8(&self.payload).map_err(|_| Refusal::BadPayload)?;
        if self.kind == EntryKind::MESSAGE && !text.trim_ascii_start().starts_with('"') {
            return Err(Refusal::BadPayload);
        }
        json::check(text)
    }

    /// Makes it the entry `seq` of its room.
    #[must_use]
    pub fn numbered(self, seq: Seq, sent: Timestamp) -> Entry {
        Entry {
            seq,
            id: self.id,
            from: self.from,
            kind: self.kind,
            payload: self.payload,
            sent,
        }
    }
}

impl Entry {
    /// What this entry counts against the bounds of logs: its own bytes and a share for its record.
    #[must_use]
    pub fn cost(&self) -> usize {
        const RECORD: usize = size_of::<Entry>() + 64;
        RECORD + self.payload.len() + self.id.as_ref().map_or(0, |id| id.as_str().len())
    }
}
