//! The last entries of a room, in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use parlour_proto::{Entry, Seq};

/// Entries with consecutive numbers, bounded by whoever trims it.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Arc<Entry>>,
    /// Sum of [`Entry::cost`].
    bytes: usize,
}

impl Log {
    pub(crate) fn push(&mut self, entry: Arc<Entry>) {
        debug_assert!(
            self.entries
                .back()
                .is_none_or(|last| last.seq.next() == entry.seq)
        );
        self.bytes += entry.cost();
        self.entries.push_back(entry);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives spare room back.
    pub(crate) fn shrink(&mut self) {
        self.entries.shrink_to_fit();
    }

    /// The number of the oldest entry that is still here.
    pub(crate) fn first(&self) -> Option<Seq> {
        self.entries.front().map(|entry| entry.seq)
    }

    /// Whether the entry after `seq` is here, or would be here if it existed.
    pub(crate) fn reaches(&self, seq: Seq, head: Seq) -> bool {
        seq == head || self.first().is_some_and(|first| first <= seq.next())
    }

    /// Drops the oldest entry if it is not newer than `upto`.
    pub(crate) fn trim_one(&mut self, upto: Seq) -> bool {
        match self.entries.front() {
            Some(entry) if entry.seq <= upto => {
                self.bytes -= entry.cost();
                self.entries.pop_front();
                true
            }
            _ => false,
        }
    }

    /// The entries after `seq`, at most `entries_max` and at most `bytes_max` (one may stand over),
    /// and their cost.
    pub(crate) fn after(
        &self,
        seq: Seq,
        entries_max: usize,
        bytes_max: usize,
    ) -> (Vec<Arc<Entry>>, usize) {
        let Some(first) = self.first() else {
            return (Vec::new(), 0);
        };
        let skip = seq.next().0.saturating_sub(first.0);
        let skip = usize::try_from(skip)
            .unwrap_or(usize::MAX)
            .min(self.entries.len());
        let mut cost = 0;
        let entries: Vec<_> = self
            .entries
            .range(skip..)
            .take(entries_max)
            .take_while(|entry| {
                let fits = cost == 0 || cost + entry.cost() <= bytes_max;
                cost += if fits { entry.cost() } else { 0 };
                fits
            })
            .map(Arc::clone)
            .collect();
        (entries, cost)
    }
}

impl Log {
    /// The newest entries before `seq`, in ascending order, within the same bounds.
    pub(crate) fn before(&self, seq: Seq, entries_max: usize, bytes_max: usize) -> Vec<Arc<Entry>> {
        let until = self.entries.partition_point(|entry| entry.seq < seq);
        let mut cost = 0;
        let newest = self.entries.range(..until).rev().take(entries_max);
        let newest = newest.take_while(|entry| {
            let fits = cost == 0 || cost + entry.cost() <= bytes_max;
            cost += entry.cost();
            fits
        });
        let mut entries: Vec<_> = newest.map(Arc::clone).collect();
        entries.reverse();
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_proto::{Draft, EntryKind, Timestamp};

    fn entry(seq: u64) -> Arc<Entry> {
        let draft = Draft::new("x", EntryKind::MESSAGE, vec![b'x'; 100]);
        Arc::new(draft.numbered(Seq(seq), Timestamp::from_unix_nanoseconds(0)))
    }

    fn numbers(log: &Log, after: u64, entries_max: usize, bytes_max: usize) -> Vec<u64> {
        log.after(Seq(after), entries_max, bytes_max)
            .0
            .iter()
            .map(|entry| entry.seq.0)
            .collect()
    }

    #[test]
    fn gives_bounded_pieces_after_a_cursor() {
        let mut log = Log::default();
        (1..=5).for_each(|seq| log.push(entry(seq)));
        assert_eq!(numbers(&log, 0, 9, usize::MAX), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&log, 3, 9, usize::MAX), [4, 5]);
        assert_eq!(numbers(&log, 1, 2, usize::MAX), [2, 3]);
        assert_eq!(
            numbers(&log, 0, 9, 1),
            [1],
            "one entry may stand over the bound"
        );
        assert_eq!(numbers(&log, 5, 9, usize::MAX), [0u64; 0]);
    }

    #[test]
    fn trims_from_the_old_end_and_counts_bytes() {
        let mut log = Log::default();
        (1..=3).for_each(|seq| log.push(entry(seq)));
        assert!(log.trim_one(Seq(1)));
        assert!(!log.trim_one(Seq(1)), "2 is newer than what may be trimmed");
        assert_eq!((log.len(), log.bytes()), (2, 2 * entry(1).cost()));
        assert!(log.reaches(Seq(1), Seq(3)) && !log.reaches(Seq(0), Seq(3)));
        assert_eq!(numbers(&log, 0, 9, usize::MAX), [2, 3]);
    }
}
