//! What a client knows of its rooms and its calls: fed with what the server tells and its owner asks.

mod hear;

use std::time::Duration;

use parlour_proto::told::{Hello, HelloLimits, ask};
use parlour_proto::{Join, Position, RoomName, Seq};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::call::{Call, Reply, ToPublish};
use crate::error::{CallError, Ended};
use crate::event::{Event, Joined, Status};
use crate::outbox::{FileNews, Next, Outbox};
use crate::pace::Pace;
use crate::receipt::Waiter;
use crate::rooms::{Phase, Room, Rooms, join_frames};
use crate::socket::Socket;
use crate::unread::Unread;

/// Bytes that wait to be written before no further call is begun.
const UNSENT_MAX: usize = 256 << 10;

/// A guest's new name, when nothing is in flight.
pub(crate) struct Rename {
    pub(crate) name: String,
    pub(crate) reply: Reply<String>,
}

pub(crate) struct State {
    pub(crate) unread: Unread,
    pub(crate) outbox: Outbox,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) rename: Option<Rename>,
    rooms: Rooms,
    pace: Pace,
    limits: HelloLimits,
    me: String,
    is_guest: bool,
    answer_timeout: Duration,
    /// Until then calls wait for the rooms that this client comes back to.
    back_by: Instant,
}

impl State {
    pub(crate) fn new(
        unread: Unread,
        outbox: Outbox,
        status: watch::Sender<Status>,
        answer_timeout: Duration,
    ) -> Self {
        Self {
            unread,
            outbox,
            status,
            rename: None,
            rooms: Rooms::new(),
            pace: Pace::new(&HelloLimits::default(), Instant::now()),
            limits: HelloLimits::default(),
            me: String::new(),
            is_guest: false,
            answer_timeout,
            back_by: Instant::now(),
        }
    }

    /// A connection is open: all rooms go on where they were.
    pub(crate) fn connected(&mut self, hello: Hello, socket: &mut Socket) {
        // Whatever another user has left is nobody's to wait for.
        drop(self.outbox.speak_as(&hello.user));
        self.limits = hello.limits;
        self.pace = Pace::new(&hello.limits, Instant::now());
        self.back_by = Instant::now() + self.answer_timeout;
        self.status.send_replace(Status::Connected {
            user: hello.user.clone(),
            guest: hello.guest,
        });
        self.is_guest = hello.guest;
        self.me.clone_from(&hello.user);
        self.unread.push(Event::Connected(hello));
        let due = Instant::now() + self.answer_timeout;
        let mut joins = Vec::new();
        for (name, room) in &mut self.rooms {
            if let Phase::Asked(Some((_, none @ None))) = &mut room.phase {
                *none = Some(due);
            }
            joins.push(room.join(name));
        }
        self.send_joins(&joins, socket);
    }

    fn send_joins(&mut self, joins: &[Join], socket: &mut Socket) {
        for (frame, cost) in join_frames(joins, self.limits.message_bytes) {
            socket.send(&frame);
            self.pace.spend(cost, Instant::now());
        }
    }

    /// Somebody is to know how it is with the outbox's file.
    pub(crate) fn told_of_file(&mut self, news: Option<FileNews>) {
        match news {
            Some(FileNews::Failed(why)) => self.unread.push(Event::OutboxFailed { why }),
            Some(FileNews::Mended) => self.unread.push(Event::OutboxMended),
            None => {}
        }
    }

    /// The connection is gone: what was sent and not answered is sent again.
    pub(crate) fn away(&mut self) {
        self.status.send_replace(Status::Away);
        self.outbox.lose();
        let mut left = Vec::new();
        for (name, room) in &mut self.rooms {
            room.again = None;
            match std::mem::replace(&mut room.phase, Phase::Asked(None)) {
                Phase::Leaving(reply, _) => {
                    // A connection that is gone is in no room.
                    let _ = reply.send(Ok(()));
                    left.push(name.clone());
                }
                Phase::Asked(caller) => room.phase = Phase::Asked(caller),
                Phase::In | Phase::Later(_) if room.is_given => left.push(name.clone()),
                Phase::In | Phase::Later(_) => {}
            }
        }
        for room in left {
            self.forget(&room);
        }
        for room in self.outbox.rooms() {
            if !self.rooms.contains_key(&room) {
                self.outbox.left(&room);
            }
        }
    }

