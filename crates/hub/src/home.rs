//! A room at its home: the one place that numbers.

mod publishing;
mod reading;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parlour_proto::{
    BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, ConnectionId, Draft, Entry, EntryId, Epoch, Limits,
    Position, Refusal, RoomKind, RoomName, Seq, ShardId,
};

use crate::grow;
use crate::ids::{Digester, Ids};
use crate::log::Log;
use crate::notice::{NOTICES_ON_THE_WAY_MAX, Placed, Posted};
use crate::presence::{Census, HomePresence, Times};
use crate::seldom::Seldom;
use crate::shard::PublishToken;
use crate::store::Opened;
use crate::table::Key;

/// One room, on the shard that it hashes to.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) room: RoomName,
    /// Its entries are on disk before they are final.
    pub(crate) is_durable: bool,
    /// How old its entries may become, where that is not the store's to say.
    age_max: Option<Duration>,
    pub(crate) standing: Standing,
    pub(crate) epoch: Epoch,
    /// The oldest entry that the store keeps; says nothing of a room that is in memory alone.
    pub(crate) first: Seq,
    /// Entries and bytes that the log may have in memory.
    bounds: (usize, usize),
    ids: Ids,
    digester: Digester,
    /// Up to which entry the log was how old, where that matters: the oldest first.
    ages: Seldom<(Duration, Seq)>,
    /// Publishes that came again before the first of them was final.
    repeats: Vec<Repeat>,
    /// The last entry that is final. Nobody is shown more.
    pub(crate) head: Seq,
    /// The final entries that are still in memory.
    pub(crate) log: Log,
    /// Bytes of the log, as they stand in the shard's weights.
    pub(crate) weight: usize,
    /// Numbered, and with the store: `head + 1`, `head + 2`, …
    uncommitted: VecDeque<Uncommitted>,
    uncommitted_bytes: usize,
    /// Up to here they were answered that their outcome is unknown.
    unsure: Seq,
    /// In the shard's list of homes whose store may be late.
    pub(crate) is_watched: bool,
    /// Not numbered yet, because a view has not taken what there is, or the log is looked up. Bounded by
    /// the links' credit.
    held: Seldom<Held>,
    /// Notices that some view was not told yet, each behind the entry of its number. Bounded by the
    /// links' credit too.
    notices: Seldom<(Seq, Posted)>,
    /// Notices before the first of these.
    told_notices: u64,
    pub(crate) followers: Vec<Follower>,
    pub(crate) presence: HomePresence,
    /// In the shard's list of homes with something to tell.
    pub(crate) queued: bool,
    /// When the last follower left.
    pub(crate) empty_since: Duration,
}

/// Whether a room can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The store is asked where its log is; what is asked of the room waits.
    Opening,
    Open,
    /// What was numbered last may or may not be on disk. Nothing more is numbered before the store is
    /// opened again, but what was final before can be read.
    Stopped,
}

#[derive(Debug)]
struct Repeat {
    seq: Seq,
    publisher: Publisher,
    id: Option<EntryId>,
    bytes: usize,
}

/// What has become of a publish at once.
#[derive(Debug)]
pub(crate) enum Published {
    /// It has a number, and is to be stored.
    Numbered(Arc<Entry>),
    /// It is the store's to say what becomes of it, or a view's.
    Waits,
    /// It came before, and waits with the first of its kind.
    Repeats,
    Answered(Answered),
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
    /// Only as credit, if it had a shard's: it was answered that its outcome is unknown.
    Answered { shard: Option<ShardId> },
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
    /// When it was numbered.
    since: Duration,
}

/// The answer to a publish that stays on its way: its credit is still out.
#[derive(Debug)]
pub(crate) struct Unsure {
    pub(crate) to: Publisher,
    pub(crate) id: Option<EntryId>,
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

/// What all rooms of a shard have at their birth.
#[derive(Clone, Copy)]
pub(crate) struct Born<'a> {
    pub(crate) now: Duration,
    pub(crate) limits: &'a Limits,
    pub(crate) digester: Digester,
}

