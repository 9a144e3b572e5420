//! Some of a room's readers take nothing (R5): the others may not notice, and nothing may pile up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::{BACKOFF, everybody_is_in};
use crate::TortureError;
use crate::audit::audit;
use crate::checker::Room;
use crate::load::{Crowd, LoadOptions};
use crate::member::{Latencies, Reads};
use crate::options::{self, Common, Remote, seconds};
use crate::progress::Show;
use crate::random::Chance;
use crate::report::Report;
use crate::server::private_bytes;
use crate::world::World;

/// The p99 of the others, beside the same without slow readers.
const RATIO_MAX: f64 = 1.15;
/// What one slow reader may cost the server: `--private-buffer-bytes`; and what all of them may beside it.
const SLOW_BYTES: u64 = 256 * 1024;
const BESIDE_BYTES: u64 = 10_000_000;
/// The kernel's buffer of a slow reader: what it holds is not waiting at the server.
const RECEIVE_BYTES: u32 = 32 * 1024;
/// What the kernel of both ends takes of a connection, at most; only beyond that anybody waits.
const KERNEL_BYTES: f64 = 1_000_000.0;
/// Publishers among whom the rate is divided.
const PUBLISHERS: usize = 5;
/// From the begin of a phase until it is measured.
const SETTLE: Duration = Duration::from_secs(1);
/// Longest wait for the slow ones, when they read again.
const CATCH_UP: Duration = Duration::from_secs(60);
const ROUNDS_MIN: u32 = 3;
/// Latencies above a minute, in nanoseconds, count as one.
const LATENCY_MAX: u64 = 60_000_000_000;

/// Options of `parlour torture slow-readers`.
#[derive(Debug, Clone, clap::Args)]
pub struct SlowReadersOptions {
    /// Readers of the one room, slow ones among them.
    #[arg(long, default_value_t = 1_000, value_name = "CLIENTS")]
    pub subscribers: usize,
    /// Readers that take nothing.
    #[arg(long, default_value_t = 100, value_name = "CLIENTS")]
    pub slow: usize,
    /// Messages per second in all.
    #[arg(long, default_value_t = 50.0, value_name = "PER_SECOND")]
    pub rate: f64,
    /// Bytes of a message's text.
    #[arg(long, default_value_t = 1_024, value_name = "BYTES")]
    pub payload: usize,
    /// How often both are measured in turn: without slow readers, and with them.
    #[arg(long, default_value_t = 4)]
    pub rounds: u32,
    /// How long each of both takes, in seconds.
    #[arg(long, default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub seconds: Duration,
    /// A server that is there.
    #[command(flatten)]
    pub remote: Remote,
    /// What all scenarios have.
    #[command(flatten)]
    pub common: Common,
}

impl SlowReadersOptions {
    fn load(&self) -> Result<LoadOptions, TortureError> {
        if self.slow >= self.subscribers || self.rounds == 0 {
            let why = "--slow: there must be more --subscribers than that, and one round at least";
            return Err(TortureError::Options(why.into()));
        }
        let load = LoadOptions {
            publishers: PUBLISHERS,
            rate: self.rate / PUBLISHERS as f64,
            subscribers: 0,
            rooms: 1,
            payload: self.payload,
        };
        load.check()?;
        Ok(load)
    }
}

/// Runs it.
///
/// # Errors
/// When there is no verdict: the server does not start or ends by itself, the options make no sense.
pub fn run(options: &SlowReadersOptions) -> Result<Report, TortureError> {
    let load = options.load()?;
    options::run(slow_readers(options, load))
}

/// Who is measured, who is slow, and what was seen of them.
struct Room1 {
    world: Arc<World>,
    others: Crowd,
    slow: Crowd,
    latencies: Latencies,
    pid: Option<u32>,
    show: Show,
    seconds: Duration,
}

#[derive(Default)]
struct Seen {
    ratios: Vec<f64>,
    p99: [Vec<Duration>; 2],
    /// How much more the server grew in a phase with slow readers than in the one before without; bytes.
    growth: Vec<f64>,
    caught_up: Vec<Duration>,
    never: usize,
}

async fn slow_readers(
    options: &SlowReadersOptions,
    load: LoadOptions,
) -> Result<Report, TortureError> {
    let seed = options.common.seed();
    let mut chance = Chance::new(seed);
    options::open_files();
    let mut place = options.common.place(&options.remote, &mut chance).await?;
    let world = World::new(place.target.clone(), 1, BACKOFF);
    let latencies = Histogram::new_with_bounds(1, LATENCY_MAX, 3)
        .map_err(|error| TortureError::Options(error.to_string()))?;
    let latencies: Latencies = Arc::new(Mutex::new(latencies));
    let (mut others, mut slow) = (Crowd::new(), Crowd::new());
    others.gather(&world, &load, seed);
    for number in 0..options.subscribers - options.slow {
        let member = others.guest(&world, format!("reader-{number}"), vec![Room(0)], seed);
        others.add(member.measured(&latencies));
    }
    for number in 0..options.slow {
        let member = slow.guest(&world, format!("slow-{number}"), vec![Room(0)], seed);
        slow.add(member.receives(RECEIVE_BYTES));
    }
    everybody_is_in(&world).await?;
    others.order(|orders| orders.speaks = true);
    let room = Room1 {
        world,
        others,
        slow,
        latencies,
        pid: place.pid,
        show: options.common.show(),
        seconds: options.seconds,
    };
    let mut seen = Seen::default();
    for _ in 0..options.rounds {
        room.round(&mut seen).await;
        if let Some(server) = &mut place.server {
            server.check()?;
        }
    }
    let audited = audit(&room.world, &room.others, room.show).await?;
    let report = Report::new("slow-readers", seed, place.target.authority.clone());
    let report = conclude(report, options, &room, &audited, seen);
    room.others.end().await;
    room.slow.end().await;
    Ok(report)
}