    /// The end: every call is told.
    pub(crate) fn end(&mut self, ended: &Ended) {
        self.status.send_replace(Status::Ended(ended.clone()));
        let error = CallError::Ended(ended.clone());
        for room in std::mem::take(&mut self.rooms).into_values() {
            match room.phase {
                Phase::Asked(Some((reply, _))) => drop(reply.send(Err(error.clone()))),
                Phase::Leaving(reply, _) => drop(reply.send(Ok(()))),
                Phase::Asked(None) | Phase::In | Phase::Later(_) => {}
            }
        }
        if let Some(rename) = self.rename.take() {
            let _ = rename.reply.send(Err(error));
        }
        self.unread.push(Event::Ended(ended.clone()));
    }

    /// Whether what was read may be looked at: the reader of the events has room, or a call waits.
    pub(crate) fn may_hear(&self) -> bool {
        !self.unread.is_full() || (self.awaits_answer() && !self.unread.is_overfull())
    }

    fn awaits_answer(&self) -> bool {
        self.outbox.awaits_answer() || self.rooms.values().any(Room::has_caller)
    }

    /// Whether this call may be begun, or when. A publish only goes into the outbox.
    pub(crate) fn may_begin(
        &mut self,
        call: &Call,
        socket: &Socket,
    ) -> Result<(), Option<Instant>> {
        let now = Instant::now();
        if self.rename.is_some() {
            return Err(None);
        }
        if let Call::Publish(..) = call {
            return if self.outbox.has_place() {
                Ok(())
            } else {
                Err(None)
            };
        }
        if socket.unsent() >= UNSENT_MAX {
            return Err(None);
        }
        let is_back = |room: &Room| !matches!(room.phase, Phase::Asked(None));
        if now < self.back_by && !self.rooms.values().all(is_back) {
            return Err(Some(self.back_by));
        }
        // What was said before is said there.
        if matches!(call, Call::Leave(room, _) if self.outbox.is_about_to_send(room)) {
            return Err(None);
        }
        self.pace.wait(now).map_or(Ok(()), |at| Err(Some(at)))
    }

