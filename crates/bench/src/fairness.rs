//! `parlour bench fanout --quiet-room`: does a room notice that another one is flooded?
//!
//! The quiet room has a publisher of its own, at a low rate. In turn it is alone, and beside a large
//! room that is flooded. Both are driven by one thread, which looks at a few of the large room's
//! sockets and then at all of the quiet one's, so that the generator adds little of its own; how
//! long it does not look is part of the result.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::BenchError;
use crate::fanout::FanoutOptions;
use crate::generator::Load;
use crate::measured::Measured;
use crate::output::Outcome;
use crate::pin;
use crate::plot::Latencies;
use crate::progress::Show;
use crate::report::{Latency, LoadReport, latencies};
use crate::room_load::{Opening, Role, RoomLoad, RoomSample, WINDOW};
use crate::stats::{Quartiles, Seeded};
use crate::tables::{Facts, grouped, rounded};

/// Highest p99 of the quiet room beside the flood, over its p99 alone.
const LIMIT: f64 = 2.0;
/// Sockets of the large room between two looks at the quiet one.
const EVENTS: usize = 16;
/// Messages of the flood that are on their way, unless told otherwise.
const FLOOD: usize = 32;
const AT_ONCE: usize = 256;

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct FairnessReport {
    /// The door that was measured.
    pub url: String,
    /// Members of the large room.
    pub members: usize,
    /// How it is flooded.
    pub flood: LoadReport,
    /// Deliveries per second in it: the median.
    pub flood_deliveries_per_second: f64,
    /// Members of the quiet room.
    pub quiet_members: usize,
    /// Messages per second in it.
    pub quiet_rate: f64,
    /// Bytes of a message's text.
    pub payload_bytes: usize,
    /// Rounds.
    pub rounds: u32,
    /// Latency in the quiet room while nothing else happens, of all rounds.
    pub alone_ms: Latency,
    /// And while the large room is flooded.
    pub flooded_ms: Latency,
    /// The quiet room's p99 beside the flood over its p99 alone, one value per round.
    pub ratio: Quartiles,
    /// Highest median that passes.
    pub limit: f64,
    /// Whether the median is within the limit.
    pub passed: bool,
    /// For how long the generator does not look at the quiet room beside the flood, in milliseconds,
    /// at 99 of 100 instants: so much of the latency may be its own.
    pub generator_look_p99_ms: f64,
    /// Cores of the server, core of the generator; absent if they are not apart.
    pub cores: Option<[String; 2]>,
}

/// One round: the quiet room alone and beside the flood, and the flood.
struct Round {
    alone: RoomSample,
    flooded: RoomSample,
    flood: RoomSample,
}

/// Runs it.
///
/// # Errors
/// As [`fanout::run`](crate::fanout::run).
pub fn run(options: &FanoutOptions) -> Result<FairnessReport, BenchError> {
    let (_, load) = options.plan()?;
    let load = match load {
        Load::Outstanding(_) if options.outstanding.is_none() => Load::Outstanding(FLOOD),
        Load::Outstanding(most) if most > WINDOW => {
            return Err(BenchError::Options(format!(
                "--outstanding {most}: one publisher may have {WINDOW} on their way"
            )));
        }
        load => load,
    };
    let quiet = options.quiet_room.unwrap_or(0);
    pin::allow_files((options.members + quiet) as u64 + 64)?;
    let measured = Measured::start(&options.server)?;
    let show = options.output.show();
    let visit = visit(options, load, &measured, show);
    let (rounds, looks) = visit.map_err(|error| measured.explain(error))?;
    FairnessReport::of(options, load, &measured, &rounds, &looks)
}

