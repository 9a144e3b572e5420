//! Whom to connect to, and as whom.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::address::{self, Address, AddressError, Doors, PathError};
use crate::tls::{CaError, Trust};

/// Longest time from nothing to the server's `hello`, if nothing else is said.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for the answer to one command, if nothing else is said.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Whom to connect to, and as whom. [`Debug`](fmt::Debug) hides secrets.
///
/// ```
/// use parlour_client::Config;
///
/// let config = Config::new("http://127.0.0.1:8080")?.guest("ann");
/// # Ok::<(), parlour_client::AddressError>(())
/// ```
#[derive(Clone)]
pub struct Config {
    pub(crate) address: Address,
    pub(crate) doors: Doors,
    pub(crate) who: Who,
    pub(crate) trust: Trust,
    pub(crate) connect_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) outbox: Option<PathBuf>,
}

/// As whom to come in.
#[derive(Clone)]
pub(crate) enum Who {
    /// `None`: the server chooses a name.
    Guest(Option<String>),
    User {
        name: String,
        password: Zeroizing<String>,
    },
    Session(Zeroizing<String>),
}

impl Config {
    /// A guest whose name the server chooses, at `url`: `http://` or `https://`, a host, perhaps a
    /// port and a path before the doors.
    ///
    /// # Errors
    /// `url` is no such address.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        Ok(Self {
            address: Address::parse(url)?,
            doors: Doors::default(),
            who: Who::Guest(None),
            trust: Trust::System,
            connect_timeout: CONNECT_TIMEOUT,
            answer_timeout: ANSWER_TIMEOUT,
            outbox: None,
        })
    }

    /// As the guest `guest-NAME`; the server may refuse guests.
    #[must_use]
    pub fn guest(mut self, name: &str) -> Self {
        self.who = Who::Guest(Some(name.to_owned()));
        self
    }

    /// As the user with this name and password. It signs in once, and again if its session ends.
    #[must_use]
    pub fn user(mut self, name: &str, password: String) -> Self {
        self.who = Who::User {
            name: name.to_owned(),
            password: Zeroizing::new(password),
        };
        self
    }

    /// As whose session this is: the `session` that `POST /login` answered.
    #[must_use]
    pub fn session(mut self, secret: String) -> Self {
        self.who = Who::Session(Zeroizing::new(secret));
        self
    }

    /// Where the server's WebSocket is, if not at `/ws`: its setting `ws-path`.
    ///
    /// # Errors
    /// It is no path.
    pub fn ws_path(mut self, path: &str) -> Result<Self, PathError> {
        self.doors.ws = address::path(path, "/ws")?;
        Ok(self)
    }

    /// Where it gives tickets, if not at `/ticket`: its setting `ticket-path`.
    ///
    /// # Errors
    /// It is no path.
    pub fn ticket_path(mut self, path: &str) -> Result<Self, PathError> {
        self.doors.ticket = address::path(path, "/ticket")?;
        Ok(self)
    }

    /// Where users sign in, if not at `/login`: its setting `login-path`.
    ///
    /// # Errors
    /// It is no path.
    pub fn login_path(mut self, path: &str) -> Result<Self, PathError> {
        self.doors.login = address::path(path, "/login")?;
        Ok(self)
    }

    /// Whether nobody between can read a password on its way: the address is `https://`, or `localhost`
    /// or a loopback address. It is the caller's to send none otherwise.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.address.is_private()
    }

    /// Trusts the certificates in this PEM file instead of the system's authorities: that of an
    /// authority of one's own, or a server's self-signed one.
    ///
    /// # Errors
    /// The file cannot be read, or there is no certificate in it.
    pub fn ca_file(mut self, path: &Path) -> Result<Self, CaError> {
        self.trust = Trust::only(path)?;
        Ok(self)
    }

    /// Longest time that one attempt to connect may take, sign-in included. Default: 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Keeps what is to be published in this file until it is delivered, so that the next client of the same file
    /// and user sends what this one could not, once. It is made if it is not there, for its owner's eyes only,
    /// and beside it `PATH.lock`: one client at a time has it. A guest needs a [name](Self::guest), or nobody
    /// comes for what is left. Without a file it is kept in memory.
    #[must_use]
    pub fn outbox(mut self, path: impl Into<PathBuf>) -> Self {
        self.outbox = Some(path.into());
        self
    }

    /// Longest time to wait for the answer to one command of an open connection. Default: 30 s. A connection on
    /// which a publish has no answer for so long is given up, and the publish sent again on the next.
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }
}

impl Config {
    /// As whom the server will greet it, if that is known before: a user's name in the letters in which it was
    /// given.
    pub(crate) fn expected_user(&self) -> Option<String> {
        match &self.who {
            Who::Guest(Some(name)) => Some(format!("guest-{name}")),
            Who::User { name, .. } => Some(name.clone()),
            Who::Guest(None) | Who::Session(_) => None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match &self.who {
            Who::Guest(None) => "a guest".to_owned(),
            Who::Guest(Some(name)) => format!("the guest {name}"),
            Who::User { name, .. } => format!("the user {name}"),
            Who::Session(_) => "whose session it has".to_owned(),
        };
        write!(f, "Config({} as {who})", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let config = Config::new("https://x.example").unwrap();
        let user = config.clone().user("ann", "correct horse".into());
        let session = config.session("SECRET".into());
        assert_eq!(
            format!("{user:?}"),
            "Config(https://x.example as the user ann)"
        );
        assert!(!format!("{session:?}").contains("SECRET"));
    }
}
