//! Users and sessions of the server, in one database file.
//!
//! A [`Book`] answers what the doors ask ([`parlour::Accounts`]) and lets the operator add users,
//! remove them and give them passwords. It keeps argon2id hashes of passwords and SHA-256 hashes of
//! sessions' secrets; who reads the file can sign in as nobody.
//!
//! ```text
//!  sign_in ─▶ as many at once as may be ─▶ argon2id ─▶ one writer ─▶ accounts.redb (fsync) ─▶ memory
//!  session, is_open ────────────────────────────────────────────────────────────────────────▶ memory
//! ```

mod book;
mod config;
mod error;
mod gate;
mod name;
mod password;
mod rows;
mod secret;
mod sessions;
mod store;

pub use book::{Book, BookCounts, EndedUser, UserInfo};
pub use config::{BookConfig, Clock, SystemClock};
pub use error::{BookError, ChangeError};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN};
