//! What a room's log is made of.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Author, Position, Refusal, Seq, Timestamp, UserName, json};

/// The producer's name for what it publishes: at most 64 bytes. An acknowledgement and the entry
/// itself both carry it.
///
/// ```
/// use parlour_proto::EntryId;
/// assert_eq!(EntryId::new("order-7").unwrap().as_str(), "order-7");
/// assert!(EntryId::new("").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EntryId(Arc<str>);

impl EntryId {
    /// Longest id, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// Takes a producer's id: 1 to [`Self::BYTES_MAX`] bytes of any text.
    ///
    /// # Errors
    /// Says which rule the id breaks.
    pub fn new(id: &str) -> Result<Self, EntryIdError> {
        match id.len() {
            0 => Err(EntryIdError::Empty),
            1..=Self::BYTES_MAX => Ok(Self(id.into())),
            _ => Err(EntryIdError::TooLong),
        }
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

/// Why a text is no [`EntryId`]. The fault of who publishes.
///
/// ```
/// use parlour_proto::{EntryId, EntryIdError};
/// assert_eq!(EntryId::new(""), Err(EntryIdError::Empty));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryIdError {
    /// No characters at all.
    #[error("an entry's id must not be empty")]
    Empty,
    /// More than [`EntryId::BYTES_MAX`].
    #[error("an entry's id may have at most 64 bytes")]
    TooLong,
}

/// What kind of thing an entry is, e.g. `message`. Dialects have words for some kinds and none for
/// others.
///
/// ```
/// use parlour_proto::EntryKind;
/// assert_eq!(EntryKind::new("message"), Ok(EntryKind::MESSAGE));
/// assert!(EntryKind::new("$mine").is_err(), "no client can publish those");
/// assert_eq!(EntryKind::named("$mine").as_str(), "$mine");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryKind(Cow<'static, str>);

impl EntryKind {
    /// A chat message: the payload is one JSON string.
    pub const MESSAGE: Self = Self(Cow::Borrowed("message"));

    /// Somebody at `/plain` has another nickname: the payload is `{"was":NAME,"now":NAME}`. Only the
    /// server makes these.
    pub const NICK: Self = Self(Cow::Borrowed("$nick"));

    /// Bytes of any form, for doors that have binary frames: the payload is one JSON string, base64
    /// (RFC 4648, 4). Only the application makes these.
    pub const BINARY: Self = Self(Cow::Borrowed("$binary"));

    /// Longest name of a kind that a client may use, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// The kind that a client names: 1 to [`Self::BYTES_MAX`] bytes of letters, digits, `_`, `-`, `.`
    /// and `:`.
    ///
    /// # Errors
    /// Says which rule the name breaks.
    pub fn new(name: &str) -> Result<Self, EntryKindError> {
        if name == Self::MESSAGE.as_str() {
            return Ok(Self::MESSAGE);
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        match name.len() {
            0 => Err(EntryKindError::Empty),
            1..=Self::BYTES_MAX if name.bytes().all(is_plain) => {
                Ok(Self(Cow::Owned(name.to_owned())))
            }
            1..=Self::BYTES_MAX => Err(EntryKindError::Character),
            _ => Err(EntryKindError::TooLong),
        }
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

/// Why a text is no [`EntryKind`] that a client may name. The fault of who publishes.
///
/// ```
/// use parlour_proto::{EntryKind, EntryKindError};
/// assert_eq!(EntryKind::new("two words"), Err(EntryKindError::Character));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryKindError {
    /// No characters at all.
    #[error("a kind must not be empty")]
    Empty,
    /// More than [`EntryKind::BYTES_MAX`].
    #[error("a kind may have at most 64 bytes")]
    TooLong,
    /// Has a character that no kind of a client's has.
    #[error("a kind may have only letters and digits of ASCII, _, -, . and :")]
    Character,
}

/// One item of a room's log.
///
/// ```
/// use parlour_proto::{Draft, Seq, Timestamp};
/// let entry = Draft::message("ann", "hi").numbered(Seq(1), Timestamp::from_unix_nanoseconds(0));
/// assert_eq!((&*entry.from, &entry.payload[..]), ("ann", &b"\"hi\""[..]));
/// ```
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number in the log.
    pub seq: Seq,
    /// What its producer called it.
    pub id: Option<EntryId>,
    /// Who published it, as the server knows him; never what a client claims (docs/seeds.md, D22).
    pub from: Arc<str>,
    /// What the free doors know of him.
    pub author: Author,
    /// What it is.
    pub kind: EntryKind,
    /// JSON text.
    pub payload: Bytes,
    /// When the room numbered it, by the server's clock.
    pub sent: Timestamp,
}

/// An entry that no room has numbered yet.
///
/// ```
/// use parlour_proto::{Draft, EntryKind};
/// let hello = Draft::message("app", "hello");
/// let moved = Draft::new("app", EntryKind::new("moved").unwrap(), r#"{"x":1}"#);
/// assert!(hello.check().is_ok() && moved.check().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Draft {
    /// What its producer calls it. The same again in the same room, by the same publisher, is not
    /// published again: it gets the first one's place.
    pub id: Option<EntryId>,
    /// It may have been published before, but not before the room was here. If the ids of that time
    /// are no longer known it is refused, as [`IdForgotten`](Refusal::IdForgotten).
    pub since: Option<Position>,
    /// Who publishes it.
    pub from: Arc<str>,
    /// What the free doors know of him.
    pub author: Author,
    /// What it is.
    pub kind: EntryKind,
    /// JSON text.
    pub payload: Bytes,
}

impl Draft {
    /// An entry of this kind. The payload is JSON text, which [`check`](Self::check) looks at.
    ///
    /// ```
    /// use parlour_proto::{Draft, EntryKind};
    /// let moved = Draft::new("app", EntryKind::named("moved"), r#"{"x":1,"y":2}"#);
    /// assert!(moved.check().is_ok());
    /// ```
    #[must_use]
    pub fn new(from: impl Into<Arc<str>>, kind: EntryKind, payload: impl Into<Bytes>) -> Self {
        Self {
            id: None,
            since: None,
            from: from.into(),
            author: Author::Named,
            kind,
            payload: payload.into(),
        }
    }

