//! The part of a client that publishes: on time, with an id each, and again until it is answered.

use std::collections::VecDeque;
use std::time::Duration;

use parlour_proto::told::ask;
use parlour_proto::{EntryId, EntryKind, Position};
use tokio::time::Instant;

use crate::checker::{Kind, Room};
use crate::line::Line;
use crate::world::{self, State, World};

/// Publishes without an answer; the server reads no more of a connection than these.
const UNANSWERED_MAX: usize = 64;
/// What a publisher does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speech {
    /// Between two publishes; zero is as fast as they are answered.
    pub(crate) every: Duration,
    /// Bytes of a payload, at least.
    pub(crate) payload_bytes: usize,
    /// No more than so many in all.
    pub(crate) count_max: u32,
}

/// One publisher.
#[derive(Debug)]
pub(crate) struct Publishing {
    publisher: u32,
    pub(crate) room: Room,
    speech: Speech,
    next_due: Instant,
    next: u32,
    unanswered: VecDeque<Pending>,
    /// Who the server says that this is.
    from: String,
    ids: u64,
}

/// A publish that is not answered.
#[derive(Debug)]
struct Pending {
    n: u32,
    since: Position,
    said_at: u64,
    sent: Instant,
    /// Sent over an earlier connection, too.
    is_again: bool,
    /// Not to be sent again before that.
    wait_until: Option<Instant>,
}

impl Publishing {
    pub(crate) fn new(publisher: u32, room: Room, speech: Speech) -> Self {
        Self {
            publisher,
            room,
            speech,
            next_due: Instant::now(),
            next: 0,
            unanswered: VecDeque::new(),
            from: String::new(),
            ids: 0,
        }
    }

    pub(crate) fn greeted(&mut self, user: &str, ids: u64) {
        user.clone_into(&mut self.from);
        self.ids = ids;
    }

    /// Whether everything that was said over earlier connections is answered.
    pub(crate) fn is_settled(&self) -> bool {
        !self.unanswered.iter().any(|it| it.is_again)
    }

    /// The connection is gone: what was not answered is sent again over the next one.
    pub(crate) fn cut_off(&mut self, state: &mut State) {
        for pending in &mut self.unanswered {
            pending.is_again = true;
            pending.wait_until = None;
        }
        state.tally.cut_off += self.unanswered.len() as u64;
    }

    /// Everything unanswered once more, in its order; what comes due now begins anew.
    pub(crate) fn again(&mut self, world: &World, line: &mut Line) {
        for index in 0..self.unanswered.len() {
            self.send(index, world, line);
        }
        self.next_due = Instant::now();
    }

    /// When it is to be looked at again.
    pub(crate) fn wake(&self, speaks: bool) -> Option<Instant> {
        let waits = self.unanswered.iter().filter_map(|it| it.wait_until).min();
        let is_due = speaks
            && self.next < self.speech.count_max
            && (!self.speech.every.is_zero() || self.unanswered.len() < UNANSWERED_MAX);
        let due = is_due.then_some(self.next_due);
        waits.into_iter().chain(due).min()
    }

    /// Says what is due.
    pub(crate) fn speak(&mut self, world: &World, at: Position, line: &mut Line, speaks: bool) {
        let now = Instant::now();
        for index in 0..self.unanswered.len() {
            if self.unanswered[index]
                .wait_until
                .is_some_and(|it| it <= now)
            {
                self.unanswered[index].wait_until = None;
                self.send(index, world, line);
            }
        }
        while speaks && self.next_due <= now && self.next < self.speech.count_max {
            if self.unanswered.len() >= UNANSWERED_MAX {
                if self.speech.every.is_zero() {
                    return;
                }
                world.state().tally.held_back += 1;
            } else {
                self.one_more(world, at, line);
            }
            self.next_due += self.speech.every;
        }
    }

