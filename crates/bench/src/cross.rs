//! `parlour bench fanout --cross`: what it costs that publisher and members are on different shards,
//! and what a second shard on a second core brings.
//!
//! A server has a shard per core that it may use, and gives a newcomer to the shard with the fewest
//! connections. So connections that come one by one, with others in between that only take places,
//! lie where they are wanted. Where a room's home is shows in which of the server's threads work:
//! names are tried until the publisher's shard does all of it.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::BenchError;
use crate::fanout::FanoutOptions;
use crate::generator::{Load, PATIENCE};
use crate::measured::{Measured, ServerOptions};
use crate::output::Outcome;
use crate::pin::{self, Cores};
use crate::plot::{CLASSES, Latencies};
use crate::progress::Show;
use crate::report::{Latency, LoadReport, latencies};
use crate::room_load::{Opening, Role, RoomLoad, RoomSample, WINDOW};
use crate::stats::{Quartiles, Seeded};
use crate::tables::{grouped, rounded};

const EVENTS: usize = 1_024;
const AT_ONCE: usize = 256;
/// Names of rooms that are tried: each has its home in the right place with one half.
const TRIES: usize = 24;
/// How long a name is tried.
const TRY: Duration = Duration::from_millis(150);
/// Share of the busiest thread's time that another one may have where all work is in one place.
const ELSEWHERE: f64 = 0.25;

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct CrossReport {
    /// Members of each room.
    pub members: usize,
    /// How messages were published.
    pub load: LoadReport,
    /// Bytes of a message's text.
    pub payload_bytes: usize,
    /// Rounds.
    pub rounds: u32,
    /// Core of the server with one shard.
    pub one_core: String,
    /// Cores of the server with two.
    pub two_cores: String,
    /// Core of the generator.
    pub client_core: String,
    /// Whether the generator has a core for itself. If not, the second shard has what it leaves.
    pub generator_apart: bool,
    /// The four ways.
    pub ways: Vec<Way>,
    /// CPU time per delivery with the members on another shard than publisher, over the same shard.
    pub hop_cpu: Quartiles,
    /// The same of the median latency.
    pub hop_p50: Quartiles,
    /// Microseconds of CPU time that the hop adds to a message.
    pub hop_us_per_message: Quartiles,
    /// Deliveries per second of two shards on two cores over one shard on one core.
    pub two_over_one: Quartiles,
    /// CPU time per delivery of the two over the one.
    pub two_over_one_cpu: Quartiles,
}

/// One way to spread members: medians of the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Way {
    /// Which.
    pub name: &'static str,
    /// Deliveries per second.
    pub deliveries_per_second: f64,
    /// Microseconds of the server per delivery.
    pub cpu_us_per_delivery: f64,
    /// K: frames per read of the generator.
    pub frames_per_read: f64,
    /// Latency of all rounds.
    pub latency_ms: Latency,
}

/// The ways, in the order of their numbers.
const NAMES: [&str; 4] = [
    "one shard, one core",
    "two shards, all on one of them",
    "two shards, members across",
    "two shards, members on both",
];
const ONE: usize = 0;
const SAME: usize = 1;
const ACROSS: usize = 2;
const BOTH: usize = 3;

/// Runs it.
///
/// # Errors
/// As [`fanout::run`](crate::fanout::run); and when there are fewer than two cores.
pub fn run(options: &FanoutOptions) -> Result<CrossReport, BenchError> {
    let (layout, load) = options.plan()?;
    let wrong = |why: &str| Err(BenchError::Options(why.into()));
    if options.server.url.is_some() {
        return wrong("--cross starts its servers itself: leave --url out");
    }
    if layout.rooms != 1 || layout.members < 2 {
        return wrong("--cross needs one room of two members at least");
    }
    if matches!(load, Load::Outstanding(most) if most > WINDOW) {
        return wrong("--outstanding with --cross: one publisher may have 64 on their way");
    }
    let places = Places::of(&options.server)?;
    pin::allow_files(8 * options.members as u64 + 64)?;
    let start = |cores: &Cores| {
        Measured::start(&ServerOptions {
            server_cores: Some(cores.clone()),
            client_core: Some(places.client.clone()),
            ..options.server.clone()
        })
    };
    let (one, two) = (start(&places.one)?, start(&places.two)?);
    let rounds = visit(options, load, [&one, &two]);
    let rounds = rounds.map_err(|error| two.explain(error))?;
    CrossReport::of(options, load, &places, &rounds)
}

