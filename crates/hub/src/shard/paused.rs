//! Connections that are not read for a while, because what they ask for has no room.

use super::Shard;
use crate::connection::{Paused, State, UNANSWERED_MAX};
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
            connection.paused = Some(why);
            if why == Paused::Credit {
                self.waiting_for_credit.push_back(id);
            }
        }
        why.is_none()
    }

    fn hindrance(&self, index: u32) -> Option<Paused> {
        let connection = self.connections.at(index)?;
        if connection.state != State::Open {
            // Its input is read, to be thrown away.
            return None;
        }
        let full = connection.private.waiting().len() >= self.limits.private_bytes_max;
        if full || connection.unanswered >= UNANSWERED_MAX {
            return Some(Paused::Own);
        }
        let has_credit = self.links.iter().all(Link::has_credit);
        (!has_credit).then_some(Paused::Credit)
    }

    /// Looks again at a connection that waited for its own answers or its own output.
    pub(super) fn reconsider(&mut self, index: u32) {
        let paused = self.connections.at(index).and_then(|c| c.paused);
        if paused != Some(Paused::Own) {
            return;
        }
        match self.hindrance(index) {
            None => self.resume(index),
            Some(Paused::Own) => {}
            Some(Paused::Credit) => {
                let Some(id) = self.id_at(index) else {
                    return;
                };
                if let Some(connection) = self.connection(id) {
                    connection.paused = Some(Paused::Credit);
                }
                self.waiting_for_credit.push_back(id);
            }
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
                Some(Paused::Own) => {
                    if let Some(connection) = self.connection(id) {
                        connection.paused = Some(Paused::Own);
                    }
                }
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
