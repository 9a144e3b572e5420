//! What was numbered in rooms in memory alone: it is final at once, in the next step of the turn.

use std::collections::VecDeque;

use parlour_proto::Seq;

use crate::table::Key;

/// Rooms with such entries, and the last of them.
#[derive(Default)]
pub(super) struct Volatile {
    rooms: VecDeque<(Key, Seq)>,
}

impl Volatile {
    /// One answer for a run of entries of one room.
    pub(super) fn push(&mut self, room: Key, seq: Seq) {
        match self.rooms.back_mut() {
            Some((last, upto)) if *last == room => *upto = seq,
            _ => self.rooms.push_back((room, seq)),
        }
    }

    pub(super) fn pop(&mut self) -> Option<(Key, Seq)> {
        self.rooms.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }
}
