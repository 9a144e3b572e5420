//! Cursors that are older than their ring: resumed ones, and slow ones that read again. They are
//! caught up from the room's home in bounded pieces, and join the ring when they reach it.

use std::sync::Arc;

use parlour_proto::{Entry, Epoch, Event, Missed, Position, Refusal, RoomName};

use super::Shard;
use crate::connection::{Stand, State};
use crate::letter::{Body, Reader, Replay};
use crate::ring::Pin;
use crate::store::Store;
use crate::table::Key;

/// Connections looked at in one turn.
const BEHIND_PER_TURN: usize = 256;

impl<S: Store> Shard<S> {
    pub(super) fn queue_behind(&mut self, index: u32) {
        let Some(id) = self.id_at(index) else { return };
        if let Some(connection) = self.connection(id)
            && !connection.in_behind
        {
            connection.in_behind = true;
            self.behind.push_back(id);
            self.behind_without_credit = 0;
        }
    }

    /// Asks for the next piece for those whose output is empty. A blocked one comes back into the
    /// list when it has been drained, one that reads when its answer has come.
    pub(super) fn read_for_those_behind(&mut self) {
        for _ in 0..self.behind.len().min(BEHIND_PER_TURN) {
            let Some(id) = self.behind.pop_front() else {
                return;
            };
            let Some(connection) = self.connection(id) else {
                continue;
            };
            connection.in_behind = false;
            let ready = connection.state == State::Open
                && !connection.blocked
                && !connection.reading
                && connection.private.is_empty();
            if ready {
                self.read_next(id.index);
            } else if connection.in_flush {
                self.queue_behind(id.index);
            }
        }
    }

    fn read_next(&mut self, index: u32) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        let views = &mut self.views;
        let behind = connection
            .rooms
            .iter_mut()
            .find_map(|membership| match membership.stand() {
                Stand::Behind { after, told } => {
                    let view = views.at_mut(membership.view)?;
                    let is_ahead = told && view.is_before(after);
                    if is_ahead {
                        view.ahead.insert(index);
                    }
                    (!is_ahead).then_some((membership, after, told))
                }
                _ => None,
            });
        let Some((membership, after, told)) = behind else {
            return;
        };
        let Some((key, view)) = self.views.present(membership.view) else {
            return;
        };
        let (room, home) = (view.room.clone(), view.home);
        if !self.links[usize::from(home.0)].has_credit() {
            // Counted so that the shard can sleep when all of them wait; credit wakes it.
            let without_credit = self.behind_without_credit + 1;
            self.queue_behind(index);
            self.behind_without_credit = without_credit;
            return;
        }
        self.behind_without_credit = 0;
        membership.set_stand(Stand::Reading { after, told });
        connection.reading = true;
        let Some(reader) = self.reader(index, key) else {
            return;
        };
        self.link(home).command(Body::Read {
            room,
            after,
            reader,
        });
    }

    pub(super) fn handle_replay(&mut self, reader: Reader, replay: Result<Replay, Refusal>) {
        let index = reader.connection.index;
        let is_there = self.views.get(reader.view).is_some();
        let Some(connection) = self.connection(reader.connection) else {
            return;
        };
        connection.reading = false;
        let slot = is_there.then(|| connection.slot_of(reader.view)).flatten();
        let reading = slot.map(|slot| (slot, connection.rooms[slot].stand()));
        if let Some((slot, Stand::Reading { after, told })) = reading {
            match replay {
                Ok(replay) => self.show_replay(index, reader.view, (after, told), &replay),
                Err(refusal) => {
                    let room = self.views.get(reader.view).map(|view| view.room.clone());
                    self.leave(index, slot);
                    self.refuse(index, room.as_ref(), None, refusal);
                }
            }
        }
        // Its other rooms, and the next piece of this one.
        self.queue_behind(index);
    }

    fn show_replay(&mut self, index: u32, key: Key, stand: (Position, bool), replay: &Replay) {
        let Some(view) = self.views.get(key) else {
            return;
        };
        let room = view.room.clone();
        let (after, told) = stand;
        let had = match replay.missed {
            Some(Missed::Entries { last, .. }) => last,
            Some(Missed::Epoch { now, .. }) => now.seq,
            None => after.seq,
        };
        // What the view has not seen yet comes through its ring, as does what follows a pin.
        let pin = self.pin_in(index, key);
        let head = pin.map_or(view.head(), |pin| pin.seq).max(had);
        if !told {
            let position = match replay.missed {
                Some(Missed::Epoch { now, .. }) => now,
                _ => after,
            };
            self.tell(
                index,
                &Event::Joined {
                    room: &room,
                    position,
                    head: replay.head,
                },
            );
        }
        if let Some(missed) = replay.missed {
            self.tell_gap(
                index,
                &Event::Gap {
                    room: &room,
                    missed,
                },
            );
        }
        let shown = replay.entries.partition_point(|entry| entry.seq <= head);
        self.show_entries(index, &room, replay.upto.epoch, &replay.entries[..shown]);
        let upto = Position {
            seq: replay.upto.seq.min(head),
            ..replay.upto
        };
        self.go_live(index, key, upto);
        if !told {
            self.note_arrival(index, key);
        }
        self.show_presence(index, key);
    }

    fn show_entries(&mut self, index: u32, room: &RoomName, epoch: Epoch, entries: &[Arc<Entry>]) {
        for entry in entries {
            self.tell(index, &Event::Entry { room, epoch, entry });
        }
    }

    /// Where a reader goes live, if the ring still has that place.
    fn pin_in(&self, index: u32, key: Key) -> Option<Pin> {
        let view = self.views.get(key)?;
        let connection = self.connections.at(index)?;
        let ring = connection.rooms[connection.slot_of(key)?].ring;
        view.ring(ring).pin_of(index)
    }

    /// A reader that has everything up to `upto` goes on from the ring, if that reaches so far back.
    /// Whether it does.
    pub(super) fn go_live(&mut self, index: u32, key: Key, upto: Position) -> bool {
        let pin = self.pin_in(index, key);
        let Some(connection) = self.connections.at_mut(index) else {
            return false;
        };
        let Some(slot) = connection.slot_of(key) else {
            return false;
        };
        let Some(view) = self.views.get_mut(key) else {
            return false;
        };
        let membership = &mut connection.rooms[slot];
        let place = membership.ring;
        let ring = view.ring_mut(place);
        let cursor = match pin {
            Some(pin) if upto.seq < pin.seq => None,
            Some(pin) if upto.seq == pin.seq => Some(pin.cursor),
            _ => ring.cursor_after(upto.seq),
        };
        let Some(cursor) = cursor else {
            let (after, told) = (upto, true);
            membership.set_stand(Stand::Behind { after, told });
            return false;
        };
        membership.set_stand(Stand::Live);
        ring.members[membership.member as usize].cursor = cursor;
        ring.unpin(index);
        if cursor == ring.end() {
            return true;
        }
        if let Some(pass) = &mut ring.pass {
            pass.again = true;
            if pin.is_some() {
                // A newcomer, for whom notices count from here; it may have been passed.
                pass.end = pass.end.min(cursor);
            }
        }
        if !ring.queued {
            ring.queued = true;
            self.to_pass.push_back((key, place));
        }
        true
    }
}
