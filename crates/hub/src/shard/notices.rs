//! Notices on their way: from the shard of who comes and goes to the room's home.

use std::sync::Arc;

use parlour_proto::{RoomName, ShardId};

use super::Shard;
use crate::letter::Body;
use crate::notice::{Notice, Posted, Waiting};
use crate::store::Store;
use crate::table::Key;

impl<S: Store> Shard<S> {
    /// Tells a room that a connection has come or gone, if its dialect announces it. At the end of
    /// the hub nobody is told that all are going.
    pub(super) fn announce(&mut self, index: u32, key: Key, came: bool) {
        let Some(connection) = self.connections.at(index) else {
            return;
        };
        let dialect = &self.wires[usize::from(connection.wire.0)].dialect;
        if !dialect.announces() || self.going_away.is_some() {
            return;
        }
        let (Some(id), Some(view)) = (self.id_at(index), self.views.get(key)) else {
            return;
        };
        let waiting = Waiting {
            room: view.room.clone(),
            home: view.home,
            view: key,
            notice: Arc::new(Notice {
                shard: self.id,
                connection: id,
                who: connection.who.clone(),
                author: connection.author(),
                came,
            }),
        };
        if self.notices.is_empty() && self.may_send_notice(waiting.home) {
            return self.send_notice(waiting);
        }
        self.notices.push(waiting);
        self.send_notices();
    }

    /// Sends what waits, as credit allows.
    pub(super) fn send_notices(&mut self) {
        while let Some(Waiting { home, .. }) = self.notices.first()
            && self.may_send_notice(*home)
            && let Some(waiting) = self.notices.pop()
        {
            self.send_notice(waiting);
        }
    }

    fn may_send_notice(&self, home: ShardId) -> bool {
        !self.is_in_turn && self.links[usize::from(home.0)].has_credit()
    }

    fn send_notice(&mut self, waiting: Waiting) {
        let Waiting {
            room, home, notice, ..
        } = waiting;
        self.link(home).command(Body::Notice { room, notice });
    }

    /// Whether [`send_notices`](Self::send_notices) would get on with one.
    pub(super) fn has_notice_to_send(&self) -> bool {
        let first = self.notices.first();
        first.is_some_and(|waiting| self.may_send_notice(waiting.home))
    }

    pub(super) fn handle_notice(&mut self, from: ShardId, room: &RoomName, notice: Arc<Notice>) {
        let key = self.home_by_room.get(room).copied();
        match key.and_then(|key| Some((key, self.homes.get_mut(key)?))) {
            Some((key, home)) => {
                home.post(Posted { from, notice });
                self.queue_feed(key);
            }
            // Nobody is there to be told.
            None => self.link(from).answer_silently(),
        }
    }
}
