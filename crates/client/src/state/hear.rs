//! What the server tells, taken in.

use std::time::Duration;

use parlour_proto::told::{Said, Told};
use parlour_proto::{EntryId, Missed, Position, RoomName};
use tokio::time::Instant;

use super::State;
use crate::error::CallError;
use crate::event::{Event, Joined};
use crate::rooms::{GIVEN_MAX, Phase, Room};
use crate::socket::Socket;

/// How long nothing is sent after a refusal for its rate that names no time.
const LATER: Duration = Duration::from_secs(5);

impl State {
    /// Takes in what the server told.
    pub(crate) fn hear(&mut self, told: Told, socket: &mut Socket) {
        match told {
            Told::Joined {
                room,
                position,
                head,
            } => self.joined(&room, Joined { position, head }),
            Told::Entry(said) => self.entry(said),
            Told::Ack {
                id: Some(id),
                room,
                position,
            } => self.outbox.answer(&id, Some(&room), &Ok(position)),
            Told::Gap { room, missed } => self.gap(&room, missed),
            Told::Presence { room, count, users } => {
                self.unread.push(Event::Presence { room, count, users });
            }
            Told::PresenceChange {
                room,
                count,
                came,
                went,
            } => self.unread.push(Event::PresenceChange {
                room,
                count,
                came,
                went,
            }),
            Told::Event { kind, payload } => self.unread.push(Event::Told { kind, payload }),
            Told::Left { room } => self.left(&room),
            Told::Error {
                code,
                message,
                room,
                id,
                retry_after,
            } => {
                let refused = Refused {
                    code,
                    message,
                    retry_after,
                };
                self.refused(refused, room, id, socket);
            }
            // The rest is the socket's, or a later server's.
            _ => {}
        }
    }

    fn joined(&mut self, name: &RoomName, joined: Joined) {
        if !self.rooms.contains_key(name) {
            let given = self.rooms.values().filter(|room| room.is_given).count();
            if given >= GIVEN_MAX {
                return self.unread.push(Event::Refused {
                    code: "too_many_rooms_given".into(),
                    message: format!(
                        "the server puts this client into more than {GIVEN_MAX} rooms that it did not ask for; \
                         nothing of this one is heard"
                    ),
                    room: Some(name.clone()),
                });
            }
        }
        let room = self.rooms.entry(name.clone()).or_insert_with(Room::given);
        if !matches!(room.phase, Phase::Asked(_)) {
            return;
        }
        room.again = None;
        room.position = Some(joined.position);
        room.head = joined.head;
        let is_back = std::mem::replace(&mut room.was_in, true);
        if let Phase::Asked(Some((reply, _))) = std::mem::replace(&mut room.phase, Phase::In) {
            let _ = reply.send(Ok(joined));
        }
        self.unread.push(Event::Joined {
            room: name.clone(),
            joined,
            is_back,
        });
    }

    fn entry(&mut self, said: Said) {
        let Some(room) = self.rooms.get_mut(&said.room) else {
            return;
        };
        room.position = Some(said.position);
        self.outbox.found(&said);
        self.unread.push(Event::Entry(said));
    }

    fn gap(&mut self, name: &RoomName, missed: Missed) {
        if let Some(room) = self.rooms.get_mut(name) {
            room.position = Some(match missed {
                Missed::Entries { epoch, last, .. } => Position { epoch, seq: last },
                Missed::Epoch { now, .. } => now,
            });
        }
        self.unread.push(Event::Gap {
            room: name.clone(),
            missed,
        });
    }

    fn left(&mut self, name: &RoomName) {
        if let Some(room) = self.rooms.get_mut(name) {
            if let Phase::Leaving(reply, _) = std::mem::replace(&mut room.phase, Phase::In) {
                let _ = reply.send(Ok(()));
            }
            self.forget(name);
        }
    }

    /// It is in this room no longer.
    pub(super) fn forget(&mut self, name: &RoomName) {
        self.rooms.remove(name);
        self.outbox.left(name);
        let room = name.clone();
        self.unread.push(Event::Left { room });
    }

    fn refused(
        &mut self,
        refused: Refused,
        name: Option<RoomName>,
        id: Option<EntryId>,
        socket: &mut Socket,
    ) {
        if refused.code == "rate_limited" {
            let wait = refused.retry_after.unwrap_or(LATER);
            self.pace.pause(wait, Instant::now());
            if name.is_none() && id.is_none() {
                // Of several frames with rooms any may be the one that was thrown away.
                self.ask_again(Instant::now() + wait);
                self.outbox.thrown_away(wait, Instant::now());
            }
        }
        if let Some(id) = id {
            return self.publish_refused(refused, &id, name.as_ref());
        }
        let Some(name) = name else {
            return self.unread.push(refused.event(None));
        };
        match self.rooms.get_mut(&name) {
            // Asked for twice, and both were taken: its `joined` is here, or comes.
            Some(_) if refused.code == "already_joined" => {}
            Some(room) => match std::mem::replace(&mut room.phase, Phase::In) {
                Phase::Asked(Some((reply, _))) => {
                    let _ = reply.send(Err(refused.error()));
                    self.rooms.remove(&name);
                    self.outbox.left(&name);
                }
                Phase::Asked(None) => self.not_back(&name, refused, socket),
                Phase::Leaving(reply, _) => {
                    let _ = reply.send(Ok(()));
                    self.forget(&name);
                }
                phase => {
                    room.phase = phase;
                    self.unread.push(refused.event(Some(name)));
                }
            },
            None => self.unread.push(refused.event(Some(name))),
        }
    }

    fn publish_refused(&mut self, refused: Refused, id: &EntryId, room: Option<&RoomName>) {
        let may_pass = refused.retry_after.is_some() || refused.code == "rate_limited";
        if may_pass {
            return self
                .outbox
                .refused_for_now(id, refused.retry_after, Instant::now());
        }
        let error = match &*refused.code {
            "id_forgotten" => CallError::Unknown,
            _ => refused.error(),
        };
        self.outbox.answer(id, room, &Err(error));
    }

    /// The rooms that have not answered are asked for again then, unless they answer before.
    fn ask_again(&mut self, at: Instant) {
        for room in self.rooms.values_mut() {
            if matches!(room.phase, Phase::Asked(_)) {
                room.again = Some(at);
            }
        }
    }

    /// A room that this client was in does not take it back.
    fn not_back(&mut self, name: &RoomName, refused: Refused, socket: &mut Socket) {
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        match (&*refused.code, refused.retry_after) {
            ("bad_position", _) if room.position.is_some() => {
                // The log that the position is from is gone in a way that has no gap; go on with
                // what comes next, and say so.
                room.position = None;
                room.phase = Phase::Asked(None);
                let join = room.join(name);
                self.unread.push(refused.event(Some(name.clone())));
                self.send_joins(&[join], socket);
            }
            (_, Some(wait)) => room.phase = Phase::Later(Instant::now() + wait),
            _ => {
                self.unread.push(refused.event(Some(name.clone())));
                self.forget(name);
            }
        }
    }
}

/// An error of the server.
struct Refused {
    code: String,
    message: String,
    retry_after: Option<Duration>,
}

impl Refused {
    fn error(self) -> CallError {
        CallError::Refused {
            code: self.code,
            message: self.message,
            retry_after: self.retry_after,
        }
    }

    fn event(self, room: Option<RoomName>) -> Event {
        Event::Refused {
            code: self.code,
            message: self.message,
            room,
        }
    }
}
