//! What connections ask.

use std::sync::Arc;

use parlour_proto::{
    BAD_FRAMES_MAX, CloseReason, Command, ConnectionId, Draft, EntryId, EntryKind, Event, Frame,
    Position, Refusal, RoomName,
};

use super::{Shard, home_of};
use crate::connection::State;
use crate::letter::Body;
use crate::store::Store;

impl<S: Store> Shard<S> {
    /// One whole message of a client.
    pub fn handle_frame(&mut self, index: u32, frame: Frame<'_>) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if connection.state != State::Open {
            return;
        }
        let dialect = Arc::clone(&self.wires[usize::from(connection.wire.0)].dialect);
        match dialect.decode(frame) {
            Ok(command) => {
                connection.bad_frames = 0;
                self.handle_command(index, command);
            }
            Err(refusal) => self.refuse(index, None, refusal),
        }
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
            connection.pong = Some(payload.into());
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
        match command {
            Command::Publish {
                room,
                id,
                kind,
                payload,
            } => {
                self.publish_from(index, room, Publication { id, kind, payload });
            }
            Command::Enter { room } => self.enter(index, room),
            Command::Join { room, from } => self.join(index, room, from),
            Command::Leave { room } => match self.slot_in(index, &room) {
                Some(slot) => self.leave(index, slot),
                None => self.refuse(index, None, Refusal::NotInRoom),
            },
            Command::Echo(frame) => {
                self.tell(index, &Event::Echo(frame));
            }
        }
    }

    fn publish_from(&mut self, index: u32, room: Option<RoomName>, publication: Publication) {
        let Publication { id, kind, payload } = publication;
        let Some(room) = self.room_to_publish(index, room) else {
            return self.refuse(index, id.as_ref(), Refusal::NotInRoom);
        };
        let Some(from) = self.id_at(index) else {
            return;
        };
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        connection.unanswered += 1;
        let draft = Draft {
            id,
            from: connection.who.shared(),
            kind,
            payload,
        };
        let home = home_of(&room, self.shards);
        self.link(home).command(Body::Publish { room, draft, from });
    }

    /// The named room if the connection is in it, or its only one.
    fn room_to_publish(&self, index: u32, room: Option<RoomName>) -> Option<RoomName> {
        let connection = self.connections.at(index)?;
        match room {
            Some(room) => self.slot_in(index, &room).map(|_| room),
            None => {
                let only = connection.rooms.last()?;
                self.views.get(only.view).map(|view| view.room.clone())
            }
        }
    }

    pub(super) fn slot_in(&self, index: u32, room: &RoomName) -> Option<usize> {
        let view = self.view_by_room.get(room)?;
        self.connections.at(index)?.slot_of(*view)
    }

    fn enter(&mut self, index: u32, room: RoomName) {
        let here = self.view_by_room.get(&room).copied();
        self.leave_all_but(index, here);
        self.join(index, room, None);
    }

    /// Tells a client that its command was refused. Ten bad frames in a row end the connection.
    pub(super) fn refuse(&mut self, index: u32, id: Option<&EntryId>, refusal: Refusal) {
        self.counts.refusals += 1;
        self.tell(index, &Event::Refused { id, refusal });
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
        id: Option<&EntryId>,
        refusal: Refusal,
    ) {
        let Some(connection) = self.connection(to) else {
            return;
        };
        connection.unanswered -= 1;
        self.refuse(to.index, id, refusal);
        self.reconsider(to.index);
    }
}

/// What a client publishes, before it is known where.
struct Publication {
    id: Option<EntryId>,
    kind: EntryKind,
    payload: bytes::Bytes,
}
