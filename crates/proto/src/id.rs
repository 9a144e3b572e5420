//! Ids are types, checked once at the edge.

use std::fmt;
use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The name of a room: 1 to 128 bytes of UTF-8 in NFC, without control characters and
/// invisible ones, not beginning with `$` (reserved). Case-sensitive. Cloning shares the text.
///
/// ```
/// use parlour_proto::RoomName;
/// assert_eq!(RoomName::new("general").unwrap().as_str(), "general");
/// assert!(RoomName::new("").is_err());
/// // Two ways to write é are one room.
/// assert_eq!(RoomName::new("e\u{301}").unwrap(), RoomName::new("\u{e9}").unwrap());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(Arc<str>);

/// Longest name of a room, in bytes after normalisation.
const ROOM_NAME_BYTES_MAX: usize = 128;

impl RoomName {
    /// Checks and normalises a room's name.
    ///
    /// # Errors
    /// Says which rule the name breaks.
    pub fn new(name: &str) -> Result<Self, RoomNameError> {
        if name.is_empty() {
            return Err(RoomNameError::Empty);
        }
        // Normalising cannot shrink text to a fraction of a quarter, so this bounds the work.
        if name.len() > ROOM_NAME_BYTES_MAX * 4 {
            return Err(RoomNameError::TooLong);
        }
        if name.starts_with('$') {
            return Err(RoomNameError::Reserved);
        }
        if name.chars().any(char::is_control) {
            return Err(RoomNameError::ControlCharacter);
        }
        if misleads(name) {
            return Err(RoomNameError::Invisible);
        }
        let name: Arc<str> = if is_nfc(name) {
            name.into()
        } else {
            name.nfc().collect::<String>().into()
        };
        if name.len() > ROOM_NAME_BYTES_MAX {
            return Err(RoomNameError::TooLong);
        }
        Ok(Self(name))
    }

    /// A room of the application's own, `$` and `name`: no client can join it by its name, and nobody
    /// is in it but whom the application puts there.
    ///
    /// ```
    /// use parlour_proto::RoomName;
    /// assert_eq!(RoomName::reserved("all").unwrap().as_str(), "$all");
    /// assert!(RoomName::new("$all").is_err());
    /// ```
    ///
    /// # Errors
    /// Says which rule `name` breaks.
    pub fn reserved(name: &str) -> Result<Self, RoomNameError> {
        let name = format!("${}", Self::new(name)?);
        if name.len() > ROOM_NAME_BYTES_MAX {
            return Err(RoomNameError::TooLong);
        }
        Ok(Self(name.into()))
    }

    /// The first room of a connection that named none.
    #[must_use]
    pub fn general() -> Self {
        Self("general".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no [`RoomName`]. The client's fault.
///
/// ```
/// use parlour_proto::{RoomName, RoomNameError};
/// assert_eq!(RoomName::new("$mine"), Err(RoomNameError::Reserved));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomNameError {
    /// No characters at all.
    #[error("a room's name must not be empty")]
    Empty,
    /// More than 128 bytes.
    #[error("a room's name may have at most 128 bytes")]
    TooLong,
    /// Begins with `$`.
    #[error("names that begin with $ are reserved")]
    Reserved,
    /// Has a control character.
    #[error("a room's name must not have control characters")]
    ControlCharacter,
    /// Has a character of no width or one that turns the direction of writing, or a joiner at one
    /// of its ends.
    #[error(
        "a room's name must not have invisible characters: none of no width, none that turns the \
         direction of writing"
    )]
    Invisible,
}

/// Who a connection speaks as: 1 to 64 bytes of UTF-8 without control characters, invisible ones
/// and blanks at the ends. Guests are `guest-…`, a form that no user can have.
///
/// ```
/// use parlour_proto::UserName;
/// assert_eq!(UserName::guest("ann").unwrap().as_str(), "guest-ann");
/// assert!(UserName::guest("a\nb").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(Arc<str>);

/// Longest part of a name that a person chooses, in bytes.
const NAME_BYTES_MAX: usize = 64;
const GUEST_MARK: &str = "guest-";

impl UserName {
    /// The name of a guest who asked to be called `name`.
    ///
    /// # Errors
    /// Says which rule the name breaks.
    pub fn guest(name: &str) -> Result<Self, NameError> {
        let name = name.trim();
        check_name(name)?;
        // A guest who returns under the name the server showed stays the same guest.
        let name = name
            .strip_prefix(GUEST_MARK)
            .filter(|rest| !rest.is_empty())
            .unwrap_or(name);
        if misleads(name) {
            return Err(NameError::Invisible);
        }
        Ok(Self(format!("{GUEST_MARK}{}", name.nfc()).into()))
    }

    /// The name of somebody with an account.
    ///
    /// # Errors
    /// Says which rule the name breaks; a guest's mark is one of them, however it is written.
    pub fn user(name: &str) -> Result<Self, NameError> {
        if name.trim() != name {
            return Err(NameError::BlankAtTheEnds);
        }
        check_name(name)?;
        if misleads(name) {
            return Err(NameError::Invisible);
        }
        let plain: String = name.nfkc().flat_map(char::to_lowercase).collect();
        if plain.starts_with(GUEST_MARK) {
            return Err(NameError::GuestMark);
        }
        Ok(Self(name.nfc().collect::<String>().into()))
    }