impl Room1 {
    /// Without slow readers, with them, and then they read again.
    async fn round(&self, seen: &mut Seen) {
        self.slow.order(|orders| orders.reads = Reads::Away);
        let (without, usual) = self.phase("all read").await;
        self.slow.order(|orders| orders.reads = Reads::Nothing);
        let (with, growth) = self.phase("some do not").await;
        // The log grows all the time, and what the server keeps of it, too.
        seen.growth.push(growth as f64 - usual as f64);
        if !without.is_zero() {
            seen.ratios.push(with.as_secs_f64() / without.as_secs_f64());
        }
        seen.p99[0].push(without);
        seen.p99[1].push(with);

        self.slow.order(|orders| orders.reads = Reads::Everything);
        let began = Instant::now();
        let Some(goal) = self.world.state().checker.head(Room(0)) else {
            return;
        };
        let is_there = |state: &crate::world::State| state.checker.short_of(Room(0), goal) == 0;
        self.world.until(CATCH_UP, is_there).await;
        seen.never += self.world.state().checker.short_of(Room(0), goal);
        seen.caught_up.push(began.elapsed());
    }

    /// Measures for a while; gives the p99, and by how many bytes the server grew at most.
    async fn phase(&self, what: &'static str) -> (Duration, u64) {
        let before = self.memory();
        let mut most = before;
        self.show.wait(what, SETTLE, || {}).await;
        self.latencies().reset();
        self.others.order(|orders| orders.measures = true);
        let mut looks = 0_u32;
        let look = || {
            // Reading it holds the server's memory map for a moment.
            looks += 1;
            if looks.is_multiple_of(10) {
                most = self.memory().max(most);
            }
        };
        self.show.wait(what, self.seconds, look).await;
        self.others.order(|orders| orders.measures = false);
        most = self.memory().max(most);
        let p99 = Duration::from_nanos(self.latencies().value_at_quantile(0.99));
        (p99, most - before)
    }

    fn memory(&self) -> u64 {
        self.pid.and_then(private_bytes).unwrap_or(0)
    }

    fn latencies(&self) -> std::sync::MutexGuard<'_, Histogram<u64>> {
        self.latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn conclude(
    mut report: Report,
    options: &SlowReadersOptions,
    room: &Room1,
    audited: &crate::audit::Audited,
    mut seen: Seen,
) -> Report {
    report.measured("readers", options.subscribers as f64, "");
    report.measured("slow", options.slow as f64, "");
    let [without, with] = &mut seen.p99;
    report.measured("p99 all read", middle_of(without).as_secs_f64() * 1e3, "ms");
    report.measured("p99 some do not", middle_of(with).as_secs_f64() * 1e3, "ms");
    report.measured("caught up max", max_ms(&seen.caught_up), "ms");
    seen.ratios.sort_by(f64::total_cmp);
    for (name, ratio) in ["ratio min", "ratio max"]
        .into_iter()
        .zip([seen.ratios.first(), seen.ratios.last()])
    {
        report.measured(name, ratio.copied().unwrap_or(0.0), "");
    }
    let ratio = seen
        .ratios
        .get(seen.ratios.len() / 2)
        .copied()
        .unwrap_or(f64::MAX);
    report.limit("p99 of the others, median ratio", ratio, RATIO_MAX, "");
    if room.pid.is_some() {
        report.measured("memory at the end", room.memory() as f64 / 1e6, "MB");
        let growth = seen.growth.iter().copied().fold(0.0, f64::max) / 1e6;
        let allowed = (options.slow as u64 * SLOW_BYTES + BESIDE_BYTES) as f64 / 1e6;
        report.limit("memory for slow readers", growth, allowed, "MB");
    }
    report.limit("slow ones not complete", seen.never as f64, 0.0, "");
    let disconnects = room.world.state().tally.disconnects;
    report.limit("disconnects in all", disconnects as f64, 0.0, "");
    let mut too_little = Vec::new();
    if options.rounds < ROUNDS_MIN {
        too_little.push(format!(
            "{} rounds; {ROUNDS_MIN} are needed",
            options.rounds
        ));
    }
    let bytes = options.seconds.as_secs_f64() * options.rate * options.payload as f64;
    if bytes < KERNEL_BYTES {
        too_little.push(format!(
            "{bytes:.0} bytes were said while the slow ones read nothing: the kernel alone takes \
             {KERNEL_BYTES:.0}"
        ));
    }
    if room.pid.is_none() {
        too_little.push("the server's memory was not seen: name its process with --pid".into());
    }
    report.conclude(&room.world, audited, too_little)
}

fn middle_of(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn max_ms(times: &[Duration]) -> f64 {
    times
        .iter()
        .max()
        .copied()
        .unwrap_or_default()
        .as_secs_f64()
        * 1e3
}
