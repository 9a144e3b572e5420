//! What the operator changes, and what time changes.

use std::time::Duration;

use parlour::{AccountsError, Password, SessionId, UserName};
use tokio::time::{MissedTickBehavior, interval};

use super::{Book, EndedUser, Inner, TIDY_AT_ONCE, TIDY_PERIOD_MAX};
use crate::ChangeError;
use crate::name::NameKey;
use crate::password::{NoHash, check_new};
use crate::rows::UserRow;
use crate::store::{StoreError, user_name};

/// The most users. A sign-in reads one row, however many there are.
const USERS_MAX: u64 = 1_000_000;

impl Book {
    /// Adds a user; gives the name as it is stored. On the disk when it returns.
    ///
    /// # Errors
    /// [`ChangeError`]: nothing was changed.
    pub async fn add(&self, name: &str, password: Password) -> Result<UserName, ChangeError> {
        let name = checked(name)?;
        let password = self.hash(password).await?;
        self.writing(move |inner| inner.add(name, password)).await
    }

    /// Removes a user and ends all sessions of that user, which it gives back. On the disk when it
    /// returns. Their connections are the caller's to close.
    ///
    /// # Errors
    /// [`ChangeError`]: nothing was changed.
    pub async fn remove(&self, name: &str) -> Result<EndedUser, ChangeError> {
        let name = checked(name)?;
        self.writing(move |inner| inner.remove(&name)).await
    }

    /// Gives a user another password and ends all sessions of that user, which it gives back. On
    /// the disk when it returns. Their connections are the caller's to close.
    ///
    /// # Errors
    /// [`ChangeError`]: nothing was changed.
    pub async fn set_password(
        &self,
        name: &str,
        password: Password,
    ) -> Result<EndedUser, ChangeError> {
        let name = checked(name)?;
        let password = self.hash(password).await?;
        self.writing(move |inner| inner.set_password(&name, password))
            .await
    }

    /// The user of that name, as the name is stored; `None` if there is none.
    ///
    /// # Errors
    /// [`ChangeError::BadName`], [`ChangeError::Accounts`].
    pub async fn find(&self, name: &str) -> Result<Option<UserName>, ChangeError> {
        let key = NameKey::of(&checked(name)?);
        self.blocking(move |inner| {
            let row = inner.store.user(&key)?;
            Ok(row.map(|row| user_name(&row.name)).transpose()?)
        })
        .await
    }

    /// Removes sessions that have expired, or have ended while the file could not be written, and
    /// writes when the others were used last. Gives the
    /// number of those that it removed.
    ///
    /// # Errors
    /// [`AccountsError`]: what was not done is done the next time.
    pub async fn tidy(&self) -> Result<usize, AccountsError> {
        let mut removed = 0;
        loop {
            let (ended, written) = self.writing(Inner::tidy).await?;
            removed += ended;
            if ended < TIDY_AT_ONCE && written < TIDY_AT_ONCE {
                return Ok(removed);
            }
        }
    }

    /// [`tidy`](Self::tidy) now and again, at least once an hour. Never returns; drop it to end it.
    pub async fn keep_tidy(&self) {
        let mut ticks = interval(self.tidy_period());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.tidy().await {
                Ok(0) => {}
                Ok(removed) => tracing::debug!(removed, "sessions have expired"),
                Err(error) => tracing::warn!(%error, "sessions were not tidied"),
            }
        }
    }

    /// Often enough for the file to know of a use long before the session would expire.
    fn tidy_period(&self) -> Duration {
        let part = self.0.config.session_time / 8;
        part.clamp(Duration::from_millis(100), TIDY_PERIOD_MAX)
    }

    async fn hash(&self, password: Password) -> Result<String, ChangeError> {
        check_new(&password)?;
        let pass = self.enter(&self.0.checking).await?;
        self.blocking(move |inner| {
            let hash = inner.passwords.hash(&password);
            drop(pass);
            hash.map_err(|NoHash| {
                StoreError::new("no memory for a password's hash, or no random bytes").into()
            })
        })
        .await
    }
}

fn checked(name: &str) -> Result<UserName, ChangeError> {
    UserName::user(name).map_err(|error| ChangeError::BadName(name.into(), error.to_string()))
}

impl Inner {
    fn add(&self, name: UserName, password: String) -> Result<UserName, ChangeError> {
        let (key, now) = (NameKey::of(&name), self.now());
        self.change(|change| {
            if let Some(row) = change.user(&key)? {
                return Err(ChangeError::Exists(user_name(&row.name)?));
            }
            if change.users()? >= USERS_MAX {
                return Err(ChangeError::TooMany(USERS_MAX));
            }
            let row = UserRow {
                name: name.as_str().into(),
                password,
                given: change.next_number()?,
                made: now,
                changed: now,
            };
            change.put_user(&key, &row)?;
            Ok(name)
        })
    }

    fn remove(&self, name: &UserName) -> Result<EndedUser, ChangeError> {
        let key = NameKey::of(name);
        let ending = self.sessions().of_user(&key);
        let stored = self.change(|change| {
            let Some(row) = change.user(&key)? else {
                return Err(ChangeError::Unknown(name.clone()));
            };
            change.remove_user(&key)?;
            change.remove_sessions_of(&key)?;
            Ok(user_name(&row.name)?)
        });
        Ok(self.all_ended(stored?, &ending))
    }

    fn set_password(&self, name: &UserName, password: String) -> Result<EndedUser, ChangeError> {
        let (key, now) = (NameKey::of(name), self.now());
        let ending = self.sessions().of_user(&key);
        let stored = self.change(|change| {
            let Some(mut row) = change.user(&key)? else {
                return Err(ChangeError::Unknown(name.clone()));
            };
            row.password = password;
            row.given = change.next_number()?;
            row.changed = now;
            change.put_user(&key, &row)?;
            change.remove_sessions_of(&key)?;
            Ok(user_name(&row.name)?)
        });
        Ok(self.all_ended(stored?, &ending))
    }

    fn all_ended(&self, name: UserName, ids: &[u64]) -> EndedUser {
        self.ended(ids);
        let sessions = ids.iter().copied().map(SessionId);
        EndedUser {
            name,
            sessions: sessions.collect(),
        }
    }

    /// How many were removed and how many were written, [`TIDY_AT_ONCE`] of each at most.
    fn tidy(&self) -> Result<(usize, usize), AccountsError> {
        let is_late = !self.late_ends().is_empty();
        let sessions = self.sessions();
        let expired = sessions.expired(self.now(), TIDY_AT_ONCE);
        let unstored = sessions.unstored(TIDY_AT_ONCE);
        drop(sessions);
        if expired.is_empty() && unstored.is_empty() && !is_late {
            return Ok((0, 0));
        }
        let written = self.change(|change| {
            for (id, row) in &unstored {
                change.put_session(*id, row)?;
            }
            for id in &expired {
                change.remove_session(*id)?;
            }
            Ok::<_, StoreError>(())
        });
        written?;
        let mut sessions = self.sessions();
        for (id, row) in &unstored {
            sessions.stored(*id, row.used);
        }
        drop(sessions);
        self.ended(&expired);
        Ok((expired.len(), unstored.len()))
    }
}
