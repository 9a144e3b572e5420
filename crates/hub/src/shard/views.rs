//! Rooms as this shard sees them: joining, leaving, and encoding what comes, once per dialect.

use std::sync::Arc;

use parlour_proto::{CloseReason, Entry, Event, Join, Position, Refusal, RoomName, Seq};

use super::{Shard, home_of};
use crate::connection::{Membership, Stand, Watch};
use crate::grow;
use crate::letter::Body;
use crate::notice::{Notice, Placed};
use crate::ring::{Member, NOT_LIVE, Pin, Ring};
use crate::since::Since;
use crate::store::Store;
use crate::table::Key;
use crate::view::View;
use crate::weights::Holder;

impl<S: Store> Shard<S> {
    /// Puts a connection into several rooms, with room for all of them from the first.
    pub(super) fn join_all(&mut self, index: u32, rooms: Vec<Join>) {
        let most = self.limits.rooms_per_connection_max;
        if let Some(connection) = self.connections.at_mut(index) {
            connection.expect_rooms(rooms.len(), most);
        }
        for join in rooms {
            self.join(index, join);
        }
    }

    /// Puts a connection into a room, after a position or before the room's next entry.
    pub(super) fn join(&mut self, index: u32, join: Join) {
        let Join {
            room,
            from,
            presence,
        } = join;
        if self.slot_in(index, &room).is_some() {
            return self.refuse(index, Some(&room), None, Refusal::AlreadyJoined);
        }
        let rooms = self
            .connections
            .at(index)
            .map_or(0, |connection| connection.rooms.len());
        if rooms >= self.limits.rooms_per_connection_max {
            return self.refuse(index, Some(&room), None, Refusal::TooManyRoomsHere);
        }
        let stand = self.stand_for(index, &room, from);
        let view = self.view_for(room);
        self.add_member(index, view, stand, presence);
        // Behind the wish to follow, and in front of what it says, also before it knows that it is in.
        self.announce(index, view, true);
        if self.views.get(view).is_some_and(|view| view.at.is_some()) {
            self.stand_up(index, view);
        }
    }

    /// How somebody waits for a room: for what follows `from`, or since when he comes.
    fn stand_for(&mut self, index: u32, room: &RoomName, from: Option<Position>) -> Stand {
        let connection = self.connections.at_mut(index);
        let since = connection.map_or(Since::Joined, |it| it.take_since(room));
        match (from, since) {
            (Some(after), _) => Stand::WaitingAfter { after },
            (None, Since::Joined) => Stand::Waiting,
            (None, Since::Position(after)) => Stand::WaitingSince { after },
            (None, Since::Nothing) => Stand::WaitingForAll,
        }
    }

    /// The view of a room, made and asked for when needed.
    fn view_for(&mut self, room: RoomName) -> Key {
        if let Some(view) = self.view_by_room.get(&room) {
            return *view;
        }
        let home = home_of(&room, self.shards);
        let view = self.views.insert(View::new(room.clone(), home));
        self.view_by_room.insert(room.clone(), view);
        self.link(home).command(Body::Follow { room, view });
        view
    }