    /// The name without the mark of guests: what somebody is called at the door that he is a guest of.
    ///
    /// ```
    /// use parlour_proto::UserName;
    /// assert_eq!(UserName::guest("kim").unwrap().bare(), "kim");
    /// assert_eq!(UserName::user("ann").unwrap().bare(), "ann");
    /// ```
    #[must_use]
    pub fn bare(&self) -> &str {
        bare(&self.0)
    }

    /// Whether it is the name of a guest.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.0.starts_with(GUEST_MARK)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as shared text, for entries.
    ///
    /// ```
    /// use parlour_proto::{Draft, UserName};
    /// let ann = UserName::user("ann").unwrap();
    /// assert_eq!(&*Draft::message(ann.shared(), "hello").from, "ann");
    /// ```
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Why a text is no name for a person. The client's fault.
///
/// ```
/// use parlour_proto::{NameError, UserName};
/// assert_eq!(UserName::user(""), Err(NameError::Empty));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but blanks.
    #[error("a name must not be empty")]
    Empty,
    /// More than 64 bytes.
    #[error("a name may have at most 64 bytes")]
    TooLong,
    /// Has a control character.
    #[error("a name must not have control characters")]
    ControlCharacter,
    /// Has a blank at one of its ends.
    #[error("a name must not begin or end with a blank")]
    BlankAtTheEnds,
    /// Looks like a guest's.
    #[error("a user's name must not begin with guest-, which marks guests")]
    GuestMark,
    /// Has a character of no width or one that turns the direction of writing, or a joiner at one
    /// of its ends.
    #[error(
        "a name must not have invisible characters: none of no width, none that turns the \
         direction of writing"
    )]
    Invisible,
}

/// A name without the mark of guests.
pub(crate) fn bare(name: &str) -> &str {
    name.strip_prefix(GUEST_MARK).unwrap_or(name)
}

/// The rules that hold for the text of a name as a whole.
fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter);
    }
    Ok(())
}

/// Whether a name could be taken for another one, or for none, by who sees it.
fn misleads(name: &str) -> bool {
    name.chars().any(is_invisible)
        || name.starts_with(is_joiner)
        || name.ends_with(is_joiner)
        || has_stray_style(name)
}

/// Shows the character before it as an emoji, and many are typed with it.
const EMOJI_STYLE: char = '\u{fe0f}';

/// Whether an [`EMOJI_STYLE`] stands where it shows nothing, such as behind a letter.
fn has_stray_style(name: &str) -> bool {
    let mut before = None;
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        let is_keycap = before.is_some() && chars.peek() == Some(&'\u{20e3}');
        if char == EMOJI_STYLE && !is_keycap && !before.is_some_and(may_be_emoji) {
            return true;
        }
        before = Some(char);
    }
    false
}

/// Symbols, and the few letters that have an emoji.
fn may_be_emoji(char: char) -> bool {
    match char {
        '\u{a9}' | '\u{ae}' | '\u{2139}' | '\u{24c2}' | '\u{1f170}'..='\u{1f17f}' => true,
        EMOJI_STYLE => false,
        _ => char > '\u{200f}' && !char.is_alphanumeric() && !char.is_whitespace(),
    }
}

/// Shown as nothing (`Default_Ignorable_Code_Point`, Unicode Standard 5.21, and the fillers of
/// Hangul), or a control of the direction of writing (Unicode Standard Annex 9, 2); all but what is
/// needed between two characters or behind one.
fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0e}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Scripts and emoji need them, between two characters.
fn is_joiner(char: char) -> bool {
    matches!(char, '\u{200c}' | '\u{200d}')
}

/// Number of an entry in its room's log: 1, 2, 3 … within an [`Epoch`]; 0 stands before the first.
///
/// ```
/// use parlour_proto::Seq;
/// assert_eq!(Seq(1).next(), Seq(2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seq(pub u64);

impl Seq {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Seq {
    /// The largest number that a JSON number holds exactly everywhere (RFC 8259, 6): 2^53 - 1. A
    /// room that numbers a million entries a second comes to it after 285 years.
    pub const MAX: Self = Self((1 << 53) - 1);
}

/// Random id of one life of a room's log. In another epoch numbers start again.
///
/// Clients are told it as text, since a JSON number does not hold 64 bits:
///
/// ```
/// use parlour_proto::Epoch;
/// let epoch = Epoch(0x9f3c_5d20_a1b4_e687);
/// assert_eq!(epoch.to_string(), "9f3c5d20a1b4e687");
/// assert_eq!(Epoch::parse("9f3c5d20a1b4e687"), Some(epoch));
/// assert_eq!(Epoch::parse("9f3c"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Reads what [`Display`](fmt::Display) writes: 16 hexadecimal digits and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u64::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl Epoch {
    /// Appends what [`Display`](fmt::Display) shows.
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = (0..16).map(|place| DIGITS[(self.0 >> (60 - 4 * place)) as usize & 15]);
        out.extend(digits);
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A place in a room's log: the last entry that a reader has.
///
/// ```
/// use parlour_proto::{Epoch, Position, Seq};
/// let last = Position { epoch: Epoch(1), seq: Seq(7) };
/// assert_eq!(last.seq.next(), Seq(8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The life of the log that `seq` counts in.
    pub epoch: Epoch,
    /// The last entry that the reader has.
    pub seq: Seq,
}

