//! Rooms at their home: numbering, commit, and telling the views.

use std::sync::Arc;

use parlour_proto::{Draft, Entry, RoomName, Seq, ShardId};

use super::Shard;
use super::opening::Waiter;
use crate::grow;
use crate::home::{Answered, Batch, Home, Publish, Published, Publisher};
use crate::letter::Body;
use crate::store::{Request, RoomKey, Store, Stored};
use crate::table::Key;
use crate::weights::Holder;

impl<S: Store> Shard<S> {
    pub(super) fn handle_follow(&mut self, from: ShardId, room: &RoomName, view: Key) {
        let key = match self.home_for(room) {
            Ok(key) => key,
            Err(refusal) => {
                let answer = Body::NotFollowing { view, refusal };
                return self.link(from).answer(answer, 0);
            }
        };
        if self.waits_for_log(key, || Waiter::Follow { from, view }) {
            return;
        }
        self.follow(key, from, view);
    }

    pub(super) fn follow(&mut self, key: Key, from: ShardId, view: Key) {
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        home.follow(from, view);
        let at = home.position();
        self.empty_homes.remove(&(home.empty_since, key));
        self.schedule_presence(key);
        self.link(from).answer(Body::Following { view, at }, 0);
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
        self.stop_waiting(key, from, view);
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
        let (now, limits) = (self.now, Arc::clone(&self.limits));
        match self.home_for(room) {
            Ok(key) => {
                let Some(home) = self.homes.get_mut(key) else {
                    return;
                };
                let published = home.publish(Publish { publisher, draft }, now, &limits);
                self.take_published_at(key, published);
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

    fn take_published_at(&mut self, key: Key, published: Published) {
        match published {
            Published::Numbered(entry) => self.append(key, entry),
            Published::Waits => {}
            Published::Repeats => self.counts.repeats += 1,
            Published::Answered(answered) => {
                self.counts.repeats += u64::from(answered.result.is_ok());
                if let Some(room) = self.homes.get(key).map(|home| home.room.clone()) {
                    self.answer_publish(&room, answered);
                }
            }
        }
    }

    fn append(&mut self, key: Key, entry: Arc<Entry>) {
        let Some(home) = self.homes.get(key) else {
            return;
        };
        if !home.is_durable {
            return self.volatile.push(key, entry.seq);
        }
        let (room, epoch) = (home.room.clone(), home.epoch);
        self.watch(key);
        self.requests.push(Request::Append {
            key: RoomKey(key),
            room,
            epoch,
            entry,
        });
    }

    pub(super) fn release_held(&mut self, key: Key) {
        let (now, limits) = (self.now, Arc::clone(&self.limits));
        while let Some(home) = self.homes.get_mut(key)
            && let Some(published) = home.release(now, &limits)
        {
            self.take_published_at(key, published);
        }
        self.weigh_log(key);
    }

    /// Notes what a room's log holds now: publishing to it trims it too.
    pub(super) fn weigh_log(&mut self, key: Key) {
        if let Some(home) = self.homes.get_mut(key) {
            let before = home.weight;
            home.weight = home.bytes();
            self.weights
                .change(Holder::Log(key.index), before, home.weight);
        }
    }

    /// Hands the store what was numbered, as one batch, and takes what has become final.
    pub(super) fn commit(&mut self) {
        // What is in memory alone is final when it is numbered.
        while let Some((key, upto)) = self.volatile.pop() {
            self.settle_room(key, |home, answered| home.commit(upto, answered));
        }
        if !self.requests.is_empty() {
            self.store.submit(&mut self.requests);
        }
        let mut answers = std::mem::take(&mut self.answers);
        self.store.poll(&mut answers);
        for answer in answers.drain(..) {
            self.take_stored(answer);
        }
        self.answers = answers;
    }

    fn take_stored(&mut self, stored: Stored) {
        match stored {
            Stored::Opened { key, opened } => self.opened(key.0, opened),
            Stored::Committed { key, upto } => {
                self.settle_room(key.0, |home, answered| home.commit(upto, answered));
            }
            Stored::Refused { key, from, fault } => {
                let refusal = fault.refusal();
                self.settle_room(key.0, |home, answered| home.refuse(from, refusal, answered));
            }
            Stored::Stopped { key, from } => {
                self.settle_room(key.0, |home, answered| home.stop(from, answered));
            }
            Stored::Entries { token, read } => self.finish_read(token.0, read),
            Stored::Trimmed { key, first } => {
                if let Some(home) = self.homes.get_mut(key.0) {
                    home.trimmed(first);
                }
                self.weigh_log(key.0);
            }
        }
    }

    /// Acks go before the entries that they acknowledge.
    fn settle_room(&mut self, key: Key, settle: impl FnOnce(&mut Home, &mut Vec<Answered>)) {
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        let head = home.head;
        let mut answered = Vec::new();
        settle(home, &mut answered);
        home.trim_to_bounds();
        home.expire(self.now.monotonic);
        self.counts.entries += home.head.0 - head.0;
        let room = home.room.clone();
        for answered in answered {
            self.answer_publish(&room, answered);
        }
        self.release_held(key);
        self.queue_feed(key);
        self.note_if_empty(key);
    }

    pub(super) fn answer_publish(&mut self, room: &RoomName, answered: Answered) {
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
            Publisher::Answered { shard: Some(shard) } => {
                return self.link(shard).answer_publish_silently(bytes);
            }
            Publisher::Answered { shard: None } => return,
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
                while let Some(Batch { entries, notices }) = home.feed(index) {
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

    pub(super) fn note_if_empty(&mut self, key: Key) {
        let now = self.now.monotonic;
        if let Some(home) = self.homes.get_mut(key)
            && home.is_empty()
        {
            self.empty_homes.remove(&(home.empty_since, key));
            home.empty_since = now;
            home.rest();
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

    pub(super) fn forget(&mut self, key: Key) {
        if let Some(mut home) = self.homes.remove(key) {
            if home.is_durable {
                self.requests.push(Request::Close {
                    key: RoomKey(key),
                    room: home.room.clone(),
                });
            }
            // Nobody follows it, so everybody was told.
            while let Some(from) = home.next_told() {
                self.links[usize::from(from.0)].answer_silently();
            }
            self.weights.change(Holder::Log(key.index), home.weight, 0);
            grow::take_out(&mut self.home_by_room, &home.room);
        }
    }
}
