//! Accounts in memory, which can be told to fail.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use parlour::{
    Accounts, AccountsError, BoxFuture, Password, Session, SessionId, SessionSecret, UserName,
};

pub(crate) const SESSION_TIME: Duration = Duration::from_secs(3_600);

type Hook = Box<dyn FnOnce(SessionId) + Send>;

#[derive(Default)]
pub(crate) struct Users {
    passwords: HashMap<String, String>,
    sessions: Mutex<HashMap<String, Session>>,
    made: AtomicU64,
    /// Passwords that were looked at.
    pub(crate) checked: AtomicU64,
    pub(crate) is_busy: AtomicBool,
    pub(crate) is_broken: AtomicBool,
    /// Panics when it is asked for this name, before it gives its future.
    panics_at: Option<&'static str>,
    /// Runs once, when it is next asked whether a session is open: before the truth is looked at.
    before_next_question: Mutex<Option<Hook>>,
    /// The same, between the look at the truth and the answer.
    after_next_question: Mutex<Option<Hook>>,
}

impl Users {
    pub(crate) fn of(users: &[(&str, &str)]) -> Self {
        let users = users
            .iter()
            .map(|(name, password)| ((*name).into(), (*password).into()));
        Self {
            passwords: users.collect(),
            ..Self::default()
        }
    }

    /// Nobody, and a panic for who asks for `name`.
    pub(crate) fn panicking_at(name: &'static str) -> Self {
        Self {
            panics_at: Some(name),
            ..Self::default()
        }
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions.lock().unwrap().len()
    }

    pub(crate) fn id(&self, secret: &str) -> SessionId {
        self.sessions.lock().unwrap()[secret].id
    }

    /// Marks a session ended, and does nothing else.
    pub(crate) fn forget(&self, id: SessionId) {
        self.sessions
            .lock()
            .unwrap()
            .retain(|_, session| session.id != id);
    }

    pub(crate) fn before_next_question(&self, hook: impl FnOnce(SessionId) + Send + 'static) {
        *self.before_next_question.lock().unwrap() = Some(Box::new(hook));
    }

    pub(crate) fn after_next_question(&self, hook: impl FnOnce(SessionId) + Send + 'static) {
        *self.after_next_question.lock().unwrap() = Some(Box::new(hook));
    }

    fn check(&self) -> Result<(), AccountsError> {
        if self.is_broken.load(SeqCst) {
            return Err(AccountsError::Broken("the disk has burnt".to_owned()));
        }
        Ok(())
    }

    fn open(&self, name: &str) -> (Session, SessionSecret) {
        let number = self.made.fetch_add(1, SeqCst) + 1;
        let session = Session {
            id: SessionId(number),
            user: UserName::user(name).unwrap(),
            expires_in: SESSION_TIME,
        };
        let secret = format!("secret-of-session-{number}-which-nobody-may-see");
        self.sessions
            .lock()
            .unwrap()
            .insert(secret.clone(), session.clone());
        (session, SessionSecret::new(secret))
    }
}

impl Accounts for Users {
    fn sign_in<'a>(
        &'a self,
        name: &'a str,
        password: Password,
    ) -> BoxFuture<'a, Result<Option<(Session, SessionSecret)>, AccountsError>> {
        Box::pin(async move {
            self.check()?;
            if self.is_busy.load(SeqCst) {
                return Err(AccountsError::Busy(Duration::from_secs(2)));
            }
            self.checked.fetch_add(1, SeqCst);
            let is_right = self
                .passwords
                .get(name)
                .is_some_and(|it| it == password.expose());
            Ok(is_right.then(|| self.open(name)))
        })
    }

    fn has_user<'a>(&'a self, name: &'a UserName) -> BoxFuture<'a, Result<bool, AccountsError>> {
        assert!(self.panics_at != Some(name.as_str()), "as it was asked to");
        Box::pin(async move {
            self.check()?;
            Ok(self.passwords.contains_key(name.as_str()))
        })
    }

    fn session(&self, secret: &str) -> Result<Option<Session>, AccountsError> {
        self.check()?;
        Ok(self.sessions.lock().unwrap().get(secret).cloned())
    }

    fn is_open(&self, session: SessionId) -> bool {
        run(&self.before_next_question, session);
        let is_open = self
            .sessions
            .lock()
            .unwrap()
            .values()
            .any(|it| it.id == session);
        run(&self.after_next_question, session);
        is_open
    }

    fn end_session(&self, session: SessionId) -> BoxFuture<'_, Result<(), AccountsError>> {
        Box::pin(async move {
            self.check()?;
            self.forget(session);
            Ok(())
        })
    }

    fn health(&self) -> Result<(), AccountsError> {
        self.check()
    }
}

fn run(hook: &Mutex<Option<Hook>>, session: SessionId) {
    let hook = hook.lock().unwrap().take();
    if let Some(hook) = hook {
        hook(session);
    }
}
