//! The book: what the doors and the operator ask, and who does it on which thread.

mod changes;
mod sign_in;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use parlour::{
    Accounts, AccountsError, BoxFuture, Password, Session, SessionId, SessionSecret, UserName,
};

use crate::gate::{Gate, Pass};
use crate::name::NameKey;
use crate::password::{NoHash, Passwords};
use crate::rows::Millis;
use crate::sessions::{Live, Sessions};
use crate::store::{Change, Store, StoreError, user_name};
use crate::{BookConfig, BookError, secret};

/// How long a change waits for those before it.
const WRITE_WAIT: Duration = Duration::from_secs(10);
/// The file knows the last use of a session at the latest after this time.
const TIDY_PERIOD_MAX: Duration = Duration::from_secs(60 * 60);
/// Sessions that are written or removed in one change by [`Book::tidy`].
const TIDY_AT_ONCE: usize = 4_096;

/// Users and sessions, in one file. Cloning shares the book.
///
/// Everything that changes it is on the disk when it returns. What is asked with every ticket and
/// every connection is answered from memory.
///
/// Use it on a tokio runtime: hashes and writes run on its blocking threads.
///
/// ```
/// use parlour::{Accounts, Password};
/// use parlour_accounts::{Book, BookConfig};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("accounts.redb");
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let book = Book::open(&path, BookConfig::default()).unwrap();
/// let password = || Password::new("correct horse".into());
/// book.add("Ann", password()).await.unwrap();
///
/// let (session, secret) = book.sign_in("ann", password()).await.unwrap().unwrap();
/// assert_eq!(session.user.as_str(), "Ann");
/// assert_eq!(book.session(secret.expose()).unwrap().unwrap().id, session.id);
///
/// let ended = book.remove("Ann").await.unwrap();
/// assert_eq!(ended.sessions, [session.id]);
/// assert!(!book.is_open(session.id));
/// # });
/// ```
#[derive(Clone)]
pub struct Book(Arc<Inner>);

struct Inner {
    config: BookConfig,
    store: Store,
    passwords: Passwords,
    /// Memory follows the file: it is changed by the one writer, after its commit.
    sessions: Mutex<Sessions>,
    /// Sessions that have ended and stand in the file. The next change that succeeds takes them out
    /// there, and nothing comes into the file without one: no more than it may hold.
    late_ends: Mutex<BTreeSet<u64>>,
    checking: Gate,
    writing: Gate,
    on_ended: RwLock<Option<Arc<OnEnded>>>,
    busy: AtomicU64,
}

type OnEnded = dyn Fn(SessionId) + Send + Sync;

/// A user, as the operator is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserInfo {
    /// The name as it is spoken.
    pub name: UserName,
    /// When the user was added.
    pub made: SystemTime,
    /// When the user was given the password.
    pub changed: SystemTime,
    /// How many sessions are open.
    pub sessions: usize,
}

/// Whose sessions a change has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedUser {
    /// The user, as the name was stored and connections carry it.
    pub name: UserName,
    /// The sessions that were open.
    pub sessions: Vec<SessionId>,
}

/// What a book has done since it was opened, and holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BookCounts {
    /// Open sessions, those that have expired and are not swept yet included.
    pub sessions: usize,
    /// How often argon2 was computed, for whatever reason.
    pub computations: u64,
    /// How often somebody was told to come back because too many were waiting.
    pub busy: u64,
}

impl Book {
    /// The name of the file in a data directory.
    pub const FILE_NAME: &str = "accounts.redb";

    /// Opens the file at `path`, or makes it (mode 0600). Waits for the disk; reads all
    /// sessions into memory.
    ///
    /// # Errors
    /// [`BookError`]: what to do stands in its text.
    pub fn open(path: &Path, config: BookConfig) -> Result<Self, BookError> {
        config.check()?;
        Self::with(Store::open(path)?, path, config)
    }

    fn with(store: Store, path: &Path, config: BookConfig) -> Result<Self, BookError> {
        let passwords = Passwords::new().map_err(|NoHash| {
            BookError::System("the operating system gave no memory or no random bytes")
        })?;
        let mut sessions = Sessions::new(config.session_time);
        let stored = store.sessions();
        let (stored, stale) =
            stored.map_err(|error| BookError::damaged(path, error.to_string()))?;
        sweep(&store, &stale).map_err(|error| BookError::Unusable {
            path: path.into(),
            source: io::Error::other(error),
        })?;
        for (id, row, user) in stored {
            let live = Live {
                hash: row.hash,
                key: NameKey::stored(&row.user),
                user,
                made: row.made,
                used: row.used,
                used_stored: row.used,
            };
            sessions.insert(id, live);
        }
        Ok(Self(Arc::new(Inner {
            checking: Gate::new(config.passwords_at_once, config.password_wait),
            writing: Gate::new(1, WRITE_WAIT),
            config,
            store,
            passwords,
            sessions: Mutex::new(sessions),
            late_ends: Mutex::default(),
            on_ended: RwLock::new(None),
            busy: AtomicU64::new(0),
        })))
    }

    /// From here on `tell` is told of every session that ends in another way than by
    /// [`end_session`](Accounts::end_session): expired, too old among too many, its user removed or
    /// given a new password. Called once the file and [`is_open`](Accounts::is_open) say so; must
    /// not block.
    pub fn on_ended(&self, tell: impl Fn(SessionId) + Send + Sync + 'static) {
        let mut on_ended = (self.0.on_ended.write()).unwrap_or_else(PoisonError::into_inner);
        *on_ended = Some(Arc::new(tell));
    }

