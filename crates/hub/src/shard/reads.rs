//! Reading a room at its home: for those who are behind, and pages for whoever asks.

use std::sync::Arc;

use parlour_proto::{
    BATCH_ENTRIES_MAX, ConnectionId, Entry, EntryId, Event, Page, PageFrom, Position, Refusal,
    RoomName, Seq, ShardId,
};

use super::opening::Waiter;

use super::{QuestionToken, Shard, home_of};
use crate::connection::UNANSWERED_MAX;
use crate::letter::{Body, History, Reader, Replay};
use crate::store::{ReadToken, Request, Store, StoreFault};
use crate::table::Key;

/// A page counts as so many publishes without an answer: one at a time is on the way to a connection.
const PAGE_COST: u16 = UNANSWERED_MAX;

/// A read that waits for the store.
pub(super) struct PendingRead {
    home: Key,
    what: Pending,
}

enum Pending {
    Replay {
        shard: ShardId,
        after: Position,
        reader: Reader,
    },
    Page(Asker),
}

/// Who wants which page.
pub(super) struct Asker {
    page: Page,
    to: AnswerTo,
}

enum AnswerTo {
    Connection {
        shard: ShardId,
        id: ConnectionId,
        room: RoomName,
        request: Option<EntryId>,
    },
    Driver(QuestionToken),
}

impl<S: Store> Shard<S> {
    pub(super) fn handle_read(
        &mut self,
        from: ShardId,
        room: &RoomName,
        after: Position,
        reader: Reader,
    ) {
        let Some(key) = self.home_by_room.get(room).copied() else {
            // Its view follows the room, so the room cannot have been forgotten.
            return self.answer_read(from, reader, Err(Refusal::BadPosition));
        };
        let waiter = || Waiter::Read {
            from,
            after,
            reader,
        };
        if !self.waits_for_log(key, waiter) {
            self.read(key, from, after, reader);
        }
    }

    pub(super) fn read(&mut self, key: Key, shard: ShardId, after: Position, reader: Reader) {
        let now = self.now.monotonic;
        let bytes_max = self.replay_bytes_max();
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        home.expire(now);
        if !home.needs_store(after) {
            let replay = home.replay(after, Vec::new(), bytes_max);
            return self.answer_read(shard, reader, replay);
        }
        let seq = match after.epoch == home.epoch {
            true => after.seq,
            false => Seq(0),
        };
        let read = PendingRead {
            home: key,
            what: Pending::Replay {
                shard,
                after,
                reader,
            },
        };
        self.read_store(read, PageFrom::After(seq), BATCH_ENTRIES_MAX);
    }

    fn read_store(&mut self, read: PendingRead, from: PageFrom, entries_max: usize) {
        let Some(home) = self.homes.get(read.home) else {
            return;
        };
        let token = self.next_read;
        self.next_read += 1;
        self.requests.push(Request::Read {
            token: ReadToken(token),
            room: home.room.clone(),
            epoch: home.epoch,
            from,
            entries_max,
            bytes_max: self.replay_bytes_max(),
        });
        self.reads.insert(token, read);
    }

    /// Bytes of one answer to a read: it goes through its reader's private buffer.
    fn replay_bytes_max(&self) -> usize {
        self.limits.private_bytes_max / 4
    }

    pub(super) fn finish_read(&mut self, token: u64, entries: Result<Vec<Arc<Entry>>, StoreFault>) {
        let Some(PendingRead { home, what }) = self.reads.remove(&token) else {
            return;
        };
        let bytes_max = self.replay_bytes_max();
        let home = self.homes.get(home).ok_or(Refusal::BadPosition);
        let entries = entries.map_err(StoreFault::unread);
        match what {
            Pending::Replay {
                shard,
                after,
                reader,
            } => {
                let replay = home.and_then(|home| home.replay(after, entries?, bytes_max));
                self.answer_read(shard, reader, replay);
            }
            Pending::Page(asker) => {
                let page =
                    home.and_then(|home| Ok(home.page(asker.page, Some(entries?), bytes_max)));
                self.answer_page(asker, page);
            }
        }
    }

    pub(super) fn answer_read(
        &mut self,
        shard: ShardId,
        reader: Reader,
        replay: Result<Replay, Refusal>,
    ) {
        self.counts.replays += 1;
        self.link(shard).answer(Body::Replay { reader, replay }, 0);
    }

