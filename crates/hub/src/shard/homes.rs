//! Rooms at their home: numbering, commit, and telling the views.

use std::sync::Arc;

use parlour_proto::{BATCH_ENTRIES_MAX, Draft, Entry, Position, Refusal, RoomName, Seq, ShardId};

use super::Shard;
use crate::home::{Answered, Batch, Home, Publish, Publisher};
use crate::letter::{Body, Reader, Replay};
use crate::store::{ReadToken, Request, RoomKey, Store, Stored};
use crate::table::Key;
use crate::weights::Holder;

/// A read that waits for the store.
pub(super) struct PendingRead {
    home: Key,
    shard: ShardId,
    after: Position,
    reader: Reader,
}

impl<S: Store> Shard<S> {
    pub(super) fn handle_follow(&mut self, from: ShardId, room: &RoomName, view: Key) {
        let answer = match self.home_for(room) {
            Ok(key) => {
                let Some(home) = self.homes.get_mut(key) else {
                    return;
                };
                home.follow(from, view);
                let at = home.position();
                self.empty_homes.remove(&(home.empty_since, key));
                self.schedule_presence(key);
                Body::Following { view, at }
            }
            Err(refusal) => Body::NotFollowing { view, refusal },
        };
        self.link(from).answer(answer, 0);
    }

    pub(super) fn handle_unfollow(&mut self, from: ShardId, room: &RoomName, view: Key) {
        self.link(from).answer_silently();
        let times = self.times();
        let Some(key) = self.home_by_room.get(room).copied() else {
            return;
        };
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        home.unfollow(from, view, times);
        self.schedule_presence(key);
        // It may have been the one that had not taken its entries.
        self.release_held(key);
        self.queue_feed(key);
        self.note_if_empty(key);
        self.forget_if_unused(key);
    }

    /// A room in which nothing was ever said has nothing to be remembered for: going through rooms
    /// does not use up the rooms of the server.
    fn forget_if_unused(&mut self, key: Key) {
        if let Some(home) = self.homes.get(key)
            && home.is_empty()
            && home.head == Seq(0)
        {
            self.empty_homes.remove(&(home.empty_since, key));
            self.forget(key);
        }
    }

    pub(super) fn handle_publish(&mut self, room: &RoomName, draft: Draft, publisher: Publisher) {
        let (sent, limits) = (self.now.wall, Arc::clone(&self.limits));
        match self.home_for(room) {
            Ok(key) => {
                let Some(home) = self.homes.get_mut(key) else {
                    return;
                };
                if let Some(entry) = home.publish(Publish { publisher, draft }, sent, &limits) {
                    self.append(key, entry);
                }
                self.weigh_log(key);
            }
            Err(refusal) => {
                let answered = Answered {
                    to: publisher,
                    id: draft.id,
                    bytes: draft.payload.len(),
                    result: Err(refusal),
                };
                self.answer_publish(room, answered);
            }
        }
    }

    pub(super) fn handle_taken(
        &mut self,
        from: ShardId,
        room: &RoomName,
        view: Key,
        taken: (Seq, u64),
    ) {
        let Some(key) = self.home_by_room.get(room).copied() else {
            return;
        };
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        home.take(from, view, taken);
        self.release_held(key);
        self.queue_feed(key);
    }

    pub(super) fn handle_read(
        &mut self,
        from: ShardId,
        room: &RoomName,
        after: Position,
        reader: Reader,
    ) {
        let found = self
            .home_by_room
            .get(room)
            .and_then(|key| Some((*key, self.homes.get(*key)?)));
        let Some((key, home)) = found else {
            // Its view follows the room, so the room cannot have been forgotten.
            let replay = Err(Refusal::BadPosition);
            return self.link(from).answer(Body::Replay { reader, replay }, 0);
        };
        if home.needs_store(after) {
            self.read_store(PendingRead {
                home: key,
                shard: from,
                after,
                reader,
            });
        } else {
            let replay = home.replay(after, Vec::new(), self.replay_bytes_max());
            self.answer_read(from, reader, replay);
        }
    }

    fn read_store(&mut self, read: PendingRead) {
        let Some(home) = self.homes.get(read.home) else {
            return;
        };
        let token = self.next_read;
        self.next_read += 1;
        let after = if read.after.epoch == home.epoch {
            read.after.seq
        } else {
            Seq(0)
        };
        self.requests.push(Request::Read {
            token: ReadToken(token),
            room: home.room.clone(),
            epoch: home.epoch,
            after,
            entries_max: BATCH_ENTRIES_MAX,
            bytes_max: self.replay_bytes_max(),
        });
        self.reads.insert(token, read);
    }

    /// Bytes of one answer to a read: it goes through its reader's private buffer.
    fn replay_bytes_max(&self) -> usize {
        self.limits.private_bytes_max / 4
    }

    fn finish_read(&mut self, token: u64, older: Vec<Arc<Entry>>) {
        let Some(read) = self.reads.remove(&token) else {
            return;
        };
        let replay = match self.homes.get(read.home) {
            Some(home) => home.replay(read.after, older, self.replay_bytes_max()),
            None => Err(Refusal::BadPosition),
        };
        self.answer_read(read.shard, read.reader, replay);
    }

    fn answer_read(&mut self, shard: ShardId, reader: Reader, replay: Result<Replay, Refusal>) {
        self.counts.replays += 1;
        self.link(shard).answer(Body::Replay { reader, replay }, 0);
    }

