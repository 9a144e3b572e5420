//! What only the journal has, after a kill.

use parlour_proto::Keep;

use super::{Bench, Disk, FULL, Fails, IDENTITY, committed, name};
use crate::file::Unopened;
use crate::format::{MARKS, Mark, ROWS};
use crate::partition::Partition;
use crate::sim::disk::Image;

/// With place for all that these tests say.
const LONG: u64 = 1 << 16;

fn bench() -> Bench {
    Bench::with(Disk::default(), Some(LONG))
}

/// What a kill leaves: nothing is closed.
fn killed(bench: &Bench) -> Image {
    let image = bench.disk.now();
    bench.partition.file().abandon();
    image
}

#[test]
fn a_commit_is_one_write_and_one_sync_and_is_there_after_a_kill() {
    let mut bench = bench();
    bench.append(&[(0, 1)]);
    let steps = bench.disk.steps();
    let told = bench.append(&[(0, 2), (0, 3), (1, 1), (2, 1)]);
    assert_eq!(told, [committed(0, 3), committed(1, 1), committed(2, 1)]);
    assert_eq!(bench.disk.steps() - steps, 2);
    assert!(!bench.partition.is_written_down());

    let mut bench = Bench::on(Disk::of(killed(&bench)), false);
    assert_eq!([0, 1, 2].map(|room| bench.seqs(room).len()), [3, 1, 1]);
    // Again, with what came after the first kill.
    bench.append(&[(1, 2)]);
    let bench = Bench::on(Disk::of(killed(&bench)), false);
    assert_eq!([0, 1, 2].map(|room| bench.seqs(room).len()), [3, 2, 1]);
}

#[test]
fn what_was_written_down_is_not_shown_twice_and_the_journal_begins_anew() {
    let mut bench = bench();
    bench.append(&[(0, 1), (1, 1)]);
    let first = bench.partition.last_record();
    bench.append(&[(0, 2)]);
    bench.partition.write_down(&mut Vec::new());
    assert!(bench.partition.is_written_down());
    bench.append(&[(0, 3)]);
    let last = bench.partition.last_record();
    assert_eq!(last.start, first.start);
    // The second record of the generation before still stands behind it, and is not looked at.
    let bench = Bench::on(Disk::of(killed(&bench)), false);
    assert_eq!((bench.seqs(0), bench.seqs(1)), (vec![1, 2, 3], vec![1]));
}

#[test]
fn a_stop_in_order_leaves_nothing_to_show_again() {
    let mut bench = bench();
    bench.append(&[(0, 1)]);
    bench.partition.close().unwrap();
    let again = Bench::on(bench.disk, false);
    assert!(again.partition.is_written_down());
    assert_eq!(again.seqs(0), [1]);
}

#[test]
fn a_full_disk_at_a_checkpoint_loses_nothing_of_what_the_journal_has() {
    let mut bench = bench();
    bench.append(&[(0, 1)]);
    bench.disk.fail(Fails::Write, FULL);
    bench.partition.write_down(&mut Vec::new());
    assert!(!bench.partition.is_written_down());
    assert_eq!(bench.append(&[(0, 2)]), [committed(0, 2)]);
    let bench = Bench::on(Disk::of(killed(&bench)), false);
    assert_eq!(bench.seqs(0), [1, 2]);
}

#[test]
fn a_trim_by_what_is_kept_is_the_same_after_a_kill() {
    let mut bench = bench();
    let keep = Keep {
        entries: Some(4),
        ..Keep::ALL
    };
    bench.open(0, keep);
    for seq in 1..=20 {
        bench.append(&[(0, seq)]);
    }
    let before = bench.seqs(0);
    assert!(before.len() < 10, "{before:?}");
    let bench = Bench::on(Disk::of(killed(&bench)), false);
    assert_eq!(bench.seqs(0), before);
}

#[test]
fn a_damaged_commit_with_others_behind_it_is_no_end_of_the_journal() {
    let mut bench = bench();
    bench.append(&[(0, 1)]);
    let first = bench.partition.last_record();
    bench.append(&[(1, 1)]);
    let image = killed(&bench);
    for byte in [first.start, first.start + 13, first.end - 1] {
        let mut flipped = image.clone();
        flipped.flip(byte as usize, 0);
        let medium = std::sync::Arc::new(Disk::of(flipped));
        let opened = Partition::<u64>::open(medium, super::CACHE_BYTES, None);
        let Err(Unopened::Fault(fault)) = opened else {
            panic!("it opened with a flipped byte {byte}");
        };
        let told = fault.to_string();
        assert!(
            told.contains("in its journal at byte 4608 is damaged"),
            "{told}"
        );
    }
}