/// Where everything runs.
struct Places {
    one: Cores,
    two: Cores,
    client: Cores,
}

impl Places {
    fn of(options: &ServerOptions) -> Result<Self, BenchError> {
        let allowed = pin::allowed()?;
        let server = options.server_cores.as_ref().unwrap_or(&allowed);
        let [first, second, ..] = *server.numbers() else {
            return Err(BenchError::Options(
                "--cross needs two cores for the server: two shards".into(),
            ));
        };
        // A core of its own, or else what the second shard leaves.
        let others = allowed.numbers().iter();
        let free = others.copied().find(|core| ![first, second].contains(core));
        let client = match &options.client_core {
            Some(core) => core.clone(),
            None => Cores::one(free.unwrap_or(second)),
        };
        Ok(Self {
            one: Cores::one(first),
            two: Cores::pair(first, second),
            client,
        })
    }
}

/// What a phase of one way measured, with the server's run time.
type Sampled = (RoomSample, Duration);
type Round = [Sampled; NAMES.len()];

fn visit(
    options: &FanoutOptions,
    load: Load,
    [one, two]: [&Measured; 2],
) -> Result<Vec<Round>, BenchError> {
    let show = options.output.show();
    let place = Placing { options, two, show };
    let home = place.name_with_home_here()?;
    let members = options.members;
    // In the order in which they come, as each takes a place.
    let mut same = place.open(two, &home, &roles_on_first(members), 1)?;
    let mut across = place.open(two, &name("across"), &roles_across(members), 1)?;
    let everywhere = vec![Role::Member; members];
    let mut both = place.open(two, &name("both"), &everywhere, AT_ONCE)?;
    let mut alone = place.open(one, &name("one"), &everywhere, AT_ONCE)?;

    let bar = show.count("rounds", options.rounds as usize);
    let mut order = Seeded::new(1);
    let mut ways = [ONE, SAME, ACROSS, BOTH];
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        order.shuffle(&mut ways);
        let mut samples: [Option<Sampled>; NAMES.len()] = Default::default();
        for way in ways {
            let (room, server) = match way {
                ONE => (&mut alone, one),
                SAME => (&mut same, two),
                ACROSS => (&mut across, two),
                _ => (&mut both, two),
            };
            samples[way] = Some(phase(room, server, load, options)?);
        }
        for room in [&mut alone, &mut same, &mut across, &mut both] {
            // Pings that came meanwhile are answered.
            room.run(Load::Outstanding(0), Duration::ZERO)?;
        }
        rounds.push(samples.map(|sample| sample.expect("every way was visited")));
        bar.inc(1);
    }
    Ok(rounds)
}

fn phase(
    room: &mut RoomLoad,
    server: &Measured,
    load: Load,
    options: &FanoutOptions,
) -> Result<Sampled, BenchError> {
    if !options.warmup.is_zero() {
        room.run(load, options.warmup)?;
    }
    let before = server.run_time()?;
    let sample = room.run(load, options.duration)?;
    let cpu = server.run_time_since(before.as_ref())?;
    Ok((sample, cpu.unwrap_or_default()))
}

fn name(of: &str) -> String {
    let run = RandomState::new().build_hasher().finish() as u32;
    format!("bench-{run:08x}-{of}")
}

/// Every second connection lies on the second shard, and is no member.
fn roles_on_first(members: usize) -> Vec<Role> {
    [Role::Member, Role::Filler].repeat(members)
}

/// The first lies on the first shard and publishes, all other members lie on the second.
fn roles_across(members: usize) -> Vec<Role> {
    let mut roles = vec![Role::Member, Role::Member];
    for _ in 2..members {
        roles.extend([Role::Filler, Role::Member]);
    }
    roles
}

struct Placing<'a> {
    options: &'a FanoutOptions,
    two: &'a Measured,
    show: Show,
}