    /// Whether all that can be said under this name is said and answered.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let rooms = &self.rooms;
        let next = self.outbox.next(Instant::now(), |room| place(rooms, room));
        let has_more = matches!(next, Next::Send(..));
        !has_more && !self.outbox.awaits_answer()
    }

    /// Sends what the outbox has and the server takes; when to look again, if time alone helps.
    pub(crate) fn send_out(&mut self, socket: &mut Socket) -> Option<Instant> {
        loop {
            if socket.unsent() >= UNSENT_MAX {
                return None;
            }
            let now = Instant::now();
            let rooms = &self.rooms;
            let (publish, since) = match self.outbox.next(now, |room| place(rooms, room)) {
                Next::Send(publish, since) => (publish, since),
                Next::At(at) => return Some(at),
                Next::Nothing => return None,
            };
            if let Some(at) = self.pace.wait(now) {
                return Some(at);
            }
            let frame = frame(publish, since);
            let (id, room) = (publish.id.clone(), publish.room.clone());
            let limit = self.limits.message_bytes;
            if limit > 0 && frame.len() as u64 > limit {
                let bytes = frame.len();
                let refused = Err(CallError::TooLarge { bytes, limit });
                self.outbox.answer(&id, Some(&room), &refused);
                continue;
            }
            self.outbox.sent(&id, &room, now);
            self.send(&frame, socket);
        }
    }

    /// When the connection is given up for want of an answer.
    pub(crate) fn answer_due(&self) -> Option<Instant> {
        self.outbox.oldest_sent().map(|at| at + self.answer_timeout)
    }

    /// When time must be looked at next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let later = self.rooms.values().filter_map(|room| match room.phase {
            Phase::Later(at) => Some(at),
            _ => room.due(),
        });
        let again = self.rooms.values().filter_map(|room| room.again);
        later.chain(again).min()
    }

    /// Calls whose time is up, without a connection.
    pub(crate) fn expire(&mut self) {
        let now = Instant::now();
        let is_due = |room: &Room| room.due().is_some_and(|due| due <= now);
        let due = self.rooms.iter().filter(|(_, room)| is_due(room));
        let due: Vec<RoomName> = due.map(|(name, _)| name.clone()).collect();
        for name in due {
            let Some(room) = self.rooms.get_mut(&name) else {
                continue;
            };
            match std::mem::replace(&mut room.phase, Phase::In) {
                Phase::Asked(Some((reply, _))) => {
                    let _ = reply.send(Err(CallError::Unknown));
                    // It is wanted still: the answer may come, or the room is asked for again.
                    room.phase = Phase::Asked(None);
                }
                Phase::Leaving(reply, _) => {
                    let _ = reply.send(Err(CallError::Unknown));
                }
                other => room.phase = other,
            }
        }
    }

    /// Looks at the time on an open connection.
    pub(crate) fn on_time(&mut self, socket: &mut Socket) {
        self.expire();
        let now = Instant::now();
        let mut joins = Vec::new();
        for (name, room) in &mut self.rooms {
            if matches!(room.phase, Phase::Later(at) if at <= now) {
                room.phase = Phase::Asked(None);
                joins.push(room.join(name));
            } else if room.again.is_some_and(|at| at <= now) {
                room.again = None;
                joins.push(room.join(name));
            }
        }
        self.send_joins(&joins, socket);
    }

    /// Begins a call.
    pub(crate) fn take(&mut self, call: Call, socket: &mut Socket) {
        if call.is_given_up() {
            return;
        }
        match call {
            Call::Join(join, reply) => self.join(join, reply, socket),
            Call::Leave(room, reply) => self.leave(room, reply, socket),
            Call::Publish(publish, waiter) => self.publish(publish, waiter),
            Call::Rename(name, reply) => {
                if self.is_guest {
                    self.rename = Some(Rename { name, reply });
                } else {
                    let _ = reply.send(Err(CallError::NoGuest(self.me.clone())));
                }
            }
        }
    }

    fn join(&mut self, join: Join, reply: Reply<Joined>, socket: &mut Socket) {
        if self.rooms.contains_key(&join.room) {
            let _ = reply.send(Err(CallError::AlreadyJoined(join.room)));
            return;
        }
        self.send_joins(std::slice::from_ref(&join), socket);
        let due = Instant::now() + self.answer_timeout;
        self.want(join, reply, Some(due));
    }

    /// Asks for a room while there is no connection: it is joined with the next.
    pub(crate) fn join_later(&mut self, join: Join, reply: Reply<Joined>) {
        if self.rooms.contains_key(&join.room) {
            let _ = reply.send(Err(CallError::AlreadyJoined(join.room)));
            return;
        }
        self.want(join, reply, None);
    }

    fn want(&mut self, join: Join, reply: Reply<Joined>, due: Option<Instant>) {
        let room = Room {
            presence: join.presence,
            position: join.from,
            head: Seq(0),
            was_in: false,
            is_given: false,
            again: None,
            phase: Phase::Asked(Some((reply, due))),
        };
        self.rooms.insert(join.room, room);
    }

    fn leave(&mut self, name: RoomName, reply: Reply<()>, socket: &mut Socket) {
        let due = Instant::now() + self.answer_timeout;
        let Some(room) = self.rooms.get_mut(&name).filter(|it| it.due().is_none()) else {
            let _ = reply.send(Err(CallError::NotInRoom(name)));
            return;
        };
        if matches!(room.phase, Phase::Later(_)) {
            let _ = reply.send(Ok(()));
            self.forget(&name);
            return;
        }
        room.phase = Phase::Leaving(reply, due);
        let mut frame = Vec::new();
        ask::leave(&[name], &mut frame);
        self.send(&frame, socket);
    }

    /// Takes it into the outbox.
    pub(crate) fn publish(&mut self, publish: ToPublish, mut waiter: Waiter) {
        if waiter.is_given_up() {
            return;
        }
        if !self.rooms.contains_key(&publish.room) {
            let not_in = CallError::NotInRoom(publish.room);
            waiter.accept();
            return waiter.refuse(not_in);
        }
        let place = place(&self.rooms, &publish.room);
        self.outbox.accept(publish, waiter, place);
    }

    fn send(&mut self, frame: &[u8], socket: &mut Socket) {
        socket.send(frame);
        self.pace.spend(1, Instant::now());
    }
}

/// The last place that a room is known to have had, if this client is in it.
fn place(rooms: &Rooms, name: &RoomName) -> Option<Position> {
    let room = rooms.get(name)?;
    let Position { epoch, seq } = room.position.filter(|_| matches!(room.phase, Phase::In))?;
    let seq = seq.max(room.head);
    Some(Position { epoch, seq })
}

fn frame(publish: &ToPublish, since: Option<Position>) -> Vec<u8> {
    let ToPublish {
        room,
        id,
        kind,
        payload,
    } = publish;
    let mut frame = Vec::with_capacity(payload.len() + 256);
    match since {
        Some(since) => ask::publish_again(room, id, since, kind, payload, &mut frame),
        None => ask::publish(room, Some(id), kind, payload, &mut frame),
    }
    frame
}
