//! A room at its home: the one place that numbers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parlour_proto::{
    BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, ConnectionId, Draft, Entry, EntryId, Epoch, Limits, Missed,
    Position, Refusal, RoomName, Seq, ShardId, Timestamp,
};

use crate::letter::Replay;
use crate::log::Log;
use crate::notice::{NOTICES_ON_THE_WAY_MAX, Placed, Posted};
use crate::presence::{Census, HomePresence, Times};
use crate::shard::PublishToken;
use crate::table::Key;

/// One room, on the shard that it hashes to.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) room: RoomName,
    pub(crate) epoch: Epoch,
    /// The last entry that is final. Nobody is shown more.
    pub(crate) head: Seq,
    /// The final entries that are still in memory.
    pub(crate) log: Log,
    /// Bytes of the log, as they stand in the shard's weights.
    pub(crate) weight: usize,
    /// Numbered, and with the store: `head + 1`, `head + 2`, …
    uncommitted: VecDeque<Uncommitted>,
    uncommitted_bytes: usize,
    /// Not numbered yet, because a view has not taken what there is. Bounded by the links' credit.
    held: VecDeque<Held>,
    /// Notices that some view was not told yet, each behind the entry of its number. Bounded by the
    /// links' credit too.
    notices: VecDeque<(Seq, Posted)>,
    /// Notices before the first of these.
    told_notices: u64,
    pub(crate) followers: Vec<Follower>,
    pub(crate) presence: HomePresence,
    /// In the shard's list of homes with something to tell.
    pub(crate) queued: bool,
    /// When the last follower left.
    pub(crate) empty_since: Duration,
}

/// Where the answer to a publish goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Publisher {
    /// To a connection, on the shard that it is on.
    Connection { shard: ShardId, id: ConnectionId },
    /// Only as credit to this shard: nobody has asked for it himself.
    Nobody { shard: ShardId },
    /// To whoever drives this shard.
    Driver(PublishToken),
}

#[derive(Debug)]
pub(crate) struct Publish {
    pub(crate) publisher: Publisher,
    pub(crate) draft: Draft,
}

/// What waits for room in the log, or behind what does.
#[derive(Debug)]
enum Held {
    Publish(Publish),
    Notice(Posted),
}

/// What a view is sent at once.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) notices: Vec<Placed>,
}

#[derive(Debug)]
struct Uncommitted {
    entry: Arc<Entry>,
    publisher: Publisher,
}

/// The answer to a publish.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) to: Publisher,
    pub(crate) id: Option<EntryId>,
    /// Payload of the publish, for the credit of its shard.
    pub(crate) bytes: usize,
    pub(crate) result: Result<Position, Refusal>,
}

/// A shard's view of this room is itself a cursor.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) shard: ShardId,
    pub(crate) view: Key,
    sent: Seq,
    taken: Seq,
    /// Batches that were sent and not taken: their last number and their cost.
    untaken: VecDeque<(Seq, usize)>,
    untaken_bytes: usize,
    /// The next notice that it is to be told, counted as the home's.
    next_notice: u64,
    /// Notices that were sent since it follows, and taken.
    sent_notices: u64,
    taken_notices: u64,
    pub(crate) census: Census,
}

impl Home {
    pub(crate) fn new(room: RoomName, epoch: Epoch, now: Duration) -> Self {
        Self {
            room,
            epoch,
            head: Seq(0),
            log: Log::default(),
            weight: 0,
            uncommitted: VecDeque::new(),
            uncommitted_bytes: 0,
            held: VecDeque::new(),
            notices: VecDeque::new(),
            told_notices: 0,
            followers: Vec::new(),
            presence: HomePresence::default(),
            queued: false,
            empty_since: now,
        }
    }

