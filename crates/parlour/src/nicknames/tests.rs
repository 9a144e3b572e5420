//! A nickname is one person's, from the handshake to the end of the connection.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::*;
use crate::accounts::{BoxFuture, Password, Session, SessionSecret};
use parlour_hub::WireIndex;
use parlour_proto::{CloseReason, ConnectionId, SessionId};

/// Accounts that know nothing but names.
#[derive(Default)]
struct Names {
    users: Mutex<HashSet<String>>,
    is_broken: AtomicBool,
    is_silent: bool,
    panics: bool,
}

impl Names {
    fn of(users: &[&str]) -> Arc<Self> {
        let users = users.iter().map(|user| (*user).to_owned()).collect();
        Arc::new(Self {
            users: Mutex::new(users),
            ..Self::default()
        })
    }

    fn add(&self, user: &str) {
        self.users.lock().unwrap().insert(user.to_owned());
    }
}

impl Accounts for Names {
    fn has_user<'a>(&'a self, name: &'a UserName) -> BoxFuture<'a, Result<bool, AccountsError>> {
        assert!(!self.panics, "as it was asked to");
        if self.is_silent {
            return Box::pin(std::future::pending());
        }
        let has = self.users.lock().unwrap().contains(name.as_str());
        let answer = if self.is_broken.load(Relaxed) {
            Err(AccountsError::Broken("the disk has burnt".to_owned()))
        } else {
            Ok(has)
        };
        Box::pin(std::future::ready(answer))
    }

    fn sign_in<'a>(
        &'a self,
        _: &'a str,
        _: Password,
    ) -> BoxFuture<'a, Result<Option<(Session, SessionSecret)>, AccountsError>> {
        unreachable!("nobody signs in")
    }

    fn session(&self, _: &str) -> Result<Option<Session>, AccountsError> {
        Ok(None)
    }

    fn is_open(&self, _: SessionId) -> bool {
        false
    }

    fn end_session(&self, _: SessionId) -> BoxFuture<'_, Result<(), AccountsError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn health(&self) -> Result<(), AccountsError> {
        Ok(())
    }
}

fn beside(accounts: &Arc<Names>) -> Nicknames {
    let nicknames = Nicknames::default();
    let accounts: Arc<dyn Accounts> = accounts.clone();
    nicknames.keep_clear_of(&accounts);
    nicknames
}

fn at(index: u32) -> Whereabouts {
    Whereabouts {
        shard: ShardId(0),
        id: ConnectionId {
            index,
            generation: 1,
        },
    }
}

fn tell(nicknames: &Nicknames, index: u32, who: &UserName, what: What) {
    let asked = Asked {
        connection: at(index).id,
        wire: WireIndex(0),
        who: who.clone(),
        session: SessionId::NONE,
        what,
    };
    nicknames.asked(ShardId(0), asked);
}

/// Somebody who has come in; his name.
async fn comes(nicknames: &Nicknames, index: u32) -> UserName {
    let first = nicknames.first().await.unwrap();
    let who = first.who.clone();
    first.goes_in();
    nicknames.places().came(at(index), &who);
    who
}

fn goes(nicknames: &Nicknames, index: u32, who: &UserName) {
    tell(
        nicknames,
        index,
        who,
        What::Closed(CloseReason::Requested(None)),
    );
}

async fn renamed(nicknames: &Nicknames, index: u32, name: &str) -> Result<String, Refusal> {
    let decided = nicknames.decide(at(index), name).await;
    nicknames.settle(at(index), decided.clone());
    decided.map(|who| who.as_str().to_owned())
}

#[tokio::test]
async fn numbers_begin_at_nought_never_go_back_and_pass_over_names_that_are_taken() {
    let nicknames = beside(&Names::of(&["AnonymousUser1"]));
    let ann = comes(&nicknames, 0).await;
    assert_eq!(ann.as_str(), "guest-AnonymousUser0");
    assert!(renamed(&nicknames, 0, "anonymoususer2").await.is_ok());
    let bob = comes(&nicknames, 1).await;
    assert_eq!(
        bob.as_str(),
        "guest-AnonymousUser3",
        "1 is a user, 2 is a nickname"
    );
    goes(&nicknames, 0, &ann);
    goes(&nicknames, 1, &bob);
    assert_eq!(comes(&nicknames, 2).await.as_str(), "guest-AnonymousUser4");
}

