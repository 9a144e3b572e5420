//! The pass over a room's members: the one place that fans out to sockets (invariant 3).

use parlour_proto::{PASS_BYTES_MAX, PASS_MEMBERS_MAX};

use super::Shard;
use crate::ring::NOT_LIVE;
use crate::sockets::{Sent, Sockets};
use crate::store::Store;
use crate::table::Key;

/// A member whose socket did not take everything.
struct Short {
    member: usize,
    connection: u32,
    asked: usize,
    sent: Sent,
}

/// What one step may still send.
struct Budget {
    members: usize,
    bytes: usize,
}

impl Budget {
    fn of_a_step() -> Self {
        Self {
            members: PASS_MEMBERS_MAX,
            bytes: PASS_BYTES_MAX,
        }
    }

    fn is_left(&self) -> bool {
        self.members > 0 && self.bytes > 0
    }

    fn spend(&mut self, bytes: usize) {
        self.members -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl<S: Store> Shard<S> {
    /// One step of the passes that are to begin, and one of those under way: neither a large room nor
    /// many small ones hold the others up. A member is sent everything up to *now*, not up to where the
    /// pass began.
    pub(super) fn pass_some(&mut self, sockets: &mut impl Sockets) {
        let under_way = self.passing.len();
        let mut budget = Budget::of_a_step();
        while budget.is_left()
            && let Some(ring) = self.to_pass.pop_front()
        {
            self.pass_in(ring, &mut budget, sockets);
        }
        let mut budget = Budget::of_a_step();
        for _ in 0..under_way {
            if let Some(ring) = self.passing.pop_front() {
                self.pass_in(ring, &mut budget, sockets);
            }
            if !budget.is_left() {
                return;
            }
        }
    }

    fn pass_in(
        &mut self,
        (key, place): (Key, u8),
        budget: &mut Budget,
        sockets: &mut impl Sockets,
    ) {
        if self.pass_ring(key, place, budget, sockets) {
            self.end_pass(key, place);
        } else if self.views.get(key).is_some() {
            self.passing.push_back((key, place));
        }
    }

    pub(super) fn has_pass(&self) -> bool {
        !(self.to_pass.is_empty() && self.passing.is_empty())
    }

    /// Goes on with a ring's pass; `true` when it has come to its last member.
    fn pass_ring(
        &mut self,
        key: Key,
        place: u8,
        budget: &mut Budget,
        sockets: &mut impl Sockets,
    ) -> bool {
        while let Some(short) = self.pass_until_short(key, place, budget, sockets) {
            let taken = self.note_sent(short.connection, short.asked, short.sent);
            self.advance_member(key, place, short.member, taken);
        }
        let Some(view) = self.views.get(key) else {
            return false;
        };
        let ring = view.ring(place);
        ring.pass
            .is_some_and(|pass| pass.next >= ring.members.len())
    }

    /// The hot loop. It comes back at the end, when the budget is used up, or with the first member
    /// whose socket did not take everything.
    fn pass_until_short(
        &mut self,
        key: Key,
        place: u8,
        budget: &mut Budget,
        sockets: &mut impl Sockets,
    ) -> Option<Short> {
        let ring = self.views.get_mut(key)?.ring_mut(place);
        let end = ring.end();
        ring.begin_pass();
        let pass = ring.pass.as_mut()?;
        while budget.is_left()
            && let Some(member) = ring.members.get_mut(pass.next)
        {
            let at = pass.next;
            pass.next += 1;
            if member.cursor >= end {
                continue;
            }
            let waiting = ring.bytes.after(member.cursor);
            budget.spend(waiting.len());
            let sent = sockets.send(member.connection, waiting);
            if sent != Sent::Bytes(waiting.len()) {
                let (connection, asked) = (member.connection, waiting.len());
                return Some(Short {
                    member: at,
                    connection,
                    asked,
                    sent,
                });
            }
            member.cursor = end;
            self.counts.sends += 1;
            self.counts.sent_bytes += waiting.len() as u64;
        }
        None
    }

    fn end_pass(&mut self, key: Key, place: u8) {
        let Some(view) = self.views.get_mut(key) else {
            return;
        };
        let ring = view.ring_mut(place);
        let Some(again) = ring.end_pass() else { return };
        ring.queued = again;
        if again {
            self.to_pass.push_back((key, place));
        }
        ring.trim(ring.lowest_cursor());
        self.trim_ring(
            key,
            place,
            self.limits.log_entries_max,
            self.limits.log_bytes_max,
        );
        self.weigh(key);
        self.tell_taken(key);
    }

    /// Trims a ring that is over its bounds to three quarters of them; members that are older than
    /// that are behind from now on.
    pub(super) fn trim_ring(&mut self, key: Key, place: u8, frames_max: usize, bytes_max: usize) {
        let Some(view) = self.views.get(key) else {
            return;
        };
        let ring = view.ring(place);
        if ring.len_frames() <= frames_max && ring.len_bytes() <= bytes_max {
            return;
        }
        let offset = ring.trim_point(frames_max - frames_max / 4, bytes_max - bytes_max / 4);
        let old = ring
            .members
            .iter()
            .filter(|m| m.cursor != NOT_LIVE && m.cursor < offset);
        let old: Vec<u32> = old.map(|member| member.connection).collect();
        for index in old {
            self.lag(index, key);
        }
        if let Some(view) = self.views.get_mut(key) {
            view.ring_mut(place).trim(offset);
        }
    }
}
