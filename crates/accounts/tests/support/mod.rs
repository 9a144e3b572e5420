//! A book in a directory of its own, and a clock that stands until it is moved.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use parlour::{Accounts, Password, Session};
use parlour_accounts::{Book, BookConfig, Clock};
use tempfile::TempDir;

/// Moved by hand.
#[derive(Debug)]
pub struct StandingClock(Mutex<SystemTime>);

impl StandingClock {
    pub fn new() -> Arc<Self> {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        Arc::new(Self(Mutex::new(start)))
    }

    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for StandingClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

/// What a test works with.
pub struct Desk {
    pub directory: TempDir,
    pub clock: Arc<StandingClock>,
    pub config: BookConfig,
}

impl Desk {
    pub fn new() -> Self {
        let clock = StandingClock::new();
        let mut config = BookConfig::default();
        config.clock = Arc::<StandingClock>::clone(&clock);
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock,
            config,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join(Book::FILE_NAME)
    }

    pub fn open(&self) -> Book {
        Book::open(&self.path(), self.config.clone()).unwrap()
    }

    /// The file as it is now, opened as after the process was killed: what was written is there,
    /// nothing was closed.
    pub fn open_as_if_killed(&self, into: &str) -> Book {
        let copy = self.directory.path().join(into);
        std::fs::copy(self.path(), &copy).unwrap();
        Book::open(&copy, self.config.clone()).unwrap()
    }
}

pub const RIGHT: &str = "correct horse";
pub const WRONG: &str = "battery staple";

pub fn password(text: &str) -> Password {
    Password::new(text.into())
}

/// A session of somebody whose password is [`RIGHT`], and its secret.
pub async fn signed_in(book: &Book, name: &str) -> (Session, String) {
    let signed_in = book.sign_in(name, password(RIGHT)).await.unwrap();
    let (session, secret) = signed_in.expect("the password is right");
    (session, secret.expose().to_owned())
}

pub async fn add(book: &Book, name: &str) {
    book.add(name, password(RIGHT)).await.unwrap();
}
