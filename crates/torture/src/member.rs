//! One client: comes in, is in its rooms, reads, perhaps publishes; comes back as long as it is told to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use parlour_proto::told::{Said, Told, ask};
use parlour_proto::{Join, Missed, Position, Seq};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::checker::{Reader, Room};
use crate::http::Who;
use crate::line::{Line, Lost};
use crate::publishing::Publishing;
use crate::random::Chance;
use crate::world::{State, World, content};

/// Longest wait for a connection to be made.
const ENTER: Duration = Duration::from_secs(30);

/// What a client is to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orders {
    pub(crate) reads: Reads,
    /// Publishers among them say something.
    pub(crate) speaks: bool,
    /// Latencies are counted.
    pub(crate) measures: bool,
    /// Go away for good.
    pub(crate) ends: bool,
}

/// How a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// All that comes.
    Everything,
    /// Nothing, once it is in its rooms.
    Nothing,
    /// It is in no room.
    Away,
}

impl Orders {
    /// In its rooms, reading, and silent.
    pub(crate) const READ: Self = Self {
        reads: Reads::Everything,
        speaks: false,
        measures: false,
        ends: false,
    };
}

/// Nanoseconds from a publish to its delivery; shared by a group.
pub(crate) type Latencies = Arc<Mutex<Histogram<u64>>>;

/// One client.
pub(crate) struct Member {
    world: Arc<World>,
    number: usize,
    who: Who,
    reader: Reader,
    rooms: Vec<Room>,
    publishing: Option<Publishing>,
    orders: watch::Receiver<Orders>,
    chance: Chance,
    latencies: Option<Latencies>,
    receive_bytes: Option<u32>,
    /// Rooms in which it does not have everything up to where they were when it came.
    behind: Vec<(Room, Option<Position>)>,
    /// Rooms to be joined once more, without a position.
    anew: Vec<Room>,
    is_in: bool,
    connections: u32,
    /// Faults before this connection was made.
    generation: u32,
}

impl Member {
    pub(crate) fn new(
        world: &Arc<World>,
        who: Who,
        name: String,
        rooms: Vec<Room>,
        orders: watch::Receiver<Orders>,
        chance: Chance,
    ) -> Self {
        let mut state = world.state();
        let (number, reader) = (state.enrol(), state.checker.reader(name));
        drop(state);
        Self {
            world: world.clone(),
            number,
            who,
            reader,
            rooms,
            publishing: None,
            orders,
            chance,
            latencies: None,
            receive_bytes: None,
            behind: Vec::new(),
            anew: Vec::new(),
            is_in: false,
            connections: 0,
            generation: 0,
        }
    }

    pub(crate) fn publishes(mut self, publishing: Publishing) -> Self {
        self.publishing = Some(publishing);
        self
    }

    pub(crate) fn measured(mut self, latencies: &Latencies) -> Self {
        self.latencies = Some(latencies.clone());
        self
    }

    /// With so small a buffer of the kernel for what it does not read.
    pub(crate) fn receives(mut self, bytes: u32) -> Self {
        self.receive_bytes = Some(bytes);
        self
    }

    /// Lives until it is told to end.
    pub(crate) async fn live(mut self) {
        loop {
            let Some(mut line) = self.enter().await else {
                return;
            };
            let lost = self.talk(&mut line).await;
            let mut state = self.world.state();
            state.is_incomplete(self.number);
            if let Some(publishing) = &mut self.publishing {
                publishing.cut_off(&mut state);
            }
            match lost {
                None => return,
                Some(why) => state.disconnected(&why),
            }
        }
    }

    /// Tries until it is in; `None` if it is told to end.
    async fn enter(&mut self) -> Option<Line> {
        let [mut wait, most] = self.world.backoff;
        let mut least = Duration::ZERO;
        loop {
            if self.orders.borrow().ends {
                return None;
            }
            if self.connections > 0 || !least.is_zero() {
                let until = self.chance.between(Duration::ZERO, wait) + least;
                sleep(until).await;
            }
            let world = self.world.clone();
            self.generation = world.state().generation;
            let opening = Line::open(&world.target, &self.who, self.receive_bytes);
            let why = match timeout(ENTER, opening).await {
                Ok(Ok(line)) => {
                    self.connections += 1;
                    return Some(line);
                }
                Ok(Err(lost)) => lost,
                Err(_) => Lost::Ended("no connection in time".into()),
            };
            let mut state = world.state();
            state.tally.attempts_failed += 1;
            match why {
                Lost::Later(after) => least = after,
                Lost::Unauthorised => state.tally.unauthorised += 1,
                Lost::Ended(_) => {}
            }
            least = least.max(Duration::from_millis(5));
            wait = (wait * 2).min(most);
        }
    }

