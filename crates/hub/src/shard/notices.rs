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
    pub(super) fn announce(&mut self, index: u32, view: Key, came: bool) {
        let Some(connection) = self.connections.at(index) else {
            return;
        };
        let dialect = &self.wires[usize::from(connection.wire.0)].dialect;
        if !dialect.announces() || self.going_away.is_some() {
            return;
        }
        let (Some(id), Some(view)) = (self.id_at(index), self.views.get(view)) else {
            return;
        };
        let notice = Arc::new(Notice {
            shard: self.id,
            connection: id,
            who: connection.who.clone(),
            author: connection.author(),
            came,
        });
        let is_of = |waiting: &Waiting| {
            waiting.notice.came && waiting.notice.connection == id && waiting.room == view.room
        };
        if !came && let Some(place) = self.notices.iter().position(is_of) {
            self.notices.remove(place);
            return;
        }
        self.notices.push_back(Waiting {
            room: view.room.clone(),
            home: view.home,
            notice,
        });
        self.send_notices();
    }

    /// Sends what waits, as credit allows.
    pub(super) fn send_notices(&mut self) {
        while let Some(Waiting { home, .. }) = self.notices.front()
            && self.links[usize::from(home.0)].has_credit()
            && let Some(waiting) = self.notices.pop_front()
        {
            let Waiting {
                room, home, notice, ..
            } = waiting;
            self.link(home).command(Body::Notice { room, notice });
        }
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
