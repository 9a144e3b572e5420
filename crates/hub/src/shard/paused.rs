//! Connections that are not read for a while, because what they ask for has no room.

use std::time::Duration;

use parlour_proto::ConnectionId;

use super::Shard;
use crate::connection::{LIMITED_MAX, Paused, State, UNANSWERED_MAX};
use crate::link::Link;
use crate::store::Store;

impl<S: Store> Shard<S> {
    /// Whether the next frame of this connection may be taken out of its codec. If not, it must not
    /// be read until its index comes out of [`take_resumed`](Self::take_resumed).
    pub fn takes_frames(&mut self, index: u32) -> bool {
        let why = self.hindrance(index);
        let Some(id) = self.id_at(index) else {
            return false;
        };
        if let Some(connection) = self.connection(id)
            && let Some(why) = why
            && connection.paused.is_none()
        {
            self.pause(id, why);
        }
        why.is_none()
    }

    fn pause(&mut self, id: ConnectionId, why: Paused) {
        if let Some(connection) = self.connection(id) {
            connection.paused = Some(why);
        }
        match why {
            Paused::Own | Paused::Asked => {}
            Paused::Credit => self.waiting_for_credit.push_back(id),
            Paused::Rate => {
                let wait = self.wait_for_rate(id.index).unwrap_or_default();
                // In the next tick at the earliest: this one has no credit.
                let due = self.tick.after(wait + Duration::from_millis(1));
                self.lives.due_by(id.index, due);
            }
        }
    }

    fn hindrance(&self, index: u32) -> Option<Paused> {
        let connection = self.connections.at(index)?;
        if connection.state != State::Open {
            // Its input is read, to be thrown away.
            return None;
        }
        if connection.is_asking {
            return Some(Paused::Asked);
        }
        let full = connection.private.waiting().len() >= self.limits.private_bytes_max;
        if full || connection.unanswered >= UNANSWERED_MAX {
            return Some(Paused::Own);
        }
        if self.wait_for_rate(index).is_some() {
            return Some(Paused::Rate);
        }
        let has_credit = self.links.iter().all(Link::has_credit);
        (!has_credit).then_some(Paused::Credit)
    }

    /// How long a connection that went on over its rate may send nothing: what it sends then waits in
    /// its peer, instead of being thrown away here.
    fn wait_for_rate(&self, index: u32) -> Option<Duration> {
        let (rate, connection) = (self.rate?, self.connections.at(index)?);
        if connection.limited < LIMITED_MAX {
            return None;
        }
        connection.spent.check(self.now.monotonic, rate).err()
    }

    /// Looks again at a connection that waited for its own answers or its own output.
    pub(super) fn reconsider(&mut self, index: u32) {
        self.look_again(index, Paused::Own);
    }

    /// Looks again at a connection of which the application had a question.
    pub(super) fn reconsider_asking(&mut self, index: u32) {
        self.look_again(index, Paused::Asked);
    }

    /// Looks again at a connection that waited for its rate.
    pub(super) fn reconsider_limited(&mut self, index: u32) {
        self.look_again(index, Paused::Rate);
    }

    fn look_again(&mut self, index: u32, waited_for: Paused) {
        let paused = self.connections.at(index).and_then(|c| c.paused);
        let (Some(id), true) = (self.id_at(index), paused == Some(waited_for)) else {
            return;
        };
        match self.hindrance(index) {
            None => self.resume(index),
            Some(why) => self.pause(id, why),
        }
    }

    /// Who has waited for credit longest goes on first, and no more of them than there is credit
    /// for all that they may ask: those who have much to say do not starve the others.
    pub(super) fn resume_with_credit(&mut self) {
        let credit = self.links.iter().map(Link::credit_left).min().unwrap_or(0);
        let mut room = credit.div_ceil(u32::from(UNANSWERED_MAX));
        while room > 0
            && let Some(id) = self.waiting_for_credit.pop_front()
        {
            let paused = self.connection(id).and_then(|connection| connection.paused);
            if paused != Some(Paused::Credit) {
                continue;
            }
            match self.hindrance(id.index) {
                None => {
                    self.resume(id.index);
                    room -= 1;
                }
                Some(why @ (Paused::Own | Paused::Rate | Paused::Asked)) => self.pause(id, why),
                Some(Paused::Credit) => {
                    self.waiting_for_credit.push_front(id);
                    return;
                }
            }
        }
    }

    /// Its silence was ours: it counts as heard from now on.
    pub(super) fn resume(&mut self, index: u32) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if connection.paused.take().is_some() {
            self.resumed.push(index);
            self.handle_heard(index);
        }
    }
}