#[tokio::test]
async fn a_name_is_one_persons_however_it_is_written() {
    let nicknames = beside(&Names::of(&["ann"]));
    comes(&nicknames, 0).await;
    comes(&nicknames, 1).await;
    assert_eq!(renamed(&nicknames, 0, "Kim").await.unwrap(), "guest-Kim");
    for taken in ["Kim", "kim", "KIM", "\u{ff2b}im", "ann", "anonymoususer0"] {
        let expected = if taken == "anonymoususer0" {
            Ok("guest-anonymoususer0".to_owned()) // Nobody is called so any more.
        } else {
            Err(Refusal::NameTaken)
        };
        assert_eq!(renamed(&nicknames, 1, taken).await, expected, "{taken}");
    }
    // His own in another writing is still his own, and the old one is free.
    assert_eq!(renamed(&nicknames, 0, "kIM").await.unwrap(), "guest-kIM");
    assert_eq!(renamed(&nicknames, 0, "lee").await.unwrap(), "guest-lee");
    assert_eq!(renamed(&nicknames, 1, "kim").await.unwrap(), "guest-kim");
}

#[tokio::test]
async fn what_breaks_a_rule_is_no_nickname() {
    let nicknames = beside(&Names::of(&[]));
    comes(&nicknames, 0).await;
    let longest = "n".repeat(64);
    assert!(renamed(&nicknames, 0, &longest).await.is_ok());
    for bad in [
        "",
        "*",
        "\u{ff0a}",
        "\u{fe61}",
        "guest-kim",
        "GUEST-kim",
        "\u{ff47}uest-kim",
        "guest-",
        "a\u{7}b",
        "a\u{202e}b",
        "\u{200b}",
        &"n".repeat(65),
    ] {
        assert_eq!(
            renamed(&nicknames, 0, bad).await,
            Err(Refusal::BadName),
            "{bad:?}"
        );
    }
}

#[tokio::test]
async fn without_an_answer_of_the_accounts_there_is_no_new_name() {
    let broken = Arc::new(Names {
        is_broken: true.into(),
        ..Names::default()
    });
    gives_no_new_name(&beside(&broken)).await;
}

async fn gives_no_new_name(nicknames: &Nicknames) {
    assert!(matches!(
        nicknames.first().await,
        Err(AccountsError::Broken(_))
    ));
    assert_eq!(nicknames.places().len(), (0, 0), "nothing is held");
    let who = UserName::guest("x").unwrap();
    nicknames.places().came(at(0), &who);
    assert_eq!(renamed(nicknames, 0, "kim").await, Err(Refusal::NameTaken));
    assert_eq!(nicknames.places().len(), (1, 1));
}

#[tokio::test]
async fn nothing_is_held_for_who_has_gone() {
    let nicknames = beside(&Names::of(&[]));
    drop(nicknames.first().await.unwrap()); // The handshake came to nothing.
    let who = comes(&nicknames, 0).await;
    // He goes while he is being renamed.
    nicknames
        .places()
        .want(at(0), &UserName::guest("kim").unwrap())
        .unwrap();
    goes(&nicknames, 0, &who);
    nicknames.places().settle(at(0), true);
    assert_eq!(nicknames.places().len(), (0, 0));
    assert_eq!(
        renamed(&nicknames, 0, "kim").await,
        Err(Refusal::NotAllowed)
    );
}

