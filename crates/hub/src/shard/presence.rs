//! Presence on its way: from members to the home, from there to the watchers.

use std::sync::Arc;

use parlour_proto::{Event, PRESENCE_MEMBERS_MAX, RoomName, ShardId, UserName};

use super::Shard;
use crate::connection::{Connection, Membership, State, Watch};
use crate::letter::Body;
use crate::presence::{NO_ROUND, News, Report, Seen, Times, Told, Walk};
use crate::store::Store;
use crate::table::Key;
use crate::wire::WireIndex;

impl<S: Store> Shard<S> {
    // At the view.

    /// A connection has been told that it is in a room. One that never is comes and goes unnoticed.
    pub(super) fn note_arrival(&mut self, index: u32, key: Key) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let (Some(slot), Some(view)) = (connection.slot_of(key), self.views.get_mut(key)) else {
            return;
        };
        if connection.rooms[slot].watch != Watch::No {
            view.presence.get_or_insert_default().watch(index);
        }
        if let Some(presence) = &mut view.presence
            && !connection.is_own
        {
            presence.comes(&connection.who, &mut connection.rooms[slot].counted);
            self.queue_report(key);
        }
    }

    /// A connection is in a room no longer, if it ever was.
    pub(super) fn note_departure(&mut self, index: u32, key: Key, left: &Membership) {
        let Some(connection) = self.connections.at(index) else {
            return;
        };
        let view = self.views.get_mut(key);
        if let Some(presence) = view.and_then(|view| view.presence.as_mut()) {
            if left.watch != Watch::No && left.is_in() {
                presence.unwatch(index);
            }
            presence.goes(&connection.who, left.counted);
            self.queue_report(key);
        }
    }

    /// A connection is called otherwise: who it was is gone, and who it is has come.
    pub(super) fn note_other_name(&mut self, index: u32, was: &UserName) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let mut changed = Vec::new();
        for membership in &mut connection.rooms {
            let key = self.views.key_at(membership.view);
            let view = self.views.at_mut(membership.view);
            if membership.is_in()
                && !connection.is_own
                && let Some(presence) = view.and_then(|view| view.presence.as_mut())
            {
                presence.goes(was, std::mem::replace(&mut membership.counted, NO_ROUND));
                presence.comes(&connection.who, &mut membership.counted);
                changed.extend(key);
            }
        }
        for key in changed {
            self.queue_report(key);
        }
    }

    /// Counts some members for rounds that have begun, and frees some of what others have left.
    pub(super) fn count_some(&mut self) {
        self.report_budget = PRESENCE_MEMBERS_MAX;
        let mut budget = PRESENCE_MEMBERS_MAX;
        while budget > 0
            && let Some(key) = self.to_count.pop_front()
        {
            if self.count_in(key, &mut budget) {
                self.to_count.push_back(key);
            }
            self.queue_report(key);
        }
        let counted = PRESENCE_MEMBERS_MAX - budget;
        let mut budget = PRESENCE_MEMBERS_MAX;
        while budget > 0
            && let Some(remains) = self.remains.front_mut()
        {
            budget -= 1;
            if remains.next().is_none() {
                self.remains.pop_front();
            }
        }
        self.counts.presence_steps += (counted + PRESENCE_MEMBERS_MAX - budget) as u64;
    }

    /// Goes on with a view's count; `true` when there is more to do.
    fn count_in(&mut self, key: Key, budget: &mut usize) -> bool {
        let Some(view) = self.views.get_mut(key) else {
            return false;
        };
        let Some(presence) = &mut view.presence else {
            return false;
        };
        while let Some(Walk { rings, members }) = presence.walk {
            // Some may have left meanwhile.
            let ring = view.rings.get(rings).map(|(_, ring)| &ring.members[..]);
            let members = members.min(ring.map_or(0, <[_]>::len));
            if *budget == 0 {
                return true;
            }
            *budget -= 1;
            let member = ring.and_then(|ring| ring.get(members.checked_sub(1)?));
            presence.walk = match (member, rings.checked_sub(1)) {
                (Some(_), _) => Some(Walk {
                    rings,
                    members: members - 1,
                }),
                (None, Some(rings)) => Some(Walk {
                    rings,
                    members: view.rings[rings].1.members.len(),
                }),
                (None, None) => None,
            };
            if let Some(member) = member
                && let Some(connection) = self.connections.at_mut(member.connection)
                && let Some(membership) = connection.rooms.get_mut(member.slot as usize)
                && membership.is_in()
                && !connection.is_own
            {
                presence.comes(&connection.who, &mut membership.counted);
            }
        }
        false
    }

    fn queue_report(&mut self, key: Key) {
        let view = self.views.get_mut(key);
        if let Some(presence) = view.and_then(|view| view.presence.as_mut())
            && !presence.queued
        {
            presence.queued = true;
            self.to_report.push_back(key);
        }
    }

    /// Tells the homes who has come and gone, as far as a turn's budget reaches.
    pub(super) fn report_presence(&mut self) {
        while self.report_budget > 0
            && let Some(key) = self.to_report.pop_front()
        {
            let Some(view) = self.views.get_mut(key) else {
                continue;
            };
            let Some(presence) = &mut view.presence else {
                continue;
            };
            presence.queued = false;
            let before = self.report_budget;
            let report = presence.report(&mut self.report_budget);
            self.counts.presence_steps += (before - self.report_budget) as u64;
            if let Some(report) = report {
                let (room, report) = (view.room.clone(), Box::new(report));
                self.links[usize::from(view.home.0)].tell(Body::Report {
                    room,
                    view: key,
                    report,
                });
            } else if presence.is_over() {
                view.presence = None;
            } else if presence.has_more() {
                self.queue_report(key);
            }
        }
    }

    pub(super) fn handle_report_taken(&mut self, key: Key) {
        let view = self.views.get_mut(key);
        if let Some(presence) = view.and_then(|view| view.presence.as_mut()) {
            presence.report_taken();
            self.queue_report(key);
        }
    }

    pub(super) fn handle_news(&mut self, key: Key, news: News) {
        let News { round, told } = news;
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        let presence = view.presence.get_or_insert_default();
        if let Some(remains) = presence.turn_to(round, view.rings.len()) {
            self.remains.push_back(remains);
            if presence.walk.is_some() {
                self.to_count.push_back(key);
            }
        }
        let told = told.filter(|told| presence.learn(told));
        self.queue_report(key);
        match told {
            Some(told) => self.to_show.push_back(Showing {
                view: key,
                told,
                next: Some(0),
            }),
            None => self.tell_news_taken(key),
        }
    }

    fn tell_news_taken(&mut self, key: Key) {
        if let Some(view) = self.views.get(key) {
            let (room, home) = (view.room.clone(), view.home);
            self.link(home).tell(Body::NewsTaken { room, view: key });
        }
    }

    /// Shows some watchers what was told. The home is not asked for more before all have seen it.
    pub(super) fn show_some(&mut self) {
        let mut budget = PRESENCE_MEMBERS_MAX;
        while budget > 0
            && let Some(showing) = self.to_show.pop_front()
        {
            let Showing { view, told, next } = showing;
            let watchers = self.watchers_from(view, next, budget);
            budget -= watchers.len();
            let next = watchers.last().and_then(|last| last.checked_add(1));
            self.show(view, &told, watchers);
            if budget > 0 {
                self.tell_news_taken(view);
            } else {
                self.to_show.push_back(Showing { view, told, next });
            }
        }
    }

    /// The next watchers of a view, in the order of their indices.
    fn watchers_from(&self, view: Key, next: Option<u32>, count: usize) -> Vec<u32> {
        let presence = self.views.get(view).and_then(|view| view.presence.as_ref());
        let (Some(presence), Some(next)) = (presence, next) else {
            return Vec::new();
        };
        let watchers = presence.watchers.range(next..);
        watchers.take(count).copied().collect()
    }

    /// Encodes once per dialect. Who cannot be written to now is shown the newest state later, and who
    /// came meanwhile and was shown it is not told of it again.
    fn show(&mut self, key: Key, told: &Told, watchers: Vec<u32>) {
        let Some(view) = self.views.get(key) else {
            return;
        };
        let (room, step) = (
            view.room.clone(),
            view.presence.as_ref().map_or(0, |p| p.step),
        );
        let event = event(&room, told);
        let mut frames: Vec<(WireIndex, Vec<u8>)> = Vec::new();
        for index in watchers {
            let Some(connection) = self.connections.at_mut(index) else {
                continue;
            };
            let Some(slot) = connection.slot_of(key) else {
                continue;
            };
            let watch = &mut connection.rooms[slot].watch;
            let knows = matches!(*watch, Watch::Shown { .. });
            if *watch == Watch::No || *watch == (Watch::Shown { step }) {
                continue;
            }
            *watch = Watch::Pending;
            let takes = takes_presence(connection, slot, self.limits.private_bytes_max);
            if !takes || !(knows || matches!(told, Told::All(_))) {
                self.show_presence(index, key);
                continue;
            }
            let wire = connection.wire;
            let place = frames.iter().position(|(of, _)| *of == wire);
            let place = place.unwrap_or_else(|| {
                let mut frame = Vec::new();
                self.wires[usize::from(wire.0)].put(&event, &mut self.scratch, &mut frame);
                frames.push((wire, frame));
                frames.len() - 1
            });
            connection.rooms[slot].watch = Watch::Shown { step };
            connection.private.out().extend_from_slice(&frames[place].1);
            self.counts.presence_frames += 1;
            self.queue_flush(index);
        }
    }

    /// Shows a watcher who has not been told it the newest state, if there is one and it can be
    /// written to.
    pub(super) fn show_presence(&mut self, index: u32, key: Key) {
        let Some(view) = self.views.get(key) else {
            return;
        };
        let presence = view.presence.as_ref();
        let seen = presence.and_then(|p| Some((p.seen.as_ref()?, p.step)));
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let (Some(slot), Some((seen, step))) = (connection.slot_of(key), seen) else {
            return;
        };
        if connection.rooms[slot].watch != Watch::Pending {
            return;
        }
        if !takes_presence(connection, slot, self.limits.private_bytes_max) {
            connection.presence_pending = true;
            return;
        }
        connection.rooms[slot].watch = Watch::Shown { step };
        let event = all(&view.room, seen);
        let wire = &self.wires[usize::from(connection.wire.0)];
        wire.put(&event, &mut self.scratch, connection.private.out());
        self.counts.presence_frames += 1;
        self.queue_flush(index);
    }

    /// A connection can be written to again.
    pub(super) fn catch_up_presence(&mut self, index: u32) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if !std::mem::take(&mut connection.presence_pending) {
            return;
        }
        let rooms = connection.rooms.iter();
        let pending = rooms.filter(|room| room.watch == Watch::Pending);
        let pending = pending.filter_map(|room| self.views.key_at(room.view));
        let pending: Vec<Key> = pending.collect();
        for key in pending {
            self.show_presence(index, key);
        }
    }

    // At the home.

    pub(super) fn handle_report(
        &mut self,
        from: ShardId,
        room: &RoomName,
        view: Key,
        report: Report,
    ) {
        self.link(from).tell(Body::ReportTaken { view });
        let times = self.times();
        self.counts.presence_steps += report.changes.len() as u64;
        self.with_home(room, |home| home.take_report((from, view), report, times));
    }

    pub(super) fn times(&self) -> Times {
        Times {
            now: self.now.monotonic,
            kept: self.limits.presence_kept,
        }
    }

    pub(super) fn handle_news_taken(&mut self, from: ShardId, room: &RoomName, view: Key) {
        self.with_home(room, |home| home.take_news_taken(from, view));
    }

    fn with_home(&mut self, room: &RoomName, change: impl FnOnce(&mut crate::home::Home)) {
        if let Some(key) = self.home_by_room.get(room).copied()
            && let Some(home) = self.homes.get_mut(key)
        {
            change(home);
            self.schedule_presence(key);
        }
    }

    /// Notes when a home has something to tell of who is there.
    pub(super) fn schedule_presence(&mut self, key: Key) {
        let now = self.now.monotonic;
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        let due = home.presence_due(now);
        let before = std::mem::replace(&mut home.presence.due, due);
        if before == due {
            return;
        }
        if let Some(before) = before {
            self.presence_due.remove(&(before, key));
        }
        if let Some(due) = due {
            self.presence_due.insert((due, key));
        }
    }

    /// Tells the views what is due.
    pub(super) fn tell_presence(&mut self) {
        let now = self.now.monotonic;
        while let Some((due, key)) = self.presence_due.first().copied()
            && due <= now
        {
            self.presence_due.pop_first();
            let Some(home) = self.homes.get_mut(key) else {
                continue;
            };
            home.presence.due = None;
            self.remains.extend(home.end_round(now));
            for (place, news) in home.news(now, self.limits.presence_members_max) {
                let follower = &home.followers[place];
                self.links[usize::from(follower.shard.0)].tell(Body::News {
                    view: follower.view,
                    news,
                });
            }
            self.schedule_presence(key);
        }
    }
}

/// What is being shown to the watchers of a view: one thing for each view at most.
pub(super) struct Showing {
    view: Key,
    told: Arc<Told>,
    /// Watchers from this index on were not looked at yet.
    next: Option<u32>,
}

/// Whether a watcher has heard that it is in the room, and its output has place for a frame.
fn takes_presence(connection: &Connection, slot: usize, private_bytes_max: usize) -> bool {
    connection.rooms[slot].is_in()
        && connection.state == State::Open
        && !connection.blocked
        && connection.private.waiting().len() < private_bytes_max
}

fn event<'a>(room: &'a RoomName, told: &'a Told) -> Event<'a> {
    match told {
        Told::All(seen) => all(room, seen),
        Told::Change { count, came, went } => Event::PresenceChange {
            room,
            count: *count,
            came,
            went,
        },
    }
}

fn all<'a>(room: &'a RoomName, seen: &'a Seen) -> Event<'a> {
    Event::Presence {
        room,
        count: seen.count,
        users: seen.users.as_deref(),
    }
}