fn visit(
    options: &FanoutOptions,
    load: Load,
    measured: &Measured,
    show: Show,
) -> Result<(Vec<Round>, Histogram<u64>), BenchError> {
    let run = RandomState::new().build_hasher().finish() as u32;
    let open = |name: &str, members: usize, events: usize| {
        let opening = Opening {
            name: &format!("bench-{run:08x}-{name}"),
            roles: &vec![Role::Member; members],
            at_once: AT_ONCE,
            payload: options.payload,
            events,
        };
        RoomLoad::open(&measured.target, &opening, show)
    };
    let quiet_members = options.quiet_room.unwrap_or(1);
    let mut pair = Pair {
        large: open("large", options.members, EVENTS)?,
        quiet: open("quiet", quiet_members, quiet_members.max(1))?,
        looks: latencies(),
    };
    let quiet = Load::Rate(options.quiet_rate);
    let bar = show.count("rounds", options.rounds as usize);
    let mut order = Seeded::new(1);
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let mut turns = [true, false];
        order.shuffle(&mut turns);
        let (mut alone, mut both) = (None, None);
        for is_flooded in turns {
            let flood = is_flooded.then_some(load);
            if !options.warmup.is_zero() {
                pair.phase(quiet, flood, options.warmup)?;
            }
            let (sample, flood) = pair.phase(quiet, flood, options.duration)?;
            match flood {
                Some(flood) => both = Some((sample, flood)),
                None => alone = Some(sample),
            }
        }
        let (flooded, flood) = both.expect("every round has both phases");
        rounds.push(Round {
            alone: alone.expect("every round has both phases"),
            flooded,
            flood,
        });
        bar.inc(1);
    }
    Ok((rounds, pair.looks))
}

struct Pair {
    large: RoomLoad,
    quiet: RoomLoad,
    /// Nanoseconds between two looks at the quiet room, beside the flood, by their share of the time.
    looks: Histogram<u64>,
}

impl Pair {
    fn phase(
        &mut self,
        quiet: Load,
        flood: Option<Load>,
        duration: Duration,
    ) -> Result<(RoomSample, Option<RoomSample>), BenchError> {
        self.large
            .begin(flood.unwrap_or(Load::Outstanding(0)), duration);
        self.quiet.begin(quiet, duration);
        let mut looked = Instant::now();
        loop {
            let is_quiet_over = self.quiet.step()?;
            let now = Instant::now();
            if flood.is_some() {
                // By time: a message comes at any instant, and rather into a long wait.
                let since = (now - looked).as_nanos() as u64;
                self.looks.saturating_record_n(since, since / 1_000);
            }
            looked = now;
            // Alone this only answers pings.
            let is_flood_over = self.large.step()?;
            if is_quiet_over && is_flood_over {
                return Ok((self.quiet.sample(), flood.map(|_| self.large.sample())));
            }
        }
    }
}

impl FairnessReport {
    fn of(
        options: &FanoutOptions,
        load: Load,
        measured: &Measured,
        rounds: &[Round],
        looks: &Histogram<u64>,
    ) -> Result<Self, BenchError> {
        let nothing =
            || BenchError::Unequal("the quiet room had no message: raise --duration".into());
        if rounds
            .iter()
            .any(|it| it.alone.deliveries == 0 || it.flooded.deliveries == 0)
        {
            return Err(nothing());
        }
        let ratio = ratio(rounds).ok_or_else(nothing)?;
        let of_all = |side: fn(&Round) -> &RoomSample| {
            let mut all = latencies();
            for round in rounds {
                // All have the same bounds.
                let _ = all.add(&side(round).latency);
            }
            Latency::of_nanoseconds(&all)
        };
        let floods: Vec<f64> = rounds.iter().map(|it| it.flood.per_second()).collect();
        Ok(Self {
            url: measured.target.to_string(),
            members: options.members,
            flood: LoadReport::from(load),
            flood_deliveries_per_second: Quartiles::of(&floods).map_or(0.0, |it| it.median),
            quiet_members: options.quiet_room.unwrap_or(0),
            quiet_rate: options.quiet_rate,
            payload_bytes: options.payload,
            rounds: options.rounds,
            alone_ms: of_all(|it| &it.alone),
            flooded_ms: of_all(|it| &it.flooded),
            ratio,
            limit: LIMIT,
            passed: ratio.median <= LIMIT,
            generator_look_p99_ms: looks.value_at_quantile(0.99) as f64 / 1e6,
            cores: measured.cores.clone(),
        })
    }
}

