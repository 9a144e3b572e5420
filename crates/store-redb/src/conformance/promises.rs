//! The list.

use std::time::Duration;

use parlour_hub::{Recent, Stored};
use parlour_proto::{Epoch, Keep, PageFrom, Seq};

use super::Start;
use super::driver::{Maker, Room, digester, entry, request, seqs};

type Promise = fn(&mut Maker<'_>);

/// By name.
pub(super) const ALL: [(&str, Promise); 14] = [
    ("an unknown room is empty, and has an epoch", unknown_room),
    ("opening a room stores nothing", opening_stores_nothing),
    ("what is committed comes back in order", in_order),
    ("rooms do not mix", rooms_do_not_mix),
    ("an entry out of its order is not stored", out_of_order),
    (
        "the number of a refused entry can be given again",
        stale_epoch,
    ),
    ("a read goes after and before, in pages", pages),
    ("a read keeps its bounds", bounds),
    ("a read of another epoch finds nothing", other_epoch),
    ("a closed room opens where it was", close_and_open),
    (
        "the data opens again as it was, in the same epoch",
        reopened,
    ),
    ("an open brings the last entries and ids", recent_and_ids),
    ("a log is trimmed to its count", trimmed_by_count),
    ("a log is trimmed to its bytes and age", trimmed_by_bytes),
];

const ALL_BYTES: usize = usize::MAX;

fn unknown_room(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, opened) = driver.open("general");
    assert_eq!((opened.head, opened.first), (Seq(0), Seq(1)));
    assert!(opened.recent.is_empty() && opened.ids.is_empty());
    assert_eq!(opened.ids_from, Seq(1), "all ids of none are known");
    assert!(driver.all(&room).is_empty());
    let (other, _) = driver.open("other");
    assert_ne!(room.epoch, other.epoch);
}

fn opening_stores_nothing(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, opened) = driver.open("general");
    driver.close(&room);
    let mut driver = maker.again(driver);
    let (_, again) = driver.open("general");
    assert_eq!((again.epoch, again.head), (opened.epoch, Seq(0)));
}

fn in_order(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, _) = driver.open("general");
    driver.append(&room, 1..=4);
    driver.append(&room, [5]);
    driver.append(&room, 6..=20);
    driver.committed(&room, 20);
    assert_eq!(driver.all(&room), (1..=20).collect::<Vec<_>>());
}

fn rooms_do_not_mix(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let rooms: Vec<Room> = (0..20)
        .map(|n| driver.open(&format!("room {n}")).0)
        .collect();
    // In one batch, through one another.
    let mixed = (1..=10).flat_map(|seq| rooms.iter().map(move |room| request(room, entry(seq))));
    let mixed: Vec<_> = mixed.collect();
    driver.submit(mixed);
    for (number, room) in rooms.iter().enumerate() {
        driver.committed(room, 10);
        driver.append(room, 11..=11 + number as u64);
    }
    for (number, room) in rooms.iter().enumerate() {
        driver.committed(room, 11 + number as u64);
        assert_eq!(
            driver.all(room),
            (1..=11 + number as u64).collect::<Vec<_>>()
        );
    }
}

fn out_of_order(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, _) = driver.open("general");
    driver.append(&room, [1, 3, 2, 2, 9]);
    driver.append(&room, [3]);
    driver.committed(&room, 3);
    assert_eq!(driver.all(&room), [1, 2, 3]);
}

fn stale_epoch(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, _) = driver.open("general");
    let stale = Room {
        epoch: Epoch(!room.epoch.0),
        ..room.clone()
    };
    driver.append(&stale, [1]);
    driver.append(&room, [1, 2]);
    driver.committed(&room, 2);
    assert_eq!(driver.all(&room), [1, 2]);
}

fn pages(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, _) = driver.open("general");
    // Commits of different sizes, so that pages begin and end within them.
    for batch in [1..=7, 8..=8, 9..=20, 21..=23] {
        let last = *batch.end();
        driver.append(&room, batch);
        driver.committed(&room, last);
    }
    let mut read = |from, most| seqs(&driver.read(&room, from, most, ALL_BYTES).expect("read"));
    for after in 0..=23 {
        let expected: Vec<u64> = (after + 1..=23).take(4).collect();
        assert_eq!(read(PageFrom::After(Seq(after)), 4), expected);
    }
    for before in 1..=24_u64 {
        let expected: Vec<u64> = (before.saturating_sub(4).max(1)..before).collect();
        assert_eq!(read(PageFrom::Before(Seq(before)), 4), expected);
    }
    assert!(read(PageFrom::Before(Seq(0)), 4).is_empty());
    assert_eq!(
        read(PageFrom::Before(Seq(u64::MAX)), 2),
        [22, 23],
        "the newest"
    );
    assert!(read(PageFrom::After(Seq(u64::MAX)), 2).is_empty());
    assert!(read(PageFrom::After(Seq(99)), 2).is_empty());
}

