//! Who is at `/plain` under which nickname (docs/seeds.md, 1.10, 1.12, E12, D32, D38, D39).
//!
//! A nickname is one person's: nobody else there has it, however it is written, no account has it,
//! and no guest's mark stands before it. It is held from the handshake to the connection's end. While
//! the accounts are asked about a wanted name its place is held already, so that nobody else, a new
//! account neither, gets it in between.

mod places;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use parlour_hub::{Answer, Asked, What};
use parlour_proto::{Refusal, ShardId, UserName};
use tokio::runtime::Handle;

use crate::accounts::{Accounts, AccountsError};
use crate::application::{Fell, guarded};
use crate::hub::{Application, Reach, SendError, Whereabouts};
use places::{Key, Places};

/// What those who nobody knows are called, before a number (row 1.10).
const ANONYMOUS: &str = "AnonymousUser";
/// The server's own nickname in what it tells one client.
const SERVER: &str = "*";
/// What the accounts may take to say whether somebody has a name; after it the name is refused.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How often a hub that has too much under way is asked again.
const AGAIN: Duration = Duration::from_millis(50);
/// How often accounts that gave no answer are.
const ASKED_AGAIN: Duration = Duration::from_secs(10);

/// The nicknames of one hub.
#[derive(Clone, Default)]
pub(crate) struct Nicknames(Arc<Inner>);

#[derive(Default)]
struct Inner {
    places: Mutex<Places>,
    accounts: OnceLock<Arc<dyn Accounts>>,
    reach: OnceLock<Reach>,
    /// Where the accounts are asked: that of the doors, which are never without one.
    runtime: OnceLock<Handle>,
}

/// A nickname whose holder is on the way. It is free again if nobody comes for it.
pub(crate) struct First {
    pub(crate) who: UserName,
    key: Key,
    nicknames: Nicknames,
    has_gone_in: bool,
}

impl First {
    /// From here on it is the connection's, which gives it back at its end.
    pub(crate) fn goes_in(mut self) {
        self.has_gone_in = true;
    }
}

impl Drop for First {
    fn drop(&mut self) {
        if !self.has_gone_in {
            self.nicknames.places().give_up(&self.key);
        }
    }
}

/// Somebody wants to be called otherwise. He gets his answer, whatever becomes of the task that works
/// on it: until then he is not read.
struct Wish {
    at: Whereabouts,
    nicknames: Nicknames,
    is_settled: bool,
}

impl Wish {
    fn settle(mut self, decided: Result<UserName, Refusal>) {
        self.is_settled = true;
        self.nicknames.settle(self.at, decided);
    }
}

impl Drop for Wish {
    fn drop(&mut self) {
        if !self.is_settled {
            self.nicknames.settle(self.at, Err(Refusal::NameTaken));
        }
    }
}

impl Nicknames {
    /// Names of these accounts are nobody's nickname. Of two that are told the first counts.
    pub(crate) fn keep_clear_of(&self, accounts: &Arc<dyn Accounts>) {
        let _ = self.0.accounts.set(Arc::clone(accounts));
    }

    /// The name of a newcomer: the next number whose name is free.
    ///
    /// Must be called on a tokio runtime, on which the accounts are asked from then on.
    pub(crate) async fn first(&self) -> Result<First, AccountsError> {
        self.0.runtime.get_or_init(Handle::current);
        loop {
            let (who, key) = self.places().hold_next();
            let first = First {
                who,
                key,
                nicknames: self.clone(),
                has_gone_in: false,
            };
            if !self.is_account(&first.who).await? {
                return Ok(first);
            }
        }
    }

    /// An account of this name is there now: who has it as a nickname is called otherwise from here on.
    pub(crate) fn is_taken_by_account(&self, user: &UserName) {
        if let Some(at) = self.places().must_go(user) {
            let from = Key::of(user.as_str());
            self.spawn(|this| async move { this.send_away(at, from).await });
        }
    }

    async fn is_account(&self, who: &UserName) -> Result<bool, AccountsError> {
        let Some(accounts) = self.0.accounts.get() else {
            return Ok(false);
        };
        let Ok(user) = UserName::user(places::nickname(who)) else {
            return Ok(false);
        };
        // Who waits for the answer is not read.
        let asked = guarded(Some(ANSWER_TIME), async { accounts.has_user(&user).await });
        asked.await.unwrap_or_else(|fell| {
            let words = match fell {
                Fell::Panicked => "they panicked when they were asked for a user".to_owned(),
                Fell::TimedOut => format!("no answer within {} s", ANSWER_TIME.as_secs()),
            };
            Err(AccountsError::Broken(words))
        })
    }

