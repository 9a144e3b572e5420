//! Who has an account, and which sessions are open: what the doors ask, and the embedder answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use parlour_proto::{SessionId, UserName};
use zeroize::Zeroizing;

/// A future that a trait object can give back.
///
/// ```
/// use parlour::BoxFuture;
/// fn later<'a>(name: &'a str) -> BoxFuture<'a, usize> {
///     Box::pin(async move { name.len() })
/// }
/// # let _ = later("ann");
/// ```
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A password on its way. Overwritten when it is dropped; [`Debug`](fmt::Debug) hides it.
///
/// ```
/// use parlour::Password;
/// let password = Password::new("hunter2".to_owned());
/// assert_eq!(format!("{password:?}"), "Password(hidden)");
/// ```
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what somebody typed.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text; not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// The secret of a new session: shown once, to whom it is for. [`Debug`](fmt::Debug) hides it.
///
/// ```
/// use parlour::SessionSecret;
/// let secret = SessionSecret::new("abc".to_owned());
/// assert_eq!((secret.expose(), format!("{secret:?}")), ("abc", "SessionSecret(hidden)".to_owned()));
/// ```
#[derive(Clone)]
pub struct SessionSecret(Zeroizing<String>);

impl SessionSecret {
    /// Takes the secret as text that a header can carry.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text; not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(hidden)")
    }
}

/// An open session.
///
/// ```
/// use parlour::{Session, SessionId, UserName};
/// let session = Session {
///     id: SessionId(1),
///     user: UserName::user("ann")?,
///     expires_in: std::time::Duration::from_secs(3_600),
/// };
/// assert_ne!(session.id, SessionId::NONE);
/// # Ok::<(), parlour::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What its connections and tickets carry. Never given out again.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserName,
    /// How long it stays open if it is not used.
    pub expires_in: Duration,
}

/// Why accounts gave no answer. A wrong password is none of these.
///
/// ```
/// use parlour::AccountsError;
/// let error = AccountsError::Broken("the disk is full".to_owned());
/// assert_eq!(error.to_string(), "the accounts cannot be used: the disk is full");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// As many passwords are being checked as may be; try again after this time.
    #[error("too many passwords are being checked; try again in {}s", .0.as_secs().max(1))]
    Busy(Duration),
    /// The accounts cannot be read or written: the operator's to mend.
    #[error("the accounts cannot be used: {0}")]
    Broken(String),
}

/// Who has an account, and which sessions are open.
///
/// Whoever makes an account calls [`Doors::user_added`](crate::Doors::user_added) afterwards.
/// Whoever ends sessions by another way than [`end_session`](Self::end_session) (removes a user,
/// changes a password) calls [`Doors::end_session`](crate::Doors::end_session) or
/// [`Doors::end_user`](crate::Doors::end_user) afterwards, so that tickets and connections end too.
///
/// ```
/// use parlour::{Accounts, AccountsError, BoxFuture, Password, Session, SessionId, SessionSecret, UserName};
/// use std::time::Duration;
///
/// /// One user, whose one session never ends.
/// struct OnlyAnn;
///
/// impl OnlyAnn {
///     fn session(&self) -> Session {
///         let user = UserName::user("ann").expect("it is a good name");
///         Session { id: SessionId(1), user, expires_in: Duration::from_secs(3_600) }
///     }
/// }
///
/// impl Accounts for OnlyAnn {
///     fn sign_in<'a>(
///         &'a self,
///         name: &'a str,
///         password: Password,
///     ) -> BoxFuture<'a, Result<Option<(Session, SessionSecret)>, AccountsError>> {
///         Box::pin(async move {
///             let is_ann = name == "ann" && password.expose() == "correct horse"; // hash yours
///             Ok(is_ann.then(|| (self.session(), SessionSecret::new("long-and-random".to_owned()))))
///         })
///     }
///
///     fn has_user<'a>(&'a self, name: &'a UserName) -> BoxFuture<'a, Result<bool, AccountsError>> {
///         Box::pin(async move { Ok(name.as_str().eq_ignore_ascii_case("ann")) })
///     }
///
///     fn session(&self, secret: &str) -> Result<Option<Session>, AccountsError> {
///         Ok((secret == "long-and-random").then(|| self.session()))
///     }
///
///     fn is_open(&self, session: SessionId) -> bool {
///         session == SessionId(1)
///     }
///
///     fn end_session(&self, _: SessionId) -> BoxFuture<'_, Result<(), AccountsError>> {
///         Box::pin(async { Ok(()) })
///     }
///
///     fn health(&self) -> Result<(), AccountsError> {
///         Ok(())
///     }
/// }
///
/// let mut config = parlour::DoorsConfig::new("127.0.0.1:8080".parse().unwrap());
/// config.accounts = Some(std::sync::Arc::new(OnlyAnn)); // now there are /login and /logout
/// ```
pub trait Accounts: Send + Sync + 'static {
    /// Opens a session for who proves to be `name`; `None` for an unknown user and for a wrong
    /// password, after the same work.
    fn sign_in<'a>(
        &'a self,
        name: &'a str,
        password: Password,
    ) -> BoxFuture<'a, Result<Option<(Session, SessionSecret)>, AccountsError>>;

    /// Whether somebody has an account by this name, in whatever writing it would open. Asked with
    /// every nickname at `/plain`, so that none is taken for a user.
    ///
    /// # Errors
    /// [`AccountsError`]; the nickname is refused then.
    fn has_user<'a>(&'a self, name: &'a UserName) -> BoxFuture<'a, Result<bool, AccountsError>>;

    /// The open session with this secret. Cheap: it is asked for with every ticket.
    ///
    /// # Errors
    /// [`AccountsError::Broken`].
    fn session(&self, secret: &str) -> Result<Option<Session>, AccountsError>;

    /// Whether this session is still open. Cheap: it is asked with every connection.
    fn is_open(&self, session: SessionId) -> bool;

    /// Ends a session for good; ending it twice is harmless.
    fn end_session(&self, session: SessionId) -> BoxFuture<'_, Result<(), AccountsError>>;

    /// Whether accounts can be read, and changed as far as is known: `GET /healthz` asks, often.
    ///
    /// # Errors
    /// [`AccountsError::Broken`].
    fn health(&self) -> Result<(), AccountsError>;
}
