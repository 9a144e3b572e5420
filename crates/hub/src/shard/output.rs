//! What goes to one connection: private output, and the order in which a blocked one is drained.

use std::sync::Arc;
use std::time::Duration;

use parlour_proto::{CloseReason, Event};

use super::Shard;
use crate::connection::{Stand, State};
use crate::sockets::{Sent, Sockets};
use crate::store::Store;
use crate::table::Key;

/// So long at most a shard that goes away passes on what its rooms have, before it closes.
const LAST_PASSES_TIME: Duration = Duration::from_millis(500);

/// What is copied to save a send; more is sent from the ring.
const TAKEN_ALONG_BYTES_MAX: u64 = 2 * 1024;
/// Who is in many rooms is not searched for it.
const ROOMS_LOOKED_AT_MAX: usize = 8;

impl<S: Store> Shard<S> {
    /// Tells one connection something, through its private buffer. `false`: its dialect has no
    /// words for it.
    pub(super) fn tell(&mut self, index: u32, event: &Event<'_>) -> bool {
        let Some(connection) = self.connections.at_mut(index) else {
            return true;
        };
        if connection.state != State::Open {
            return true;
        }
        let wire = &self.wires[usize::from(connection.wire.0)];
        let told = wire.put(event, &mut self.scratch, connection.private.out());
        if told {
            self.queue_flush(index);
        } else {
            connection.private.rest();
        }
        told
    }

    /// The first that a connection is told.
    pub(super) fn greet(&mut self, index: u32) {
        let Some(connection) = self.connections.at(index) else {
            return;
        };
        let (user, limits) = (connection.who.clone(), Arc::clone(&self.limits));
        self.tell(
            index,
            &Event::Hello {
                user: &user,
                limits: &limits,
            },
        );
    }

    /// The last, before a close frame that the server begins.
    fn take_leave(&mut self, index: u32, reason: CloseReason) {
        if matches!(reason, CloseReason::Requested(_)) {
            return;
        }
        let retry_after = reason.may_come_back().then(|| self.chance.retry_after());
        self.tell(
            index,
            &Event::Closing {
                reason,
                retry_after,
            },
        );
    }

    pub(super) fn queue_flush(&mut self, index: u32) {
        let Some(id) = self.id_at(index) else { return };
        if let Some(connection) = self.connection(id)
            && !connection.in_flush
            && !connection.blocked
        {
            connection.in_flush = true;
            self.to_flush.push_back(id);
        }
    }

    /// Leaves all rooms and puts the close frame behind what is under way.
    pub(super) fn begin_close(&mut self, index: u32, reason: CloseReason) {
        let Some(connection) = self.connections.at(index) else {
            return;
        };
        if connection.state != State::Open {
            return;
        }
        self.leave_all(index);
        self.end_asking(index, reason);
        self.take_leave(index, reason);
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        connection.state = State::Closing { reason };
        // Nothing follows a close frame (RFC 6455, 5.5.1).
        if let Some(rare) = &mut connection.rare {
            rare.pong = None;
        }
        let framing = &self.wires[usize::from(connection.wire.0)].framing;
        framing.close(reason.code(), reason.text(), connection.private.out());
        if !connection.blocked {
            connection.progress = self.tick;
        }
        self.counts.close(reason);
        self.lives
            .due_by(index, self.tick.after(self.limits.close_timeout));
        self.queue_flush(index);
        self.resume(index);
    }

    /// Closes all connections: those who are here in a later [`turn`](Self::turn), when they have been
    /// offered what has its place, and those who come later at once.
    pub fn close_all(&mut self, reason: CloseReason) {
        self.going_away = Some(reason);
        self.close_all_by = Some(self.now.monotonic + LAST_PASSES_TIME);
    }

