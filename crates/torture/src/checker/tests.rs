//! Histories with one planted fault each: every rule catches its own, and an honest one catches none.

use parlour_proto::{Epoch, Missed, Position, RoomName, Seq};

use super::{Checker, Id, Kind, Reader, Room, Violations};

const EPOCH: Epoch = Epoch(7);
const LATER: Epoch = Epoch(8);
const DEN: Room = Room(0);

fn at(epoch: Epoch, seq: u64) -> Position {
    let seq = Seq(seq);
    Position { epoch, seq }
}

fn trimmed(first: u64, last: u64) -> Missed {
    let (first, last) = (Seq(first), Seq(last));
    let epoch = EPOCH;
    Missed::Entries { epoch, first, last }
}

/// A room with two readers from its beginning on.
struct History {
    checker: Checker,
    ann: Reader,
    bob: Reader,
}

impl History {
    fn new() -> Self {
        let mut checker = Checker::new(vec![RoomName::new("den").unwrap()]);
        let [ann, bob] = ["ann", "bob"].map(|name| checker.reader(name.into()));
        for reader in [ann, bob] {
            checker.joins(reader, DEN, at(EPOCH, 0));
        }
        Self { checker, ann, bob }
    }

    /// A reader is told these, each with its own number as id and content.
    fn tell(&mut self, reader: Reader, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            self.checker
                .told(reader, DEN, at(EPOCH, seq), Some(Id(seq)), seq);
        }
    }

    fn ack(&mut self, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            self.checker.acked(DEN, at(EPOCH, seq), Id(seq), seq);
        }
    }

    /// The end, with an audit that is told these.
    fn end(mut self, seqs: impl IntoIterator<Item = u64>) -> Violations {
        let (auditor, from) = self.checker.auditor();
        assert_eq!(from, [(DEN, at(EPOCH, 0))]);
        self.tell(auditor, seqs);
        self.checker.finish(auditor)
    }
}

/// Only this kind, so often, at this number.
fn only(found: &Violations, kind: Kind, count: u64, seq: u64) {
    assert_eq!(found.count, [(kind, count)].into(), "{:#?}", found.first);
    let first = &found.first[0];
    assert_eq!(
        (first.room.as_str(), first.seq),
        ("den", Some(seq)),
        "{first}"
    );
}

#[test]
fn an_honest_history_has_nothing_to_find() {
    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    history.ack(1..=5);
    history.tell(ann, 1..=9);
    history.ack(6..=9);
    history.tell(bob, 1..=4);
    history.checker.notice(bob, DEN, trimmed(5, 7));
    history.tell(bob, 8..=9);
    assert_eq!(history.checker.entries(), 9);
    let found = history.end(1..=9);
    assert_eq!(found, Violations::default());
}

#[test]
fn an_acknowledged_entry_that_is_missing_at_the_end_is_lost() {
    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    history.ack(1..=5);
    history.tell(ann, 1..=3);
    history.tell(bob, 1..=3);
    only(&history.end(1..=3), Kind::Lost, 2, 4);
}

#[test]
fn what_a_notice_names_is_not_lost_and_nothing_beyond_it_is_excused() {
    for (last, lost) in [(3, 0), (2, 1)] {
        let mut history = History::new();
        let readers = [history.ann, history.bob];
        history.ack(1..=5);
        for reader in readers {
            history.tell(reader, 1..=5);
        }
        let (auditor, _) = history.checker.auditor();
        history.checker.notice(auditor, DEN, trimmed(1, last));
        history.tell(auditor, 4..=5);
        let found = history.checker.finish(auditor);
        assert_eq!(
            (found.of(Kind::Lost), found.of(Kind::Hole)),
            (lost, lost),
            "{last}"
        );
    }
}

