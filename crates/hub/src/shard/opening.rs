//! Rooms on their way into memory: a durable one is looked up in the store, and what is asked of it
//! meanwhile waits.

use parlour_proto::{Keep, Position, Refusal, RoomName, ShardId};

use super::reads::Asker;
use super::{QuestionToken, Shard, home_of};
use crate::home::{Born, Home, Standing};
use crate::letter::{Body, Reader};
use crate::since::Since;
use crate::store::{Opened, Recent, Request, RoomKey, Store, StoreFault};
use crate::table::Key;

/// What waits for a room's log. Commands are bounded by their links' credit, questions by their driver.
pub(super) enum Waiter {
    Follow {
        from: ShardId,
        view: Key,
    },
    Read {
        from: ShardId,
        after: Position,
        reader: Reader,
    },
    Page(Asker),
    Since(QuestionToken),
}

impl<S: Store> Shard<S> {
    /// The home of a room, made when needed.
    pub(super) fn home_for(&mut self, room: &RoomName) -> Result<Key, Refusal> {
        if let Some(key) = self.home_by_room.get(room) {
            return Ok(*key);
        }
        if self.homes.len() >= self.limits.rooms_max.div_ceil(usize::from(self.shards)) {
            return Err(Refusal::TooManyRooms);
        }
        let kind = self.kinds.of(room);
        let born = Born {
            now: self.now.monotonic,
            limits: &self.limits,
            digester: self.digester,
        };
        let home = Home::new(room.clone(), kind, self.chance.epoch(), born);
        let key = self.homes.insert(home);
        self.home_by_room.insert(room.clone(), key);
        if kind.is_durable {
            self.look_up(key, kind.keep);
        }
        self.note_if_empty(key);
        Ok(key)
    }

    fn look_up(&mut self, key: Key, keep: Keep) {
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        home.standing = Standing::Opening;
        self.requests.push(Request::Open {
            key: RoomKey(key),
            room: home.room.clone(),
            keep,
            recent: Recent {
                entries_max: self.limits.log_entries_max / 2,
                bytes_max: self.limits.log_bytes_max / 2,
                ids_max: self.limits.ids_per_room_max,
            },
            digester: self.digester,
        });
    }

    /// Whether a room is still looked up; then `waiter` waits for it.
    pub(super) fn waits_for_log(&mut self, key: Key, waiter: impl FnOnce() -> Waiter) -> bool {
        let home = self.homes.get(key);
        let is_opening = home.is_some_and(|home| home.standing == Standing::Opening);
        if is_opening {
            self.waiting.entry(key).or_default().push_back(waiter());
        }
        is_opening
    }

    /// A view that does not want to follow any more, and whose wish still waits.
    pub(super) fn stop_waiting(&mut self, key: Key, shard: ShardId, of: Key) {
        let is_it = |waiter: &Waiter| matches!(waiter, Waiter::Follow { from, view } if (*from, *view) == (shard, of));
        let Some(waiting) = self.waiting.get_mut(&key) else {
            return;
        };
        let before = waiting.len();
        waiting.retain(|waiter| !is_it(waiter));
        if waiting.len() < before {
            self.link(shard).answer_silently();
        }
    }

    /// The store has said where a log is, or that it cannot be had: then the room is asked for again by
    /// whoever comes next.
    pub(super) fn opened(&mut self, key: Key, opened: Result<Opened, StoreFault>) {
        let waiting = self.waiting.remove(&key).unwrap_or_default();
        let refused = opened.as_ref().err().map(|fault| fault.unread());
        match opened {
            Ok(opened) => {
                if let Some(home) = self.homes.get_mut(key) {
                    home.open(opened);
                }
            }
            Err(fault) => self.refuse_held(key, fault.refusal()),
        }
        for waiter in waiting {
            match refused {
                None => self.go_on_waiting(key, waiter),
                Some(refusal) => self.refuse_waiter(waiter, refusal),
            }
        }
        match refused {
            None => {
                self.release_held(key);
                self.queue_feed(key);
                self.note_if_empty(key);
            }
            Some(_) => self.forget(key),
        }
    }

    fn go_on_waiting(&mut self, key: Key, waiter: Waiter) {
        let Some(home) = self.homes.get(key) else {
            return;
        };
        match waiter {
            Waiter::Follow { from, view } => self.follow(key, from, view),
            Waiter::Read {
                from,
                after,
                reader,
            } => self.read(key, from, after, reader),
            Waiter::Page(asker) => self.read_page(key, asker),
            Waiter::Since(token) => {
                let since = Since::Position(home.position());
                self.sinces.push((token, since));
            }
        }
    }

    fn refuse_waiter(&mut self, waiter: Waiter, refusal: Refusal) {
        match waiter {
            Waiter::Follow { from, view } => {
                let answer = Body::NotFollowing { view, refusal };
                self.link(from).answer(answer, 0);
            }
            Waiter::Read { from, reader, .. } => self.answer_read(from, reader, Err(refusal)),
            Waiter::Page(asker) => self.answer_page(asker, Err(refusal)),
            // It is told when it joins.
            Waiter::Since(token) => self.sinces.push((token, Since::Joined)),
        }
    }

    fn refuse_held(&mut self, key: Key, refusal: Refusal) {
        let mut answered = Vec::new();
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        home.standing = Standing::Stopped;
        home.refuse_held(refusal, &mut answered);
        let room = home.room.clone();
        for answered in answered {
            self.answer_publish(&room, answered);
        }
    }

    /// Asks where a room that has its [home](home_of) on this shard is now, for somebody who is to
    /// miss nothing from now on. A room that is not there is not made. The answer comes out of
    /// [`take_sinces`](Self::take_sinces), and how many may wait for theirs is the driver's to bound.
    pub fn since(&mut self, token: QuestionToken, room: &RoomName) {
        debug_assert_eq!(home_of(room, self.shards), self.id);
        let is_there = self.home_by_room.contains_key(room);
        if !is_there && !self.kinds.of(room).is_durable {
            return self.sinces.push((token, Since::Nothing));
        }
        let Ok(key) = self.home_for(room) else {
            return self.sinces.push((token, Since::Joined));
        };
        if !self.waits_for_log(key, || Waiter::Since(token)) {
            self.go_on_waiting(key, Waiter::Since(token));
        }
    }

    /// Where the rooms are that were asked for since the last call.
    pub fn take_sinces(&mut self) -> Vec<(QuestionToken, Since)> {
        std::mem::take(&mut self.sinces)
    }
}
