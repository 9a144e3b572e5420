//! What a partition does when its disk does not do its part.

mod replays;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parlour_hub::{Digester, Recent, StoreFault};
use parlour_proto::{Draft, Entry, Epoch, Keep, PageFrom, RoomName, Seq, Timestamp};

use super::{Append, DISK_RESERVE_BYTES, Partition, State, Sweep, Told};
use crate::file::New;
use crate::format::{Identity, ROWS};
use crate::log::{self, Bounds, Log};
use crate::sim::disk::{Disk, Fails};

const IDENTITY: Identity = Identity {
    directory: 1,
    partition: 0,
    partitions: 1,
};
const CACHE_BYTES: usize = 1 << 20;
/// For a few commits.
const JOURNAL_BYTES: u64 = 2_048;

/// A partition with rooms 0, 1, …, which are their own tags.
struct Bench {
    disk: Disk,
    partition: Partition<u64>,
}

fn name(room: u64) -> RoomName {
    RoomName::new(&format!("room {room}")).unwrap()
}

fn entry(seq: u64) -> Arc<Entry> {
    let draft = Draft::message("ann", &format!("the message {seq}"));
    Arc::new(draft.numbered(Seq(seq), Timestamp::from_unix_nanoseconds(0)))
}

impl Bench {
    fn new() -> Self {
        Self::on(Disk::default(), true)
    }

    fn on(disk: Disk, is_new: bool) -> Self {
        Self::with(disk, is_new.then_some(JOURNAL_BYTES))
    }

    /// New, with a journal so long; or as it is.
    fn with(disk: Disk, journal_bytes: Option<u64>) -> Self {
        let new = journal_bytes.map(|journal_bytes| New {
            identity: IDENTITY,
            journal_bytes,
        });
        let partition = Partition::open(Arc::new(disk.clone()), CACHE_BYTES, new).unwrap();
        let mut bench = Self { disk, partition };
        for room in 0..3 {
            bench.open(room, Keep::ALL);
        }
        bench
    }

    fn open(&mut self, room: u64, keep: Keep) {
        self.partition.open_room(room, name(room), keep).unwrap();
    }

    fn epoch(&self, room: u64) -> Epoch {
        IDENTITY.epoch_of(&name(room), 0)
    }

    fn append(&mut self, entries: &[(u64, u64)]) -> Vec<Told<u64>> {
        self.append_at(entries, 1)
    }

    fn append_at(&mut self, entries: &[(u64, u64)], now: u64) -> Vec<Told<u64>> {
        let batch: Vec<Append> = entries
            .iter()
            .map(|(room, seq)| Append {
                room: name(*room),
                epoch: self.epoch(*room),
                entry: entry(*seq),
            })
            .collect();
        let mut told = Vec::new();
        self.partition.append(batch, now, &mut told);
        told
    }

    fn look_again(&mut self) -> Vec<Told<u64>> {
        let mut told = Vec::new();
        self.partition.look_again(&mut told);
        told
    }

    fn seqs(&self, room: u64) -> Vec<u64> {
        let read = self.partition.file().read(|read| {
            let Some((row, mark)) = log::find_in(read, IDENTITY, &name(room))? else {
                return Ok(Vec::new());
            };
            let rows = read.open_table(ROWS)?;
            let bounds = Bounds {
                entries_max: usize::MAX,
                bytes_max: usize::MAX,
            };
            Log::new(&rows, row.number, mark).read(PageFrom::After(Seq(0)), bounds)
        });
        read.unwrap().iter().map(|entry| entry.seq.0).collect()
    }
}

fn committed(tag: u64, upto: u64) -> Told<u64> {
    let upto = Seq(upto);
    Told::Committed { tag, upto }
}

fn refused(tag: u64, from: u64, fault: StoreFault) -> Told<u64> {
    let from = Seq(from);
    Told::Refused { tag, from, fault }
}

fn stopped(tag: u64, from: u64) -> Told<u64> {
    let from = Seq(from);
    Told::Stopped { tag, from }
}

