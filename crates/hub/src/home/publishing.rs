//! Publishing to a room at its home: numbers, answers, and what comes again.

use std::sync::Arc;

use parlour_proto::{Entry, Limits, Position, Refusal, Seq, Timestamp};

use super::{Answered, Held, Home, Publish, Published, Repeat, Standing, Uncommitted};
use crate::ids::Known;

impl Home {
    /// Numbers a publish, unless the log is full of entries that some view has not taken: then it
    /// waits here unanswered, its publisher's shard runs out of credit, and in the end the publisher
    /// is not read. Members are never outrun by the server itself.
    pub(crate) fn publish(
        &mut self,
        publish: Publish,
        sent: Timestamp,
        limits: &Limits,
    ) -> Published {
        if !self.held.is_empty() || !self.has_room() {
            self.held.push_back(Held::Publish(publish));
            return Published::Waits;
        }
        self.take_publish(publish, sent, limits)
    }

    /// Takes the next publish that had to wait, if there is room for it now.
    pub(crate) fn release(&mut self, sent: Timestamp, limits: &Limits) -> Option<Published> {
        self.place_held_notices();
        if self.held.is_empty() || !self.has_room() {
            return None;
        }
        match self.held.pop_front()? {
            Held::Publish(publish) => Some(self.take_publish(publish, sent, limits)),
            // Those were placed.
            Held::Notice(_) => None,
        }
    }

    /// What was published before is answered as then, and what may have been is refused.
    fn take_publish(&mut self, publish: Publish, sent: Timestamp, limits: &Limits) -> Published {
        if self.standing == Standing::Stopped {
            return Published::Answered(publish.answered(Err(Refusal::StoreFailed)));
        }
        let Some(digest) = self.digester.of_draft(&publish.draft) else {
            return Published::Numbered(self.number(publish, sent));
        };
        let refusal = match self.ids.find(digest) {
            Known::Same(seq) => return self.repeat(publish, seq),
            Known::Other => Refusal::IdReused,
            Known::New if self.may_have_forgotten(publish.draft.since) => Refusal::IdForgotten,
            Known::New => {
                let entry = self.number(publish, sent);
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
        self.repeats.push(Repeat {
            seq,
            publisher: publish.publisher,
            bytes: publish.draft.payload.len(),
            id: publish.draft.id,
        });
        Published::Repeats
    }

    fn number(&mut self, publish: Publish, sent: Timestamp) -> Arc<Entry> {
        let seq = self.last_numbered().next();
        let entry = Arc::new(publish.draft.numbered(seq, sent));
        self.uncommitted_bytes += entry.cost();
        self.uncommitted.push_back(Uncommitted {
            entry: Arc::clone(&entry),
            publisher: publish.publisher,
        });
        entry
    }

    /// Everything up to `upto` is final: answers for its publishers.
    pub(crate) fn commit(&mut self, upto: Seq, answers: &mut Vec<Answered>) {
        while let Some(first) = self.uncommitted.front()
            && first.entry.seq <= upto
            && let Some(Uncommitted { entry, publisher }) = self.uncommitted.pop_front()
        {
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
        for Uncommitted { entry, publisher } in self.uncommitted.drain(keep..) {
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
        let last = self.last_numbered();
        for (after, _) in &mut self.notices {
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
        for held in std::mem::take(&mut self.held) {
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