#[test]
fn one_id_at_two_positions_is_twice_and_so_is_one_position_told_twice() {
    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    history.tell(ann, 1..=3);
    history.checker.told(ann, DEN, at(EPOCH, 4), Some(Id(2)), 4);
    history.tell(bob, 1..=3);
    history.checker.told(bob, DEN, at(EPOCH, 4), Some(Id(2)), 4);
    let (auditor, _) = history.checker.auditor();
    history.tell(auditor, 1..=3);
    history
        .checker
        .told(auditor, DEN, at(EPOCH, 4), Some(Id(2)), 4);
    // One repetition, however many readers see it.
    only(&history.checker.finish(auditor), Kind::Twice, 1, 4);

    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    history.tell(ann, [1, 2, 2, 3]);
    history.tell(bob, 1..=3);
    only(&history.end(1..=3), Kind::Twice, 1, 2);
}

#[test]
fn an_entry_behind_a_later_one_is_out_of_order() {
    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    // 3 came without 2, which is a hole, and then 2 came behind it.
    history.tell(ann, [1, 3, 2, 4]);
    history.tell(bob, 1..=4);
    let found = history.end(1..=4);
    assert_eq!(found.count, [(Kind::Hole, 1), (Kind::Reordered, 1)].into());
    assert_eq!(found.first[1].seq, Some(2));
    assert_eq!(found.first[1].reader, "ann");
}

#[test]
fn other_content_or_another_id_at_one_position_is_different() {
    for (id, content) in [(Some(Id(2)), 99), (Some(Id(99)), 2), (None, 2)] {
        let mut history = History::new();
        let (ann, bob) = (history.ann, history.bob);
        history.tell(ann, 1..=3);
        history.tell(bob, [1]);
        history.checker.told(bob, DEN, at(EPOCH, 2), id, content);
        history.tell(bob, [3]);
        only(&history.end(1..=3), Kind::Different, 1, 2);
    }
}

#[test]
fn an_acknowledgement_at_the_place_of_something_else_is_wrong() {
    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    history.tell(ann, 1..=3);
    history.tell(bob, 1..=3);
    history.checker.acked(DEN, at(EPOCH, 2), Id(50), 50);
    only(&history.end(1..=3), Kind::WrongAck, 1, 2);
}

#[test]
fn a_number_that_is_skipped_without_a_notice_is_a_hole() {
    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    history.tell(ann, 1..=5);
    history.tell(bob, [1, 2, 5]);
    let found = history.end(1..=5);
    only(&found, Kind::Hole, 1, 5);
    let words = found.first[0].to_string();
    assert!(
        words.contains("room den, seq 5") && words.contains("seen by bob"),
        "{words}"
    );
}

#[test]
fn a_new_epoch_without_a_notice_is_a_hole_and_with_one_what_was_acknowledged_is_lost() {
    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    history.ack(1..=2);
    history.tell(ann, 1..=2);
    history.tell(bob, 1..=2);
    let (was, now) = (at(EPOCH, 2), at(LATER, 0));
    history.checker.notice(ann, DEN, Missed::Epoch { was, now });
    history.checker.told(ann, DEN, at(LATER, 1), Some(Id(3)), 3);
    history.checker.told(bob, DEN, at(LATER, 1), Some(Id(3)), 3);
    let (auditor, _) = history.checker.auditor();
    let was = at(EPOCH, 0);
    history
        .checker
        .notice(auditor, DEN, Missed::Epoch { was, now });
    history
        .checker
        .told(auditor, DEN, at(LATER, 1), Some(Id(3)), 3);
    assert_eq!(history.checker.counts().new_epochs, 2);
    let found = history.checker.finish(auditor);
    assert_eq!(found.count, [(Kind::Lost, 2), (Kind::Hole, 1)].into());
    assert_eq!(found.first[0].reader, "bob");
}

#[test]
fn a_notice_that_leaves_out_an_entry_or_begins_too_early_does_not_fit() {
    for missed in [trimmed(4, 5), trimmed(2, 5), trimmed(3, 2)] {
        let mut history = History::new();
        let bob = history.bob;
        history.tell(bob, 1..=2);
        history.checker.notice(bob, DEN, missed);
        assert_eq!(
            history.checker.found().of(Kind::WrongNotice),
            1,
            "{missed:?}"
        );
    }
}

