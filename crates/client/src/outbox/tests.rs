//! The file, without a client.

use std::fs;
use std::path::{Path, PathBuf};

use parlour_proto::{EntryKind, RoomName, Seq};

use super::journal::OutboxError;
use super::*;

fn publish(text: &str) -> ToPublish {
    let payload = format!("\"{text}\"").into();
    ToPublish::new(RoomName::general(), EntryKind::MESSAGE, payload, None).unwrap()
}

fn place(seq: u64) -> Position {
    Position {
        epoch: parlour_proto::Epoch(7),
        seq: Seq(seq),
    }
}

/// One that belongs to ann.
fn open(path: &Path) -> (Outbox, Vec<Receipt>) {
    let mut outbox = Outbox::open(Some(path)).unwrap();
    let receipts = outbox.speak_as("ann");
    (outbox, receipts)
}

/// Takes a text, and waits until it is in the file.
async fn take(outbox: &mut Outbox, text: &str) -> Receipt {
    let publish = publish(text);
    let (receipt, waiter, mut accepted) = Receipt::new(publish.clone());
    outbox.accept(publish, waiter, Some(place(3)));
    while accepted.try_recv().is_err() {
        outbox.kept().await;
    }
    receipt
}

fn texts(receipts: &[Receipt]) -> String {
    let texts: Vec<_> = receipts.iter().filter_map(Receipt::text).collect();
    texts.join(" ")
}

async fn with(texts: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let (mut outbox, _) = open(&path);
    for text in texts {
        drop(take(&mut outbox, text).await);
    }
    outbox.end(&Ended::Closed).await;
    (folder, path)
}

#[tokio::test]
async fn a_torn_last_line_was_never_accepted() {
    let (_folder, path) = with(&["one", "two"]).await;
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|it| *it == b'\n')
        .unwrap()
        + 1;
    for end in last..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let (mut outbox, receipts) = open(&path);
        assert_eq!(texts(&receipts), "one", "{end}");
        // What comes after it stands where it was.
        drop(take(&mut outbox, "three").await);
        outbox.end(&Ended::Closed).await;
        let (mut outbox, receipts) = open(&path);
        assert_eq!(texts(&receipts), "one three");
        outbox.end(&Ended::Closed).await;
    }
}

#[tokio::test]
async fn a_last_line_that_came_only_in_parts_was_never_accepted() {
    let (_folder, path) = with(&["one", "two"]).await;
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.windows(3).position(|it| it == b"two").unwrap();
    bytes[place] = 0;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(texts(&open(&path).1), "one");
}

#[tokio::test]
async fn a_damaged_line_is_named_and_nothing_is_thrown_away() {
    let (_folder, path) = with(&["one", "two"]).await;
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.windows(3).position(|it| it == b"one").unwrap();
    bytes[place] = b'O';
    fs::write(&path, &bytes).unwrap();
    let error = Outbox::open(Some(&path)).err().unwrap();
    assert!(
        matches!(error, OutboxError::Damaged { line: 2, .. }),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_file_of_things_past_is_written_anew_with_what_is_not() {
    let (_folder, path) = with(&["stays"]).await;
    let (mut outbox, _) = open(&path);
    let long = "x".repeat(100_000);
    for _ in 0..40 {
        let receipt = take(&mut outbox, &long).await;
        outbox.answer(receipt.id(), None, &Ok(place(4)));
    }
    drop(take(&mut outbox, "stays, too").await);
    outbox.end(&Ended::Closed).await;
    assert!(fs::metadata(&path).unwrap().len() < 2_000_000);
    assert_eq!(texts(&open(&path).1), "stays stays, too");
}

#[tokio::test]
async fn it_is_for_its_owners_eyes() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path) = with(&["secret"]).await;
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn it_is_bounded_in_number_and_in_bytes_and_goes_on_when_there_is_place() {
    let mut outbox = Outbox::open(None).unwrap();
    outbox.speak_as("ann");
    let long = "x".repeat(ITEMS_BYTES_MAX / 2);
    let receipts = [
        take(&mut outbox, &long).await,
        take(&mut outbox, &long).await,
    ];
    assert!(!outbox.has_place());
    outbox.answer(receipts[0].id(), None, &Ok(place(1)));
    assert!(outbox.has_place());
    for _ in 0..ITEMS_MAX - 1 {
        let publish = publish("x");
        let (_, waiter, _) = Receipt::new(publish.clone());
        outbox.accept(publish, waiter, None);
    }
    assert!(!outbox.has_place());
}

#[tokio::test]
async fn nothing_of_a_room_goes_past_what_waits() {
    let mut outbox = Outbox::open(None).unwrap();
    outbox.speak_as("ann");
    let first = take(&mut outbox, "first").await;
    let _second = take(&mut outbox, "second").await;
    let now = Instant::now();
    let next = |outbox: &mut Outbox, now| match outbox.next(now, |_| Some(place(3))) {
        Next::Send(publish, since) => Ok((publish.id.clone(), since)),
        Next::At(at) => Err(Some(at)),
        Next::Nothing => Err(None),
    };
    assert_eq!(next(&mut outbox, now), Ok((first.id().clone(), None)));
    outbox.sent(first.id(), first.room(), now);
    outbox.refused_for_now(first.id(), Some(PAUSE), now);
    assert_eq!(next(&mut outbox, now), Err(Some(now + PAUSE)));
    let later = now + PAUSE;
    assert_eq!(
        next(&mut outbox, later),
        Ok((first.id().clone(), Some(place(3))))
    );
}