const FULL: io::ErrorKind = io::ErrorKind::StorageFull;

#[test]
fn below_the_reserve_entries_are_refused_unwritten_and_taken_again_when_there_is_space() {
    let mut bench = Bench::new();
    assert_eq!(bench.append(&[(0, 1)]), [committed(0, 1)]);
    bench.disk.set_free(Some(DISK_RESERVE_BYTES - 1));
    // Not one byte may be written now.
    bench.disk.power(0);
    let told = bench.append(&[(0, 2), (1, 1), (0, 3)]);
    assert_eq!(
        told,
        [
            refused(0, 2, StoreFault::Full),
            refused(1, 1, StoreFault::Full)
        ]
    );
    assert_eq!(*bench.partition.state(), State::Full);
    // Still on the way when they were refused.
    assert_eq!(bench.append(&[(0, 4), (1, 2)]), []);

    bench.disk.power(u64::MAX);
    bench.disk.set_free(Some(DISK_RESERVE_BYTES * 2));
    assert_eq!(bench.look_again(), []);
    assert_eq!(
        *bench.partition.state(),
        State::Ok,
        "nobody has to publish for that"
    );
    let told = bench.append(&[(0, 5), (0, 2), (0, 3), (1, 1)]);
    assert_eq!(told, [committed(0, 3), committed(1, 1)]);
    assert_eq!(bench.seqs(0), [1, 2, 3]);
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_commit_costs_that_commit_and_nothing_else() {
    let mut bench = Bench::with(Disk::default(), Some(1 << 16));
    assert_eq!(
        bench.append(&[(0, 1), (1, 1)]),
        [committed(0, 1), committed(1, 1)]
    );
    bench.disk.fail(Fails::Write, FULL);
    let told = bench.append(&[(0, 2), (1, 2)]);
    assert_eq!(
        told,
        [
            refused(0, 2, StoreFault::Full),
            refused(1, 2, StoreFault::Full)
        ]
    );
    // The file was opened again meanwhile; that it can be written to is not known before it was.
    assert!(matches!(bench.partition.state(), State::Unproven(_)));
    assert_eq!(
        bench.append(&[(0, 2), (2, 1)]),
        [committed(0, 2), committed(2, 1)]
    );
    assert_eq!(*bench.partition.state(), State::Ok);
    assert_eq!((bench.seqs(0), bench.seqs(1)), (vec![1, 2], vec![1]));
}

#[test]
fn a_file_that_is_open_again_is_well_when_it_was_written_to_and_not_before() {
    let mut bench = Bench::new();
    bench.disk.fail(Fails::Write, io::ErrorKind::Other);
    assert_eq!(bench.append(&[(0, 1)]), [refused(0, 1, StoreFault::Failed)]);
    for _ in 0..3 {
        assert!(matches!(bench.partition.state(), State::Unproven(_)));
        bench.disk.fail(Fails::Write, io::ErrorKind::Other);
        assert_eq!(bench.look_again(), []);
    }
    assert_eq!(bench.look_again(), []);
    assert_eq!(*bench.partition.state(), State::Ok);
    assert_eq!(bench.append(&[(0, 1)]), [committed(0, 1)]);
}

#[test]
fn while_the_file_cannot_be_opened_again_the_outcome_is_not_made_up() {
    let mut bench = Bench::new();
    assert_eq!(bench.append(&[(0, 1)]), [committed(0, 1)]);
    bench.disk.fail(Fails::Write, FULL);
    bench.disk.fail(Fails::Open, FULL);
    assert_eq!(bench.append(&[(0, 2)]), [], "nobody knows yet");
    assert!(matches!(bench.partition.state(), State::Away(_)));
    // Of another room it is known that nothing was tried; and the first room hears of all at once.
    let told = bench.append(&[(0, 3), (1, 1)]);
    assert_eq!(told, [refused(1, 1, StoreFault::Full)]);
    assert_eq!(bench.look_again(), [refused(0, 2, StoreFault::Full)]);
    assert_eq!(
        bench.append(&[(0, 2), (1, 1)]),
        [committed(0, 2), committed(1, 1)]
    );
}

#[test]
fn a_write_error_at_any_step_of_a_commit_is_refused_or_committed_as_the_file_has_it() {
    // Into the journal, and past one that has no place.
    for (journal_bytes, least) in [(JOURNAL_BYTES, 1), (512, 4)] {
        let refusals = refusals_at_each_step(journal_bytes);
        assert!(refusals >= least, "{refusals} with {journal_bytes}");
    }
}

fn refusals_at_each_step(journal_bytes: u64) -> u64 {
    let mut refusals = 0;
    for step in 0.. {
        let mut bench = Bench::with(Disk::default(), Some(journal_bytes));
        assert_eq!(bench.append(&[(0, 1)]), [committed(0, 1)]);
        bench
            .disk
            .fail_after(step, Fails::Write, io::ErrorKind::Other);
        let told = bench.append(&[(0, 2), (0, 3)]);
        let is_over = bench.disk.mend();
        let is_there = bench.seqs(0) == [1, 2, 3];
        match &told[..] {
            [Told::Committed { upto: Seq(3), .. }] => assert!(is_there, "step {step}"),
            [
                Told::Refused {
                    from: Seq(2),
                    fault,
                    ..
                },
            ] => {
                assert_eq!(
                    (is_there, *fault),
                    (false, StoreFault::Failed),
                    "step {step}"
                );
            }
            other => panic!("step {step}: {other:?}"),
        }
        refusals += u64::from(!is_there);
        let next = if is_there { 4 } else { 2 };
        assert_eq!(
            bench.append(&[(0, next)]),
            [committed(0, next)],
            "step {step}"
        );
        if is_over {
            break;
        }
    }
    refusals
}

#[test]
fn a_failed_sync_stops_the_log_until_the_next_start_and_nothing_is_tried_again() {
    let mut bench = Bench::new();
    assert_eq!(bench.append(&[(0, 1)]), [committed(0, 1)]);
    bench.disk.fail(Fails::Sync, io::ErrorKind::Other);
    assert_eq!(
        bench.append(&[(0, 2), (1, 1)]),
        [stopped(0, 2), stopped(1, 1)]
    );
    assert!(matches!(bench.partition.state(), State::Stopped(_)));
    let steps = bench.disk.steps();
    assert_eq!(bench.append(&[(2, 1)]), [stopped(2, 1)]);
    assert_eq!(bench.look_again(), []);
    assert!(bench.partition.open_room(7, name(7), Keep::ALL).is_err());
    // What was committed before is still read.
    assert_eq!(bench.seqs(0), [1]);
    let disk = bench.disk.clone();
    drop(bench);
    assert_eq!(
        disk.steps(),
        steps,
        "something was written or synced after the failed sync"
    );

    // The next start has what the disk has, and goes on there in the same epoch.
    let mut bench = Bench::on(disk, false);
    let head = bench.seqs(0).len() as u64;
    assert!((1..=2).contains(&head));
    assert_eq!(bench.append(&[(0, head + 1)]), [committed(0, head + 1)]);
}

#[test]
fn what_is_older_than_its_age_goes_in_a_sweep_and_nothing_before() {
    let hour = Duration::from_secs(3_600);
    let keep = Keep {
        age: Some(hour),
        ..Keep::ALL
    };
    let mut bench = Bench::new();
    bench.open(0, keep);
    let at = |minutes: u64| minutes * 60_000;
    bench.append_at(&[(0, 1), (0, 2)], at(100));
    bench.append_at(&[(0, 3)], at(130));
    // The clock of a later start may be behind; the age of what is stored then is not.
    bench.append_at(&[(0, 4)], at(10));
    let mut told = Vec::new();
    let keep_of = |_: &RoomName| Keep::ALL;
    for (now, first) in [(at(160), 1), (at(161), 3), (at(190), 3), (at(191), 5)] {
        let next = bench
            .partition
            .sweep(&Sweep::default(), &keep_of, now, &mut told);
        assert!(next.unwrap().is_none());
        let expected: Vec<u64> = (first..=4).collect();
        assert_eq!(bench.seqs(0), expected, "{now}");
    }
    let trims = [3, 5].map(|first| Told::Trimmed {
        tag: 0,
        first: Seq(first),
    });
    assert_eq!(told, trims);
    // Its numbers go on where they were.
    assert_eq!(bench.append(&[(0, 5)]), [committed(0, 5)]);
    assert_eq!(bench.seqs(0), [5]);
}

#[test]
fn a_sweep_asks_what_is_kept_of_rooms_that_nobody_has_opened() {
    let mut bench = Bench::new();
    for room in 0..3 {
        bench.append_at(&[(room, 1)], 1);
    }
    bench.partition.close_room(&0, &name(0));
    bench.partition.close_room(&1, &name(1));
    let keep_of = |room: &RoomName| Keep {
        age: (*room == name(1)).then_some(Duration::from_millis(10)),
        ..Keep::ALL
    };
    let mut told = Vec::new();
    let swept = (bench.partition).sweep(&Sweep::default(), &keep_of, 100, &mut told);
    assert!(swept.unwrap().is_none());
    assert_eq!(told, [], "nobody has it open");
    assert_eq!([0, 1, 2].map(|room| bench.seqs(room).len()), [1, 0, 1]);
}

#[test]
fn a_trim_by_the_operator_is_exact_and_lasts() {
    let mut bench = Bench::new();
    bench.append(&[(0, 1), (0, 2), (0, 3), (0, 4)]);
    bench.append(&[(0, 5), (0, 6)]);
    for before in [3, 4, 6, 7] {
        let mut told = Vec::new();
        let trimmed = bench.partition.trim_room(&name(0), Seq(before), &mut told);
        assert_eq!(trimmed.unwrap(), Some((Seq(before), true)));
        assert_eq!(
            told,
            [Told::Trimmed {
                tag: 0,
                first: Seq(before)
            }]
        );
        assert_eq!(bench.seqs(0), (before..=6).collect::<Vec<_>>());
    }
    let mut told = Vec::new();
    let beyond = bench
        .partition
        .trim_room(&name(0), Seq(u64::MAX), &mut told);
    assert_eq!(beyond.unwrap(), Some((Seq(7), true)));
    assert_eq!(
        bench.partition.trim_room(&name(9), Seq(1), &mut told),
        Ok(None)
    );
    assert_eq!(bench.append(&[(0, 7)]), [committed(0, 7)]);
    drop(bench.partition);
    let bench = Bench::on(bench.disk, false);
    assert_eq!(bench.seqs(0), [7]);
    let recent = Recent {
        entries_max: 9,
        bytes_max: 9_999,
        ids_max: 9,
    };
    let opened = bench
        .partition
        .file()
        .read(|read| log::open(read, IDENTITY, &name(0), recent, Digester::new(1)));
    let (opened, damage) = opened.unwrap();
    assert_eq!(damage, None);
    // What was trimmed may have had ids.
    assert_eq!((opened.first, opened.ids_from), (Seq(7), Seq(7)));
}

#[test]
fn a_damaged_room_is_refused_alone() {
    let mut bench = Bench::new();
    bench.append(&[(0, 1), (1, 1), (2, 1)]);
    let number = IDENTITY.number_of(&name(1));
    let damaged = bench.partition.file().show(|write| {
        write
            .open_table(crate::format::MARKS)?
            .insert(number, &b"?"[..])?;
        Ok(())
    });
    damaged.unwrap();
    // Those that are open go on by what they know; one that is opened is looked at.
    assert!(bench.partition.open_room(1, name(1), Keep::ALL).is_err());
    assert_eq!(
        bench.append(&[(0, 2), (2, 2)]),
        [committed(0, 2), committed(2, 2)]
    );
}