#[test]
fn a_room_whose_entries_cannot_be_shown_again_is_damaged_for_good_and_the_others_are_there() {
    let mut bench = bench();
    bench.append(&[(0, 1), (1, 1)]);
    bench.partition.write_down(&mut Vec::new());
    bench.append(&[(0, 2), (1, 2)]);
    // The database has lost the room's entries; its journal goes on behind that.
    let number = IDENTITY.number_of(&name(1));
    let lost = bench.partition.file().show(|write| {
        write
            .open_table(ROWS)?
            .retain(|(room, _), _| room != number)?;
        let nothing = Mark::EMPTY.encode(number);
        write
            .open_table(MARKS)?
            .insert(number, nothing.as_slice())?;
        Ok(())
    });
    lost.unwrap();
    bench.partition.file().close().unwrap();
    for start in 0..2 {
        let medium = std::sync::Arc::new(bench.disk.clone());
        let mut partition = Partition::<u64>::open(medium, super::CACHE_BYTES, None).unwrap();
        let damaged = partition.take_damaged();
        // The first start writes down that it is; the second has nothing to show again.
        let damaged: Vec<&str> = damaged.iter().map(|(room, _)| room.as_str()).collect();
        assert_eq!(damaged, ["room 1"][start..]);
        assert!(partition.open_room(1, name(1), Keep::ALL).is_err());
        assert!(partition.open_room(0, name(0), Keep::ALL).is_ok());
        partition.write_down(&mut Vec::new());
        partition.close().unwrap();
    }
}

fn rows(bench: &Bench, room: u64) -> Vec<u64> {
    let number = IDENTITY.number_of(&name(room));
    let read = bench.partition.file().read(|read| {
        let rows = read.open_table(ROWS)?;
        let firsts = rows.range((number, 0)..=(number, u64::MAX))?;
        firsts.map(|item| Ok(item?.0.value().1)).collect()
    });
    read.unwrap()
}

#[test]
fn a_checkpoint_makes_one_row_of_many_and_nothing_else_changes() {
    let mut bench = bench();
    for seq in 1..=30 {
        bench.append(&[(0, seq), (1, seq)]);
    }
    assert_eq!(rows(&bench, 0).len(), 30);
    bench.partition.write_down(&mut Vec::new());
    assert_eq!(rows(&bench, 0), [1]);
    // Said alone, and said after a kill: a short row is taken in.
    bench.append(&[(0, 31)]);
    bench.append(&[(0, 32)]);
    let mut bench = Bench::on(Disk::of(killed(&bench)), false);
    bench.partition.write_down(&mut Vec::new());
    assert_eq!(rows(&bench, 0), [1]);
    let all: Vec<u64> = (1..=32).collect();
    assert_eq!(bench.seqs(0), all);
    assert_eq!(bench.append(&[(0, 33)]), [committed(0, 33)]);
    bench.partition.close().unwrap();
    let bench = Bench::on(bench.disk, false);
    assert_eq!((bench.seqs(0).len(), bench.seqs(1).len()), (33, 30));
}

#[test]
fn a_row_stays_a_small_part_of_what_is_kept() {
    let mut bench = bench();
    let keep = Keep {
        entries: Some(64),
        ..Keep::ALL
    };
    bench.open(0, keep);
    for seq in 1..=40 {
        bench.append(&[(0, seq)]);
    }
    bench.partition.write_down(&mut Vec::new());
    assert_eq!(rows(&bench, 0), [1, 5, 9, 13, 17, 21, 25, 29, 33, 37]);
}

#[test]
fn a_mark_that_has_gone_back_is_damage_and_no_shorter_log() {
    let mut bench = bench();
    bench.append(&[(0, 1)]);
    let number = IDENTITY.number_of(&name(0));
    let earlier = bench.partition.file().read(|read| {
        let marks = read.open_table(MARKS)?;
        Ok(marks.get(number)?.map(|mark| mark.value().to_vec()))
    });
    let earlier = earlier.unwrap().unwrap();
    bench.append(&[(0, 2)]);
    let gone_back = bench.partition.file().show(|write| {
        write
            .open_table(MARKS)?
            .insert(number, earlier.as_slice())?;
        Ok(())
    });
    gone_back.unwrap();
    let told = bench.partition.open_room(0, name(0), Keep::ALL);
    assert!(told.unwrap_err().to_string().contains("behind the end"));
}
