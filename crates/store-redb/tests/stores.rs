//! A data directory with its threads, through the public interface.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};

use parlour_hub::Stored;
use parlour_proto::{PageFrom, RoomName, Seq};
use parlour_store_redb::{
    InspectError, OpenError, PartitionState, StoreConfig, Stores, VerifyProgress,
};

use support::{Shard, open, partition_files};

fn name(room: &str) -> RoomName {
    RoomName::new(room).unwrap()
}

#[test]
fn the_number_of_partitions_is_that_of_the_day_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(folder.path(), 3);
    let mut shard = Shard::of(&stores);
    for room in 0..30 {
        shard.say(&format!("room {room}"), 1..=2);
    }
    drop((shard, stores));
    let stores = open(folder.path(), 7);
    assert_eq!(stores.partitions(), 3);
    assert_eq!(partition_files(folder.path()).len(), 3);
    let page = stores.rooms(None, 100).unwrap();
    assert_eq!(page.rooms.len(), 30);
    assert!((0..3).all(|partition| page.rooms.iter().any(|room| room.partition == partition)));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("rooms")), 0o700);
    assert_eq!(mode(&partition_files(folder.path())[0]), 0o600);
}

#[test]
fn a_data_directory_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(folder.path(), 1);
    let again = Stores::open(folder.path(), &StoreConfig::default(), |_, _| {});
    assert!(matches!(again, Err(OpenError::InUse(_))), "{again:?}");
    stores.close().unwrap();
    open(folder.path(), 1);
}

#[test]
fn a_file_that_is_missing_strange_or_no_database_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), 3));
    let elsewhere = tempfile::tempdir().unwrap();
    drop(open(elsewhere.path(), 3));
    let files = partition_files(folder.path());
    let open = || Stores::open(folder.path(), &StoreConfig::default(), |_, _| {}).map(drop);

    fs::rename(&files[2], folder.path().join("aside")).unwrap();
    let error = open().unwrap_err();
    assert!(
        matches!(&error, OpenError::Missing(path) if *path == files[2]),
        "{error}"
    );

    fs::copy(&partition_files(elsewhere.path())[2], &files[2]).unwrap();
    let error = open().unwrap_err();
    assert!(
        matches!(&error, OpenError::Foreign(path) if *path == files[2]),
        "{error}"
    );

    fs::write(&files[2], [b'x'; 9_000]).unwrap();
    let error = open().unwrap_err();
    assert!(
        matches!(&error, OpenError::Damaged { path, .. } if *path == files[2]),
        "{error}"
    );

    fs::rename(folder.path().join("aside"), &files[2]).unwrap();
    open().unwrap();
}

#[test]
fn an_unfinished_directory_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let unfinished = folder.path().join("rooms.new");
    fs::create_dir(&unfinished).unwrap();
    fs::write(unfinished.join("partition-00.rooms"), "half").unwrap();
    drop(open(folder.path(), 2));
    assert!(!unfinished.exists());
}

#[test]
fn the_operator_sees_every_room_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(folder.path(), 2);
    let mut shard = Shard::of(&stores);
    for room in ["b", "a", "d", "c", "e"] {
        shard.say(room, 1..=3);
    }
    let first = stores.rooms(None, 2).unwrap();
    let names = |page: &parlour_store_redb::RoomsPage| -> Vec<String> {
        page.rooms
            .iter()
            .map(|room| room.room.to_string())
            .collect()
    };
    assert_eq!(
        (names(&first), first.next.as_deref()),
        (vec!["a".into(), "b".into()], Some("b"))
    );
    let second = stores.rooms(first.next.as_deref(), 2).unwrap();
    let third = stores.rooms(second.next.as_deref(), 2).unwrap();
    assert_eq!((names(&third), &third.next), (vec!["e".to_owned()], &None));

    let room = stores.room(&name("c")).unwrap().unwrap();
    assert_eq!((room.first, room.head, room.entries), (Seq(1), Seq(3), 3));
    assert!(room.bytes > 0);
    assert_eq!(stores.room(&name("nobody")).unwrap(), None);

    let page = stores.history(&name("c"), PageFrom::Before(Seq(4)), 2, usize::MAX);
    let page = page.unwrap().unwrap();
    assert_eq!(
        page.entries.iter().map(|it| it.seq.0).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(page.summary.first, Seq(1));

    assert_eq!(stores.trim(&name("c"), Seq(3)).unwrap(), Some(Seq(3)));
    assert_eq!(shard.trimmed("c"), Seq(3));
    assert_eq!(stores.room(&name("c")).unwrap().unwrap().entries, 1);
    assert_eq!(stores.trim(&name("nobody"), Seq(3)).unwrap(), None);
    stores.close().unwrap();
    assert_eq!(stores.trim(&name("c"), Seq(4)), Err(InspectError::Closed));
}

