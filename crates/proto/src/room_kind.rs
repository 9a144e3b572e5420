//! What kinds of rooms there are: which outlive a crash, and how much of them is kept.

use std::time::Duration;

use crate::RoomName;

/// How much of a room's log is kept; what is over any of its bounds is trimmed, the oldest first.
///
/// ```
/// use parlour_proto::Keep;
/// let keep = Keep { entries: Some(1_000), ..Keep::ALL };
/// assert_eq!((keep.bytes, keep.age), (None, None));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// So many entries. `None`: any number.
    pub entries: Option<u64>,
    /// So many bytes of entries, as the store counts them. `None`: any number.
    pub bytes: Option<u64>,
    /// Entries that are no older than this. `None`: of any age.
    pub age: Option<Duration>,
}

impl Keep {
    /// Everything, for ever.
    pub const ALL: Self = Self {
        entries: None,
        bytes: None,
        age: None,
    };
}

/// What holds for a room.
///
/// ```
/// use parlour_proto::RoomKind;
/// assert!(!RoomKind::VOLATILE.is_durable);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomKind {
    /// Its entries are on disk before they are acknowledged or shown to anybody. Otherwise the room
    /// is in memory alone, and ends with the process or when nobody has been in it for a while.
    pub is_durable: bool,
    /// How much of it is kept.
    pub keep: Keep,
}

impl RoomKind {
    /// In memory, within the bounds that all such rooms have.
    pub const VOLATILE: Self = Self {
        is_durable: false,
        keep: Keep::ALL,
    };

    /// On disk, and all of it.
    pub const DURABLE: Self = Self {
        is_durable: true,
        keep: Keep::ALL,
    };
}

/// Which rooms are of which kind: the first pattern that a name matches decides. A `*` in a pattern
/// stands for any text; everything else stands for itself.
///
/// ```
/// use parlour_proto::{RoomKind, RoomKinds, RoomName};
/// let kinds = RoomKinds::default()
///     .with("game-*", RoomKind::VOLATILE)
///     .with("*", RoomKind::DURABLE);
/// let of = |name| kinds.of(&RoomName::new(name).unwrap());
/// assert!(of("general").is_durable && !of("game-7").is_durable);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomKinds {
    rules: Vec<(String, RoomKind)>,
}

impl RoomKinds {
    /// The same, and rooms whose names match `pattern` and none before it are of this kind.
    #[must_use]
    pub fn with(mut self, pattern: impl Into<String>, kind: RoomKind) -> Self {
        self.rules.push((pattern.into(), kind));
        self
    }

    /// What holds for this room. One that no pattern matches is in memory, and so is one with a
    /// [reserved](RoomName::reserved) name, whatever the patterns say.
    #[must_use]
    pub fn of(&self, room: &RoomName) -> RoomKind {
        let name = room.as_str();
        if name.starts_with('$') {
            return RoomKind::VOLATILE;
        }
        let rule = self.rules.iter().find(|(rule, _)| matches(rule, name));
        rule.map_or(RoomKind::VOLATILE, |(_, kind)| *kind)
    }

    /// Whether some rooms are to be on disk.
    #[must_use]
    pub fn any_durable(&self) -> bool {
        self.rules.iter().any(|(_, kind)| kind.is_durable)
    }
}

/// Takes the first place for every piece between stars, and the last for the last one.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match name.split_once(piece) {
            Some((_, after)) => name = after,
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, name) in [
            ("*", "den"),
            ("den", "den"),
            ("d*", "den"),
            ("*n", "den"),
            ("d*e*n", "den"),
            ("*-*", "game-7"),
            ("ab*ab", "abab"),
            ("a*b*b", "abb"),
            ("**", "x"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("den", "dens"),
            ("d*", "eden"),
            ("*n", "dens"),
            ("ab*ab", "ab"),
            ("a*b*b", "ab"),
            ("", "x"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn the_first_match_decides_and_reserved_names_are_never_on_disk() {
        let kinds = RoomKinds::default()
            .with("a*", RoomKind::VOLATILE)
            .with("*", RoomKind::DURABLE);
        let of = |name: &str| kinds.of(&RoomName::reserved(name).unwrap());
        assert!(!kinds.of(&RoomName::new("ab").unwrap()).is_durable);
        assert!(kinds.of(&RoomName::new("b").unwrap()).is_durable);
        assert!(!of("all").is_durable);
        assert!(kinds.any_durable() && !RoomKinds::default().any_durable());
    }
}
