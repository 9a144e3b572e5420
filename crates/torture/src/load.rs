//! Who publishes and who reads.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::checker::Room;
use crate::http::Who;
use crate::member::{Member, Orders};
use crate::publishing::{Publishing, Speech};
use crate::random::Chance;
use crate::world::World;

/// The usual load of a scenario.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LoadOptions {
    /// Clients that publish; each is in one room, and reads it, too.
    #[arg(long, default_value_t = 50, value_name = "CLIENTS")]
    pub publishers: usize,
    /// Messages per second of each publisher.
    #[arg(long, default_value_t = 40.0, value_name = "PER_SECOND")]
    pub rate: f64,
    /// Clients that only read; each is in one room.
    #[arg(long, default_value_t = 200, value_name = "CLIENTS")]
    pub subscribers: usize,
    /// Rooms that they are spread over evenly.
    #[arg(long, default_value_t = 20)]
    pub rooms: usize,
    /// Bytes of a message's text, at least.
    #[arg(long, default_value_t = 64, value_name = "BYTES")]
    pub payload: usize,
}

/// Most clients of one kind, rooms, and bytes of a payload.
const CLIENTS_MAX: usize = 100_000;
const ROOMS_MAX: usize = 1_000;
const PAYLOAD_BYTES_MAX: usize = 60_000;

impl LoadOptions {
    /// Says which option is wrong.
    pub(crate) fn check(&self) -> Result<(), crate::TortureError> {
        let wrong = |why: String| Err(crate::TortureError::Options(why));
        if !(1..=CLIENTS_MAX).contains(&self.publishers) {
            return wrong(format!("--publishers: it must be 1 to {CLIENTS_MAX}"));
        }
        if self.subscribers > CLIENTS_MAX {
            return wrong(format!("--subscribers: it must be at most {CLIENTS_MAX}"));
        }
        if !(1..=ROOMS_MAX).contains(&self.rooms) {
            return wrong(format!("--rooms: it must be 1 to {ROOMS_MAX}"));
        }
        if !(self.rate > 0.0 && self.rate <= 10_000.0) {
            return wrong("--rate: it must be above 0 and at most 10000".into());
        }
        if self.payload > PAYLOAD_BYTES_MAX {
            return wrong(format!("--payload: it must be at most {PAYLOAD_BYTES_MAX}"));
        }
        Ok(())
    }

    fn speech(&self) -> Speech {
        Speech {
            every: Duration::from_secs_f64(1.0 / self.rate),
            payload_bytes: self.payload,
            count_max: u32::MAX,
        }
    }
}

/// The clients of a scenario, as far as they follow the same orders.
#[derive(Debug)]
pub(crate) struct Crowd {
    orders: watch::Sender<Orders>,
    clients: JoinSet<()>,
}

impl Crowd {
    pub(crate) fn new() -> Self {
        Self {
            orders: watch::Sender::new(Orders::READ),
            clients: JoinSet::new(),
        }
    }

    /// Publishers and subscribers of `load`, as guests.
    pub(crate) fn gather(&mut self, world: &Arc<World>, load: &LoadOptions, seed: u64) {
        for publisher in 0..load.publishers {
            let room = Room(publisher % load.rooms);
            let publishing = Publishing::new(publisher as u32, room, load.speech());
            let member = self.guest(world, format!("publisher-{publisher}"), vec![room], seed);
            self.add(member.publishes(publishing));
        }
        for subscriber in 0..load.subscribers {
            let rooms = vec![Room(subscriber % load.rooms)];
            let member = self.guest(world, format!("subscriber-{subscriber}"), rooms, seed);
            self.add(member);
        }
    }

    /// A guest that follows these orders, and does not live yet.
    pub(crate) fn guest(
        &self,
        world: &Arc<World>,
        name: String,
        rooms: Vec<Room>,
        seed: u64,
    ) -> Member {
        let who = Who::Guest(format!("{}-{name}", world.run));
        self.client(world, who, name, rooms, seed)
    }

    /// A client that comes in as `who`.
    pub(crate) fn client(
        &self,
        world: &Arc<World>,
        who: Who,
        name: String,
        rooms: Vec<Room>,
        seed: u64,
    ) -> Member {
        let stream = world.state().members() as u64 + 1_000;
        let chance = Chance::of(seed, stream);
        Member::new(world, who, name, rooms, self.orders.subscribe(), chance)
    }

    pub(crate) fn add(&mut self, member: Member) {
        self.clients.spawn(member.live());
    }

    pub(crate) fn order(&self, change: impl FnOnce(&mut Orders)) {
        self.orders.send_modify(change);
    }

    /// Sends all of them away, and waits until they have gone.
    pub(crate) async fn end(mut self) {
        self.order(|orders| orders.ends = true);
        while self.clients.join_next().await.is_some() {}
    }
}
