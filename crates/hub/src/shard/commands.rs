//! What connections ask.

use std::time::Duration;

use parlour_proto::{
    BAD_FRAMES_MAX, CloseReason, Command, ConnectionId, Draft, EntryId, EntryKind, Event, Frame,
    Join, Position, Refusal, RoomName,
};

use super::{Shard, home_of};
use crate::connection::{LIMITED_MAX, State};
use crate::letter::Body;
use crate::rate::Rate;
use crate::store::Store;

/// Bytes of a frame that is read, so that its refusal can say what it belongs to, although no frame
/// may be spent: what is thrown away must cost little.
const READ_THOUGH_LIMITED_MAX: usize = 1_024;

impl<S: Store> Shard<S> {
    /// One whole message of a client.
    pub fn handle_frame(&mut self, index: u32, frame: Frame<'_>) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if connection.state != State::Open {
            return;
        }
        // Not cloned: all shards would count it in the same cache line, for every frame.
        let dialect = &self.wires[usize::from(connection.wire.0)].dialect;
        let rate = self.rate.filter(|_| dialect.has_rate_limit());
        let waits = dialect.waits_for_rate();
        if let Some(rate) = rate
            && frame.bytes().len() > READ_THOUGH_LIMITED_MAX
            && let Err(retry_after) = connection.spent.check(self.now.monotonic, rate)
        {
            return self.limit(index, (None, None), retry_after);
        }
        let decoded = dialect.decode(frame);
        if let Some(rate) = rate
            && let Err(retry_after) = self.spend(index, &decoded, rate, waits)
        {
            let about = decoded.as_ref().map_or((None, None), Command::about);
            return self.limit(index, about, retry_after);
        }
        match decoded {
            Ok(command) => self.handle_command(index, command),
            Err(refusal) => self.refuse(index, None, None, refusal),
        }
    }

    /// Counts a frame against its connection's rate, or says when it may come again.
    fn spend(
        &mut self,
        index: u32,
        decoded: &Result<Command<'_>, Refusal>,
        rate: Rate,
        waits: bool,
    ) -> Result<(), Duration> {
        let Some(connection) = self.connections.at_mut(index) else {
            return Ok(());
        };
        let cost = decoded.as_ref().map_or(1, Command::cost);
        let now = self.now.monotonic;
        connection.spent.spend_read(cost, now, rate)?;
        let is_spent = waits && connection.spent.check(now, rate).is_err();
        connection.limited = if is_spent { LIMITED_MAX } else { 0 };
        Ok(())
    }

    /// Throws a frame away that is over the rate.
    fn limit(
        &mut self,
        index: u32,
        (room, id): (Option<&RoomName>, Option<&EntryId>),
        retry_after: Duration,
    ) {
        if let Some(connection) = self.connections.at_mut(index) {
            connection.limited = connection.limited.saturating_add(1);
        }
        self.tell_refusal(index, room, id, Refusal::RateLimited, Some(retry_after));
    }

    /// A ping: answered behind what waits, and while the output is blocked only the latest
    /// (RFC 6455, 5.5.3).
    pub fn handle_ping(&mut self, index: u32, payload: &[u8]) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if connection.state != State::Open {
            return;
        }
        if connection.blocked {
            connection.rare().pong = Some(payload.into());
            return;
        }
        let framing = &self.wires[usize::from(connection.wire.0)].framing;
        framing.pong(payload, connection.private.out());
        self.queue_flush(index);
    }

    /// The peer's close frame: answered with the same code.
    pub fn handle_close(&mut self, index: u32, code: Option<u16>) {
        self.begin_close(index, CloseReason::Requested(code));
    }

    fn handle_command(&mut self, index: u32, command: Command<'_>) {
        if let Command::Refused { room, id, refusal } = command {
            return self.refuse(index, room.as_ref(), id.as_ref(), refusal);
        }
        if let Some(connection) = self.connections.at_mut(index) {
            connection.bad_frames = 0;
        }
        self.consider(index, command);
    }

    pub(super) fn carry_out(&mut self, index: u32, command: Command<'_>) {
        match command {
            Command::Publish {
                room,
                id,
                since,
                kind,
                payload,
            } => {
                let publication = Publication {
                    id,
                    since,
                    kind,
                    payload,
                };
                self.publish_from(index, room, publication);
            }
            Command::History { room, page, id } => self.ask_for_page(index, room, page, id),
            Command::Enter { room } => self.enter(index, room),
            Command::Join { rooms } => self.join_all(index, rooms),
            Command::Leave { rooms } => {
                rooms.iter().for_each(|room| self.leave_room(index, room));
            }
            Command::Ping { id } => {
                let id = id.as_ref();
                self.tell(index, &Event::Pong { id });
            }
            Command::Echo(frame) => {
                self.tell(index, &Event::Echo(frame));
            }
            Command::Unexpected => self.begin_close(index, CloseReason::Unexpected),
            Command::Refused { room, id, refusal } => {
                self.refuse(index, room.as_ref(), id.as_ref(), refusal);
            }
            // The application is asked for the first two, and says itself what comes of them.
            Command::Rename { .. } | Command::Ask { .. } | Command::Nothing => {}
        }
    }

    fn leave_room(&mut self, index: u32, room: &RoomName) {
        match self.slot_in(index, room) {
            Some(slot) => {
                self.leave(index, slot);
                self.tell(index, &Event::Left { room });
            }
            None => self.refuse(index, Some(room), None, Refusal::NotInRoom),
        }
    }

    pub(super) fn publish_from(
        &mut self,
        index: u32,
        room: Option<RoomName>,
        publication: Publication,
    ) {
        let Publication {
            id,
            since,
            kind,
            payload,
        } = publication;
        let room = match self.room_to_publish(index, room) {
            Ok(room) => room,
            Err(room) => {
                return self.refuse(index, room.as_ref(), id.as_ref(), Refusal::NotInRoom);
            }
        };
        let from = self.id_at(index);
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        connection.unanswered += 1;
        let draft = Draft {
            id,
            since,
            from: connection.who.shared(),
            author: connection.author(),
            kind,
            payload,
        };
        let home = home_of(&room, self.shards);
        self.link(home).command(Body::Publish { room, draft, from });
    }

    /// The named room if the connection is in it, or its only one; else what was named.
    pub(super) fn room_to_publish(
        &self,
        index: u32,
        room: Option<RoomName>,
    ) -> Result<RoomName, Option<RoomName>> {
        if let Some(room) = room {
            return match self.slot_in(index, &room) {
                Some(_) => Ok(room),
                None => Err(Some(room)),
            };
        }
        let only = self.connections.at(index).and_then(|c| c.rooms.last());
        let view = only.and_then(|only| self.views.at(only.view));
        view.map(|view| view.room.clone()).ok_or(None)
    }

    pub(super) fn slot_in(&self, index: u32, room: &RoomName) -> Option<usize> {
        let view = self.view_by_room.get(room)?;
        self.connections.at(index)?.slot_of(*view)
    }

    fn enter(&mut self, index: u32, room: RoomName) {
        let here = self.view_by_room.get(&room).copied();
        self.leave_all_but(index, here);
        if self.slot_in(index, &room).is_none() {
            self.join(index, Join::next(room));
        }
    }

    /// Tells a client that its command was refused, and when the same may pass.
    pub(super) fn refuse(
        &mut self,
        index: u32,
        room: Option<&RoomName>,
        id: Option<&EntryId>,
        refusal: Refusal,
    ) {
        let retry_after = refusal.may_pass_later().then(|| self.chance.retry_after());
        self.tell_refusal(index, room, id, refusal, retry_after);
    }

    /// Ten bad frames in a row end the connection.
    fn tell_refusal(
        &mut self,
        index: u32,
        room: Option<&RoomName>,
        id: Option<&EntryId>,
        refusal: Refusal,
        retry_after: Option<Duration>,
    ) {
        self.counts.refusal(refusal);
        let refused = Event::Refused {
            room,
            id,
            refusal,
            retry_after,
        };
        self.tell(index, &refused);
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if refusal.is_bad_frame() {
            connection.bad_frames += 1;
            if connection.bad_frames >= BAD_FRAMES_MAX {
                self.begin_close(index, CloseReason::TooManyBadFrames);
            }
        }
    }

    pub(super) fn handle_ack(
        &mut self,
        to: ConnectionId,
        room: &RoomName,
        id: Option<&EntryId>,
        position: Position,
    ) {
        let Some(connection) = self.connection(to) else {
            return;
        };
        connection.unanswered -= 1;
        self.tell(to.index, &Event::Ack { room, id, position });
        self.reconsider(to.index);
    }

    pub(super) fn handle_refused(
        &mut self,
        to: ConnectionId,
        room: &RoomName,
        id: Option<&EntryId>,
        refusal: Refusal,
    ) {
        let Some(connection) = self.connection(to) else {
            return;
        };
        connection.unanswered -= 1;
        self.refuse(to.index, Some(room), id, refusal);
        self.reconsider(to.index);
    }
}

/// What a client publishes, before it is known where.
pub(super) struct Publication {
    pub(super) id: Option<EntryId>,
    pub(super) since: Option<Position>,
    pub(super) kind: EntryKind,
    pub(super) payload: bytes::Bytes,
}
