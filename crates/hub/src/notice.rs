//! Who came into a room and who left it, where a dialect announces that.
//!
//! A notice is no entry: it has no number and is not stored. It goes to the room's home and from
//! there to all views, in order with the entries, and stands in their rings as bytes behind the entry
//! that it follows. Who reads on from a log does not see it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parlour_proto::{Author, ConnectionId, Event, RoomName, Seq, ShardId, UserName};

use crate::table::Key;

/// One coming or going.
#[derive(Debug)]
pub(crate) struct Notice {
    /// Whose it is, on the shard that he is on.
    pub(crate) shard: ShardId,
    pub(crate) connection: ConnectionId,
    pub(crate) who: UserName,
    pub(crate) author: Author,
    pub(crate) came: bool,
}

impl Notice {
    pub(crate) fn event<'a>(&'a self, room: &'a RoomName) -> Event<'a> {
        Event::Notice {
            room,
            author: self.author,
            name: self.who.as_str(),
            came: self.came,
        }
    }
}

/// One at its home, whose shard waits for the credit of it.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) from: ShardId,
    pub(crate) notice: Arc<Notice>,
}

/// One that waits at the shard of who comes or goes.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) room: RoomName,
    pub(crate) home: ShardId,
    /// Where he is in the room.
    pub(crate) view: Key,
    pub(crate) notice: Arc<Notice>,
}

/// Those that wait, the oldest first. Who goes before his coming was told takes it with him, so there
/// are no more of them than there were comings that were told, and connections that wait.
#[derive(Debug, Default)]
pub(crate) struct Line {
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
    /// Where the comings stand.
    comings: HashMap<(ConnectionId, Key), u64>,
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn first(&self) -> Option<&Waiting> {
        self.waiting.first_key_value().map(|(_, waiting)| waiting)
    }

    /// Puts one behind all others; a going that finds its coming here goes away with it.
    pub(crate) fn push(&mut self, waiting: Waiting) {
        let Waiting { view, notice, .. } = &waiting;
        let who = (notice.connection, *view);
        if notice.came {
            self.comings.insert(who, self.next);
        } else if let Some(place) = self.comings.remove(&who) {
            self.waiting.remove(&place);
            return;
        }
        self.waiting.insert(self.next, waiting);
        self.next += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let (_, waiting) = self.waiting.pop_first()?;
        if waiting.notice.came {
            self.comings
                .remove(&(waiting.notice.connection, waiting.view));
        }
        Some(waiting)
    }
}

/// Behind the entry of this number.
pub(crate) type Placed = (Seq, Arc<Notice>);

/// Notices on the way to a view; what comes behind them waits.
pub(crate) const NOTICES_ON_THE_WAY_MAX: u64 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;
    use std::collections::VecDeque;

    fn below(chance: &mut Chance, count: u64) -> u64 {
        chance.epoch().0 % count
    }

    fn waiting(connection: u32, room: u32, came: bool) -> Waiting {
        let (shard, generation) = (ShardId(0), 0);
        let connection = ConnectionId {
            index: connection,
            generation,
        };
        Waiting {
            room: RoomName::new(&format!("room{room}")).unwrap(),
            home: shard,
            view: Key {
                index: room,
                generation,
            },
            notice: Arc::new(Notice {
                shard,
                connection,
                who: UserName::guest("kim").unwrap(),
                author: Author::Named,
                came,
            }),
        }
    }

    fn told(waiting: &Waiting) -> (u32, u32, bool) {
        let Waiting { view, notice, .. } = waiting;
        (notice.connection.index, view.index, notice.came)
    }

    /// A line in which each going looks through all that wait.
    fn push_by_looking(line: &mut VecDeque<(u32, u32, bool)>, it: (u32, u32, bool)) {
        let (connection, room, came) = it;
        let is_of = |waiting: &(u32, u32, bool)| *waiting == (connection, room, true);
        match line.iter().position(is_of) {
            Some(place) if !came => drop(line.remove(place)),
            _ => line.push_back(it),
        }
    }

    #[test]
    fn what_comes_out_is_what_a_search_of_all_that_waits_would_leave_in_its_order() {
        for seed in 0..200 {
            let mut chance = Chance(seed);
            let (mut line, mut searched) = (Line::default(), VecDeque::new());
            let mut is_in = [[false; 3]; 8];
            for _ in 0..400 {
                let (connection, room) = (below(&mut chance, 8), below(&mut chance, 3));
                let is_in = &mut is_in[connection as usize][room as usize];
                if below(&mut chance, 3) > 0 {
                    *is_in = !*is_in;
                    let next = waiting(connection as u32, room as u32, *is_in);
                    push_by_looking(&mut searched, told(&next));
                    line.push(next);
                } else {
                    assert_eq!(line.first().map(told), searched.front().copied());
                    assert_eq!(line.pop().as_ref().map(told), searched.pop_front());
                }
            }
            let rest: Vec<_> = std::iter::from_fn(|| line.pop()).collect();
            let rest: Vec<_> = rest.iter().map(told).collect();
            assert_eq!(rest, Vec::from(searched), "seed {seed}");
            assert!(line.is_empty() && line.comings.is_empty());
        }
    }
}
