//! What happens when the disk hangs or fails.

use std::path::PathBuf;

use super::*;
use crate::store::disk::Disk;

const RIGHT: &str = "correct horse";
const OTHER: &str = "battery staple";

fn password(text: &str) -> Password {
    Password::new(text.into())
}

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join(Book::FILE_NAME)
    }

    fn open(&self) -> Book {
        Book::open(&self.path(), BookConfig::default()).unwrap()
    }
}

async fn signed_in(book: &Book) -> (Session, String) {
    let signed_in = book.sign_in("ann", password(RIGHT)).await.unwrap();
    let (session, secret) = signed_in.unwrap();
    (session, secret.expose().to_owned())
}

/// Somebody signs out while the disk hangs, so the file does not hear of it in time.
async fn sign_out_in_vain(book: &Book, session: SessionId) {
    let hanging = book.enter(&book.0.writing).await.unwrap();
    let told = book.end_session(session).await;
    assert_eq!(told, Err(AccountsError::Busy(WRITE_WAIT)));
    assert!(!book.is_open(session));
    drop(hanging);
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_that_was_not_written_outlives_neither_its_user_nor_the_password() {
    for is_removed in [true, false] {
        let desk = Desk::new();
        let book = desk.open();
        book.add("ann", password(RIGHT)).await.unwrap();
        let (session, secret) = signed_in(&book).await;
        sign_out_in_vain(&book, session.id).await;
        // As if this had been forgotten, too: a crash would do that.
        book.0.late_ends().clear();
        let ended = if is_removed {
            book.remove("ann").await.unwrap()
        } else {
            book.set_password("ann", password(OTHER)).await.unwrap()
        };
        assert_eq!(ended.sessions, [], "it was no longer open");
        drop(book);
        let book = desk.open();
        assert_eq!(book.session(&secret), Ok(None));
        assert_eq!(book.counts().sessions, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_that_was_not_written_is_written_with_the_next_change() {
    for is_tidied in [true, false] {
        let desk = Desk::new();
        let book = desk.open();
        book.add("ann", password(RIGHT)).await.unwrap();
        let (session, secret) = signed_in(&book).await;
        sign_out_in_vain(&book, session.id).await;
        if is_tidied {
            assert_eq!(book.tidy().await, Ok(0));
        } else {
            book.add("bob", password(RIGHT)).await.unwrap();
        }
        assert!(book.0.late_ends().is_empty());
        drop(book);
        assert_eq!(desk.open().session(&secret), Ok(None));
    }
}

/// Files that an earlier version left, or a backup that was put together of two.
#[tokio::test]
async fn sessions_of_nobody_and_of_earlier_passwords_are_swept_at_the_start() {
    let desk = Desk::new();
    let book = desk.open();
    for name in ["ann", "bob"] {
        book.add(name, password(RIGHT)).await.unwrap();
    }
    let (session, secret) = signed_in(&book).await;
    let row = book.0.sessions().get(session.id.0).unwrap().row();
    book.set_password("ann", password(OTHER)).await.unwrap();
    let put = |id: u64, user: &str| {
        let mut row = row.clone();
        row.user = user.into();
        book.0
            .store
            .change(|change| change.put_session(id, &row))
            .unwrap();
    };
    put(session.id.0, "ann");
    put(1_000, "eve");
    drop(book);
    for _ in 0..2 {
        let book = desk.open();
        assert_eq!(book.counts().sessions, 0);
        assert_eq!(book.session(&secret), Ok(None));
        let (left, stale) = book.0.store.sessions().unwrap();
        assert!(left.is_empty() && stale.is_empty(), "gone from the file");
    }
}

#[tokio::test]
async fn who_watches_is_told_when_the_disk_takes_nothing_any_more() {
    let disk = Disk::with_power(usize::MAX);
    let path = Path::new("disk");
    let store = Store::on(disk.clone(), path).unwrap();
    let book = Book::with(store, path, BookConfig::default()).unwrap();
    book.add("ann", password(RIGHT)).await.unwrap();
    let exists = book.add("ann", password(RIGHT)).await;
    assert!(matches!(exists, Err(crate::ChangeError::Exists(_))));
    assert_eq!(book.health(), Ok(()), "a refusal is no failure");

    disk.cut_power();
    let told = book.sign_in("ann", password(RIGHT)).await.map(drop);
    assert!(matches!(told, Err(AccountsError::Broken(_))), "{told:?}");
    let told = book.health();
    assert!(matches!(told, Err(AccountsError::Broken(_))), "{told:?}");
}