    /// One connection, to its end; `None` if it was this client's own.
    async fn talk(&mut self, line: &mut Line) -> Option<String> {
        self.is_in = false;
        self.behind.clear();
        let mut closing = None;
        loop {
            let orders = *self.orders.borrow_and_update();
            if orders.ends {
                return None;
            }
            self.follow(orders, line);
            self.speak(orders, line);
            let is_stalled =
                orders.reads == Reads::Nothing && self.behind.iter().all(|it| it.1.is_some());
            let wake = self.publishing.as_ref().filter(|_| self.is_here());
            let wake = wake.and_then(|it| it.wake(orders.speaks));
            let mut inbox = Vec::new();
            let turned = tokio::select! {
                turned = line.turn(!is_stalled, |told| inbox.push(told)) => turned,
                changed = self.orders.changed() => match changed {
                    Ok(()) => Ok(()),
                    // Whoever gives the orders has gone: so has the run.
                    Err(_) => return None,
                },
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => Ok(()),
            };
            for told in inbox {
                if let Told::Closing { why, .. } = &told {
                    closing = Some(format!("closing: {why}"));
                }
                self.hear(told, orders);
            }
            if let Err(lost) = turned {
                let why = match lost {
                    Lost::Ended(why) => why,
                    Lost::Later(_) | Lost::Unauthorised => "refused".into(),
                };
                return Some(closing.unwrap_or(why));
            }
        }
    }

    /// Is in its rooms or away, as it is told.
    fn follow(&mut self, orders: Orders, line: &mut Line) {
        if !self.anew.is_empty() {
            let rooms = std::mem::take(&mut self.anew);
            self.send_join(&rooms, line);
        }
        let is_wanted = orders.reads != Reads::Away;
        if is_wanted == self.is_in {
            return;
        }
        self.is_in = is_wanted;
        let world = self.world.clone();
        let mut frame = Vec::new();
        if !is_wanted {
            let rooms: Vec<_> = self
                .rooms
                .iter()
                .map(|it| world.rooms[it.0].clone())
                .collect();
            ask::leave(&rooms, &mut frame);
            line.send(&frame);
            return;
        }
        world.state().is_incomplete(self.number);
        self.behind = self.rooms.iter().map(|room| (*room, None)).collect();
        self.send_join(&self.rooms, line);
        if let Some(publishing) = &mut self.publishing {
            publishing.again(&world, line);
        }
    }

    fn send_join(&self, rooms: &[Room], line: &mut Line) {
        let state = self.world.state();
        let join = |room: &Room| Join {
            room: self.world.rooms[room.0].clone(),
            from: state.checker.place(self.reader, *room),
            presence: false,
        };
        let joins: Vec<Join> = rooms.iter().map(join).collect();
        let mut frame = Vec::new();
        ask::join(&joins, &mut frame);
        line.send(&frame);
    }

    /// Whether it knows where its rooms are.
    fn is_here(&self) -> bool {
        self.is_in && self.behind.iter().all(|it| it.1.is_some())
    }

    fn speak(&mut self, orders: Orders, line: &mut Line) {
        if !self.is_here() {
            return;
        }
        if let Some(publishing) = &mut self.publishing {
            let at = self
                .world
                .state()
                .checker
                .place(self.reader, publishing.room);
            if let Some(at) = at {
                publishing.speak(&self.world, at, line, orders.speaks);
            }
        }
    }

