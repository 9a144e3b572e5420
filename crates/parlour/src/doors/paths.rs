//! Where the doors are: each has a path that can be moved, and no two have the same.

use std::fmt;
use std::str::FromStr;

/// What has a path of its own.
///
/// ```
/// use parlour::{DoorPaths, Route};
/// assert_eq!(DoorPaths::default().of(Route::Ws).as_str(), "/ws");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// `GET /ws`: rooms, with a ticket.
    Ws,
    /// `GET /plain`: plain text with nicknames.
    Plain,
    /// `GET /subscribe`: what is published, and nothing the other way.
    Subscribe,
    /// `POST /publish`: to the room of `/subscribe`.
    Publish,
    /// `GET /echo`: every message comes back.
    Echo,
    /// `/rooms`, before `/{room}/publish` and `/{room}/history`.
    Rooms,
    /// `POST /ticket`.
    Ticket,
    /// `POST /login`, where there are accounts.
    Login,
    /// `POST /logout`, where there are accounts.
    Logout,
    /// `GET /healthz`.
    Health,
    /// `GET /debug`.
    Debug,
}

impl Route {
    /// Each once.
    pub const ALL: [Self; 11] = [
        Self::Ws,
        Self::Plain,
        Self::Subscribe,
        Self::Publish,
        Self::Echo,
        Self::Rooms,
        Self::Ticket,
        Self::Login,
        Self::Logout,
        Self::Health,
        Self::Debug,
    ];

    /// What it is called; its usual path is this behind a `/`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Plain => "plain",
            Self::Subscribe => "subscribe",
            Self::Publish => "publish",
            Self::Echo => "echo",
            Self::Rooms => "rooms",
            Self::Ticket => "ticket",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Health => "healthz",
            Self::Debug => "debug",
        }
    }

    /// What its path is unless it is moved.
    ///
    /// ```
    /// use parlour::Route;
    /// assert_eq!(Route::Plain.usual_path().as_str(), "/plain");
    /// ```
    #[must_use]
    pub fn usual_path(self) -> DoorPath {
        DoorPath(format!("/{}", self.name()))
    }
}

/// A path that a door can have: `/` and a word, as often as wanted, at most 256 bytes of the
/// characters that no URL has to escape (RFC 3986, 2.3).
///
/// ```
/// use parlour::DoorPath;
/// assert_eq!("/chat/ws".parse::<DoorPath>().unwrap().as_str(), "/chat/ws");
/// for bad in ["", "/", "ws", "/ws/", "/a//b", "/..", "/caf\u{e9}", "/{room}"] {
///     assert!(bad.parse::<DoorPath>().is_err());
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DoorPath(String);

impl DoorPath {
    /// Of a path in bytes.
    pub const LEN_MAX: usize = 256;

    /// As it stands in a request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DoorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that is no path of a door.
///
/// ```
/// use parlour::DoorPath;
/// let error = "no-slash".parse::<DoorPath>().unwrap_err();
/// println!("{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no path of a door: use a / and a word of letters, digits, `-`, `.`, `_` and `~`, for \
     example /ws or /chat/ws"
)]
pub struct DoorPathError(String);

impl FromStr for DoorPath {
    type Err = DoorPathError;

    fn from_str(text: &str) -> Result<Self, DoorPathError> {
        let is_word = |word: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !word.is_empty() && word != "." && word != ".." && word.bytes().all(is_plain)
        };
        let is_path = text.len() <= Self::LEN_MAX
            && text
                .strip_prefix('/')
                .is_some_and(|words| words.split('/').all(is_word));
        if is_path {
            Ok(Self(text.to_owned()))
        } else {
            Err(DoorPathError(text.to_owned()))
        }
    }
}

/// Two doors in one place.
///
/// ```
/// use parlour::{DoorPaths, Route};
/// let same = DoorPaths::moved([(Route::Plain, "/ws".parse().unwrap())]).unwrap_err();
/// assert_eq!(same.path.as_str(), "/ws");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two doors have the path {path}, {} and {}: move one of them", .one.name(), .other.name())]
pub struct SamePath {
    /// The path.
    pub path: DoorPath,
    /// Who has it.
    pub one: Route,
    /// Who has it, too.
    pub other: Route,
}