impl Home {
    /// A room in memory alone, in this epoch.
    pub(crate) fn new(room: RoomName, kind: RoomKind, epoch: Epoch, born: Born<'_>) -> Self {
        let Born {
            now,
            limits,
            digester,
        } = born;
        let kept = |keep: Option<u64>, most: usize| {
            let keep = keep.filter(|_| !kind.is_durable);
            let keep = keep.and_then(|keep| usize::try_from(keep).ok());
            keep.map_or(most, |keep| keep.clamp(1, most))
        };
        Self {
            room,
            is_durable: kind.is_durable,
            age_max: kind.keep.age.filter(|_| !kind.is_durable),
            standing: Standing::Open,
            epoch,
            first: Seq(1),
            bounds: (
                kept(kind.keep.entries, limits.log_entries_max),
                kept(kind.keep.bytes, limits.log_bytes_max),
            ),
            ids: Ids::new([], Seq(1)),
            digester,
            ages: Seldom::new(),
            repeats: Vec::new(),
            head: Seq(0),
            log: Log::default(),
            weight: 0,
            uncommitted: VecDeque::new(),
            uncommitted_bytes: 0,
            unsure: Seq(0),
            is_watched: false,
            held: Seldom::new(),
            notices: Seldom::new(),
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
        self.followers.is_empty()
            && self.uncommitted.is_empty()
            && self.held.is_empty()
            && self.standing != Standing::Opening
    }

    pub(crate) fn follow(&mut self, shard: ShardId, view: Key) {
        let (sent, taken) = (self.head, self.head);
        let untaken = VecDeque::new();
        let before = self.notices.partition_point(|(after, _)| *after <= sent);
        let next_notice = self.told_notices + before as u64;
        grow::for_one_more(&mut self.followers);
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

    /// Gives spare room back: nobody is here, and there may be very many such rooms.
    pub(crate) fn rest(&mut self) {
        self.followers.shrink_to_fit();
        self.uncommitted.shrink_to_fit();
        self.held.shrink();
        self.notices.shrink();
        self.repeats.shrink_to_fit();
        self.ages.shrink();
        self.ids.shrink();
        self.log.shrink();
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

    /// Somebody came or went: behind everything that he said. While the log is looked up nobody follows,
    /// those who wait to do so are to be told as well, and behind which entry it stands is not known.
    pub(crate) fn post(&mut self, posted: Posted) {
        if self.held.is_empty() && self.standing != Standing::Opening {
            self.notices.push_back((self.last_numbered(), posted));
        } else {
            self.held.push_back(Held::Notice(posted));
        }
    }

    fn place_held_notices(&mut self) {
        if self.standing == Standing::Opening {
            return;
        }
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

    /// Trims what everybody has taken, and says whether one more entry fits.
    fn has_room(&mut self) -> bool {
        if self.standing == Standing::Opening {
            return false;
        }
        let (entries_max, bytes_max) = self.bounds;
        self.trim(
            entries_max.saturating_sub(1 + self.uncommitted.len()),
            usize::MAX,
        );
        self.trim(
            usize::MAX,
            bytes_max.saturating_sub(1 + self.uncommitted_bytes),
        );
        self.log.len() + self.uncommitted.len() < entries_max
            && self.log.bytes() + self.uncommitted_bytes < bytes_max
    }

    /// Trims the log to its own bounds.
    pub(crate) fn trim_to_bounds(&mut self) {
        let (entries_max, bytes_max) = self.bounds;
        self.trim(entries_max, bytes_max);
    }

    /// Trims what is too old to be kept. Of a durable room that is the store's to say.
    pub(crate) fn expire(&mut self, now: Duration) {
        let Some(age) = self.age_max else {
            return;
        };
        if self.ages.back().is_none_or(|(_, seq)| *seq < self.head) {
            self.ages.push_back((now, self.head));
        }
        // What the log has trimmed for another reason needs no age, and what a view has not taken waits.
        let (gone, taken) = (
            self.log.first().unwrap_or(self.head.next()),
            self.untaken_from(),
        );
        while let Some((since, seq)) = self.ages.front().copied()
            && (seq < gone || seq <= taken && since.saturating_add(age) <= now)
        {
            self.ages.pop_front();
            while self.log.trim_one(seq) {}
        }
    }

    /// The store keeps nothing before `first`.
    pub(crate) fn trimmed(&mut self, first: Seq) {
        self.first = self.first.max(first);
        let upto = self.untaken_from().min(Seq(self.first.0.saturating_sub(1)));
        while self.log.trim_one(upto) {}
    }

    /// Gives up half of what it remembers.
    pub(crate) fn halve(&mut self) {
        self.trim(usize::MAX, self.log.bytes() / 2);
        self.ids.halve();
    }

    /// Bytes that it remembers.
    pub(crate) fn bytes(&self) -> usize {
        self.log.bytes() + self.ids.bytes()
    }

    /// Trims the log to these bounds, but nothing that a view has not taken.
    pub(crate) fn trim(&mut self, entries_max: usize, bytes_max: usize) {
        let upto = self.untaken_from();
        while self.log.len() > entries_max || self.log.bytes() > bytes_max {
            if !self.log.trim_one(upto) {
                return;
            }
        }
    }

    /// The last entry that every view has taken.
    fn untaken_from(&self) -> Seq {
        let taken = self.followers.iter().map(|f| f.taken);
        taken.min().unwrap_or(self.head)
    }

    /// The store has said where the log is.
    pub(crate) fn open(&mut self, opened: Opened) {
        self.standing = Standing::Open;
        self.epoch = opened.epoch;
        self.head = opened.head;
        self.first = opened.first;
        opened
            .recent
            .into_iter()
            .for_each(|entry| self.log.push(entry));
        self.ids = Ids::new(opened.ids, opened.ids_from);
    }

    /// The next batch for the follower at `index`, if it may have one: at most half a log is on the
    /// way to a view, so that the other half stays for members that lag.
    pub(crate) fn feed(&mut self, index: usize) -> Option<Batch> {
        let entries = self.feed_entries(index).unwrap_or_default();
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

    fn feed_entries(&mut self, index: usize) -> Option<Vec<Arc<Entry>>> {
        let (entries_max, bytes_max) = self.bounds;
        let follower = self.followers.get_mut(index)?;
        // Not beyond a notice that has to wait.
        let waits =
            (follower.next_notice - self.told_notices) as usize + follower.room_for_notices();
        let until = self
            .notices
            .get(waits)
            .map_or(Seq::MAX, |(after, _)| *after);
        let on_the_way = usize::try_from(follower.sent.0 - follower.taken.0).unwrap_or(usize::MAX);
        let entries = (entries_max / 2).max(1).saturating_sub(on_the_way);
        let bytes = (bytes_max / 2)
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
}

impl Follower {
    /// How many more notices may be on the way to it.
    fn room_for_notices(&self) -> usize {
        let on_the_way = self.sent_notices - self.taken_notices;
        NOTICES_ON_THE_WAY_MAX.saturating_sub(on_the_way) as usize
    }
}