#[tokio::test]
async fn whoever_has_the_name_of_a_new_account_must_go_whatever_he_is_doing() {
    let accounts = Names::of(&[]);
    let nicknames = beside(&accounts);
    let kim = UserName::user("kim").unwrap();
    let as_kim = UserName::guest("kim").unwrap();

    // He has it.
    comes(&nicknames, 0).await;
    renamed(&nicknames, 0, "KIM").await.unwrap();
    assert_eq!(nicknames.places().must_go(&kim), Some(at(0)));
    let first = nicknames.first().await.unwrap();
    let from = Key::of("kim");
    assert!(
        nicknames
            .places()
            .moves_to(at(0), &from, &first.who, &first.key)
    );
    first.goes_in();
    assert_eq!(
        nicknames.places().who(at(0)).unwrap().as_str(),
        "guest-AnonymousUser1"
    );

    // He is about to have it: the accounts have said no before.
    nicknames.places().want(at(0), &as_kim).unwrap();
    assert_eq!(nicknames.places().must_go(&kim), None);
    nicknames.places().settle(at(0), true);
    assert!(nicknames.places().has_settled(at(0)));
    assert!(!nicknames.places().has_settled(at(0)), "once is enough");

    // He is on his way to it.
    let first = nicknames.first().await.unwrap();
    let who = first.who.clone();
    let user = UserName::user(places::nickname(&who)).unwrap();
    assert_eq!(nicknames.places().must_go(&user), None);
    first.goes_in();
    assert!(nicknames.places().came(at(1), &who));

    // Nobody has it.
    accounts.add("lee");
    assert_eq!(
        nicknames.places().must_go(&UserName::user("lee").unwrap()),
        None
    );
}

#[tokio::test]
async fn who_has_left_the_name_of_a_new_account_by_himself_keeps_his_own() {
    let nicknames = beside(&Names::of(&[]));
    comes(&nicknames, 0).await;
    renamed(&nicknames, 0, "kim").await.unwrap();
    let kim = UserName::user("kim").unwrap();
    assert_eq!(nicknames.places().must_go(&kim), Some(at(0)));
    let first = nicknames.first().await.unwrap();
    renamed(&nicknames, 0, "lee").await.unwrap();
    let moves = nicknames
        .places()
        .moves_to(at(0), &Key::of("kim"), &first.who, &first.key);
    assert!(!moves);
    assert_eq!(nicknames.places().who(at(0)).unwrap().as_str(), "guest-lee");
    drop(first);
    assert_eq!(nicknames.places().len(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_keeps_the_name_of_a_new_account_because_the_accounts_failed_at_that_moment() {
    let accounts = Names::of(&[]);
    let nicknames = beside(&accounts);
    let hub = crate::Hub::start(crate::HubConfig::default()).unwrap();
    nicknames.begin(hub.reach().clone());
    comes(&nicknames, 0).await;
    renamed(&nicknames, 0, "kim").await.unwrap();
    accounts.add("kim");
    accounts.is_broken.store(true, Relaxed);
    nicknames.is_taken_by_account(&UserName::user("kim").unwrap());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let who = || nicknames.places().who(at(0)).unwrap();
    assert_eq!(who().as_str(), "guest-kim", "there is no other name yet");
    accounts.is_broken.store(false, Relaxed);
    let is_gone = async {
        while who().as_str() == "guest-kim" {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let is_gone = tokio::time::timeout(Duration::from_secs(60), is_gone);
    is_gone.await.expect("he is called otherwise");
    assert_eq!(nicknames.places().len(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn accounts_that_never_answer_hold_nobody_up() {
    let silent = Arc::new(Names {
        is_silent: true,
        ..Names::default()
    });
    gives_no_new_name(&beside(&silent)).await;
}

#[tokio::test]
async fn accounts_that_panic_have_said_that_no_name_is_free() {
    let panicking = Arc::new(Names {
        panics: true,
        ..Names::default()
    });
    gives_no_new_name(&beside(&panicking)).await;
}

#[tokio::test]
async fn a_wish_that_nobody_works_on_any_more_holds_no_name() {
    let nicknames = beside(&Names::of(&[]));
    comes(&nicknames, 0).await;
    let wish = Wish {
        at: at(0),
        nicknames: nicknames.clone(),
        is_settled: false,
    };
    assert!(nicknames.decide(at(0), "kim").await.is_ok());
    assert_eq!(nicknames.places().len(), (2, 1));
    drop(wish);
    assert_eq!(nicknames.places().len(), (1, 1));
    assert!(
        renamed(&nicknames, 0, "lee").await.is_ok(),
        "he may wish again"
    );
}
