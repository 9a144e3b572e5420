//! When two names are one.

use std::sync::Arc;

use parlour::UserName;
use unicode_normalization::UnicodeNormalization;

/// What a user is found by: the name in NFKC and lower case, so that no two users differ only in
/// how their names are written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NameKey(Arc<str>);

impl NameKey {
    pub(crate) fn of(name: &UserName) -> Self {
        let lower: String = name.as_str().nfkc().flat_map(char::to_lowercase).collect();
        Self(lower.nfkc().collect::<String>().into())
    }

    /// As it stands in the file.
    pub(crate) fn stored(key: &str) -> Self {
        Self(key.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> NameKey {
        NameKey::of(&UserName::user(name).unwrap())
    }

    #[test]
    fn the_way_of_writing_makes_no_other_user() {
        assert_eq!(key("Ann"), key("aNN"));
        assert_eq!(key("Ａｎｎ"), key("ann"), "full-width letters");
        assert_eq!(key("e\u{301}ve"), key("\u{c9}ve"), "é in two parts");
        assert_eq!(key("ﬁona"), key("FIONA"), "a ligature");
        assert_eq!(key("\u{130}"), key("i\u{307}"), "İ");
        assert_ne!(key("ann"), key("anne"));
    }

    #[test]
    fn what_is_found_by_a_key_has_that_key() {
        for name in ["Ann", "ﬁona", "\u{130}x", "ΟΔΥΣΣΕΥΣ", "Straße"] {
            let once = key(name);
            assert_eq!(key(once.as_str()), once);
        }
    }
}