impl Placing<'_> {
    fn open(
        &self,
        server: &Measured,
        name: &str,
        roles: &[Role],
        at_once: usize,
    ) -> Result<RoomLoad, BenchError> {
        let opening = Opening {
            name,
            roles,
            at_once,
            payload: self.options.payload,
            events: EVENTS,
        };
        RoomLoad::open(&server.target, &opening, self.show)
    }

    /// The name of a room that has its home on the first shard: with publisher and reader there,
    /// too, no other thread of the server has work.
    fn name_with_home_here(&self) -> Result<String, BenchError> {
        let mut shares = Vec::new();
        for _ in 0..TRIES {
            let name = name("same");
            let mut room = self.open(self.two, &name, &roles_on_first(2), 1)?;
            let before = self.two.run_time()?;
            room.run(Load::Outstanding(1), TRY)?;
            let after = self.two.run_time()?;
            room.close()?;
            self.nobody_is_left()?;
            let threads = before.zip(after);
            let threads = threads.map(|(before, after)| after.threads_since(&before));
            let share = threads.as_deref().map_or(1.0, second_over_first);
            if share <= ELSEWHERE {
                return Ok(name);
            }
            shares.push(share);
        }
        Err(BenchError::Unequal(format!(
            "no room was found that one shard alone works for: its second thread had {shares:.2?} of \
             the first one's time"
        )))
    }

    /// The places are free again when the server says so.
    fn nobody_is_left(&self) -> Result<(), BenchError> {
        let began = Instant::now();
        while self.two.counters().is_some_and(|it| it.connections > 0) {
            if began.elapsed() > PATIENCE {
                let left = self.two.counters().map_or(0, |it| it.connections);
                return Err(BenchError::Unclosed(left as usize));
            }
        }
        Ok(())
    }
}

/// How much the second busiest thread worked, beside the busiest.
fn second_over_first(threads: &[u64]) -> f64 {
    match threads {
        [first, second, ..] => *second as f64 / (*first).max(1) as f64,
        _ => 0.0,
    }
}

fn cpu_us((sample, cpu): &Sampled) -> f64 {
    cpu.as_secs_f64() * 1e6 / sample.deliveries.max(1) as f64
}

fn p50((sample, _): &Sampled) -> f64 {
    sample.latency.value_at_quantile(0.5) as f64 / 1e6
}

fn per_second((sample, _): &Sampled) -> f64 {
    sample.per_second()
}

impl CrossReport {
    fn of(
        options: &FanoutOptions,
        load: Load,
        places: &Places,
        rounds: &[Round],
    ) -> Result<Self, BenchError> {
        let each = |value: &dyn Fn(&Round) -> f64| {
            let values: Vec<f64> = rounds.iter().map(value).collect();
            Quartiles::of(&values)
                .ok_or_else(|| BenchError::Options("--rounds must be above 0".into()))
        };
        let over = |way: usize, other: usize, value: fn(&Sampled) -> f64| {
            each(&|round| value(&round[way]) / value(&round[other]).max(1e-9))
        };
        let members = options.members as f64;
        let ways = (0..NAMES.len()).map(|way| {
            let mut latency = latencies();
            for round in rounds {
                // All have the same bounds.
                let _ = latency.add(&round[way].0.latency);
            }
            Ok(Way {
                name: NAMES[way],
                deliveries_per_second: each(&|round| per_second(&round[way]))?.median,
                cpu_us_per_delivery: each(&|round| cpu_us(&round[way]))?.median,
                frames_per_read: each(&|round| round[way].0.frames_per_read())?.median,
                latency_ms: Latency::of_nanoseconds(&latency),
            })
        });
        Ok(Self {
            members: options.members,
            load: LoadReport::from(load),
            payload_bytes: options.payload,
            rounds: options.rounds,
            one_core: places.one.to_string(),
            two_cores: places.two.to_string(),
            client_core: places.client.to_string(),
            generator_apart: places.two.apart_from(&places.client),
            ways: ways.collect::<Result<_, BenchError>>()?,
            hop_cpu: over(ACROSS, SAME, cpu_us)?,
            hop_p50: over(ACROSS, SAME, p50)?,
            hop_us_per_message: each(&|round| {
                (cpu_us(&round[ACROSS]) - cpu_us(&round[SAME])) * members
            })?,
            two_over_one: over(BOTH, ONE, per_second)?,
            two_over_one_cpu: over(BOTH, ONE, cpu_us)?,
        })
    }
}

