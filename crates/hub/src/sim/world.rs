//! The world: what happens in it by chance, and what is checked after every step.

use std::sync::Arc;
use std::time::Duration;

use parlour_proto::{Frame, Limits, Now, SessionId, ShardId, Timestamp, UserName};

use super::bus::{SimBus, SimPost};
use super::client::Client;
use super::random::Random;
use super::sockets::SimSockets;
use super::speech::{LengthFraming, Speech};
use super::store::SimStore;
use super::truth::Truth;
use super::{Fault, Plan, Report, Violation};
use crate::shard::{Attach, Shard, ShardConfig};
use crate::wire::{Wire, WireIndex};

const CLIENTS: u64 = 12;
const ROOMS: [&str; 5] = ["den", "general", "hall", "loft", "yard"];
/// Letters of one pair of shards; far above what credit and windows of such a small world allow.
const LETTERS_MAX: usize = 4_000;
/// Steps that a world may take to come to rest.
const REST_STEPS: u32 = 40_000;

pub(super) struct World {
    plan: Plan,
    random: Random,
    limits: Arc<Limits>,
    shards: Vec<(Shard<SimStore>, SimSockets)>,
    bus: SimBus,
    /// Bytes that the socket of a client holds which is not prompt.
    capacity: usize,
    clients: Vec<Client>,
    truth: Truth,
    report: Report,
    now_ms: u64,
    step: u32,
    published: u64,
}

/// Small bounds, so that they are reached often.
fn limits() -> Limits {
    Limits {
        log_entries_max: 24,
        log_bytes_max: 8 * 1024,
        logs_total_bytes_max: 24 * 1024,
        rooms_max: 4,
        rooms_per_connection_max: 4,
        private_bytes_max: 4 * 1024,
        empty_room_kept: Duration::from_secs(2),
        ping_interval: Duration::from_secs(5),
        pong_timeout: Duration::from_secs(5),
        slow_reader_timeout: Duration::from_secs(20),
        close_timeout: Duration::from_secs(2),
        ..Limits::default()
    }
}

/// Bounds as a shard that does not keep them would have them.
fn broken(limits: &Limits) -> Limits {
    Limits {
        log_entries_max: limits.log_entries_max * 8,
        log_bytes_max: limits.log_bytes_max * 8,
        logs_total_bytes_max: limits.logs_total_bytes_max * 8,
        ..limits.clone()
    }
}