    pub(crate) fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            seq: self.head,
        }
    }

    /// Nobody is here and nothing is on the way.
    pub(crate) fn is_empty(&self) -> bool {
        self.followers.is_empty() && self.uncommitted.is_empty() && self.held.is_empty()
    }

    pub(crate) fn follow(&mut self, shard: ShardId, view: Key) {
        let (sent, taken) = (self.head, self.head);
        let untaken = VecDeque::new();
        let before = self.notices.partition_point(|(after, _)| *after <= sent);
        let next_notice = self.told_notices + before as u64;
        self.followers.push(Follower {
            shard,
            view,
            sent,
            taken,
            untaken,
            untaken_bytes: 0,
            next_notice,
            sent_notices: 0,
            taken_notices: 0,
            census: Census::new(),
        });
    }

    pub(crate) fn unfollow(&mut self, shard: ShardId, view: Key, times: Times) {
        let place = self
            .followers
            .iter()
            .position(|follower| (follower.shard, follower.view) == (shard, view));
        if let Some(place) = place {
            let Follower { census, .. } = self.followers.remove(place);
            self.end_census(&census, times);
        }
    }

    /// A view has offered everything up to `seq` to its members.
    pub(crate) fn take(&mut self, shard: ShardId, view: Key, (seq, notices): (Seq, u64)) {
        let follower = self
            .followers
            .iter_mut()
            .find(|f| (f.shard, f.view) == (shard, view));
        let Some(follower) = follower else { return };
        follower.taken = follower.taken.max(seq);
        follower.taken_notices = follower.taken_notices.max(notices);
        while let Some((last, cost)) = follower.untaken.front().copied()
            && last <= seq
        {
            follower.untaken.pop_front();
            follower.untaken_bytes -= cost;
        }
    }

    /// Numbers a publish, unless the log is full of entries that some view has not taken: then it
    /// waits here unanswered, its publisher's shard runs out of credit, and in the end the publisher
    /// is not read. Members are never outrun by the server itself.
    pub(crate) fn publish(
        &mut self,
        publish: Publish,
        sent: Timestamp,
        limits: &Limits,
    ) -> Option<Arc<Entry>> {
        if !self.held.is_empty() || !self.has_room(limits) {
            self.held.push_back(Held::Publish(publish));
            return None;
        }
        Some(self.number(publish, sent))
    }

    /// Numbers the next publish that had to wait, if there is room for it now.
    pub(crate) fn release(&mut self, sent: Timestamp, limits: &Limits) -> Option<Arc<Entry>> {
        self.place_held_notices();
        if self.held.is_empty() || !self.has_room(limits) {
            return None;
        }
        match self.held.pop_front()? {
            Held::Publish(publish) => Some(self.number(publish, sent)),
            // Those were placed.
            Held::Notice(_) => None,
        }
    }

    /// Somebody came or went: behind everything that he said.
    pub(crate) fn post(&mut self, posted: Posted) {
        if self.held.is_empty() {
            self.notices.push_back((self.last_numbered(), posted));
        } else {
            self.held.push_back(Held::Notice(posted));
        }
    }

    fn place_held_notices(&mut self) {
        while let Some(held) = self.held.pop_front() {
            match held {
                Held::Notice(posted) => self.notices.push_back((self.last_numbered(), posted)),
                publish @ Held::Publish(_) => return self.held.push_front(publish),
            }
        }
    }

    fn last_numbered(&self) -> Seq {
        Seq(self.head.0 + self.uncommitted.len() as u64)
    }

    /// Takes out a notice that all views were told, and says whose credit it had.
    pub(crate) fn next_told(&mut self) -> Option<ShardId> {
        let told = self.followers.iter().map(|follower| follower.next_notice);
        if told.min().is_some_and(|told| told <= self.told_notices) {
            return None;
        }
        let (_, Posted { from, .. }) = self.notices.pop_front()?;
        self.told_notices += 1;
        Some(from)
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

    /// Trims what everybody has taken, and says whether one more entry fits.
    fn has_room(&mut self, limits: &Limits) -> bool {
        self.trim(
            limits
                .log_entries_max
                .saturating_sub(1 + self.uncommitted.len()),
            usize::MAX,
        );
        self.trim(
            usize::MAX,
            limits
                .log_bytes_max
                .saturating_sub(1 + self.uncommitted_bytes),
        );
        self.log.len() + self.uncommitted.len() < limits.log_entries_max
            && self.log.bytes() + self.uncommitted_bytes < limits.log_bytes_max
    }

    /// Trims the log to these bounds, but nothing that a view has not taken.
    pub(crate) fn trim(&mut self, entries_max: usize, bytes_max: usize) {
        let upto = self
            .followers
            .iter()
            .map(|f| f.taken)
            .min()
            .unwrap_or(self.head);
        while self.log.len() > entries_max || self.log.bytes() > bytes_max {
            if !self.log.trim_one(upto) {
                return;
            }
        }
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
    }

    /// Nothing from `from` on was stored: these numbers are given again.
    pub(crate) fn refuse(&mut self, from: Seq, answers: &mut Vec<Answered>) {
        let keep = from.0.saturating_sub(self.head.next().0);
        let keep = usize::try_from(keep)
            .unwrap_or(usize::MAX)
            .min(self.uncommitted.len());
        for Uncommitted { entry, publisher } in self.uncommitted.drain(keep..) {
            self.uncommitted_bytes -= entry.cost();
            let result = Err(Refusal::NotStored);
            answers.push(Answered {
                to: publisher,
                id: entry.id.clone(),
                bytes: entry.payload.len(),
                result,
            });
        }
        let last = self.last_numbered();
        for (after, _) in &mut self.notices {
            *after = last.min(*after);
        }
    }

    /// The next batch for the follower at `index`, if it may have one: at most half a log is on the
    /// way to a view, so that the other half stays for members that lag.
    pub(crate) fn feed(&mut self, index: usize, limits: &Limits) -> Option<Batch> {
        let entries = self.feed_entries(index, limits).unwrap_or_default();
        let notices = self.feed_notices(index);
        (!(entries.is_empty() && notices.is_empty())).then_some(Batch { entries, notices })
    }

    /// Notices that follow what this follower was sent.
    fn feed_notices(&mut self, index: usize) -> Vec<Placed> {
        let Some(follower) = self.followers.get_mut(index) else {
            return Vec::new();
        };
        let before = (follower.next_notice - self.told_notices) as usize;
        let room = follower.room_for_notices();
        let next = self.notices.iter().skip(before).take(room);
        let next = next.take_while(|(after, _)| *after <= follower.sent);
        let next: Vec<Placed> = next
            .map(|(after, posted)| (*after, Arc::clone(&posted.notice)))
            .collect();
        follower.next_notice += next.len() as u64;
        follower.sent_notices += next.len() as u64;
        next
    }

    fn feed_entries(&mut self, index: usize, limits: &Limits) -> Option<Vec<Arc<Entry>>> {
        let follower = self.followers.get_mut(index)?;
        // Not beyond a notice that has to wait.
        let waits =
            (follower.next_notice - self.told_notices) as usize + follower.room_for_notices();
        let until = self
            .notices
            .get(waits)
            .map_or(Seq::MAX, |(after, _)| *after);
        let on_the_way = usize::try_from(follower.sent.0 - follower.taken.0).unwrap_or(usize::MAX);
        let entries = (limits.log_entries_max / 2)
            .max(1)
            .saturating_sub(on_the_way);
        let bytes = (limits.log_bytes_max / 2)
            .max(1)
            .saturating_sub(follower.untaken_bytes);
        let entries = entries
            .min(usize::try_from(until.0.saturating_sub(follower.sent.0)).unwrap_or(usize::MAX));
        if follower.sent == self.head || entries == 0 || bytes == 0 {
            return None;
        }
        let (entries_max, bytes_max) = (entries.min(BATCH_ENTRIES_MAX), bytes.min(BATCH_BYTES_MAX));
        let (batch, cost) = self.log.after(follower.sent, entries_max, bytes_max);
        follower.sent = batch.last()?.seq;
        follower.untaken.push_back((follower.sent, cost));
        follower.untaken_bytes += cost;
        Some(batch)
    }

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
        seq <= self.head && !self.log.reaches(seq, self.head)
    }

    /// The number before the oldest entry that can still be had.
    fn oldest_known(&self, older: &[Arc<Entry>]) -> Seq {
        let first = older.first().map(|entry| entry.seq).or(self.log.first());
        first.map_or(self.head, |first| Seq(first.0 - 1))
    }
}

impl Follower {
    /// How many more notices may be on the way to it.
    fn room_for_notices(&self) -> usize {
        let on_the_way = self.sent_notices - self.taken_notices;
        NOTICES_ON_THE_WAY_MAX.saturating_sub(on_the_way) as usize
    }
}