impl Outcome for CrossReport {
    fn svg(&self) -> String {
        let ways = CLASSES.iter().zip(&self.ways);
        Latencies {
            head: format!(
                "A room of {} on one shard and on two: latency of a delivery",
                grouped(self.members as u64)
            ),
            caption: format!(
                "{}, rounds: {}; from when a message was due",
                self.load.words("messages"),
                self.rounds
            ),
            lines: ways
                .map(|(class, way)| {
                    // Four whole names do not fit side by side.
                    let name = way.name.replace("two shards, ", "");
                    (*class, name, &way.latency_ms.curve[..])
                })
                .collect(),
        }
        .svg()
    }
}

impl fmt::Display for CrossReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "a room of {} members, {}, {} bytes of text, rounds: {}",
            grouped(self.members as u64),
            self.load.words("messages"),
            grouped(self.payload_bytes as u64),
            self.rounds
        )?;
        writeln!(
            f,
            "cores: one shard on {}, two on {}, the generator on {}",
            self.one_core, self.two_cores, self.client_core
        )?;
        writeln!(
            f,
            "  {:32} {:>13} {:>9} {:>7} {:>9} {:>9}",
            "", "deliveries/s", "CPU us", "K", "p50 ms", "p99 ms"
        )?;
        for way in &self.ways {
            writeln!(
                f,
                "  {:32} {:>13} {:>9} {:>7} {:>9} {:>9}",
                way.name,
                grouped(way.deliveries_per_second as u64),
                rounded(Some(way.cpu_us_per_delivery)),
                rounded(Some(way.frames_per_read)),
                rounded(Some(way.latency_ms.p50)),
                rounded(Some(way.latency_ms.p99)),
            )?;
        }
        writeln!(f)?;
        for (what, it) in [
            ("one hop: CPU per delivery, across over same", &self.hop_cpu),
            ("one hop: median latency, across over same", &self.hop_p50),
            (
                "one hop: us of CPU time more per message",
                &self.hop_us_per_message,
            ),
            ("two shards over one: deliveries/s", &self.two_over_one),
            (
                "two shards over one: CPU per delivery",
                &self.two_over_one_cpu,
            ),
        ] {
            writeln!(
                f,
                "  {what:46} {:.2} (quartiles {:.2} to {:.2})",
                it.median, it.lower, it.upper
            )?;
        }
        if !self.generator_apart {
            writeln!(
                f,
                "  The generator shares a core with the server: the second shard has what it leaves."
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shard of each connection: the one with the fewest, and of two the first.
    fn placed(roles: &[Role]) -> Vec<(Role, usize)> {
        let mut shards = [0, 0];
        let places = roles.iter().map(|role| {
            let shard = usize::from(shards[1] < shards[0]);
            shards[shard] += 1;
            (*role, shard)
        });
        let placed = places.collect();
        assert_eq!(shards[0], shards[1], "the next room begins as this one did");
        placed
    }

    #[test]
    fn members_lie_on_the_shards_that_they_are_wanted_on() {
        for members in [2, 3, 10] {
            let same = placed(&roles_on_first(members));
            let shards_of = |placed: Vec<(Role, usize)>| -> Vec<usize> {
                let members = placed.into_iter().filter(|it| it.0 == Role::Member);
                members.map(|it| it.1).collect()
            };
            assert_eq!(shards_of(same), vec![0; members]);
            let across = shards_of(placed(&roles_across(members)));
            assert_eq!((across[0], across.len()), (0, members));
            assert!(across[1..].iter().all(|shard| *shard == 1));
        }
    }

    #[test]
    fn work_in_one_place_is_told_from_work_in_two() {
        assert!(second_over_first(&[1_000, 30, 5]) < ELSEWHERE);
        assert!(second_over_first(&[1_000, 700]) > ELSEWHERE);
        assert_eq!(second_over_first(&[7]), 0.0);
    }
}
