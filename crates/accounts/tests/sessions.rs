//! How long a session lives, how many there are, and what ends them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlour::{Accounts, SessionId};
use parlour_accounts::Book;

use support::{Desk, RIGHT, WRONG, add, password, signed_in};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn who_ended(book: &Book) -> Arc<Mutex<Vec<SessionId>>> {
    let ended = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&ended);
    book.on_ended(move |session| told.lock().unwrap().push(session));
    ended
}

#[tokio::test]
async fn a_session_lives_for_its_time_after_its_last_use() {
    let desk = Desk::new();
    let book = desk.open();
    add(&book, "ann").await;
    let (session, secret) = signed_in(&book, "ann").await;
    for _ in 0..3 {
        desk.clock.advance(29 * DAY);
        assert!(book.is_open(session.id));
        assert!(book.session(&secret).unwrap().is_some(), "used again");
    }
    desk.clock.advance(30 * DAY - Duration::from_millis(1));
    assert!(book.is_open(session.id));
    desk.clock.advance(Duration::from_millis(1));
    assert!(!book.is_open(session.id));
    assert_eq!(book.session(&secret).unwrap(), None);
}

#[tokio::test]
async fn asking_whether_it_is_open_is_no_use() {
    let desk = Desk::new();
    let book = desk.open();
    add(&book, "ann").await;
    let (session, _) = signed_in(&book, "ann").await;
    desk.clock.advance(29 * DAY);
    assert!(book.is_open(session.id));
    desk.clock.advance(DAY);
    assert!(!book.is_open(session.id));
}

#[tokio::test]
async fn an_expired_session_is_swept_and_told_of() {
    let desk = Desk::new();
    let book = desk.open();
    let ended = who_ended(&book);
    add(&book, "ann").await;
    let (old, _) = signed_in(&book, "ann").await;
    desk.clock.advance(DAY);
    let (young, _) = signed_in(&book, "ann").await;
    desk.clock.advance(29 * DAY);
    assert_eq!(book.tidy().await, Ok(1));
    assert_eq!(*ended.lock().unwrap(), [old.id]);
    assert_eq!(book.counts().sessions, 1);
    assert_eq!(book.tidy().await, Ok(0));
    drop(book);
    let book = desk.open();
    assert_eq!(book.counts().sessions, 1, "gone from the file, too");
    assert!(book.is_open(young.id));
}

#[tokio::test]
async fn ending_a_session_ends_that_one_and_twice_is_harmless() {
    let desk = Desk::new();
    let book = desk.open();
    add(&book, "ann").await;
    let (one, one_secret) = signed_in(&book, "ann").await;
    let (two, two_secret) = signed_in(&book, "ann").await;
    book.end_session(one.id).await.unwrap();
    book.end_session(one.id).await.unwrap();
    book.end_session(SessionId(999)).await.unwrap();
    assert!(!book.is_open(one.id) && book.is_open(two.id));
    assert_eq!(book.session(&one_secret).unwrap(), None);
    drop(book);
    let book = desk.open();
    assert_eq!(book.session(&one_secret).unwrap(), None);
    assert_eq!(book.session(&two_secret).unwrap().unwrap().id, two.id);
}

#[tokio::test]
async fn removing_a_user_or_another_password_ends_every_session_of_that_user_alone() {
    let desk = Desk::new();
    let book = desk.open();
    let told = who_ended(&book);
    for name in ["ann", "bob", "eve"] {
        add(&book, name).await;
    }
    let (ann_1, _) = signed_in(&book, "ann").await;
    let (ann_2, _) = signed_in(&book, "ann").await;
    let (bob, bob_secret) = signed_in(&book, "bob").await;
    let (eve, _) = signed_in(&book, "eve").await;

    let ended = book.remove("ANN").await.unwrap();
    assert_eq!(ended.name.as_str(), "ann");
    assert_eq!(ended.sessions, [ann_1.id, ann_2.id]);
    assert!(!book.is_open(ann_1.id) && !book.is_open(ann_2.id));

    let ended = book.set_password("bob", password(WRONG)).await.unwrap();
    assert_eq!(ended.sessions, [bob.id]);
    assert_eq!(book.session(&bob_secret).unwrap(), None);
    let old = book.sign_in("bob", password(RIGHT)).await.unwrap();
    assert!(old.is_none(), "the old password");
    let new = book.sign_in("bob", password(WRONG)).await.unwrap();
    assert!(new.is_some(), "the new one");

    assert!(book.is_open(eve.id));
    assert_eq!(*told.lock().unwrap(), [ann_1.id, ann_2.id, bob.id]);
}

