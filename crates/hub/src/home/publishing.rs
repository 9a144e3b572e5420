//! Publishing to a room at its home: numbers, answers, and what comes again.

use std::sync::Arc;
use std::time::Duration;

use parlour_proto::{Entry, Limits, Now, Position, Refusal, Seq};

use super::{
    Answered, Held, Home, Publish, Published, Publisher, Repeat, Standing, Uncommitted, Unsure,
};
use crate::ids::Known;

/// Most rooms wait for one entry at a time. A deque would begin with four.
const UNCOMMITTED_AT_FIRST: usize = 2;

impl Home {
    /// Numbers a publish, unless the log is full of entries that some view has not taken: then it
    /// waits here unanswered, its publisher's shard runs out of credit, and in the end the publisher
    /// is not read. Members are never outrun by the server itself.
    pub(crate) fn publish(&mut self, publish: Publish, now: Now, limits: &Limits) -> Published {
        if !self.held.is_empty() || !self.has_room() {
            self.held.push_back(Held::Publish(publish));
            return Published::Waits;
        }
        self.take_publish(publish, now, limits)
    }

    /// Takes the next publish that had to wait, if there is room for it now.
    pub(crate) fn release(&mut self, now: Now, limits: &Limits) -> Option<Published> {
        self.place_held_notices();
        if self.held.is_empty() || !self.has_room() {
            return None;
        }
        match self.held.pop_front()? {
            Held::Publish(publish) => Some(self.take_publish(publish, now, limits)),
            // Those were placed.
            Held::Notice(_) => None,
        }
    }

    /// What was published before is answered as then, and what may have been is refused.
    fn take_publish(&mut self, publish: Publish, now: Now, limits: &Limits) -> Published {
        if self.standing == Standing::Stopped {
            return Published::Answered(publish.answered(Err(Refusal::StoreFailed)));
        }
        let Some(digest) = self.digester.of_draft(&publish.draft) else {
            return Published::Numbered(self.number(publish, now));
        };
        let refusal = match self.ids.find(digest) {
            Known::Same(seq) => return self.repeat(publish, seq),
            Known::Other => Refusal::IdReused,
            Known::New if self.may_have_forgotten(publish.draft.since) => Refusal::IdForgotten,
            Known::New => {
                let entry = self.number(publish, now);
                self.ids.insert(entry.seq, digest);
                let kept = limits.ids_per_room_max as u64;
                self.ids
                    .forget_before(Seq((entry.seq.0 + 1).saturating_sub(kept)));
                return Published::Numbered(entry);
            }
        };
        Published::Answered(publish.answered(Err(refusal)))
    }

    fn may_have_forgotten(&self, since: Option<Position>) -> bool {
        since.is_some_and(|since| since.epoch != self.epoch || !self.ids.reaches(since.seq))
    }

    /// The first answer again, which may have to come first.
    fn repeat(&mut self, publish: Publish, seq: Seq) -> Published {
        if seq <= self.head {
            let epoch = self.epoch;
            return Published::Answered(publish.answered(Ok(Position { epoch, seq })));
        }
        if seq <= self.unsure {
            return Published::Answered(publish.answered(Err(Refusal::OutcomeUnknown)));
        }
        self.repeats.push(Repeat {
            seq,
            publisher: publish.publisher,
            bytes: publish.draft.payload.len(),
            id: publish.draft.id,
        });
        Published::Repeats
    }

    fn number(&mut self, publish: Publish, now: Now) -> Arc<Entry> {
        let seq = self.last_numbered().next();
        let entry = Arc::new(publish.draft.numbered(seq, now.wall));
        self.uncommitted_bytes += entry.cost();
        if self.uncommitted.capacity() == 0 {
            self.uncommitted.reserve_exact(UNCOMMITTED_AT_FIRST);
        }
        self.uncommitted.push_back(Uncommitted {
            entry: Arc::clone(&entry),
            publisher: publish.publisher,
            since: now.monotonic,
        });
        entry
    }