#[test]
fn a_trim_of_many_commits_is_done_in_steps_while_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(folder.path(), 1);
    let mut shard = Shard::of(&stores);
    shard.say_apart("old", 1..=2_500);
    let asking = {
        let stores = stores.clone();
        std::thread::spawn(move || stores.trim(&name("old"), Seq(2_400)))
    };
    shard.say("new", 1..=1);
    assert_eq!(asking.join().unwrap().unwrap(), Some(Seq(2_400)));
    assert_eq!(stores.room(&name("old")).unwrap().unwrap().entries, 101);
    assert!(stores.verify(None, |_| {}).unwrap().is_whole());
}

const LONG: u64 = 300;

#[test]
fn a_flipped_bit_is_named_with_its_room_and_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(folder.path(), 1);
    let mut shard = Shard::of(&stores);
    shard.say("whole", 1..=3);
    // Too long for what comes later to be taken in.
    shard.say("torn", 1..=LONG);
    drop((shard, stores));
    let stores = open(folder.path(), 1);
    let mut shard = Shard::of(&stores);
    shard.say("torn", LONG + 1..=LONG + 3);
    drop((shard, stores));
    let path = &partition_files(folder.path())[0];
    let bytes = fs::read(path).unwrap();
    // In the text of an entry; old pages may have it too.
    let text = format!("torn says {}.", LONG + 2).into_bytes();
    let places = bytes.windows(text.len()).enumerate();
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    for (at, _) in places.filter(|(_, window)| *window == text) {
        file.write_all_at(b"T", at as u64).unwrap();
    }

    let stores = open(folder.path(), 1);
    let mut progress = VerifyProgress::default();
    let verdict = stores.verify(None, |seen| progress = *seen).unwrap();
    assert_eq!(verdict.damages.len(), 1, "{verdict:?}");
    let damage = &verdict.damages[0];
    assert_eq!(
        (damage.room.as_deref(), damage.seq),
        (Some("torn"), Some(Seq(LONG + 1)))
    );
    assert_eq!((progress.rooms, progress.entries), (2, 3 + LONG));
    assert!(
        stores
            .verify(Some(&name("whole")), |_| {})
            .unwrap()
            .is_whole()
    );

    let before = stores.history(&name("torn"), PageFrom::After(Seq(0)), 999, usize::MAX);
    assert_eq!(
        before.unwrap().unwrap().entries.len() as u64,
        LONG,
        "up to where it is damaged"
    );
    let after = stores.history(&name("torn"), PageFrom::After(Seq(LONG)), 99, usize::MAX);
    assert!(matches!(after, Err(InspectError::Damaged(_))), "{after:?}");

    // Its head is known, so it goes on behind the damage; and the health says so.
    let mut shard = Shard::of(&stores);
    shard.say("torn", LONG + 4..=LONG + 5);
    assert!(stores.health()[0].damaged_reads > 0);
    assert_eq!(stores.health()[0].state, PartitionState::Ok);
    // What is damaged can go, as a whole.
    assert!(stores.trim(&name("torn"), Seq(LONG + 2)).is_err());
    let behind = Seq(LONG + 4);
    assert_eq!(stores.trim(&name("torn"), behind).unwrap(), Some(behind));
    assert!(stores.verify(None, |_| {}).unwrap().is_whole());
}

#[test]
fn a_shard_is_woken_once_for_all_that_it_has_not_heard() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(folder.path(), 1);
    let mut shard = Shard::of(&stores);
    shard.say("a", 1..=1);
    let woken = shard.woken();
    // Two commits, and nobody looks in between.
    shard.submit("a", 2..=2);
    shard.wait_woken(woken);
    shard.submit("a", 3..=3);
    while stores.room(&name("a")).unwrap().unwrap().head < Seq(3) {
        std::thread::yield_now();
    }
    drop(stores);
    let answers = shard.close_and_poll();
    let committed = answers
        .iter()
        .filter(|it| matches!(it, Stored::Committed { .. }));
    assert_eq!(committed.count(), 2);
    assert_eq!(shard.woken(), woken + 1);
}