    fn one_more(&mut self, world: &World, at: Position, line: &mut Line) {
        self.unanswered.push_back(Pending {
            n: self.next,
            since: at,
            said_at: world.nanoseconds(),
            sent: Instant::now(),
            is_again: false,
            wait_until: None,
        });
        self.next += 1;
        let tally = &mut world.state().tally;
        tally.published += 1;
        tally.unanswered += 1;
        self.send(self.unanswered.len() - 1, world, line);
    }

    fn send(&mut self, index: usize, world: &World, line: &mut Line) {
        let pending = &self.unanswered[index];
        let payload = self.payload(pending);
        let (_, id) = world.entry_id(self.publisher, pending.n);
        let room = &world.rooms[self.room.0];
        let mut frame = Vec::with_capacity(payload.len() + 160);
        let (kind, payload) = (&EntryKind::MESSAGE, payload.as_bytes());
        match &id {
            Some(id) if pending.is_again => {
                ask::publish_again(room, id, pending.since, kind, payload, &mut frame);
            }
            id => ask::publish(room, id.as_ref(), kind, payload, &mut frame),
        }
        line.send(&frame);
    }

    /// The same for the same publish, whenever it is sent.
    fn payload(&self, pending: &Pending) -> String {
        let mut payload = format!("\"{} {}", pending.said_at, pending.n);
        let rest = self.speech.payload_bytes.saturating_sub(payload.len() + 1);
        payload.extend(std::iter::repeat_n('.', rest));
        payload.push('"');
        payload
    }

    fn find(&self, world: &World, id: &EntryId) -> Option<usize> {
        let id = world.id(id);
        let mine = self.unanswered.iter();
        mine.into_iter()
            .position(|it| world.entry_id(self.publisher, it.n).0 == id)
    }

    fn answered(&mut self, index: usize, state: &mut State) -> Option<Pending> {
        let pending = self.unanswered.remove(index)?;
        state.tally.unanswered -= 1;
        if !pending.is_again {
            state.tally.answer_max = state.tally.answer_max.max(pending.sent.elapsed());
        }
        Some(pending)
    }

    pub(crate) fn acked(
        &mut self,
        world: &World,
        state: &mut State,
        id: Option<&EntryId>,
        at: Position,
    ) {
        let index = id.and_then(|id| self.find(world, id));
        let Some(pending) = index.and_then(|index| self.answered(index, state)) else {
            let why = format!("{id:?} was not waiting for an answer");
            let id = id.map(|id| world.id(id));
            state
                .checker
                .wrong(Kind::WrongAck, self.room, Some(at), id, why);
            return;
        };
        let content = world::content(&self.from, "message", self.payload(&pending).as_bytes());
        let (id, _) = world.entry_id(self.publisher, pending.n);
        state.checker.acked(self.room, at, id, content);
    }

    /// A publish was refused. Gives how it goes on.
    pub(crate) fn refused(
        &mut self,
        world: &World,
        state: &mut State,
        id: &EntryId,
        code: &str,
        retry_after: Option<Duration>,
    ) {
        let Some(index) = self.find(world, id) else {
            return;
        };
        world::count(&mut state.tally.refused, code);
        let pending = &mut self.unanswered[index];
        // Thrown away unread, or nothing is known: what an earlier sending led to is still open.
        let is_open = match code {
            "outcome_unknown" | "not_in_room" => true,
            "rate_limited" => pending.is_again,
            _ => false,
        };
        if is_open {
            let wait = retry_after.unwrap_or(Duration::from_millis(100));
            pending.wait_until = Some(Instant::now() + wait);
            state.checker.said_out_of_turn(world.id(id));
            return;
        }
        let since = pending.since;
        self.answered(index, state);
        let (room, id) = (self.room, world.id(id));
        match code {
            "id_forgotten" => {
                state.tally.forgotten += 1;
                state.checker.forgotten(room, id, since, self.ids);
            }
            "id_reused" => {
                let why = "the same under the same id was refused as something else".into();
                state
                    .checker
                    .wrong(Kind::Different, room, None, Some(id), why);
            }
            _ => state.checker.refused(room, id),
        }
    }
}