    /// The home of a room, made when needed.
    fn home_for(&mut self, room: &RoomName) -> Result<Key, Refusal> {
        if let Some(key) = self.home_by_room.get(room) {
            return Ok(*key);
        }
        if self.homes.len() >= self.limits.rooms_max.div_ceil(usize::from(self.shards)) {
            return Err(Refusal::TooManyRooms);
        }
        let home = Home::new(room.clone(), self.chance.epoch(), self.now.monotonic);
        let key = self.homes.insert(home);
        self.home_by_room.insert(room.clone(), key);
        self.note_if_empty(key);
        Ok(key)
    }

    fn append(&mut self, key: Key, entry: Arc<Entry>) {
        let Some(home) = self.homes.get(key) else {
            return;
        };
        let (room, epoch) = (home.room.clone(), home.epoch);
        self.requests.push(Request::Append {
            key: RoomKey(key),
            room,
            epoch,
            entry,
        });
    }

    fn release_held(&mut self, key: Key) {
        let (sent, limits) = (self.now.wall, Arc::clone(&self.limits));
        while let Some(home) = self.homes.get_mut(key)
            && let Some(entry) = home.release(sent, &limits)
        {
            self.append(key, entry);
        }
        self.weigh_log(key);
    }

    /// Notes what a room's log holds now: publishing to it trims it too.
    pub(super) fn weigh_log(&mut self, key: Key) {
        if let Some(home) = self.homes.get_mut(key) {
            let before = home.weight;
            home.weight = home.log.bytes();
            self.weights
                .change(Holder::Log(key.index), before, home.weight);
        }
    }

    /// Hands the store what was numbered, as one batch, and takes what has become final.
    pub(super) fn commit(&mut self) {
        if !self.requests.is_empty() {
            self.store.submit(&mut self.requests);
        }
        let mut answers = std::mem::take(&mut self.answers);
        self.store.poll(&mut answers);
        for answer in answers.drain(..) {
            match answer {
                Stored::Committed { key, upto } => {
                    self.settle_room(key.0, |home, answered| home.commit(upto, answered));
                }
                Stored::Refused { key, from } => {
                    self.settle_room(key.0, |home, answered| home.refuse(from, answered));
                }
                Stored::Entries { token, entries } => self.finish_read(token.0, entries),
            }
        }
        self.answers = answers;
    }

    /// Acks go before the entries that they acknowledge.
    fn settle_room(&mut self, key: Key, settle: impl FnOnce(&mut Home, &mut Vec<Answered>)) {
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        let head = home.head;
        let mut answered = Vec::new();
        settle(home, &mut answered);
        home.trim(self.limits.log_entries_max, self.limits.log_bytes_max);
        self.counts.entries += home.head.0 - head.0;
        let room = home.room.clone();
        for answered in answered {
            self.answer_publish(&room, answered);
        }
        self.release_held(key);
        self.queue_feed(key);
        self.note_if_empty(key);
    }

    fn answer_publish(&mut self, room: &RoomName, answered: Answered) {
        let Answered {
            to,
            id,
            bytes,
            result,
        } = answered;
        let (shard, to) = match to {
            Publisher::Connection { shard, id } => (shard, id),
            Publisher::Nobody { shard } => {
                if let Err(refusal) = result {
                    tracing::warn!(%room, %refusal, "a room was not told of another name");
                }
                return self.link(shard).answer_publish_silently(bytes);
            }
            Publisher::Driver(token) => return self.published.push((token, result)),
        };
        let room = room.clone();
        let body = match result {
            Ok(position) => Body::Ack {
                to,
                room,
                id,
                position,
            },
            Err(refusal) => Body::Refused {
                to,
                room,
                id,
                refusal,
            },
        };
        self.link(shard).answer(body, bytes);
    }

    pub(super) fn queue_feed(&mut self, key: Key) {
        if let Some(home) = self.homes.get_mut(key)
            && !home.queued
        {
            home.queued = true;
            self.to_feed.push_back(key);
        }
    }

    /// The one caller of fan-out to views (invariant 3).
    pub(super) fn feed_followers(&mut self) {
        while let Some(key) = self.to_feed.pop_front() {
            let Some(home) = self.homes.get_mut(key) else {
                continue;
            };
            home.queued = false;
            for index in 0..home.followers.len() {
                while let Some(Batch { entries, notices }) = home.feed(index, &self.limits) {
                    let follower = &home.followers[index];
                    let body = Body::Entries {
                        view: follower.view,
                        entries,
                        notices,
                    };
                    self.links[usize::from(follower.shard.0)].tell(body);
                }
            }
            while let Some(from) = home.next_told() {
                self.links[usize::from(from.0)].answer_silently();
            }
        }
    }

    fn note_if_empty(&mut self, key: Key) {
        let now = self.now.monotonic;
        if let Some(home) = self.homes.get_mut(key)
            && home.is_empty()
        {
            self.empty_homes.remove(&(home.empty_since, key));
            home.empty_since = now;
            self.empty_homes.insert((now, key));
        }
    }

    /// Forgets rooms that nobody has been in for a while; they come back in a new epoch.
    pub(super) fn forget_empty_rooms(&mut self) {
        while let Some((since, key)) = self.empty_homes.first().copied()
            && since.saturating_add(self.limits.empty_room_kept) <= self.now.monotonic
        {
            self.empty_homes.pop_first();
            if self.homes.get(key).is_some_and(Home::is_empty) {
                self.forget(key);
            }
        }
    }

    fn forget(&mut self, key: Key) {
        if let Some(mut home) = self.homes.remove(key) {
            // Nobody follows it, so everybody was told.
            while let Some(from) = home.next_told() {
                self.links[usize::from(from.0)].answer_silently();
            }
            self.weights.change(Holder::Log(key.index), home.weight, 0);
            self.home_by_room.remove(&home.room);
        }
    }
}