    /// Answers what was numbered at `latest` or before and is still with the store: that its outcome is
    /// unknown. It stays on its way, and keeps its credit. When the next was numbered, if there is one.
    pub(crate) fn doubt(
        &mut self,
        latest: Duration,
        unsure: &mut Vec<Unsure>,
        answers: &mut Vec<Answered>,
    ) -> Option<Duration> {
        let from = self.unsure.0.saturating_sub(self.head.0);
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        for late in self.uncommitted.iter_mut().skip(from) {
            if late.since > latest {
                break;
            }
            self.unsure = late.entry.seq;
            let shard = match late.publisher {
                Publisher::Connection { shard, .. } => Some(shard),
                Publisher::Driver(_) => None,
                Publisher::Nobody { .. } | Publisher::Answered { .. } => continue,
            };
            let to = std::mem::replace(&mut late.publisher, Publisher::Answered { shard });
            let id = late.entry.id.clone();
            unsure.push(Unsure { to, id });
        }
        let upto = self.unsure;
        for repeat in self.repeats.extract_if(.., |repeat| repeat.seq <= upto) {
            answers.push(repeat.answered(Err(Refusal::OutcomeUnknown)));
        }
        let left = self.unsure.0.saturating_sub(self.head.0);
        let next = self.uncommitted.get(usize::try_from(left).ok()?)?;
        Some(next.since)
    }

    /// Everything up to `upto` is final: answers for its publishers.
    pub(crate) fn commit(&mut self, upto: Seq, answers: &mut Vec<Answered>) {
        while let Some(first) = self.uncommitted.front()
            && first.entry.seq <= upto
            && let Some(first) = self.uncommitted.pop_front()
        {
            let Uncommitted {
                entry, publisher, ..
            } = first;
            self.uncommitted_bytes -= entry.cost();
            self.head = entry.seq;
            let position = self.position();
            answers.push(Answered {
                to: publisher,
                id: entry.id.clone(),
                bytes: entry.payload.len(),
                result: Ok(position),
            });
            self.log.push(entry);
        }
        let epoch = self.epoch;
        for repeat in self.repeats.extract_if(.., |repeat| repeat.seq <= upto) {
            let seq = repeat.seq;
            answers.push(repeat.answered(Ok(Position { epoch, seq })));
        }
    }

    /// Nothing from `from` on was stored: these numbers are given again.
    pub(crate) fn refuse(&mut self, from: Seq, refusal: Refusal, answers: &mut Vec<Answered>) {
        let keep = from.0.saturating_sub(self.head.next().0);
        let keep = usize::try_from(keep)
            .unwrap_or(usize::MAX)
            .min(self.uncommitted.len());
        for refused in self.uncommitted.drain(keep..) {
            let Uncommitted {
                entry, publisher, ..
            } = refused;
            self.uncommitted_bytes -= entry.cost();
            answers.push(Answered {
                to: publisher,
                id: entry.id.clone(),
                bytes: entry.payload.len(),
                result: Err(refusal),
            });
        }
        for repeat in self.repeats.extract_if(.., |repeat| repeat.seq >= from) {
            answers.push(repeat.answered(Err(refusal)));
        }
        self.ids.take_back(from);
        self.unsure = self.unsure.min(Seq(from.0.saturating_sub(1)));
        let last = self.last_numbered();
        for (after, _) in self.notices.iter_mut() {
            *after = last.min(*after);
        }
    }

    /// Whether `from` and what follows it is on disk is unknown: nothing more is numbered.
    pub(crate) fn stop(&mut self, from: Seq, answers: &mut Vec<Answered>) {
        self.standing = Standing::Stopped;
        self.refuse(from, Refusal::OutcomeUnknown, answers);
        self.refuse_held(Refusal::StoreFailed, answers);
    }

    /// Answers what waits without a number.
    pub(crate) fn refuse_held(&mut self, refusal: Refusal, answers: &mut Vec<Answered>) {
        for held in self.held.take() {
            match held {
                Held::Publish(publish) => answers.push(publish.answered(Err(refusal))),
                Held::Notice(posted) => self.notices.push_back((self.last_numbered(), posted)),
            }
        }
    }
}

impl Publish {
    fn answered(self, result: Result<Position, Refusal>) -> Answered {
        Answered {
            to: self.publisher,
            bytes: self.draft.payload.len(),
            id: self.draft.id,
            result,
        }
    }
}

impl Repeat {
    fn answered(self, result: Result<Position, Refusal>) -> Answered {
        Answered {
            to: self.publisher,
            id: self.id,
            bytes: self.bytes,
            result,
        }
    }
}