    fn add_member(&mut self, index: u32, key: Key, stand: Stand, watches: bool) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        let place = view.ring_for(connection.wire);
        view.members += 1;
        let ring = view.ring_mut(place);
        // Both counts are bounded by limits far below 2^32.
        let (member, slot) = (ring.members.len() as u32, connection.rooms.len() as u32);
        grow::for_one_more(&mut ring.members);
        ring.members.push(Member {
            connection: index,
            slot,
            cursor: NOT_LIVE,
        });
        let mut membership = Membership::new(key.index, place, member, stand);
        if watches {
            membership.watch = Watch::Pending;
        }
        grow::for_one_more(&mut connection.rooms);
        connection.rooms.push(membership);
    }

    /// A waiting member begins to read: at the head, or behind.
    fn stand_up(&mut self, index: u32, key: Key) {
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        let Some(at) = view.at else { return };
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let Some(slot) = connection.slot_of(key) else {
            return;
        };
        let membership = &mut connection.rooms[slot];
        match membership.stand() {
            Stand::Waiting => membership.set_stand(Stand::Live),
            Stand::WaitingAfter { after } => {
                membership.set_stand(Stand::Behind { after, told: false });
                return self.queue_behind(index);
            }
            Stand::WaitingSince { after } if after.epoch == at.epoch => {
                return self.stand_since(index, key, after);
            }
            Stand::WaitingSince { .. } | Stand::WaitingForAll => {
                return self.stand_since(index, key, Position { seq: Seq(0), ..at });
            }
            _ => return,
        }
        let ring = view.ring_mut(membership.ring);
        ring.members[membership.member as usize].cursor = ring.end();
        let room = view.room.clone();
        self.tell(
            index,
            &Event::Joined {
                room: &room,
                position: at,
                head: at.seq,
            },
        );
        self.note_arrival(index, key);
        self.show_presence(index, key);
    }

    /// Begins to read behind `after`, of which its client does not know; where it is announced, behind
    /// the notice of its own coming.
    fn stand_since(&mut self, index: u32, key: Key, after: Position) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let Some(slot) = connection.slot_of(key) else {
            return;
        };
        let dialect = &self.wires[usize::from(connection.wire.0)].dialect;
        if dialect.announces() {
            connection.rooms[slot].set_stand(Stand::Coming { after });
            return;
        }
        self.start(index, key, after, None);
    }

    /// The notice of a newcomer's own coming stands in its ring, in front of `pin`: it is told of itself,
    /// of what was said since it was let in, and of all that follows there.
    fn come_in(&mut self, key: Key, place: u8, notice: &Notice, pin: Pin) {
        let Some(connection) = self.connection(notice.connection) else {
            return;
        };
        let Some(slot) = connection.slot_of(key) else {
            return;
        };
        let membership = &connection.rooms[slot];
        if let Stand::Coming { after } = membership.stand()
            && membership.ring == place
            && let Some(view) = self.views.get_mut(key)
        {
            view.ring_mut(place).pin(pin);
            self.start(notice.connection.index, key, after, Some(notice));
        }
    }

    /// Tells a client that it is in a room, and goes on behind `after`.
    fn start(&mut self, index: u32, key: Key, after: Position, notice: Option<&Notice>) {
        let Some(view) = self.views.get(key) else {
            return;
        };
        let (room, head) = (view.room.clone(), view.head().max(after.seq));
        self.tell(
            index,
            &Event::Joined {
                room: &room,
                position: after,
                head,
            },
        );
        if let Some(notice) = notice {
            self.tell(index, &notice.event(&room));
        }
        if !self.go_live(index, key, after) {
            self.queue_behind(index);
        }
        self.note_arrival(index, key);
        self.show_presence(index, key);
    }

    pub(super) fn handle_following(&mut self, key: Key, at: Position) {
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        view.at = Some(at);
        view.taken = at.seq;
        view.rings
            .iter_mut()
            .for_each(|(_, ring)| ring.skip_to(at.seq));
        for index in self.members_of(key) {
            self.stand_up(index, key);
        }
    }

    pub(super) fn handle_not_following(&mut self, key: Key, refusal: Refusal) {
        let Some(room) = self.views.get(key).map(|view| view.room.clone()) else {
            return;
        };
        for index in self.members_of(key) {
            if let Some(slot) = self.connections.at(index).and_then(|c| c.slot_of(key)) {
                self.leave(index, slot);
                self.refuse(index, Some(&room), None, refusal);
                self.close_if_nowhere(index, refusal);
            }
        }
        self.forget_view(key);
    }

    fn members_of(&self, key: Key) -> Vec<u32> {
        let rings = self.views.get(key).into_iter().flat_map(|view| &view.rings);
        rings
            .flat_map(|(_, ring)| &ring.members)
            .map(|member| member.connection)
            .collect()
    }

    /// The room's next entries: encoded once per dialect, for all members here.
    pub(super) fn handle_entries(&mut self, key: Key, entries: &[Arc<Entry>], notices: &[Placed]) {
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        view.notices += notices.len() as u64;
        let head = view.head();
        let fresh = entries.partition_point(|entry| entry.seq <= head);
        if let Some(first) = entries.get(fresh).map(|entry| entry.seq)
            && first != head.next()
        {
            self.lag_all(key, Seq(first.0 - 1));
        }
        self.push_entries(key, &entries[fresh..], notices);
        self.go_on_ahead(key);
        self.weigh(key);
        self.tell_taken(key);
    }

    /// Members who had more than had come here look again.
    fn go_on_ahead(&mut self, key: Key) {
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        for index in std::mem::take(&mut view.ahead) {
            let connection = self.connections.at(index);
            let slot = connection.and_then(|it| Some(&it.rooms[it.slot_of(key)?]));
            if slot.is_some_and(|it| matches!(it.stand(), Stand::Behind { .. })) {
                self.queue_behind(index);
            }
        }
    }

    fn push_entries(&mut self, key: Key, entries: &[Arc<Entry>], notices: &[Placed]) {
        let mut came = Vec::new();
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        let Some(at) = view.at.as_mut() else {
            return;
        };
        at.seq = entries.last().map_or(at.seq, |last| last.seq);
        let (epoch, head) = (at.epoch, at.seq);
        for (place, (wire, ring)) in view.rings.iter_mut().enumerate() {
            if ring.members.is_empty() {
                ring.skip_to(head);
                continue;
            }
            let wire = &self.wires[usize::from(wire.0)];
            let (room, scratch) = (&view.room, &mut self.scratch);
            let mut notices = notices.iter().peekable();
            let mut has_more = !entries.is_empty();
            let mut push_notice = |ring: &mut Ring, scratch: &mut Vec<u8>, notice: &Arc<Notice>| {
                let has_more = ring.push_notice(|out| {
                    wire.put(&notice.event(room), scratch, out);
                });
                if notice.came && notice.shard == self.id {
                    let (cursor, seq) = (ring.end(), ring.head());
                    let pin = Pin {
                        connection: notice.connection.index,
                        cursor,
                        seq,
                    };
                    came.push((place as u8, Arc::clone(notice), pin));
                }
                has_more
            };
            for entry in entries {
                while let Some((_, notice)) = notices.next_if(|(after, _)| *after < entry.seq) {
                    push_notice(ring, scratch, notice);
                }
                let event = Event::Entry { room, epoch, entry };
                ring.push(|out| {
                    wire.put(&event, scratch, out);
                });
            }
            for (_, notice) in notices {
                has_more |= push_notice(ring, scratch, notice);
            }
            if has_more && !ring.queued {
                ring.queued = true;
                self.to_pass.push_back((key, place as u8));
            } else if !ring.queued {
                ring.due = 0; // No pass comes, as nothing is to be sent.
            }
        }
        for (place, notice, pin) in came {
            self.come_in(key, place, &notice, pin);
        }
    }

    /// Entries never came here: every member is behind and reads them from the home.
    fn lag_all(&mut self, key: Key, head: Seq) {
        tracing::warn!("a view was not sent all entries of its room; its members read them");
        for index in self.members_of(key) {
            self.lag(index, key);
        }
        if let Some(view) = self.views.get_mut(key) {
            view.rings
                .iter_mut()
                .for_each(|(_, ring)| ring.skip_to(head));
            view.at = view.at.map(|at| Position { seq: head, ..at });
        }
    }

    /// Takes a live member off the ring; it has everything before its cursor, and the frame it is
    /// in the middle of goes with it.
    pub(super) fn lag(&mut self, index: u32, key: Key) {
        self.keep_rest_of_frame(index, key);
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let Some(slot) = connection.slot_of(key) else {
            return;
        };
        let membership = &mut connection.rooms[slot];
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        let Some(epoch) = view.at.map(|at| at.epoch) else {
            return;
        };
        let ring = view.ring_mut(membership.ring);
        let cursor = ring.members[membership.member as usize].cursor;
        if cursor == NOT_LIVE {
            return;
        }
        let after = Position {
            epoch,
            seq: ring.seq_at(cursor),
        };
        ring.members[membership.member as usize].cursor = NOT_LIVE;
        membership.set_stand(Stand::Behind { after, told: true });
        self.queue_behind(index);
    }

    /// Copies the rest of a begun frame to the connection's own output, before all else.
    fn keep_rest_of_frame(&mut self, index: u32, key: Key) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if connection.begun != Some(key) {
            return;
        }
        connection.begun = None;
        let Some(slot) = connection.slot_of(key) else {
            return;
        };
        let membership = &mut connection.rooms[slot];
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        let ring = view.ring_mut(membership.ring);
        let cursor = &mut ring.members[membership.member as usize].cursor;
        let at = *cursor;
        if at == NOT_LIVE {
            return;
        }
        if let Some(rest) = ring.rest_of_frame(at) {
            connection.private.put_first(rest);
            let after = at + rest.len() as u64;
            ring.members[membership.member as usize].cursor = after;
        }
    }

    /// Takes a connection out of a room.
    pub(super) fn leave(&mut self, index: u32, slot: usize) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let Some(key) = self.views.key_at(connection.rooms[slot].view) else {
            return;
        };
        self.keep_rest_of_frame(index, key);
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let left = connection.rooms.swap_remove(slot);
        if connection.rooms.is_empty() {
            connection.rooms = Vec::new();
        }
        if let Some(moved) = connection.rooms.get(slot)
            && let Some(view) = self.views.at_mut(moved.view)
        {
            view.ring_mut(moved.ring).members[moved.member as usize].slot = slot as u32;
        }
        self.note_departure(index, key, &left);
        self.announce(index, key, false);
        self.remove_member(key, left.ring, left.member);
    }

    /// Takes a member out of its ring. Members that the pass has not come to yet stay behind its
    /// finger.
    fn remove_member(&mut self, key: Key, place: u8, member: u32) {
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        view.members -= 1;
        let ring = view.ring_mut(place);
        ring.unpin(ring.members[member as usize].connection);
        let mut hole = member as usize;
        let mut moved = [None, None];
        if let Some(pass) = &mut ring.pass
            && hole < pass.next
        {
            pass.next -= 1;
            ring.members.swap(hole, pass.next);
            moved[0] = Some(hole);
            hole = pass.next;
        }
        ring.members.swap_remove(hole);
        moved[1] = Some(hole);
        for place in moved.into_iter().flatten() {
            if let Some(member) = ring.members.get(place)
                && let Some(connection) = self.connections.at_mut(member.connection)
                && let Some(membership) = connection.rooms.get_mut(member.slot as usize)
            {
                membership.member = place as u32;
            }
        }
        if view.ring(place).members.is_empty() {
            let head = view.head();
            view.ring_mut(place).skip_to(head);
        }
        if view.members == 0 && !view.in_empty {
            view.in_empty = true;
            self.empty_views.push(key);
        }
        self.weigh(key);
        self.tell_taken(key);
    }

    pub(super) fn leave_all(&mut self, index: u32) {
        self.leave_all_but(index, None);
    }

    pub(super) fn leave_all_but(&mut self, index: u32, keep: Option<Key>) {
        let keep = keep.map(|view| view.index);
        while let Some(slot) = self
            .connections
            .at(index)
            .and_then(|c| c.rooms.iter().rposition(|room| Some(room.view) != keep))
        {
            self.leave(index, slot);
        }
    }

    /// Views that nobody is in any more are given up, as credit allows.
    pub(super) fn close_empty_views(&mut self) {
        let mut waiting = Vec::new();
        for key in std::mem::take(&mut self.empty_views) {
            let Some(view) = self.views.get_mut(key) else {
                continue;
            };
            if view.members > 0 {
                view.in_empty = false;
            } else if !self.links[usize::from(view.home.0)].has_credit() {
                waiting.push(key);
            } else {
                let (room, home) = (view.room.clone(), view.home);
                self.forget_view(key);
                self.link(home).command(Body::Unfollow { room, view: key });
            }
        }
        self.empty_views = waiting;
    }

    /// Whether [`close_empty_views`](Self::close_empty_views) would get on with one.
    pub(super) fn has_view_to_close(&self) -> bool {
        self.empty_views.iter().any(|key| {
            let view = self.views.get(*key);
            view.is_none_or(|view| {
                view.members > 0 || self.links[usize::from(view.home.0)].has_credit()
            })
        })
    }

    fn forget_view(&mut self, key: Key) {
        if let Some(mut view) = self.views.remove(key) {
            if let Some(presence) = &mut view.presence {
                self.remains.push_back(presence.remains());
            }
            self.weights
                .change(Holder::Rings(key.index), view.weight, 0);
            grow::take_out(&mut self.view_by_room, &view.room);
        }
    }

    pub(super) fn weigh(&mut self, key: Key) {
        if let Some(view) = self.views.get_mut(key) {
            let before = view.weight;
            view.weight = view.memory();
            self.weights
                .change(Holder::Rings(key.index), before, view.weight);
        }
    }

    /// Tells the home what all members here were offered, so that it sends more.
    pub(super) fn tell_taken(&mut self, key: Key) {
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        let (seq, notices) = (view.offered(), view.offered_notices());
        if view.at.is_some() && (seq > view.taken || notices > view.taken_notices) {
            view.taken = view.taken.max(seq);
            view.taken_notices = notices;
            let (room, home, seq) = (view.room.clone(), view.home, view.taken);
            self.link(home).tell(Body::Taken {
                room,
                view: key,
                seq,
                notices,
            });
        }
    }

    /// A loss that a dialect has no words for ends the connection; the client learns of every one.
    pub(super) fn tell_gap(&mut self, index: u32, event: &Event<'_>) {
        self.counts.gaps += 1;
        if !self.tell(index, event) {
            let Some(connection) = self.connections.at(index) else {
                return;
            };
            let dialect = &self.wires[usize::from(connection.wire.0)].dialect;
            let reason: CloseReason = dialect.without_words_for_gap();
            self.begin_close(index, reason);
        }
    }
}
