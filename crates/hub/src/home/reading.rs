//! Reading a room at its home: what comes behind a position, and pages of its log.

use std::sync::Arc;

use parlour_proto::{BATCH_ENTRIES_MAX, Entry, Missed, Page, PageFrom, Position, Refusal, Seq};

use super::Home;
use crate::letter::{History, Replay};

impl Home {
    /// What a reader who has everything up to `after` is told next, as far as memory knows:
    /// `older`, from the store, begins before the log if it is not empty.
    ///
    /// # Errors
    /// [`Refusal::BadPosition`] for a position that this room cannot have given.
    pub(crate) fn replay(
        &self,
        after: Position,
        older: Vec<Arc<Entry>>,
        bytes_max: usize,
    ) -> Result<Replay, Refusal> {
        let (mut missed, mut had) = (None, after.seq);
        if after.epoch != self.epoch {
            had = self.oldest_known(&older);
            let now = Position {
                epoch: self.epoch,
                seq: had,
            };
            missed = Some(Missed::Epoch { was: after, now });
        } else if after.seq > self.head {
            return Err(Refusal::BadPosition);
        } else if !self.log.reaches(had, self.head) && had < self.oldest_known(&older) {
            let (first, last) = (had.next(), self.oldest_known(&older));
            had = last;
            missed = Some(Missed::Entries {
                epoch: self.epoch,
                first,
                last,
            });
        }
        let entries = if older.is_empty() {
            self.log.after(had, BATCH_ENTRIES_MAX, bytes_max).0
        } else {
            older
        };
        let seq = entries.last().map_or(had, |entry| entry.seq);
        Ok(Replay {
            missed,
            entries,
            upto: Position {
                epoch: self.epoch,
                seq,
            },
            head: self.head,
        })
    }

    /// Whether a read must ask the store first.
    pub(crate) fn needs_store(&self, after: Position) -> bool {
        let seq = if after.epoch == self.epoch {
            after.seq
        } else {
            Seq(0)
        };
        self.is_durable && seq <= self.head && !self.log.reaches(seq, self.head)
    }

    /// The number before the oldest entry that can still be had.
    fn oldest_known(&self, older: &[Arc<Entry>]) -> Seq {
        let first = older.first().map(|entry| entry.seq).or(self.log.first());
        first.map_or(self.head, |first| Seq(first.0 - 1))
    }

    /// Whether a page lies, in part, before what is in memory.
    pub(crate) fn page_needs_store(&self, page: Page) -> bool {
        if !self.is_durable {
            return false;
        }
        let oldest = match page.from {
            PageFrom::After(seq) => seq.next(),
            PageFrom::Before(seq) => {
                let last = seq.0.min(self.head.0.saturating_add(1));
                Seq(last.saturating_sub(page.limit.into()))
            }
        };
        let oldest = oldest.max(self.first);
        oldest <= self.head && self.log.first().is_none_or(|first| oldest < first)
    }

    /// A page of the log: of what memory has, or of `read`.
    pub(crate) fn page(
        &self,
        page: Page,
        read: Option<Vec<Arc<Entry>>>,
        bytes_max: usize,
    ) -> History {
        let entries = read.unwrap_or_else(|| match page.from {
            PageFrom::After(seq) => self.log.after(seq, page.limit.into(), bytes_max).0,
            PageFrom::Before(seq) => self.log.before(seq, page.limit.into(), bytes_max),
        });
        let more = match (page.from, &entries[..]) {
            (PageFrom::After(_), [.., last]) => last.seq < self.head,
            (PageFrom::Before(_), [first, ..]) => self.oldest_kept() < first.seq,
            (_, []) => false,
        };
        let epoch = self.epoch;
        History {
            epoch,
            entries,
            more,
        }
    }

    fn oldest_kept(&self) -> Seq {
        match self.is_durable {
            true => self.first,
            false => self.log.first().unwrap_or(self.head.next()),
        }
    }
}