#[tokio::test]
async fn of_too_many_sessions_of_a_user_the_oldest_goes() {
    let mut desk = Desk::new();
    desk.config.sessions_per_user_max = 2;
    let book = desk.open();
    let told = who_ended(&book);
    add(&book, "ann").await;
    add(&book, "bob").await;
    let (bob, _) = signed_in(&book, "bob").await;
    let (first, _) = signed_in(&book, "ann").await;
    let (second, _) = signed_in(&book, "ann").await;
    let (third, _) = signed_in(&book, "ann").await;
    let open = [bob.id, first.id, second.id, third.id].map(|id| book.is_open(id));
    assert_eq!(open, [true, false, true, true]);
    assert_eq!(*told.lock().unwrap(), [first.id]);
    drop(book);
    assert_eq!(desk.open().counts().sessions, 3);
}

#[tokio::test]
async fn of_too_many_sessions_in_all_the_oldest_goes() {
    let mut desk = Desk::new();
    desk.config.sessions_max = 2;
    let book = desk.open();
    for name in ["ann", "bob", "eve"] {
        add(&book, name).await;
    }
    let (ann, _) = signed_in(&book, "ann").await;
    let (bob, _) = signed_in(&book, "bob").await;
    let (eve, _) = signed_in(&book, "eve").await;
    let open = [ann.id, bob.id, eve.id].map(|id| book.is_open(id));
    assert_eq!(open, [false, true, true]);
}

#[tokio::test]
async fn ids_and_secrets_are_never_given_out_again() {
    let desk = Desk::new();
    let mut ids = Vec::new();
    let mut secrets = Vec::new();
    for round in 0..3 {
        let book = desk.open();
        if round > 0 {
            book.remove("ann").await.unwrap();
        }
        add(&book, "ann").await;
        for _ in 0..2 {
            let (session, secret) = signed_in(&book, "ann").await;
            book.end_session(session.id).await.unwrap();
            ids.push(session.id.0);
            secrets.push(secret);
        }
    }
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    secrets.sort_unstable();
    secrets.dedup();
    assert_eq!(secrets.len(), ids.len());
    let book = desk.open();
    for secret in secrets {
        assert_eq!(book.session(&secret).unwrap(), None);
    }
}

/// A password that is being changed while somebody signs in with the old one leaves that somebody
/// without a session, in whatever order the two come to the file.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_outlives_the_password_that_it_was_opened_with() {
    let book = Desk::new().open();
    add(&book, "ann").await;
    for round in 0..8 {
        let (old, new) = (
            format!("password {round}"),
            format!("password {}", round + 1),
        );
        book.set_password("ann", password(&old)).await.unwrap();
        let signing_in: Vec<_> = (0..4)
            .map(|_| {
                let (book, old) = (book.clone(), password(&old));
                tokio::spawn(async move { book.sign_in("ann", old).await.unwrap() })
            })
            .collect();
        book.set_password("ann", password(&new)).await.unwrap();
        for signed_in in signing_in {
            if let Some((session, _)) = signed_in.await.unwrap() {
                assert!(!book.is_open(session.id), "round {round}");
            }
        }
        assert_eq!(book.counts().sessions, 0);
    }
}