    async fn rename(self, wish: Wish, name: String) {
        let at = wish.at;
        let decided = self.decide(at, &name).await;
        wish.settle(decided);
        let must_look = self.places().has_settled(at);
        if must_look {
            self.look_at(at).await;
        }
    }

    /// Whether he may be called `name`, whose place is held for him from here on.
    async fn decide(&self, at: Whereabouts, name: &str) -> Result<UserName, Refusal> {
        let who = checked(name)?;
        self.places().want(at, &who)?;
        let is_account = self.is_account(&who).await;
        if let Err(error) = &is_account {
            tracing::error!(%error, "whether a nickname is a user's could not be asked");
        }
        if is_account == Ok(false) {
            Ok(who)
        } else {
            Err(Refusal::NameTaken)
        }
    }

    /// In the books and at the connection under one lock: what is decided later gets there later.
    fn settle(&self, at: Whereabouts, decided: Result<UserName, Refusal>) {
        let mut places = self.places();
        places.settle(at, decided.is_ok());
        if let Some(reach) = self.0.reach.get() {
            let answer = decided.map_or_else(Answer::Refused, Answer::Renamed);
            reach.answer(at, answer);
        }
    }

    /// Calls somebody otherwise whose name is an account's now.
    async fn look_at(&self, at: Whereabouts) {
        let Some(who) = self.places().who(at) else {
            return;
        };
        if self.is_account(&who).await != Ok(false) {
            self.send_away(at, Key::of(places::nickname(&who))).await;
        }
    }

    /// Calls somebody by the next number who is still called `from`.
    async fn send_away(&self, at: Whereabouts, from: Key) {
        let (Some(reach), Some(first)) = (self.0.reach.get(), self.first_for(at, &from).await)
        else {
            return;
        };
        loop {
            match self.moves_to(reach, at, &from, &first) {
                Ok(true) => return first.goes_in(),
                // He has gone, or away from that name by himself.
                Ok(false) => return,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    /// The next number, as soon as the accounts say which is free, while he must leave `from`.
    async fn first_for(&self, at: Whereabouts, from: &Key) -> Option<First> {
        while self.places().may_move(at, from) {
            match self.first().await {
                Ok(first) => return Some(first),
                Err(error) => {
                    tracing::error!(%error, "somebody still has the nickname of a new account");
                }
            }
            tokio::time::sleep(ASKED_AGAIN).await;
        }
        None
    }

    /// As [`settle`](Self::settle): under one lock.
    fn moves_to(
        &self,
        reach: &Reach,
        at: Whereabouts,
        from: &Key,
        first: &First,
    ) -> Result<bool, SendError> {
        let mut places = self.places();
        if !places.may_move(at, from) {
            return Ok(false);
        }
        reach.rename(at, first.who.clone())?;
        Ok(places.moves_to(at, from, &first.who, &first.key))
    }

    fn spawn<F>(&self, work: impl FnOnce(Self) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(runtime) = self.0.runtime.get() {
            let under_way = self.0.reach.get().map(Reach::under_way);
            let work = work(self.clone());
            runtime.spawn(async move {
                work.await;
                drop(under_way);
            });
        }
    }

    /// Nothing in there panics between two changes that belong together.
    fn places(&self) -> MutexGuard<'_, Places> {
        let places = &self.0.places;
        places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Application for Nicknames {
    fn begin(&self, reach: Reach) {
        let _ = self.0.reach.set(reach);
    }

    fn asked(&self, shard: ShardId, asked: Asked) {
        let at = Whereabouts {
            shard,
            id: asked.connection,
        };
        let answer = |answer| {
            if let Some(reach) = self.0.reach.get() {
                reach.answer(at, answer);
            }
        };
        match asked.what {
            What::Opened { .. } => {
                let must_look = self.places().came(at, &asked.who);
                answer(Answer::Done);
                if must_look {
                    self.spawn(|this| async move { this.look_at(at).await });
                }
            }
            What::Closed(_) => self.places().went(at),
            What::Rename { name } => {
                let wish = Wish {
                    at,
                    nicknames: self.clone(),
                    is_settled: false,
                };
                self.spawn(|this| this.rename(wish, name));
            }
            _ => answer(Answer::Done),
        }
    }
}

/// The name by which somebody is known everywhere who wants to be called `name` at `/plain`.
fn checked(name: &str) -> Result<UserName, Refusal> {
    if Key::of(name) == Key::of(SERVER) {
        return Err(Refusal::BadName);
    }
    // What no user can be called for its form, no nickname can.
    let name = UserName::user(name).map_err(|_| Refusal::BadName)?;
    UserName::guest(name.as_str()).map_err(|_| Refusal::BadName)
}

#[cfg(test)]
mod tests;
