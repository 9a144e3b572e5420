//! The world: what happens in it by chance, and what is checked after every step.

mod actions;
mod checks;

use std::sync::Arc;
use std::time::Duration;

use parlour_proto::{Limits, Now, RoomKind, RoomKinds, ShardId, Timestamp};

use super::application::Application;
use super::bus::{SimBus, SimPost};
use super::client::Client;
use super::random::Random;
use super::sockets::SimSockets;
use super::speech::{LengthFraming, Speech};
use super::store::SimStore;
use super::truth::Truth;
use super::{Doings, Fault, Plan, Violation};
use crate::ask::{Answer, Asked};
use crate::shard::{Shard, ShardConfig};
use crate::store::NoStore;
use crate::wire::Wire;

const CLIENTS: u64 = 12;
const ROOMS: [&str; 5] = ["den", "general", "hall", "loft", "yard"];
/// Steps that a world may take to come to rest.
const REST_STEPS: u32 = 40_000;
/// Seconds in which nobody comes or goes and nothing moves, before a world is at rest.
const RESTS: u32 = 4;

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
    application: Application,
    doings: Doings,
    now_ms: u64,
    step: u32,
    published: u64,
    connections: u64,
}

/// Small bounds, so that they are reached often.
fn limits(random: &mut Random) -> Limits {
    let is_limited = random.chance(50);
    Limits {
        messages_per_second: if is_limited { 20 } else { 0 },
        message_burst: 25,
        presence_members_max: 4,
        presence_kept: Duration::from_millis(300),
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
        let limits = Arc::new(limits(&mut random));
        let given = match plan.planted {
            Some(Fault::Bound) => Arc::new(broken(&limits)),
            _ => Arc::clone(&limits),
        };
        let application = Application::new(Random::new(random.next()));
        let wire = |knows_gaps, announces| Wire {
            dialect: Arc::new(Speech {
                knows_gaps,
                announces,
            }),
            framing: Arc::new(LengthFraming),
            is_handled: application.handles,
        };
        let wires = [wire(true, false), wire(false, false), wire(true, true)];
        let wires: Arc<[Wire]> = Arc::new(wires);
        let count = 1 + random.below(4) as u16;
        let (durable, refuses) = (random.chance(40), random.chance(50));
        let kind = match durable {
            true => RoomKind::DURABLE,
            false => RoomKind::VOLATILE,
        };
        let kinds = Arc::new(RoomKinds::default().with("*", kind));
        let capacity = 100 + random.below(2_000) as usize;
        let shards = (0..count).map(|id| {
            let config = ShardConfig {
                id: ShardId(id),
                shards: count,
                wires: Arc::clone(&wires),
                limits: Arc::clone(&given),
                kinds: Arc::clone(&kinds),
                asks: application.asks,
                seed: random.next(),
            };
            let chance = Random::new(random.next());
            let store = if durable {
                SimStore::durable(Random::new(random.next()), refuses)
            } else {
                SimStore::Volatile(NoStore::default())
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
            truth: Truth::new(durable, durable && refuses),
            application,
            doings: Doings::default(),
            now_ms: 1,
            step: 0,
            published: 0,
            connections: 0,
        }
    }

    pub(super) fn live(mut self) -> Result<Doings, Violation> {
        let lived = self.live_and_rest();
        for (shard, _) in &self.shards {
            let mut counts = crate::Counts::default();
            shard.stats().add_to(&mut counts);
            self.doings.report.slow_closes += counts.slow_closes;
            self.doings.report.blocked_sends += counts.blocked_sends;
        }
        let (Plan { seed, planted, .. }, step) = (self.plan, self.step);
        lived.map(|()| self.doings).map_err(|what| Violation {
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
        self.check_rest()
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
        let (mut quiet, mut rests) = (0, 0);
        for _ in 0..REST_STEPS {
            self.step += 1;
            self.now_ms += 1;
            let before = self.connected();
            let moved = self.move_everything(100)?;
            if self.connected() != before {
                rests = 0;
            }
            quiet = if moved { 0 } else { quiet + 1 };
            if quiet > 100 {
                // Presence takes its time.
                (quiet, rests) = (0, rests + 1);
                self.now_ms += 1_000;
            }
            if rests == RESTS {
                return Ok(());
            }
        }
        Err("rest: the world does not come to rest".to_owned())
    }

    fn connected(&self) -> usize {
        let clients = self.clients.iter();
        clients.filter(|client| client.connection.is_some()).count()
    }

    /// Letters arrive, shards take turns, clients read. Says whether anything moved.
    fn move_everything(&mut self, percent: u64) -> Result<bool, String> {
        let mut moved = false;
        for shard in 0..self.shards.len() {
            if self.random.chance(percent) {
                moved |= self.turn(shard, percent)?;
            }
        }
        for client in 0..self.clients.len() {
            moved |= self.read(client)?;
        }
        self.check_bus()?;
        Ok(moved || !self.bus.is_empty() || !self.application.is_idle())
    }

    fn turn(&mut self, shard: usize, percent: u64) -> Result<bool, String> {
        let now = self.now();
        let hub = &mut self.shards[shard].0;
        let arrived = self.bus.arrived(shard as u16, self.now_ms);
        let mut moved = !arrived.is_empty();
        hub.wake(now);
        moved |= self.answer(shard, percent);
        let (hub, sockets) = &mut self.shards[shard];
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
        self.application.take(shard, hub.take_asked())?;
        hub.check_bounds(&self.limits)?;
        Ok(moved || hub.store().is_busy())
    }

    /// The application answers some of what this shard has asked.
    fn answer(&mut self, shard: usize, percent: u64) -> bool {
        let answers = self.application.answers(shard, percent / 2);
        let is_any = !answers.is_empty();
        for (Asked { connection, .. }, answer) in answers {
            self.doings.answers += 1;
            let renames = matches!(answer, Answer::Renamed(_));
            let hub = &mut self.shards[shard].0;
            hub.answer(connection, answer);
            let name = hub.name_of(connection);
            let mut clients = self.clients.iter_mut();
            let client = clients.find(|client| client.is_at(shard, connection));
            if let (Some(client), Some(name), true) = (client, name, renames) {
                client.is_called(name.bare());
            }
        }
        is_any
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
        self.clients[client].hear(&bytes, &mut self.truth, &self.limits, &mut self.doings)?;
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

    fn now(&self) -> Now {
        Now {
            monotonic: Duration::from_millis(self.now_ms),
            wall: Timestamp::from_unix_nanoseconds(self.now_ms as i64),
        }
    }
}