    fn hear(&mut self, told: Told, orders: Orders) {
        let world = self.world.clone();
        let state = &mut *world.state();
        let room = told.room().and_then(|room| state.checker.room(room));
        match (told, room) {
            (Told::Hello(hello), _) => {
                if let Some(publishing) = &mut self.publishing {
                    publishing.greeted(&hello.user, hello.limits.ids);
                }
            }
            (Told::Joined { position, head, .. }, Some(room)) => {
                self.joined(state, room, position, head);
            }
            (Told::Entry(said), Some(room)) => self.entry(state, room, &said, orders),
            (Told::Gap { missed, .. }, Some(room)) => {
                state.checker.notice(self.reader, room, missed);
                self.moved(state, room, Some(missed));
            }
            (Told::Ack { id, position, .. }, _) => {
                if let Some(publishing) = &mut self.publishing {
                    publishing.acked(&world, state, id.as_ref(), position);
                }
                self.settled(state);
            }
            (Told::Left { .. }, Some(room)) => {
                state.checker.leaves(self.reader, room);
                self.behind.retain(|it| it.0 != room);
            }
            (
                Told::Error {
                    code,
                    id: Some(id),
                    retry_after,
                    ..
                },
                _,
            ) => {
                if let Some(publishing) = &mut self.publishing {
                    publishing.refused(&world, state, &id, &code, retry_after);
                }
                self.settled(state);
            }
            (Told::Error { code, .. }, Some(room)) if code == "bad_position" => {
                state.checker.disowned(self.reader, room);
                self.anew.push(room);
            }
            (Told::Error { code, .. }, _) => crate::world::count(&mut state.tally.refused, &code),
            _ => {}
        }
    }

    fn joined(&mut self, state: &mut State, room: Room, position: Position, head: Seq) {
        if state.checker.place(self.reader, room).is_none() {
            state.checker.joins(self.reader, room, position);
        }
        let goal = Position {
            epoch: position.epoch,
            seq: head,
        };
        for behind in self.behind.iter_mut().filter(|it| it.0 == room) {
            behind.1 = Some(goal);
        }
        self.moved(state, room, None);
    }

    fn entry(&mut self, state: &mut State, room: Room, said: &Said, orders: Orders) {
        if let (true, Some(latencies)) = (orders.measures, &self.latencies) {
            let took = said_at(&said.payload).map_or(0, |said_at| {
                self.world.nanoseconds().saturating_sub(said_at)
            });
            let mut latencies = latencies.lock().unwrap_or_else(PoisonError::into_inner);
            latencies.saturating_record(took);
        }
        state.tally.last_sent = said.sent.unix_nanoseconds();
        let id = said.id.as_ref().map(|id| self.world.id(id));
        let content = content(&said.from, said.kind.as_str(), &said.payload);
        state
            .checker
            .told(self.reader, room, said.position, id, content);
        if !self.behind.is_empty() {
            self.moved(state, room, None);
        }
    }

    /// It has come further in a room: perhaps as far as the room was.
    fn moved(&mut self, state: &mut State, room: Room, missed: Option<Missed>) {
        let place = state.checker.place(self.reader, room);
        for behind in &mut self.behind {
            if let (true, Some(Missed::Epoch { was, now }), Some(goal)) =
                (behind.0 == room, missed, &mut behind.1)
                && goal.epoch == was.epoch
            {
                // The goal counts in the new epoch.
                goal.epoch = now.epoch;
            }
        }
        let is_there =
            |goal: Position| place.is_some_and(|it| it.epoch == goal.epoch && it.seq >= goal.seq);
        self.behind
            .retain(|it| it.0 != room || !it.1.is_some_and(is_there));
        self.settled(state);
    }

    /// Whether it is complete now.
    fn settled(&mut self, state: &mut State) {
        let has_answers = self.publishing.as_ref().is_none_or(Publishing::is_settled);
        if self.is_in && self.behind.is_empty() && has_answers {
            state.is_complete(self.number, self.generation, self.connections);
        }
    }
}

/// When something was said, as its publisher wrote it into the payload.
fn said_at(payload: &[u8]) -> Option<u64> {
    let digits = payload.strip_prefix(b"\"")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_is_read_from_a_payload() {
        assert_eq!(said_at(b"\"1234 5...\""), Some(1_234));
        for none in [&b"1234"[..], b"\"x 1\"", b"\"\"", b"\"1234"] {
            assert_eq!(said_at(none), None);
        }
    }
}
