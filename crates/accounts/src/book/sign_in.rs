//! From a password to an open session, and from there to its end.

use parlour::{AccountsError, Password, Session, SessionId, SessionSecret, UserName};

use super::{Book, Inner};
use crate::name::NameKey;
use crate::password::can_be_right;
use crate::sessions::Live;
use crate::store::{StoreError, user_name};
use crate::{ChangeError, secret};

/// Who gave the right password.
struct Proven {
    key: NameKey,
    /// Which password it was: of all that any user ever had, the number.
    given: u64,
    /// The same password with today's parameters, where it was hashed with less.
    rehashed: Option<String>,
}

impl Book {
    pub(super) async fn prove_and_open(
        &self,
        name: &str,
        password: Password,
    ) -> Result<Option<(Session, SessionSecret)>, AccountsError> {
        if !can_be_right(&password) {
            return Ok(None);
        }
        // A name that nobody can have costs the same work as one that nobody has.
        let key = UserName::user(name).ok().map(|name| NameKey::of(&name));
        let pass = self.enter(&self.0.checking).await?;
        let proven = self.blocking(move |inner| {
            let proven = inner.prove(key, &password);
            drop(pass);
            proven
        });
        let Some(proven) = proven.await? else {
            return Ok(None);
        };
        self.writing(move |inner| inner.open_session(&proven)).await
    }

    pub(super) async fn end(&self, session: SessionId) -> Result<(), AccountsError> {
        // Nobody comes in with it from here on, whatever the disk says.
        if self.0.sessions().remove(session.0) {
            self.0.late_ends().insert(session.0);
        }
        self.writing(move |inner| {
            let ended = inner.change(|change| change.remove_session(session.0));
            // It may have been opened by a writer before this one only now.
            inner.sessions().remove(session.0);
            ended.map_err(|error: StoreError| error.into())
        })
        .await
    }
}

impl Inner {
    /// One computation of argon2, whether there is such a user or not; one more where the stored
    /// hash is outgrown and the password right.
    fn prove(
        &self,
        key: Option<NameKey>,
        password: &Password,
    ) -> Result<Option<Proven>, AccountsError> {
        let row = match &key {
            Some(key) => self.store.user(key)?,
            None => None,
        };
        let stored = row.as_ref().map(|row| row.password.as_str());
        let is_right = self.passwords.verify(password, stored);
        let (Some(key), Some(row), true) = (key, row, is_right) else {
            return Ok(None);
        };
        let is_outgrown = self.passwords.is_outgrown(&row.password);
        Ok(Some(Proven {
            key,
            given: row.given,
            // Without memory for it now, the next sign-in does it.
            rehashed: is_outgrown
                .then(|| self.passwords.hash(password).ok())
                .flatten(),
        }))
    }

    /// `None` if the password is no longer the user's.
    fn open_session(
        &self,
        proven: &Proven,
    ) -> Result<Option<(Session, SessionSecret)>, AccountsError> {
        let no_random = || StoreError::new("the operating system gave no random bytes");
        let secret = secret::make().ok_or_else(no_random)?;
        let hash = secret::hash(secret.expose()).ok_or_else(no_random)?;
        let now = self.now();
        let going = self.sessions().in_the_way(
            &proven.key,
            self.config.sessions_per_user_max,
            self.config.sessions_max,
        );
        let opened = self.change(|change| {
            let Some(mut row) = change.user(&proven.key)? else {
                return Ok(None);
            };
            if row.given != proven.given {
                return Ok(None);
            }
            if let Some(rehashed) = &proven.rehashed {
                row.password.clone_from(rehashed);
                change.put_user(&proven.key, &row)?;
            }
            for id in &going {
                change.remove_session(*id)?;
            }
            let live = Live {
                hash,
                key: proven.key.clone(),
                user: user_name(&row.name)?,
                made: now,
                used: now,
                used_stored: now,
            };
            let id = change.next_number()?;
            change.put_session(id, &live.row())?;
            Ok(Some((id, live)))
        });
        let Some((id, live)) = opened.map_err(|error: StoreError| AccountsError::from(error))?
        else {
            return Ok(None);
        };
        let session = self.session(id, &live);
        self.sessions().insert(id, live);
        self.ended(&going);
        Ok(Some((session, secret)))
    }
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        Self::Accounts(error.into())
    }
}