fn bounds(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, _) = driver.open("general");
    driver.append(&room, 1..=9);
    driver.committed(&room, 9);
    let cost = entry(5).cost();
    let mut read = |from, most, bytes| seqs(&driver.read(&room, from, most, bytes).expect("read"));
    assert_eq!(read(PageFrom::After(Seq(3)), 99, cost * 5 / 2), [4, 5]);
    assert_eq!(read(PageFrom::Before(Seq(9)), 99, cost * 5 / 2), [7, 8]);
    assert_eq!(
        read(PageFrom::After(Seq(3)), 99, 0),
        [4],
        "one may stand over it"
    );
    assert_eq!(read(PageFrom::Before(Seq(9)), 99, 0), [8]);
    assert!(read(PageFrom::After(Seq(3)), 0, ALL_BYTES).is_empty());
}

fn other_epoch(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, _) = driver.open("general");
    driver.append(&room, 1..=3);
    driver.committed(&room, 3);
    let stale = Room {
        epoch: Epoch(!room.epoch.0),
        ..room
    };
    assert!(driver.all(&stale).is_empty());
}

fn close_and_open(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, opened) = driver.open("general");
    driver.append(&room, 1..=3);
    // Closed before it is known what became of them.
    driver.close(&room);
    let (again, reopened) = driver.open("general");
    assert_eq!((reopened.epoch, reopened.head), (opened.epoch, Seq(3)));
    assert_eq!(seqs(&reopened.recent), [1, 2, 3]);
    driver.append(&again, 4..=5);
    driver.committed(&again, 5);
    assert_eq!(driver.all(&again), [1, 2, 3, 4, 5]);
    let old = room.key;
    driver.heard_none(
        "an answer to a closed key",
        |answer| matches!(answer, Stored::Committed { key, upto } if *key == old && upto.0 > 3),
    );
}

fn reopened(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let mut epoch = None;
    let mut head = 0;
    for _ in 0..4 {
        let (room, opened) = driver.open("general");
        assert_eq!(*epoch.get_or_insert(opened.epoch), opened.epoch);
        assert_eq!((opened.head, opened.first), (Seq(head), Seq(1)));
        driver.append(&room, head + 1..=head + 5);
        head += 5;
        driver.committed(&room, head);
        assert_eq!(driver.all(&room), (1..=head).collect::<Vec<_>>());
        driver = maker.again(driver);
    }
}

fn recent_and_ids(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let (room, _) = driver.open("general");
    for batch in [1..=6, 7..=7, 8..=14] {
        let last = *batch.end();
        driver.append(&room, batch);
        driver.committed(&room, last);
    }
    driver.close(&room);
    // As `RECENT` says: five entries, ids of eight.
    let (room, opened) = driver.open("general");
    assert_eq!(seqs(&opened.recent), [10, 11, 12, 13, 14]);
    assert_eq!(opened.ids_from, Seq(7));
    let expected = [9, 12].map(|seq| (Seq(seq), digester().digest(&entry(seq)).expect("an id")));
    assert_eq!(opened.ids, expected);
    driver.close(&room);
    let all = Recent {
        entries_max: 100,
        bytes_max: entry(14).cost() * 5 / 2,
        ids_max: 100,
    };
    let (_, opened) = driver.open_with("general", Keep::ALL, all);
    assert_eq!(seqs(&opened.recent), [13, 14]);
    assert_eq!((opened.ids_from, opened.ids.len()), (Seq(1), 4));
}

fn trimmed_by_count(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let keep = Keep {
        entries: Some(10),
        ..Keep::ALL
    };
    let (room, _) = driver.open_with("general", keep, RECENT_NONE);
    for seq in 1..=50 {
        driver.append(&room, [seq]);
        driver.committed(&room, seq);
    }
    let first = driver.trimmed(&room, 35);
    let all = driver.all(&room);
    assert!(all.len() >= 10, "so many are kept, and these are: {all:?}");
    assert!(all.len() <= 20, "and not many more: {all:?}");
    assert_eq!(all.last(), Some(&50));
    assert!(
        all.first().is_some_and(|oldest| *oldest >= first.0),
        "{first:?}, {all:?}"
    );
    let mut driver = maker.again(driver);
    let (_, opened) = driver.open("general");
    assert_eq!((opened.head, opened.first), (Seq(50), Seq(all[0])));
}

const RECENT_NONE: Recent = Recent {
    entries_max: 0,
    bytes_max: 0,
    ids_max: 0,
};

fn trimmed_by_bytes(maker: &mut Maker<'_>) {
    let mut driver = maker.start(Start::New);
    let keep = Keep {
        bytes: Some(2_000),
        // Nothing is so old yet.
        age: Some(Duration::from_secs(3_600)),
        ..Keep::ALL
    };
    let (room, _) = driver.open_with("general", keep, RECENT_NONE);
    for seq in 1..=200 {
        driver.append(&room, [seq]);
        driver.committed(&room, seq);
    }
    driver.trimmed(&room, 100);
    let all = driver.all(&room);
    assert!(all.len() >= 5 && all.len() <= 100, "{all:?}");
    assert_eq!(all.last(), Some(&200));
}