    /// A chat message.
    ///
    /// ```
    /// use parlour_proto::Draft;
    /// assert_eq!(Draft::message("app", "it is \"noon\"").payload, r#""it is \"noon\"""#);
    /// ```
    #[must_use]
    pub fn message(from: impl Into<Arc<str>>, text: &str) -> Self {
        Self::new(from, EntryKind::MESSAGE, json::string(text))
    }

    /// The same with its producer's name for it.
    ///
    /// ```
    /// use parlour_proto::{Draft, EntryId};
    /// let order = Draft::message("shop", "sold").with_id(EntryId::new("order-7").unwrap());
    /// assert_eq!(order.id.unwrap().as_str(), "order-7");
    /// ```
    #[must_use]
    pub fn with_id(self, id: EntryId) -> Self {
        let id = Some(id);
        Self { id, ..self }
    }

    /// The same, which may have been published before, since the room was at this position.
    #[must_use]
    pub fn again_since(self, since: Position) -> Self {
        let since = Some(since);
        Self { since, ..self }
    }

    /// The same, said by somebody whom a free door knows.
    #[must_use]
    pub fn by(self, author: Author) -> Self {
        Self { author, ..self }
    }

    /// Checks what an embedding application publishes by the rules that hold for clients: the
    /// payload is JSON, and that of a [`MESSAGE`](EntryKind::MESSAGE) is one string.
    ///
    /// # Errors
    /// [`Refusal::BadPayload`]; the caller's fault.
    ///
    /// ```
    /// use parlour_proto::{Draft, EntryKind};
    /// let draft = |payload: &'static str| Draft::new("app", EntryKind::MESSAGE, payload);
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
            author: self.author,
            kind: self.kind,
            payload: self.payload,
            sent,
        }
    }
}

/// The payload of an entry of kind [`NICK`](EntryKind::NICK).
#[must_use]
pub fn renamed(was: &UserName, now: &UserName) -> Bytes {
    let mut payload = br#"{"was":"#.to_vec();
    json::put(was.as_str(), &mut payload);
    payload.extend_from_slice(br#","now":"#);
    json::put(now.as_str(), &mut payload);
    payload.push(b'}');
    payload.into()
}

impl Entry {
    /// What this entry counts against the bounds of logs: its own bytes and a share for its record.
    #[must_use]
    pub fn cost(&self) -> usize {
        const RECORD: usize = size_of::<Entry>() + 64;
        RECORD + self.payload.len() + self.id.as_ref().map_or(0, |id| id.as_str().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_or_a_kind_that_is_none_says_which_rule_it_breaks() {
        let (longest, longer) = ("x".repeat(64), "x".repeat(65));
        assert_eq!(EntryId::new(""), Err(EntryIdError::Empty));
        assert_eq!(EntryId::new(&longer), Err(EntryIdError::TooLong));
        assert!(EntryId::new(&longest).is_ok() && EntryId::new("any text, also é").is_ok());
        assert_eq!(EntryKind::new(""), Err(EntryKindError::Empty));
        assert_eq!(EntryKind::new(&longer), Err(EntryKindError::TooLong));
        for bad in ["$nick", "a b", "é", "a/b", "a\nb"] {
            assert_eq!(EntryKind::new(bad), Err(EntryKindError::Character), "{bad}");
        }
        assert!(EntryKind::new(&longest).is_ok() && EntryKind::new("app:a-b_c.1").is_ok());
    }
}
