//! What stands in the file: rows as JSON, times in milliseconds since 1970.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::secret::SecretHash;

/// The form of everything here. A file with another number is not read.
pub(crate) const FORMAT: u64 = 1;

/// A time of day, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Millis(pub(crate) u64);

impl Millis {
    pub(crate) fn of(time: SystemTime) -> Self {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_millis(self.0))
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The time from `earlier` to this; none if the clock was turned back meanwhile.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A user. Found by the [`NameKey`](crate::name::NameKey).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRow {
    /// As it is spoken.
    pub(crate) name: String,
    /// argon2id as a PHC string.
    pub(crate) password: String,
    /// Another number for every password that was ever given: a sign-in with an old one that is
    /// under way comes to nothing.
    pub(crate) given: u64,
    pub(crate) made: Millis,
    /// When the password was given.
    pub(crate) changed: Millis,
}

/// A session. Found by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionRow {
    #[serde(with = "base64_hash")]
    pub(crate) hash: SecretHash,
    /// Whose: the key of a user.
    pub(crate) user: String,
    pub(crate) made: Millis,
    /// Its last use, which may be an hour out of date. It ends a while after that, by the setting
    /// that the server runs with.
    pub(crate) used: Millis,
}

mod base64_hash {
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(super) fn serialize<S: Serializer>(hash: &SecretHash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&URL_SAFE_NO_PAD.encode(hash))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecretHash, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)?;
        SecretHash::try_from(bytes).map_err(|_| D::Error::custom("a hash of another length"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files are read by later versions: this text must not change without another [`FORMAT`].
    #[test]
    fn rows_are_written_as_they_always_were() {
        let user = UserRow {
            name: "Ann".into(),
            password: "$argon2id$".into(),
            given: 3,
            made: Millis(1),
            changed: Millis(2),
        };
        let text = r#"{"name":"Ann","password":"$argon2id$","given":3,"made":1,"changed":2}"#;
        assert_eq!(serde_json::to_string(&user).unwrap(), text);
        assert_eq!(serde_json::from_str::<UserRow>(text).unwrap(), user);

        let session = SessionRow {
            hash: [7; 32],
            user: "ann".into(),
            made: Millis(1),
            used: Millis(2),
        };
        let hash = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
        let text = format!(r#"{{"hash":"{hash}","user":"ann","made":1,"used":2}}"#);
        assert_eq!(serde_json::to_string(&session).unwrap(), text);
        assert_eq!(serde_json::from_str::<SessionRow>(&text).unwrap(), session);
    }

    #[test]
    fn times_come_back() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_000_000_123);
        assert_eq!(Millis::of(time).time(), time);
        assert_eq!(Millis(5).since(Millis(9)), Duration::ZERO);
    }
}