    /// All users, in the order of their names in lower case. Read in pieces; waits for the disk on
    /// a blocking thread.
    ///
    /// # Errors
    /// [`AccountsError::Broken`].
    pub async fn list(&self) -> Result<Vec<UserInfo>, AccountsError> {
        const PIECE: usize = 1_000;
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|last: &UserInfo| last.name.clone());
            let piece = self.list_after(after.as_ref(), PIECE).await?;
            let is_last = piece.len() < PIECE;
            all.extend(piece);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// At most `most` users, those that come after `after` in the order of [`list`](Self::list).
    ///
    /// # Errors
    /// [`AccountsError::Broken`].
    pub async fn list_after(
        &self,
        after: Option<&UserName>,
        most: usize,
    ) -> Result<Vec<UserInfo>, AccountsError> {
        let after = after.map(NameKey::of);
        self.blocking(move |inner| {
            let rows = inner.store.users(after.as_ref(), most)?;
            let (now, sessions) = (inner.now(), inner.sessions());
            rows.into_iter()
                .map(|(key, row)| {
                    Ok(UserInfo {
                        name: user_name(&row.name)?,
                        made: row.made.time(),
                        changed: row.changed.time(),
                        sessions: sessions.count_of_user(&key, now),
                    })
                })
                .collect()
        })
        .await
    }

    /// What it has done, and holds.
    #[must_use]
    pub fn counts(&self) -> BookCounts {
        BookCounts {
            sessions: self.0.sessions().len(),
            computations: self.0.passwords.computations(),
            busy: self.0.busy.load(Ordering::Relaxed),
        }
    }

    /// Does `work` on a blocking thread, not as a change.
    async fn blocking<T: Send + 'static, E: From<AccountsError> + Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|_| {
            let broken = StoreError::new("the thread that does it has failed");
            Err(AccountsError::from(broken).into())
        })
    }

    /// Does `work` on a blocking thread, as the one writer. Goes on to its end also if nobody waits
    /// for it any more.
    async fn writing<T: Send + 'static, E: From<AccountsError> + Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let pass = self.enter(&self.0.writing).await?;
        self.blocking(move |inner| {
            let done = work(inner);
            drop(pass);
            done
        })
        .await
    }

    async fn enter(&self, gate: &Gate) -> Result<Pass, AccountsError> {
        let entered = gate.enter().await;
        if entered.is_err() {
            self.0.busy.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }
}

/// Takes sessions out of the file that should not be there.
fn sweep(store: &Store, stale: &[u64]) -> Result<(), StoreError> {
    if stale.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        sessions = stale.len(),
        "sessions of removed users or of earlier passwords are swept"
    );
    store.change(|change| stale.iter().try_for_each(|id| change.remove_session(*id)))
}

impl Inner {
    fn now(&self) -> Millis {
        Millis::of(self.config.clock.now())
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn late_ends(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.late_ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the file, and takes out of it what should have been gone already.
    fn change<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut late = Vec::new();
        let done = self.store.change(|change| {
            let done = work(change)?;
            late.extend(self.late_ends().iter().copied());
            for id in &late {
                change.remove_session(*id)?;
            }
            Ok::<T, E>(done)
        })?;
        let mut ends = self.late_ends();
        for id in late {
            ends.remove(&id);
        }
        Ok(done)
    }

    /// Takes sessions out of memory that the file no longer has, and says so.
    fn ended(&self, ids: &[u64]) {
        let mut sessions = self.sessions();
        let ended: Vec<u64> = (ids.iter().copied())
            .filter(|id| sessions.remove(*id))
            .collect();
        drop(sessions);
        let on_ended = (self.on_ended.read()).unwrap_or_else(PoisonError::into_inner);
        let Some(tell) = on_ended.clone() else {
            return;
        };
        drop(on_ended);
        for id in ended {
            tell(SessionId(id));
        }
    }

    fn session(&self, id: u64, live: &Live) -> Session {
        Session {
            id: SessionId(id),
            user: live.user.clone(),
            expires_in: self.config.session_time,
        }
    }
}

impl Accounts for Book {
    fn sign_in<'a>(
        &'a self,
        name: &'a str,
        password: Password,
    ) -> BoxFuture<'a, Result<Option<(Session, SessionSecret)>, AccountsError>> {
        Box::pin(self.prove_and_open(name, password))
    }

    fn has_user<'a>(&'a self, name: &'a UserName) -> BoxFuture<'a, Result<bool, AccountsError>> {
        let key = NameKey::of(name);
        Box::pin(self.blocking(move |inner| Ok(inner.store.user(&key)?.is_some())))
    }

    fn session(&self, secret: &str) -> Result<Option<Session>, AccountsError> {
        let Some(hash) = secret::hash(secret) else {
            return Ok(None);
        };
        let now = self.0.now();
        let mut sessions = self.0.sessions();
        let found = sessions.use_secret(&hash, now);
        Ok(found.map(|(id, live)| self.0.session(id, live)))
    }

    fn is_open(&self, session: SessionId) -> bool {
        self.0.sessions().is_open(session.0, self.0.now())
    }

    fn end_session(&self, session: SessionId) -> BoxFuture<'_, Result<(), AccountsError>> {
        Box::pin(self.end(session))
    }

    fn health(&self) -> Result<(), AccountsError> {
        Ok(self.0.store.health()?)
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book").finish_non_exhaustive()
    }
}