impl World {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut random = Random::new(plan.seed);
        let limits = Arc::new(limits());
        let given = match plan.planted {
            Some(Fault::Bound) => Arc::new(broken(&limits)),
            _ => Arc::clone(&limits),
        };
        let wire = |knows_gaps| Wire {
            dialect: Arc::new(Speech { knows_gaps }),
            framing: Arc::new(LengthFraming),
        };
        let wires: Arc<[Wire]> = Arc::new([wire(true), wire(false)]);
        let count = 1 + random.below(4) as u16;
        let (durable, refuses) = (random.chance(40), random.chance(50));
        let capacity = 100 + random.below(2_000) as usize;
        let shards = (0..count).map(|id| {
            let config = ShardConfig {
                id: ShardId(id),
                shards: count,
                wires: Arc::clone(&wires),
                limits: Arc::clone(&given),
                seed: random.next(),
            };
            let chance = Random::new(random.next());
            let store = if durable {
                SimStore::durable(Random::new(random.next()), refuses)
            } else {
                SimStore::Volatile(crate::Volatile::default())
            };
            (Shard::new(config, store), SimSockets::new(chance))
        });
        let shards = shards.collect();
        let bus = SimBus::new(Random::new(random.next()), plan.planted);
        Self {
            plan: *plan,
            random,
            limits,
            shards,
            bus,
            capacity,
            clients: (0..CLIENTS).map(Client::numbered).collect(),
            truth: Truth::default(),
            report: Report::default(),
            now_ms: 1,
            step: 0,
            published: 0,
        }
    }

    pub(super) fn live(mut self) -> Result<Report, Violation> {
        let lived = self.live_and_rest();
        for (shard, _) in &self.shards {
            let mut counts = crate::Counts::default();
            shard.stats().add_to(&mut counts);
            self.report.slow_closes += counts.slow_closes;
            self.report.blocked_sends += counts.blocked_sends;
        }
        let (Plan { seed, planted, .. }, step) = (self.plan, self.step);
        lived.map(|()| self.report).map_err(|what| Violation {
            seed,
            planted,
            step,
            what,
        })
    }

    fn live_and_rest(&mut self) -> Result<(), String> {
        for step in 0..self.plan.steps {
            self.step = step;
            self.let_time_pass();
            self.let_a_client_act();
            self.move_everything(70)?;
        }
        self.come_to_rest()?;
        self.clients
            .iter()
            .try_for_each(|client| client.check_complete(&self.truth))
    }

    fn let_time_pass(&mut self) {
        let jump = if self.random.chance(1) { 3_000 } else { 20 };
        self.now_ms += self.random.below(jump);
    }

    /// Everybody reads again and nobody does anything new, until nothing moves.
    fn come_to_rest(&mut self) -> Result<(), String> {
        self.clients
            .iter_mut()
            .for_each(|client| client.stalled = false);
        let mut quiet = 0;
        for _ in 0..REST_STEPS {
            self.step += 1;
            self.now_ms += 1;
            let moved = self.move_everything(100)?;
            quiet = if moved { 0 } else { quiet + 1 };
            if quiet > 100 {
                return Ok(());
            }
        }
        Err("rest: the world does not come to rest".to_owned())
    }

    fn let_a_client_act(&mut self) {
        let client = self.random.below(CLIENTS) as usize;
        let Some((shard, index)) = self.clients[client].connection else {
            return self.connect(client);
        };
        match self.random.below(100) {
            0..60 => self.publish(client, shard, index),
            60..75 => self.join(client, shard, index),
            75..80 => self.leave(client, shard, index),
            80..86 => self.clients[client].stalled = !self.clients[client].prompt,
            86..95 => self.clients[client].stalled = false,
            95..97 => self.shards[shard].0.handle_ping(index, b"x"),
            97..99 => self.vanish(client, shard, index),
            _ => self.shards[shard].0.handle_close(index, Some(1000)),
        }
    }

    fn connect(&mut self, client: usize) {
        let shard = self.random.below(self.shards.len() as u64) as usize;
        let wire = WireIndex(u8::from(self.random.chance(30)));
        let now = self.now();
        let who = UserName::guest(&format!("c{client}")).expect("a short name without blanks");
        let (hub, sockets) = &mut self.shards[shard];
        let id = hub.attach(
            now,
            Attach {
                session: SessionId::NONE,
                wire,
                who,
                room: None,
            },
        );
        let prompt = self.clients[client].prompt;
        sockets.open(id.index, if prompt { usize::MAX } else { self.capacity });
        self.clients[client].connect(shard, id.index);
    }

    fn publish(&mut self, client: usize, shard: usize, index: u32) {
        let burst = if self.random.chance(10) { 30 } else { 1 };
        for _ in 0..burst {
            let rooms: Vec<_> = self.clients[client].rooms.keys().cloned().collect();
            let Some(room) = self.random.pick(&rooms).cloned() else {
                return;
            };
            if !self.shards[shard].0.takes_frames(index) || self.shards[shard].0.is_closing(index) {
                return;
            }
            self.published += 1;
            let id = format!("m{}", self.published);
            let payload = "x".repeat(1 + self.random.below(200) as usize);
            self.clients[client].publishes(&id);
            self.say(shard, index, &format!("publish {room} {id} {payload}"));
        }
    }

    fn join(&mut self, client: usize, shard: usize, index: u32) {
        let room = ROOMS[self.random.below(ROOMS.len() as u64) as usize];
        if !self.takes_frames(shard, index) {
            return;
        }
        let speaker = &self.clients[client];
        let asking = speaker.rooms.values().any(Option::is_none);
        let full = speaker.rooms.len() >= self.limits.rooms_per_connection_max;
        if asking || full || speaker.rooms.contains_key(room) {
            return;
        }
        let from = speaker
            .remembered
            .get(room)
            .copied()
            .filter(|_| self.random.chance(70));
        self.clients[client].asks_for(room, from.is_some());
        match from {
            Some((epoch, seq)) => {
                self.report.resumes += 1;
                self.say(shard, index, &format!("join {room} {epoch} {seq}"));
            }
            None => self.say(shard, index, &format!("join {room}")),
        }
    }

    fn leave(&mut self, client: usize, shard: usize, index: u32) {
        let settled = self.clients[client]
            .rooms
            .iter()
            .find(|(_, position)| position.is_some());
        let Some(room) = settled.map(|(room, _)| room.clone()) else {
            return;
        };
        // What is on the way would be heard after leaving: only a reader who has read all leaves.
        if !self.takes_frames(shard, index) || !self.has_nothing_on_the_way(shard, index) {
            return;
        }
        self.clients[client].leaves(&room);
        self.say(shard, index, &format!("leave {room}"));
    }

    fn vanish(&mut self, client: usize, shard: usize, index: u32) {
        let (hub, sockets) = &mut self.shards[shard];
        sockets.sockets.remove(&index);
        hub.handle_gone(index);
        self.clients[client].disconnect();
    }

    fn say(&mut self, shard: usize, index: u32, words: &str) {
        let hub = &mut self.shards[shard].0;
        hub.handle_heard(index);
        hub.handle_frame(index, Frame::Text(words));
    }

    fn takes_frames(&mut self, shard: usize, index: u32) -> bool {
        let hub = &mut self.shards[shard].0;
        !hub.is_closing(index) && hub.takes_frames(index)
    }

    fn has_nothing_on_the_way(&self, shard: usize, index: u32) -> bool {
        let (hub, sockets) = &self.shards[shard];
        let read = sockets
            .sockets
            .get(&index)
            .is_none_or(|socket| socket.buffer.is_empty());
        read && !hub.has_private_output(index)
    }

    /// Letters arrive, shards take turns, clients read. Says whether anything moved.
    fn move_everything(&mut self, percent: u64) -> Result<bool, String> {
        let mut moved = false;
        for shard in 0..self.shards.len() {
            if self.random.chance(percent) {
                moved |= self.turn(shard)?;
            }
        }
        for client in 0..self.clients.len() {
            moved |= self.read(client)?;
        }
        self.check_bus()?;
        Ok(moved || !self.bus.is_empty())
    }

    fn turn(&mut self, shard: usize) -> Result<bool, String> {
        let now = self.now();
        let (hub, sockets) = &mut self.shards[shard];
        let arrived = self.bus.arrived(shard as u16, self.now_ms);
        let mut moved = !arrived.is_empty();
        hub.wake(now);
        for (from, mut letters) in arrived {
            hub.handle_letters(from, &mut letters);
        }
        let mut post = SimPost {
            bus: &mut self.bus,
            from: shard as u16,
            now_ms: self.now_ms,
        };
        moved |= hub.turn(now, sockets, &mut post);
        hub.take_resumed();
        hub.check_bounds(&self.limits)?;
        Ok(moved || hub.store().is_busy())
    }

    fn read(&mut self, client: usize) -> Result<bool, String> {
        let Some((shard, index)) = self.clients[client].connection else {
            return Ok(false);
        };
        if self.clients[client].stalled {
            return Ok(false);
        }
        let (hub, sockets) = &mut self.shards[shard];
        let (bytes, writable) = sockets.read(index);
        self.clients[client].hear(&bytes, &mut self.truth, &mut self.report)?;
        if writable {
            hub.handle_writable(index, sockets);
        }
        if std::mem::take(&mut self.clients[client].pinged) {
            hub.handle_heard(index);
        }
        if sockets.is_over(index) {
            self.vanish(client, shard, index);
            return Ok(true);
        }
        Ok(!bytes.is_empty())
    }

    fn check_bus(&self) -> Result<(), String> {
        match self.bus.longest_queue() {
            length if length > LETTERS_MAX => Err(format!("bound: {length} letters on the way")),
            _ => Ok(()),
        }
    }

    fn now(&self) -> Now {
        Now {
            monotonic: Duration::from_millis(self.now_ms),
            wall: Timestamp::from_unix_nanoseconds(self.now_ms as i64),
        }
    }
}

impl<S: crate::Store> Shard<S> {
    /// Checks this shard's memory against bounds that it may or may not have been given.
    fn check_bounds(&self, limits: &Limits) -> Result<(), String> {
        let (logs, rings, private, total) = self.memory();
        // One entry, one reply or one batch may stand over its bound.
        let slack = 1_024;
        if logs.0 > limits.log_entries_max || logs.1 > limits.log_bytes_max + slack {
            return Err(format!(
                "bound: a log has {} entries, {} bytes",
                logs.0, logs.1
            ));
        }
        if rings.0 > 2 * limits.log_entries_max || rings.1 > 2 * limits.log_bytes_max + slack {
            return Err(format!(
                "bound: a ring has {} frames, {} bytes",
                rings.0, rings.1
            ));
        }
        if private > limits.private_bytes_max * 2 {
            return Err(format!(
                "bound: a connection has {private} bytes of its own"
            ));
        }
        let share = limits.logs_total_bytes_max / self.count();
        // What a view has not taken is never trimmed: half a log for each room.
        let untaken = limits.rooms_max * limits.log_bytes_max;
        if total > share + untaken {
            return Err(format!(
                "bound: logs and rings of a shard have {total} bytes"
            ));
        }
        Ok(())
    }
}