#[test]
fn a_reader_that_is_not_told_the_last_entries_is_incomplete() {
    let mut history = History::new();
    let ann = history.ann;
    history.tell(ann, 1..=5);
    let bob = history.bob;
    history.tell(bob, 1..=4);
    let found = history.end(1..=5);
    only(&found, Kind::Incomplete, 1, 4);
    assert_eq!(found.first[0].reader, "bob");
}

#[test]
fn who_left_is_owed_nothing_and_begins_anew_where_he_joins() {
    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    history.tell(ann, 1..=9);
    history.tell(bob, 1..=2);
    history.checker.leaves(bob, DEN);
    assert_eq!(history.checker.place(bob, DEN), None);
    history.checker.joins(bob, DEN, at(EPOCH, 6));
    history.tell(bob, 7..=9);
    assert_eq!(history.end(1..=9), Violations::default());
}

#[test]
fn what_was_refused_and_is_there_is_found() {
    let mut history = History::new();
    let readers = [history.ann, history.bob];
    for reader in readers {
        history.tell(reader, 1..=3);
    }
    history.checker.refused(DEN, Id(2));
    history.checker.refused(DEN, Id(77));
    only(&history.end(1..=3), Kind::Refused, 1, 2);
}

#[test]
fn a_position_that_the_server_does_not_know_any_more_is_lost() {
    let mut history = History::new();
    let (ann, bob) = (history.ann, history.bob);
    history.tell(ann, 1..=3);
    history.tell(bob, 1..=2);
    history.checker.disowned(ann, DEN);
    assert_eq!(history.checker.place(ann, DEN), None);
    only(&history.end(1..=2), Kind::Lost, 1, 3);
}

#[test]
fn a_number_beyond_all_bounds_costs_no_memory() {
    let mut history = History::new();
    let ann = history.ann;
    history.tell(ann, [1 << 52]);
    assert_eq!(history.checker.entries(), 0);
    assert!(history.checker.found().of(Kind::Hole) >= 1);
}

#[test]
fn details_are_bounded_and_all_are_counted() {
    let mut history = History::new();
    history.ack(1..=1_000);
    let readers = [history.ann, history.bob];
    for reader in readers {
        history.checker.leaves(reader, DEN);
    }
    let found = history.end([]);
    assert_eq!((found.total(), found.of(Kind::Lost)), (1_000, 1_000));
    assert_eq!(found.first.len(), super::violation::DETAILS_MAX);
}

#[test]
fn what_the_server_should_know_and_does_not_is_found_unless_a_new_epoch_came() {
    for (seq, has_new_epoch, count) in [(3, false, 1), (3, true, 0)] {
        let mut history = History::new();
        let (ann, bob) = (history.ann, history.bob);
        for reader in [ann, bob] {
            history.tell(reader, 1..=5);
        }
        history
            .checker
            .forgotten(DEN, Id(9), at(EPOCH, seq), 10_000);
        // So few ids: it cannot know.
        history.checker.forgotten(DEN, Id(8), at(EPOCH, seq), 500);
        if has_new_epoch {
            let (was, now) = (at(EPOCH, 5), at(LATER, 0));
            history.checker.notice(ann, DEN, Missed::Epoch { was, now });
        }
        let found = history.end(1..=5);
        assert_eq!(found.of(Kind::Forgotten), count, "{:?}", found.first);
    }
}

#[test]
fn what_one_publisher_said_stands_in_its_order_unless_it_sent_something_again_late() {
    for is_late in [false, true] {
        let mut history = History::new();
        let auditor = history.checker.auditor().0;
        let readers = [history.ann, history.bob, auditor];
        for (seq, n) in [(1, 1), (2, 3), (3, 2)] {
            history.checker.acked(DEN, at(EPOCH, seq), Id(n), n);
        }
        if is_late {
            history.checker.said_out_of_turn(Id(2));
        }
        for reader in readers {
            for (seq, n) in [(1, 1), (2, 3), (3, 2)] {
                history
                    .checker
                    .told(reader, DEN, at(EPOCH, seq), Some(Id(n)), n);
            }
        }
        let found = history.checker.finish(readers[2]);
        match is_late {
            true => assert_eq!(found, Violations::default()),
            false => only(&found, Kind::Reordered, 1, 3),
        }
    }
}