/// One core's shard, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u16);

/// One session: who a client is, from its sign-in to its end. Not a secret; connections and tickets
/// carry it, so that they end with it. 0 stands for no session (a guest).
///
/// ```
/// use parlour_proto::SessionId;
/// assert_eq!(SessionId::default(), SessionId::NONE);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

impl SessionId {
    /// That of guests, who have none.
    pub const NONE: Self = Self(0);
}

/// One live connection. The generation tells a late answer for an old connection from the one that
/// has its index now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// Place in its shard's tables.
    pub index: u32,
    /// How often that place was given out before.
    pub generation: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_put_as_it_is_shown() {
        for epoch in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let mut out = Vec::new();
            Epoch(epoch).put(&mut out);
            assert_eq!(out, Epoch(epoch).to_string().as_bytes());
        }
    }

    #[test]
    fn room_names_are_checked_at_the_edge() {
        assert_eq!(RoomName::new(""), Err(RoomNameError::Empty));
        assert_eq!(RoomName::new("$sys"), Err(RoomNameError::Reserved));
        assert_eq!(
            RoomName::new("a\u{7}b"),
            Err(RoomNameError::ControlCharacter)
        );
        assert_eq!(RoomName::new(&"x".repeat(129)), Err(RoomNameError::TooLong));
        assert!(RoomName::new(&"x".repeat(128)).is_ok());
        assert_ne!(RoomName::new("General"), RoomName::new("general"));
    }

    #[test]
    fn names_that_look_like_others_are_refused() {
        for bad in [
            "\u{200b}",
            "a\u{200b}b",
            "a\u{200e}",
            "\u{200f}a",
            "a\u{202a}b",
            "a\u{202e}b",
            "a\u{2060}b",
            "a\u{2064}b",
            "a\u{2066}b",
            "a\u{2069}",
            "\u{feff}a",
            "\u{200d}",
            "\u{200d}a",
            "a\u{200c}",
            "\u{200c}\u{200d}",
            "ann\u{ad}",
            "a\u{34f}n",
            "a\u{61c}",
            "\u{115f}",
            "\u{1160}",
            "a\u{17b4}",
            "a\u{180b}",
            "a\u{180e}",
            "a\u{2065}",
            "a\u{206a}b",
            "\u{3164}",
            "a\u{fe00}",
            "a\u{fe0e}",
            "\u{fe0f}a",
            "a\u{fe0f}",
            "e\u{301}\u{fe0f}",
            "a \u{fe0f}",
            "1\u{fe0f}",
            "\u{2764}\u{fe0f}\u{fe0f}",
            "\u{ffa0}",
            "a\u{fff0}",
            "a\u{1d173}",
            "a\u{e0001}",
            "a\u{e0100}",
        ] {
            assert_eq!(RoomName::new(bad), Err(RoomNameError::Invisible), "{bad:?}");
            assert_eq!(UserName::guest(bad), Err(NameError::Invisible), "{bad:?}");
            assert_eq!(UserName::user(bad), Err(NameError::Invisible), "{bad:?}");
            let marked = format!("guest-{bad}");
            assert_eq!(UserName::guest(&marked), Err(NameError::Invisible));
        }
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        let persian = "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}";
        for good in [
            family,
            persian,
            "\u{5d0}\u{5d1}",
            "\u{2764}\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "\u{2139}\u{fe0f}",
            "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
        ] {
            assert!(RoomName::new(good).is_ok() && UserName::guest(good).is_ok());
        }
    }

    #[test]
    fn no_user_can_have_the_name_of_a_guest() {
        assert_eq!(UserName::user("ann").unwrap().as_str(), "ann");
        assert!(!UserName::user("ann").unwrap().is_guest());
        assert!(UserName::guest("ann").unwrap().is_guest());
        for bad in ["guest-ann", "Guest-ann", "GUEST-", "\u{ff47}uest-ann"] {
            assert_eq!(UserName::user(bad), Err(NameError::GuestMark), "{bad}");
        }
        assert_eq!(UserName::user(" ann"), Err(NameError::BlankAtTheEnds));
        assert_eq!(UserName::user(""), Err(NameError::Empty));
        assert_eq!(UserName::user("a\u{200b}"), Err(NameError::Invisible));
    }

    #[test]
    fn guests_keep_one_mark() {
        let ann = UserName::guest("  ann ").unwrap();
        assert_eq!(ann.as_str(), "guest-ann");
        assert_eq!(UserName::guest(ann.as_str()).unwrap(), ann);
        assert_eq!(UserName::guest("  "), Err(NameError::Empty));
        assert_eq!(UserName::guest(&"x".repeat(65)), Err(NameError::TooLong));
    }
}