    /// A shard that goes away closes its connections when all members have been offered what its rooms
    /// have: an entry that was acknowledged stands before the close. Rooms that are never quiet do not
    /// hold it up.
    pub(super) fn close_behind_last_passes(&mut self) {
        let (Some(reason), Some(latest)) = (self.going_away, self.close_all_by) else {
            return;
        };
        let is_left = self.has_pass() || !self.behind.is_empty();
        if is_left && self.now.monotonic < latest {
            return;
        }
        self.close_all_by = None;
        for index in self.connections.indices() {
            self.begin_close(index, reason);
        }
    }

    pub(super) fn flush_private(&mut self, sockets: &mut impl Sockets) {
        for _ in 0..self.to_flush.len() {
            let Some(id) = self.to_flush.pop_front() else {
                return;
            };
            let Some(connection) = self.connection(id) else {
                continue;
            };
            connection.in_flush = false;
            if !connection.blocked {
                self.take_along(id.index);
                self.send_private(id.index, sockets);
            }
        }
    }

    /// The socket takes bytes again: the begun frame first, then private output, then the rooms.
    pub fn handle_writable(&mut self, index: u32, sockets: &mut impl Sockets) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if !connection.blocked {
            return;
        }
        connection.blocked = false;
        // Progress of waiting output is a sign of life.
        self.handle_heard(index);
        if self.finish_frame(index, sockets)
            && self.send_private(index, sockets)
            && self.send_pong(index, sockets)
            && self.send_rooms(index, sockets)
        {
            self.queue_behind(index);
            // It is pinged again like any other.
            let silent = self.tick.after(self.limits.ping_interval);
            self.lives.due_by(index, silent);
        }
    }

    /// Sends all of `bytes` or notes that the connection is blocked.
    fn send(&mut self, index: u32, bytes: &[u8], sockets: &mut impl Sockets) -> usize {
        let sent = sockets.send(index, bytes);
        self.note_sent(index, bytes.len(), sent)
    }

    pub(super) fn note_sent(&mut self, index: u32, asked: usize, sent: Sent) -> usize {
        let Some(connection) = self.connections.at_mut(index) else {
            return 0;
        };
        let taken = match sent {
            Sent::Bytes(taken) => taken,
            Sent::Gone => {
                connection.state = State::Finished;
                connection.blocked = true;
                return 0;
            }
        };
        if taken > 0 {
            self.counts.sends += 1;
            self.counts.sent_bytes += taken as u64;
            connection.progress = self.tick;
        }
        if taken < asked {
            self.note_blocked(index);
        }
        taken
    }

    fn note_blocked(&mut self, index: u32) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if !connection.blocked {
            connection.blocked = true;
            connection.progress = self.tick;
            self.counts.blocked_sends += 1;
            self.lives
                .due_by(index, self.tick.after(self.limits.slow_reader_timeout));
        }
    }

    fn finish_frame(&mut self, index: u32, sockets: &mut impl Sockets) -> bool {
        let Some(key) = self.connections.at(index).and_then(|c| c.begun) else {
            return true;
        };
        let Some((place, member)) = self.place_in(index, key) else {
            return true;
        };
        let Some(view) = self.views.get(key) else {
            return true;
        };
        let ring = view.ring(place);
        let cursor = ring.members[member].cursor;
        let Some(rest) = ring.rest_of_frame(cursor) else {
            return true;
        };
        let (asked, sent) = (rest.len(), sockets.send(index, rest));
        let taken = self.note_sent(index, asked, sent);
        if let Some(view) = self.views.get_mut(key) {
            view.ring_mut(place).members[member].cursor += taken as u64;
        }
        if taken == asked
            && let Some(connection) = self.connections.at_mut(index)
        {
            connection.begun = None;
        }
        taken == asked
    }

    fn place_in(&self, index: u32, key: Key) -> Option<(u8, usize)> {
        self.views.get(key)?;
        let connection = self.connections.at(index)?;
        let membership = &connection.rooms[connection.slot_of(key)?];
        Some((membership.ring, membership.member as usize))
    }

    fn send_private(&mut self, index: u32, sockets: &mut impl Sockets) -> bool {
        let Some(connection) = self.connections.at_mut(index) else {
            return false;
        };
        if !connection.private.is_empty() {
            // Taken out so that it can be lent while the connection is written to.
            let private = std::mem::take(&mut connection.private);
            let asked = private.waiting().len();
            let taken = self.send(index, private.waiting(), sockets);
            let Some(connection) = self.connections.at_mut(index) else {
                return false;
            };
            connection.private = private;
            connection.private.advance(taken);
            self.reconsider(index);
            if taken < asked {
                return false;
            }
        }
        self.catch_up_presence(index);
        self.finish_if_closing(index, sockets);
        true
    }

    /// Puts what one of its rooms has for a connection behind its private output, so that both cost one
    /// send: an ack and the entry that it acknowledges come together. A pass then finds nothing to do.
    fn take_along(&mut self, index: u32) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if connection.private.is_empty() {
            return;
        }
        for membership in connection.rooms.iter().take(ROOMS_LOOKED_AT_MAX) {
            let Some(view) = self.views.at_mut(membership.view) else {
                continue;
            };
            let ring = view.ring_mut(membership.ring);
            let (end, member) = (ring.end(), membership.member as usize);
            let cursor = ring.members[member].cursor;
            // One that is not live compares as ahead of everything.
            if cursor < end && end - cursor <= TAKEN_ALONG_BYTES_MAX {
                connection
                    .private
                    .out()
                    .extend_from_slice(ring.after(cursor));
                ring.members[member].cursor = end;
                return;
            }
        }
    }

    fn send_pong(&mut self, index: u32, sockets: &mut impl Sockets) -> bool {
        let Some(connection) = self.connections.at_mut(index) else {
            return false;
        };
        let Some(pong) = connection.rare.as_mut().and_then(|rare| rare.pong.take()) else {
            return true;
        };
        let framing = &self.wires[usize::from(connection.wire.0)].framing;
        framing.pong(&pong, connection.private.out());
        self.send_private(index, sockets)
    }

    fn finish_if_closing(&mut self, index: u32, sockets: &mut impl Sockets) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if matches!(connection.state, State::Closing { .. }) {
            connection.state = State::Finished;
            connection.progress = self.tick;
            self.lives
                .due_by(index, self.tick.after(self.limits.close_timeout));
            sockets.finish(index);
        }
    }

    /// Everything its rooms have for a connection that was blocked.
    fn send_rooms(&mut self, index: u32, sockets: &mut impl Sockets) -> bool {
        let rooms = self
            .connections
            .at(index)
            .map_or(0, |connection| connection.rooms.len());
        (0..rooms).all(|slot| self.send_room(index, slot, sockets))
    }

    fn send_room(&mut self, index: u32, slot: usize, sockets: &mut impl Sockets) -> bool {
        let Some(connection) = self.connections.at(index) else {
            return false;
        };
        let membership = &connection.rooms[slot];
        if membership.stand() != Stand::Live {
            return true;
        }
        let (place, member) = (membership.ring, membership.member as usize);
        let Some((key, view)) = self.views.present(membership.view) else {
            return true;
        };
        let ring = view.ring(place);
        let waiting = ring.after(ring.members[member].cursor);
        if waiting.is_empty() {
            return true;
        }
        let (asked, sent) = (waiting.len(), sockets.send(index, waiting));
        let taken = self.note_sent(index, asked, sent);
        self.advance_member(key, place, member, taken);
        taken == asked
    }

    /// Moves a cursor on, and notes if that is in the middle of a frame.
    pub(super) fn advance_member(&mut self, key: Key, place: u8, member: usize, taken: usize) {
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        let ring = view.ring_mut(place);
        let member = &mut ring.members[member];
        member.cursor += taken as u64;
        let (index, cursor) = (member.connection, member.cursor);
        // What took nothing began nothing: it may stand between a frame and a notice behind it, and
        // its socket in the middle of private output.
        if taken > 0
            && ring.rest_of_frame(cursor).is_some()
            && let Some(connection) = self.connections.at_mut(index)
        {
            connection.begun = Some(key);
        }
    }
}