/// Where the doors are.
///
/// ```
/// use parlour::{DoorPaths, Route};
/// let path = |text: &str| text.parse().unwrap();
/// let paths = DoorPaths::moved([(Route::Plain, path("/ws")), (Route::Ws, path("/events"))]);
/// assert_eq!(paths.unwrap().of(Route::Plain).as_str(), "/ws");
/// assert!(DoorPaths::moved([(Route::Plain, path("/ws"))]).is_err(), "two doors at /ws");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorPaths([DoorPath; Route::ALL.len()]);

impl Default for DoorPaths {
    fn default() -> Self {
        Self(Route::ALL.map(Route::usual_path))
    }
}

impl DoorPaths {
    /// The usual paths, but for these.
    ///
    /// # Errors
    /// [`SamePath`].
    pub fn moved(moved: impl IntoIterator<Item = (Route, DoorPath)>) -> Result<Self, SamePath> {
        let mut paths = Self::default();
        for (route, path) in moved {
            paths.0[route as usize] = path;
        }
        paths.checked()
    }

    /// Where one is.
    #[must_use]
    pub fn of(&self, route: Route) -> &DoorPath {
        &self.0[route as usize]
    }

    fn checked(self) -> Result<Self, SamePath> {
        for (at, one) in Route::ALL.into_iter().enumerate() {
            let path = self.of(one);
            let other = Route::ALL[at + 1..]
                .iter()
                .copied()
                .find(|other| self.of(*other) == path);
            let other = other.or_else(|| self.is_of_a_room(path).then_some(Route::Rooms));
            if let Some(other) = other {
                let path = path.clone();
                return Err(SamePath { path, one, other });
            }
        }
        Ok(self)
    }

    /// Whether a path is one by which some room is published in or read.
    fn is_of_a_room(&self, path: &DoorPath) -> bool {
        let rooms = self.of(Route::Rooms).as_str();
        let room = path
            .as_str()
            .strip_prefix(rooms)
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|rest| {
                let publish = rest.strip_suffix("/publish");
                publish.or_else(|| rest.strip_suffix("/history"))
            });
        room.is_some_and(|room| !room.contains('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> DoorPath {
        text.parse().unwrap()
    }

    #[test]
    fn a_path_has_a_bound() {
        let words = |len| format!("/{}", "a".repeat(len - 1));
        assert!(words(DoorPath::LEN_MAX).parse::<DoorPath>().is_ok());
        assert!(words(DoorPath::LEN_MAX + 1).parse::<DoorPath>().is_err());
    }

    #[test]
    fn every_route_has_its_place_and_a_good_path() {
        for (at, route) in Route::ALL.into_iter().enumerate() {
            assert_eq!(route as usize, at);
            assert_eq!(path(&format!("/{}", route.name())), route.usual_path());
        }
        assert_eq!(DoorPaths::moved([]), Ok(DoorPaths::default()));
    }

    #[test]
    fn two_doors_can_change_places_and_none_can_take_anothers() {
        let swapped = DoorPaths::moved([
            (Route::Ticket, path("/login")),
            (Route::Login, path("/ticket")),
        ]);
        assert_eq!(swapped.unwrap().of(Route::Login).as_str(), "/ticket");
        for (route, to, other) in [
            (Route::Echo, "/ws", Route::Ws),
            (Route::Debug, "/rooms", Route::Rooms),
            (Route::Publish, "/rooms/den/publish", Route::Rooms),
            (Route::Echo, "/rooms/den/history", Route::Rooms),
        ] {
            let error = DoorPaths::moved([(route, path(to))]).unwrap_err();
            let both = [error.one, error.other];
            assert!(both.contains(&route) && both.contains(&other), "{error}");
            assert!(error.to_string().contains(to));
        }
        let beside = [(Route::Publish, path("/rooms/a/b/publish"))];
        assert!(DoorPaths::moved(beside).is_ok());
    }
}
