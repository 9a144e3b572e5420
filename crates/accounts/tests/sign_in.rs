//! Who signs in, under which name, and who does not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use parlour::{Accounts, AccountsError};
use parlour_accounts::{Book, BookConfig, BookError, ChangeError};

use support::{Desk, RIGHT, WRONG, add, password, signed_in};

#[tokio::test]
async fn the_right_password_opens_a_session_and_a_wrong_one_does_not() {
    let book = Desk::new().open();
    add(&book, "ann").await;
    let (session, secret) = signed_in(&book, "ann").await;
    assert_eq!(session.user.as_str(), "ann");
    assert_ne!(session.id.0, 0, "0 is that of guests");
    assert_eq!(session.expires_in, BookConfig::default().session_time);
    assert_eq!(book.session(&secret).unwrap(), Some(session));
    for (name, wrong) in [
        ("ann", WRONG),
        ("ann", ""),
        ("ann", &"x".repeat(1025)),
        ("bob", RIGHT),
        ("", RIGHT),
        ("guest-ann", RIGHT),
        ("ann\u{200b}", RIGHT),
    ] {
        let answer = book.sign_in(name, password(wrong)).await.unwrap();
        assert!(answer.is_none(), "{name:?} {wrong:?}");
    }
}

#[tokio::test]
async fn the_case_of_a_name_does_not_matter_and_the_stored_one_is_spoken() {
    let book = Desk::new().open();
    add(&book, "Ann").await;
    for written in ["Ann", "ann", "ANN", "Ａｎｎ"] {
        let (session, _) = signed_in(&book, written).await;
        assert_eq!(session.user.as_str(), "Ann");
    }
    let again = book.add("aNN", password(RIGHT)).await.unwrap_err();
    assert!(
        matches!(&again, ChangeError::Exists(name) if name.as_str() == "Ann"),
        "{again}"
    );
    assert_eq!(book.list().await.unwrap().len(), 1);
    book.remove("ann").await.unwrap();
    assert!(book.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn names_and_passwords_have_a_form() {
    let book = Desk::new().open();
    for name in [
        "",
        "guest-ann",
        "Guest-ann",
        " ann",
        "a\u{202e}b",
        &"x".repeat(65),
    ] {
        let refused = book.add(name, password(RIGHT)).await.unwrap_err();
        assert!(matches!(refused, ChangeError::BadName(..)), "{name:?}");
    }
    let refused = book.add("ann", password("7 chars")).await.unwrap_err();
    assert_eq!(refused, ChangeError::PasswordTooShort);
    let long = "x".repeat(1025);
    let refused = book.add("ann", password(&long)).await.unwrap_err();
    assert_eq!(refused, ChangeError::PasswordTooLong);
    assert!(book.list().await.unwrap().is_empty());
    for unknown in [
        book.remove("ann").await.unwrap_err(),
        book.set_password("ann", password(RIGHT)).await.unwrap_err(),
    ] {
        assert!(matches!(unknown, ChangeError::Unknown(_)));
    }
}

#[tokio::test]
async fn the_list_is_whole_and_in_order() {
    let desk = Desk::new();
    let book = desk.open();
    add(&book, "Bob").await;
    desk.clock.advance(Duration::from_secs(60));
    add(&book, "ann").await;
    signed_in(&book, "Bob").await;
    desk.clock.advance(Duration::from_secs(60));
    book.set_password("ann", password(WRONG)).await.unwrap();

    let list = book.list().await.unwrap();
    let names: Vec<_> = list.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["ann", "Bob"]);
    let sessions: Vec<_> = list.iter().map(|user| user.sessions).collect();
    assert_eq!(sessions, [0, 1]);
    let minute = Duration::from_secs(60);
    assert_eq!(list[0].changed, list[0].made + minute);
    assert_eq!(list[0].made, list[1].made + minute);

    let after = book.list_after(Some(&list[0].name), 5).await.unwrap();
    assert_eq!(after, list[1..]);
    assert_eq!(book.list_after(None, 1).await.unwrap(), list[..1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_so_many_passwords_are_checked_at_once_and_the_others_are_told_when() {
    let mut desk = Desk::new();
    desk.config.passwords_at_once = 1;
    desk.config.password_wait = Duration::ZERO;
    let book = desk.open();
    // With no patience at all, of many at once some are told to come back, and none is let in.
    let all: Vec<_> = (0..20)
        .map(|_| {
            let book = book.clone();
            tokio::spawn(async move { book.sign_in("nobody", password(WRONG)).await })
        })
        .collect();
    let mut busy = 0;
    for answer in all {
        match answer.await.unwrap() {
            Ok(answer) => assert!(answer.is_none()),
            Err(AccountsError::Busy(_)) => busy += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(busy > 0);
    let counts = book.counts();
    assert_eq!((counts.busy, counts.computations), (busy, 20 - busy));
}

#[test]
fn senseless_settings_are_refused() {
    let desk = Desk::new();
    let refused = |set: fn(&mut BookConfig)| {
        let mut config = BookConfig::default();
        set(&mut config);
        Book::open(&desk.path(), config).unwrap_err()
    };
    for error in [
        refused(|config| config.passwords_at_once = 0),
        refused(|config| config.sessions_per_user_max = 0),
        refused(|config| config.sessions_max = 0),
        refused(|config| config.session_time = Duration::ZERO),
    ] {
        assert!(matches!(error, BookError::Setting(_)), "{error}");
    }
}

#[test]
fn the_file_is_its_owners_alone() {
    let desk = Desk::new();
    drop(desk.open());
    let mode = || desk.path().metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    for bad in [0o640, 0o604, 0o620, 0o601] {
        std::fs::set_permissions(desk.path(), PermissionsExt::from_mode(bad)).unwrap();
        let refused = Book::open(&desk.path(), BookConfig::default()).unwrap_err();
        assert!(matches!(refused, BookError::Open { .. }), "{refused}");
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
}