fn ratio(rounds: &[Round]) -> Option<Quartiles> {
    let ratios = rounds.iter();
    let ratios: Vec<f64> = ratios
        .map(|it| it.flooded.p99_ms() / it.alone.p99_ms().max(1e-6))
        .collect();
    Quartiles::of(&ratios)
}

impl Outcome for FairnessReport {
    fn svg(&self) -> String {
        Latencies {
            head: format!(
                "A quiet room of {} beside a flooded one of {}",
                grouped(self.quiet_members as u64),
                grouped(self.members as u64)
            ),
            caption: format!(
                "latency in the quiet room; {} messages/s there, {} in the other",
                rounded(Some(self.quiet_rate)),
                self.flood.words("messages")
            ),
            lines: vec![
                ("raw", "alone".into(), &self.alone_ms.curve),
                ("parlour", "beside the flood".into(), &self.flooded_ms.curve),
            ],
        }
        .svg()
    }

    fn failures(&self) -> Vec<String> {
        if self.passed {
            return Vec::new();
        }
        vec![format!(
            "p99 beside the flood over p99 alone is {:.2} (quartiles {:.2} to {:.2}), and may be {:.2}",
            self.ratio.median, self.ratio.lower, self.ratio.upper, self.limit
        )]
    }
}

impl fmt::Display for FairnessReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: a quiet room of {} with {} messages/s, and one of {} with {}; rounds: {}",
            self.url,
            grouped(self.quiet_members as u64),
            rounded(Some(self.quiet_rate)),
            grouped(self.members as u64),
            self.flood.words("messages"),
            self.rounds
        )?;
        writeln!(
            f,
            "  {:22} {:>9} {:>9} {:>9}",
            "latency, ms", "p50", "p99", "max"
        )?;
        for (name, it) in [
            ("quiet room, alone", &self.alone_ms),
            ("beside the flood", &self.flooded_ms),
        ] {
            let [p50, p99, max] = [it.p50, it.p99, it.max].map(|it| rounded(Some(it)));
            writeln!(f, "  {name:22} {p50:>9} {p99:>9} {max:>9}")?;
        }
        writeln!(f)?;
        let mut facts = Facts::default();
        facts.add(
            "flood, deliveries/s",
            grouped(self.flood_deliveries_per_second as u64),
            "each seen once, in order, none missing",
        );
        facts.add(
            "generator looks away, ms",
            rounded(Some(self.generator_look_p99_ms)),
            "p99: so much of the latency may be its own",
        );
        facts.write(f)?;
        if self.cores.is_none() {
            writeln!(
                f,
                "  NOT APART: server and generator may disturb each other"
            )?;
        }
        writeln!(
            f,
            "\n  p99 beside the flood over p99 alone: {:.2} (quartiles {:.2} to {:.2}), limit {:.2}: {}",
            self.ratio.median,
            self.ratio.lower,
            self.ratio.upper,
            self.limit,
            if self.passed { "pass" } else { "OVER" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_of_the_same_round() {
        let sample = |millis: u64| {
            let mut latency = latencies();
            latency.record(millis * 1_000_000).unwrap();
            RoomSample {
                deliveries: 1,
                reads: 1,
                elapsed: Duration::from_secs(1),
                latency,
            }
        };
        let round = |alone, flooded| Round {
            alone: sample(alone),
            flooded: sample(flooded),
            flood: sample(1),
        };
        let ratio = ratio(&[round(1, 2), round(10, 20), round(100, 200)]).unwrap();
        assert!((ratio.lower - 2.0).abs() < 0.01 && (ratio.upper - 2.0).abs() < 0.01);
    }
}