    /// A client asks for a page of a room that it is in.
    pub(super) fn ask_for_page(
        &mut self,
        index: u32,
        room: RoomName,
        page: Page,
        id: Option<EntryId>,
    ) {
        if self.slot_in(index, &room).is_none() {
            return self.refuse(index, Some(&room), id.as_ref(), Refusal::NotInRoom);
        }
        let Some(to) = self.id_at(index) else { return };
        if let Some(connection) = self.connections.at_mut(index) {
            connection.unanswered += PAGE_COST;
        }
        let home = home_of(&room, self.shards);
        self.link(home)
            .command(Body::History { room, page, to, id });
    }

    pub(super) fn handle_history(
        &mut self,
        shard: ShardId,
        room: RoomName,
        page: Page,
        (id, request): (ConnectionId, Option<EntryId>),
    ) {
        let key = self.home_by_room.get(&room).copied();
        let to = AnswerTo::Connection {
            shard,
            id,
            room,
            request,
        };
        self.look_for_page(key, Asker { page, to });
    }

    fn look_for_page(&mut self, key: Option<Key>, asker: Asker) {
        let Some(key) = key else {
            // It has left meanwhile, and so has everybody else.
            return self.answer_page(asker, Err(Refusal::NotInRoom));
        };
        let mut asker = Some(asker);
        self.waits_for_log(key, || Waiter::Page(asker.take().expect("taken once")));
        if let Some(asker) = asker {
            self.read_page(key, asker);
        }
    }

    pub(super) fn read_page(&mut self, key: Key, asker: Asker) {
        let (now, bytes_max) = (self.now.monotonic, self.replay_bytes_max());
        let Some(home) = self.homes.get_mut(key) else {
            return;
        };
        home.expire(now);
        if home.page_needs_store(asker.page) {
            let Page { from, limit } = asker.page;
            let what = Pending::Page(asker);
            return self.read_store(PendingRead { home: key, what }, from, limit.into());
        }
        let page = home.page(asker.page, None, bytes_max);
        self.answer_page(asker, Ok(page));
    }

    pub(super) fn answer_page(&mut self, asker: Asker, history: Result<History, Refusal>) {
        match asker.to {
            AnswerTo::Connection {
                shard,
                id: to,
                room,
                request: id,
            } => {
                let page = Body::Page {
                    to,
                    room,
                    id,
                    history,
                };
                self.link(shard).answer(page, 0);
            }
            AnswerTo::Driver(token) => self.pages.push((token, history)),
        }
    }

    pub(super) fn handle_page(
        &mut self,
        to: ConnectionId,
        room: &RoomName,
        id: Option<&EntryId>,
        history: Result<History, Refusal>,
    ) {
        let Some(connection) = self.connection(to) else {
            return;
        };
        connection.unanswered -= PAGE_COST;
        match history {
            Ok(History {
                epoch,
                entries,
                more,
            }) => {
                let page = Event::Page {
                    room,
                    id,
                    epoch,
                    entries: &entries,
                    more,
                };
                self.tell(to.index, &page);
            }
            Err(refusal) => self.refuse(to.index, Some(room), id, refusal),
        }
        self.reconsider(to.index);
    }

    /// Asks for a page of a room that has its [home](home_of) on this shard, for whoever drives it. The
    /// answer comes out of [`take_pages`](Self::take_pages), and how many may wait for theirs is the
    /// driver's to bound.
    pub fn history(&mut self, token: QuestionToken, room: &RoomName, page: Page) {
        debug_assert_eq!(home_of(room, self.shards), self.id);
        let is_there = self.home_by_room.contains_key(room) || self.kinds.of(room).is_durable;
        let to = AnswerTo::Driver(token);
        let asker = Asker { page, to };
        if !is_there {
            // It is not made by being looked at.
            return self.answer_page(asker, Err(Refusal::NoSuchRoom));
        }
        match self.home_for(room) {
            Ok(key) => self.look_for_page(Some(key), asker),
            Err(refusal) => self.answer_page(asker, Err(refusal)),
        }
    }

    /// The pages that were asked for since the last call.
    pub fn take_pages(&mut self) -> Vec<(QuestionToken, Result<History, Refusal>)> {
        std::mem::take(&mut self.pages)
    }
}
