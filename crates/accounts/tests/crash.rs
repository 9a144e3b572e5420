//! What is there after a crash, and what a file that makes no sense says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::time::Duration;

use parlour::Accounts;
use parlour_accounts::{Book, BookConfig, BookError};

use support::{Desk, RIGHT, WRONG, add, password, signed_in};

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let desk = Desk::new();
    let book = desk.open();
    add(&book, "ann").await;
    add(&book, "bob").await;
    add(&book, "eve").await;
    let (ann, ann_secret) = signed_in(&book, "ann").await;
    let (_, bob_secret) = signed_in(&book, "bob").await;
    let (eve, eve_secret) = signed_in(&book, "eve").await;

    let after = desk.open_as_if_killed("one");
    assert_eq!(after.session(&ann_secret).unwrap().unwrap().id, ann.id);
    assert_eq!(after.counts().sessions, 3);

    book.set_password("ann", password(WRONG)).await.unwrap();
    book.remove("bob").await.unwrap();
    book.end_session(eve.id).await.unwrap();
    let after = desk.open_as_if_killed("two");
    for secret in [&ann_secret, &bob_secret, &eve_secret] {
        assert_eq!(after.session(secret).unwrap(), None);
    }
    let names: Vec<_> = (after.list().await.unwrap().into_iter())
        .map(|user| user.name.as_str().to_owned())
        .collect();
    assert_eq!(names, ["ann", "eve"]);
    let old = after.sign_in("ann", password(RIGHT)).await.unwrap();
    assert!(old.is_none());
    let new = after.sign_in("ann", password(WRONG)).await.unwrap();
    assert!(new.is_some());
}

#[tokio::test]
async fn uses_are_written_now_and_again_and_not_each_time() {
    let desk = Desk::new();
    let book = desk.open();
    add(&book, "ann").await;
    let (session, secret) = signed_in(&book, "ann").await;
    desk.clock.advance(Duration::from_secs(20 * 24 * 60 * 60));
    let before = fs::read(desk.path()).unwrap();
    for _ in 0..1_000 {
        book.session(&secret).unwrap().unwrap();
    }
    assert!(before == fs::read(desk.path()).unwrap(), "nothing written");
    book.tidy().await.unwrap();
    let after = desk.open_as_if_killed("copy");
    desk.clock.advance(Duration::from_secs(20 * 24 * 60 * 60));
    assert!(after.is_open(session.id), "40 days after it was opened");
}

#[test]
fn a_second_process_is_told_to_wait() {
    let desk = Desk::new();
    let _first = desk.open();
    let refused = Book::open(&desk.path(), BookConfig::default()).unwrap_err();
    assert!(matches!(refused, BookError::InUse(_)), "{refused}");
}

#[test]
fn a_place_where_no_file_can_be_is_named() {
    let desk = Desk::new();
    for path in [
        desk.directory.path().join("missing/accounts.redb"),
        desk.directory.path().to_owned(),
    ] {
        let refused = Book::open(&path, BookConfig::default()).unwrap_err();
        assert!(matches!(refused, BookError::Unusable { .. }), "{refused}");
        assert!(refused.to_string().contains(path.to_str().unwrap()));
    }
}

/// Whatever is done to the file, opening it says so in words or gives a book that works.
#[tokio::test]
async fn a_damaged_file_is_an_error_and_no_panic() {
    let desk = Desk::new();
    let book = desk.open();
    for name in ["ann", "bob"] {
        add(&book, name).await;
        signed_in(&book, name).await;
    }
    drop(book);
    let whole = fs::read(desk.path()).unwrap();

    let mut damaged = vec![b"users: ann, bob".to_vec()];
    damaged.extend((1..8).map(|part| whole[..whole.len() * part / 8].to_vec()));
    // Of the header every 13th byte, and others; much of the rest holds nothing.
    for place in (0..320)
        .step_by(13)
        .chain((320..whole.len()).step_by(whole.len() / 40))
    {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x55;
        damaged.push(bytes);
    }
    let mut refused = 0;
    for bytes in &damaged {
        fs::write(desk.path(), bytes).unwrap();
        match Book::open(&desk.path(), desk.config.clone()) {
            Ok(book) => assert_eq!(book.list().await.unwrap().len(), 2),
            Err(error @ BookError::Damaged { .. }) => {
                assert!(error.to_string().contains("backup"), "{error}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(
        refused > damaged.len() / 4,
        "{refused} of {}",
        damaged.len()
    );
}

#[tokio::test]
async fn a_file_of_another_version_or_program_is_refused() {
    use redb::{Database, TableDefinition};

    let desk = Desk::new();
    drop(desk.open());
    let set = |format: u64| {
        let file = Database::open(desk.path()).unwrap();
        let write = file.begin_write().unwrap();
        let numbers = TableDefinition::<&str, u64>::new("numbers");
        let mut table = write.open_table(numbers).unwrap();
        table.insert("format", format).unwrap();
        drop(table);
        write.commit().unwrap();
    };
    set(2);
    let refused = Book::open(&desk.path(), BookConfig::default()).unwrap_err();
    assert!(
        matches!(
            refused,
            BookError::Format {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{refused}"
    );
    set(1);
    desk.open();

    let other = desk.directory.path().join("other.redb");
    let file = Database::create(&other).unwrap();
    let write = file.begin_write().unwrap();
    let table = TableDefinition::<u64, u64>::new("theirs");
    write.open_table(table).unwrap().insert(1, 1).unwrap();
    write.commit().unwrap();
    drop(file);
    fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let refused = Book::open(&other, BookConfig::default()).unwrap_err();
    assert!(matches!(refused, BookError::Damaged { .. }), "{refused}");
}
