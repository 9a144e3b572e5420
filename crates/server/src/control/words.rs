//! What is said on the control socket: one line of JSON each way.

use std::fmt;
use std::time::{Duration, SystemTime};

use parlour::{AccountsError, Password};
use parlour_accounts::{ChangeError, UserInfo};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::room_words::{RoomAnswer, RoomRequest};

/// What the operator wants.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Whether somebody is there.
    Ping,
    /// Whether there is such a user.
    UserFind {
        name: String,
    },
    UserAdd {
        name: String,
        password: Spoken,
    },
    /// A piece of the list: those after this name.
    UserList {
        after: Option<String>,
    },
    UserRemove {
        name: String,
    },
    UserPasswd {
        name: String,
        password: Spoken,
    },
    /// About rooms on disk.
    Room(RoomRequest),
}

/// What became of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Pong {
        version: String,
    },
    Found {
        name: Option<String>,
    },
    Added {
        name: String,
    },
    Users {
        users: Vec<Listed>,
        is_last: bool,
    },
    /// Removed, or with another password: so many sessions have ended.
    Ended {
        name: String,
        sessions: usize,
    },
    Room(RoomAnswer),
    Refused(Refused),
}

/// A password on the socket. [`Debug`](fmt::Debug) hides it.
pub(crate) struct Spoken(pub(crate) Password);

impl fmt::Debug for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Spoken {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Spoken {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Password::new(text)))
    }
}

/// A user, as the operator is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Listed {
    /// The name as it is spoken.
    pub name: String,
    /// When the user was added, in seconds since 1970.
    pub made: u64,
    /// When the user was given the password, in seconds since 1970.
    pub changed: u64,
    /// How many sessions are open.
    pub sessions: usize,
}

impl From<UserInfo> for Listed {
    fn from(user: UserInfo) -> Self {
        let seconds = |time: SystemTime| {
            let since = time.duration_since(SystemTime::UNIX_EPOCH);
            since.as_ref().map_or(0, Duration::as_secs)
        };
        Self {
            name: user.name.as_str().to_owned(),
            made: seconds(user.made),
            changed: seconds(user.changed),
            sessions: user.sessions,
        }
    }
}

/// Why it was not done. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Refused {
    /// Why, for programs.
    pub code: Code,
    /// Why, for people.
    pub message: String,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// There is a user of that name.
    Exists,
    /// There is no user of that name.
    Unknown,
    /// That is no name for a user, or for a room.
    BadName,
    /// The password is too short or too long.
    BadPassword,
    /// There are as many users as there may be.
    Full,
    /// Too many are at it; again in a few seconds.
    Busy,
    /// The accounts, or the rooms on disk, cannot be read or written.
    Broken,
    /// The request makes no sense: another version, or no client of this.
    BadRequest,
    /// The control socket is for its owner and for root.
    Forbidden,
}

impl Refused {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<ChangeError> for Refused {
    fn from(error: ChangeError) -> Self {
        let code = match &error {
            ChangeError::Exists(_) => Code::Exists,
            ChangeError::Unknown(_) => Code::Unknown,
            ChangeError::BadName(..) => Code::BadName,
            ChangeError::PasswordTooShort | ChangeError::PasswordTooLong => Code::BadPassword,
            ChangeError::TooMany(_) => Code::Full,
            ChangeError::Accounts(AccountsError::Busy(_)) => Code::Busy,
            _ => Code::Broken,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts may speak it too.
    #[test]
    fn the_words_are_these() {
        let request = |text: &str| serde_json::from_str::<Request>(text).unwrap();
        assert!(matches!(request(r#"{"command":"ping"}"#), Request::Ping));
        let add = r#"{"command":"user_add","name":"ann","password":"correct horse"}"#;
        let read = request(add);
        assert_eq!(serde_json::to_string(&read).unwrap(), add);
        assert!(!format!("{read:?}").contains("horse"));

        let answer = |answer: &Answer| serde_json::to_string(answer).unwrap();
        let ended = Answer::Ended {
            name: "ann".into(),
            sessions: 2,
        };
        assert_eq!(answer(&ended), r#"{"ended":{"name":"ann","sessions":2}}"#);
        let refused = Answer::Refused(Refused::new(Code::BadName, "no"));
        assert_eq!(
            answer(&refused),
            r#"{"refused":{"code":"bad_name","message":"no"}}"#
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"command":"user_ban"}"#,
            r#"{"command":"user_remove"}"#,
            r#"{"command":"user_remove","name":"a","force":true}"#,
        ] {
            assert!(serde_json::from_str::<Request>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_piece_of_the_list_fits_into_an_answer() {
        let user = Listed {
            name: "\u{1}".repeat(64),
            made: u64::MAX,
            changed: u64::MAX,
            sessions: usize::MAX,
        };
        let users = vec![user; super::super::USERS_AT_ONCE];
        let answer = Answer::Users {
            users,
            is_last: false,
        };
        let bytes = serde_json::to_vec(&answer).unwrap().len();
        assert!(bytes < 1024 * 1024, "{bytes}");
    }
}
