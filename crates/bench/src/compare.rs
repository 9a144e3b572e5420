//! Servers in turn, in short phases, as paired ratios.
//!
//! What a delivery costs on a machine that others use too varies by a factor of two within
//! minutes. Two servers measured within the same second meet the same conditions, so their ratio
//! holds still. Therefore all servers are up and connected from the start, each round visits
//! every cell of every server once for a fraction of a second in a shuffled order, and only the
//! ratio within a round is kept. Servers that are not being visited sleep.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::BenchError;
use crate::cpu::CpuClock;
use crate::fanout::seconds;
use crate::generator::{Generator, Load, Phase, Sample};
use crate::ledger::Layout;
use crate::pin::{self, Cores};
use crate::process::ServerProcess;
use crate::progress::Show;
use crate::stats::{Quartiles, Seeded};
use crate::tables::rounded;

/// What must hold for a comparison to pass: server, yardstick, messages in flight, highest ratio.
const CELLS: [Cell; 2] = [
    Cell {
        name: "one message at a time",
        yardstick: 1,
        outstanding: 1,
        limit: 1.20,
    },
    Cell {
        name: "32 messages in flight",
        yardstick: 2,
        outstanding: 32,
        limit: 1.35,
    },
];
/// Servers, in the order of their numbers.
const NAMES: [&str; 3] = ["parlour", "raw send loop", "raw coalesced"];
/// How far K may differ where nothing can be coalesced.
const SAME_K: f64 = 0.05;
/// Utilisation below which a phase says little: the server was kept from running.
const ENOUGH: f64 = 0.5;

struct Cell {
    name: &'static str,
    yardstick: usize,
    outstanding: usize,
    limit: f64,
}

/// Options of a comparison.
#[derive(Debug, Clone, clap::Args)]
pub struct CompareOptions {
    /// Members of the room.
    #[arg(long, default_value_t = 1_000)]
    pub members: usize,
    /// Bytes of a message's text.
    #[arg(long, default_value_t = 64, value_name = "BYTES")]
    pub payload: usize,
    /// Rounds: each gives one ratio per cell.
    #[arg(long, default_value_t = 15)]
    pub rounds: u32,
    /// Seconds per phase.
    #[arg(long, default_value = "0.4", value_parser = seconds, value_name = "SECONDS")]
    pub phase: Duration,
    /// Seconds before each phase that are not measured.
    #[arg(long, default_value = "0.05", value_parser = seconds, value_name = "SECONDS")]
    pub warmup: Duration,
    /// Seed of the order of phases.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Core of all servers [default: the first of two or more].
    #[arg(long, value_name = "CORE")]
    pub server_cores: Option<Cores>,
    /// Core of the generator [default: the second].
    #[arg(long, value_name = "CORE")]
    pub client_core: Option<Cores>,
    /// One more option for `parlour serve`. May be repeated.
    #[arg(long = "server-arg", value_name = "OPTION", allow_hyphen_values = true)]
    pub server_args: Vec<OsString>,
    /// Print one line of JSON, and no progress.
    #[arg(long)]
    pub json: bool,
}

/// How to start the servers.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The program that knows `serve`.
    pub parlour: PathBuf,
    /// The program that runs [`crate::baseline::run`], and its arguments up to `--mode`.
    pub raw: (PathBuf, Vec<OsString>),
}

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Members of the room.
    pub members: usize,
    /// Bytes of a message's text.
    pub payload_bytes: usize,
    /// Bytes of the frame that carries it, the same for all servers.
    pub frame_bytes: f64,
    /// Rounds.
    pub rounds: u32,
    /// Seed of the order of phases.
    pub seed: u64,
    /// The cells.
    pub cells: Vec<CellReport>,
    /// Whether all cells are within their limits.
    pub passed: bool,
}

/// One workload.
#[derive(Debug, Clone, Serialize)]
pub struct CellReport {
    /// What it is.
    pub name: &'static str,
    /// Messages in flight.
    pub outstanding: usize,
    /// The server's CPU time per delivery over the yardstick's, one value per round.
    pub ratio: Quartiles,
    /// Highest median that passes.
    pub limit: f64,
    /// Whether the median is within the limit.
    pub passed: bool,
    /// The server.
    pub server: Side,
    /// The yardstick.
    pub yardstick: Side,
}

/// One of the two that are compared: medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// Which server.
    pub name: &'static str,
    /// Microseconds of CPU time per delivery.
    pub cpu_us_per_delivery: f64,
    /// Lowest of all rounds.
    pub best_cpu_us_per_delivery: f64,
    /// Deliveries per second.
    pub deliveries_per_second: f64,
    /// K: frames per read of the generator.
    pub frames_per_read: f64,
    /// Cores that the server kept busy.
    pub utilisation: f64,
    /// Milliseconds until 99 of 100 deliveries.
    pub latency_p99_ms: f64,
    /// Share of the time in which the generator had something to do.
    pub generator_busy: f64,
}

/// A server that is up and connected.
struct Contender {
    // The generator goes first, so that its sockets are closed before the server ends.
    generator: Generator,
    clock: CpuClock,
    process: ServerProcess,
}

/// Runs it. The calling thread is the generator.
///
/// # Errors
/// As [`fanout::run`](crate::fanout::run); and [`BenchError::Unequal`] when the servers did not
/// do the same work.
pub fn run(options: &CompareOptions, programs: &Programs) -> Result<Comparison, BenchError> {
    if options.rounds == 0 || options.phase.is_zero() {
        return Err(BenchError::Options(
            "--rounds and --phase must be above 0".into(),
        ));
    }
    let show = Show::for_people(options.json);
    pin::allow_files(3 * options.members as u64 + 64)?;
    let usual = pin::usual();
    let chosen = |given: &Option<Cores>, usual: Option<&Cores>| {
        given.clone().or_else(|| usual.cloned()).ok_or_else(|| {
            BenchError::Options(
                "a comparison needs two cores: one for the servers, one for the generator".into(),
            )
        })
    };
    let server_cores = chosen(&options.server_cores, usual.as_ref().map(|cores| &cores.0))?;
    let client_core = chosen(&options.client_core, usual.as_ref().map(|cores| &cores.1))?;
    let _pinned = client_core.pin()?;

    let mut contenders = Vec::new();
    for process in start(options, programs, &server_cores)? {
        contenders.push(Contender::connect(process, options, show)?);
    }
    let rounds = visit(&mut contenders, options, show)?;
    Comparison::of(options, &rounds)
}

fn start(
    options: &CompareOptions,
    programs: &Programs,
    cores: &Cores,
) -> Result<Vec<ServerProcess>, BenchError> {
    let raw = |mode: &str| {
        let (program, arguments) = &programs.raw;
        let more = ["--mode", mode, "--addr", "127.0.0.1:0"].map(OsString::from);
        ServerProcess::start(program, Some(cores), |_| {
            arguments.iter().cloned().chain(more).collect()
        })
    };
    let parlour = ServerProcess::parlour(&programs.parlour, &options.server_args, Some(cores))?;
    Ok(vec![parlour, raw("plain")?, raw("coalesced")?])
}

impl Contender {
    fn connect(
        process: ServerProcess,
        options: &CompareOptions,
        show: Show,
    ) -> Result<Self, BenchError> {
        let layout = Layout {
            members: options.members,
            rooms: 1,
            publishers: 1,
            idle: 0,
        };
        let generator = Generator::open(process.target(), layout, options.payload, show)?;
        Ok(Self {
            generator,
            clock: process.clock()?,
            process,
        })
    }

    fn visit(&mut self, cell: &Cell, options: &CompareOptions) -> Result<Sample, BenchError> {
        let load = Load::Outstanding(cell.outstanding);
        let phase = Phase {
            load,
            warm_up: options.warmup,
            duration: options.phase,
        };
        let sample = self
            .generator
            .run(&phase, Some(&self.clock), Show::nothing());
        sample.map_err(|error| match error {
            BenchError::Closed { connection, why } => BenchError::Closed {
                connection,
                why: format!("{why}; its log ends with:\n{}", self.process.last_words()),
            },
            other => other,
        })
    }
}

/// One round: for each cell a sample of the server and one of its yardstick.
type Round = [[Sample; 2]; CELLS.len()];

fn visit(
    contenders: &mut [Contender],
    options: &CompareOptions,
    show: Show,
) -> Result<Vec<Round>, BenchError> {
    let bar = show.count("rounds", options.rounds as usize);
    let mut order = Seeded::new(options.seed);
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let mut visits: Vec<(usize, usize)> = (0..CELLS.len())
            .flat_map(|cell| [(cell, 0), (cell, 1)])
            .collect();
        order.shuffle(&mut visits);
        let mut samples: [[Option<Sample>; 2]; CELLS.len()] = Default::default();
        for (cell, side) in visits {
            let contender = if side == 0 { 0 } else { CELLS[cell].yardstick };
            samples[cell][side] = Some(contenders[contender].visit(&CELLS[cell], options)?);
            for contender in &mut *contenders {
                contender.generator.service(Duration::ZERO)?;
            }
        }
        rounds.push(samples.map(|pair| pair.map(|sample| sample.expect("every visit was made"))));
        bar.inc(1);
    }
    Ok(rounds)
}

impl Comparison {
    fn of(options: &CompareOptions, rounds: &[Round]) -> Result<Self, BenchError> {
        let frame_bytes = equal_frames(rounds.iter().flatten().flatten())?;
        let cells: Vec<CellReport> = CELLS
            .iter()
            .enumerate()
            .map(|(index, cell)| {
                let pairs: Vec<&[Sample; 2]> = rounds.iter().map(|round| &round[index]).collect();
                CellReport::of(cell, &pairs)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            members: options.members,
            payload_bytes: options.payload,
            frame_bytes,
            rounds: options.rounds,
            seed: options.seed,
            passed: cells.iter().all(|cell| cell.passed),
            cells,
        })
    }

    /// The comparison as JSON in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and strings always become JSON")
    }
}

/// Bytes per frame, which must be the same everywhere.
fn equal_frames<'a>(samples: impl Iterator<Item = &'a Sample>) -> Result<f64, BenchError> {
    let mut known: Option<f64> = None;
    for sample in samples {
        let bytes = sample.bytes as f64 / sample.deliveries.max(1) as f64;
        let first = *known.get_or_insert(bytes);
        if first != bytes {
            return Err(BenchError::Unequal(format!(
                "one server sends {first} bytes per message and another {bytes}"
            )));
        }
    }
    known.ok_or_else(|| BenchError::Unequal("nothing was measured".into()))
}

impl CellReport {
    fn of(cell: &Cell, pairs: &[&[Sample; 2]]) -> Result<Self, BenchError> {
        let unknown = || BenchError::Unequal("the server's run time is not known".into());
        let ratios: Option<Vec<f64>> = pairs
            .iter()
            .map(|[server, yardstick]| {
                Some(server.cpu_per_delivery()? / yardstick.cpu_per_delivery()?.max(1e-9))
            })
            .collect();
        let ratio = ratios
            .and_then(|ratios| Quartiles::of(&ratios))
            .ok_or_else(unknown)?;
        let side = |index: usize, name| {
            let samples: Vec<&Sample> = pairs.iter().map(|pair| &pair[index]).collect();
            Side::of(name, &samples).ok_or_else(unknown)
        };
        let server = side(0, NAMES[0])?;
        let yardstick = side(1, NAMES[cell.yardstick])?;
        let (ours, theirs) = (server.frames_per_read, yardstick.frames_per_read);
        if cell.outstanding == 1 && (ours / theirs - 1.0).abs() > SAME_K {
            return Err(BenchError::Unequal(format!(
                "with one message in flight K is {ours:.2} here and {theirs:.2} there"
            )));
        }
        let passed = ratio.median <= cell.limit;
        let (name, outstanding, limit) = (cell.name, cell.outstanding, cell.limit);
        Ok(Self {
            name,
            outstanding,
            ratio,
            limit,
            passed,
            server,
            yardstick,
        })
    }
}

impl Side {
    fn of(name: &'static str, samples: &[&Sample]) -> Option<Self> {
        let all = |value: &dyn Fn(&Sample) -> Option<f64>| {
            samples
                .iter()
                .map(|sample| value(sample))
                .collect::<Option<Vec<f64>>>()
        };
        let median =
            |value: &dyn Fn(&Sample) -> Option<f64>| Some(Quartiles::of(&all(value)?)?.median);
        Some(Self {
            name,
            cpu_us_per_delivery: median(&Sample::cpu_per_delivery)?,
            best_cpu_us_per_delivery: all(&Sample::cpu_per_delivery)?
                .into_iter()
                .fold(f64::INFINITY, f64::min),
            deliveries_per_second: median(&|sample| {
                Some(sample.deliveries as f64 / sample.elapsed.as_secs_f64())
            })?,
            frames_per_read: median(&|sample| Some(sample.frames_per_read()))?,
            utilisation: median(&Sample::cores_used)?,
            latency_p99_ms: median(&|sample| {
                Some(sample.latency.value_at_quantile(0.99) as f64 / 1e6)
            })?,
            generator_busy: median(&|sample| Some(sample.busy))?,
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "room of {} members, {} rounds, frames of {} bytes; medians, CPU in us per delivery",
            self.members, self.rounds, self.frame_bytes
        )?;
        for cell in &self.cells {
            writeln!(f, "\n{}", cell.name)?;
            writeln!(
                f,
                "  {:14} {:>7} {:>7} {:>12} {:>7} {:>6} {:>8} {:>9}",
                "", "CPU", "best", "deliveries/s", "K", "util.", "p99 ms", "gen. busy"
            )?;
            for side in [&cell.server, &cell.yardstick] {
                side.write(f)?;
            }
            let ratio = &cell.ratio;
            writeln!(
                f,
                "  ratio {:.3} (quartiles {:.3} to {:.3}), limit {:.2}: {}",
                ratio.median,
                ratio.lower,
                ratio.upper,
                cell.limit,
                if cell.passed { "pass" } else { "FAIL" }
            )?;
        }
        Ok(())
    }
}

impl Side {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value| rounded(Some(value));
        writeln!(
            f,
            "  {:14} {:>7} {:>7} {:>12} {:>7} {:>6} {:>8} {:>9}{}",
            self.name,
            number(self.cpu_us_per_delivery),
            number(self.best_cpu_us_per_delivery),
            number(self.deliveries_per_second),
            number(self.frames_per_read),
            number(self.utilisation),
            number(self.latency_p99_ms),
            number(self.generator_busy),
            if self.utilisation < ENOUGH {
                "  (kept from running: trust it less)"
            } else {
                ""
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;

    fn sample(cpu_us_per_delivery: f64, bytes_per_frame: u64, reads: u64) -> Sample {
        Sample {
            messages: 1,
            deliveries: 1_000,
            bytes: 1_000 * bytes_per_frame,
            reads,
            elapsed: Duration::from_millis(10),
            cpu: Some(Duration::from_secs_f64(cpu_us_per_delivery / 1e3)),
            busy: 0.1,
            latency: Histogram::new(3).unwrap(),
        }
    }

    fn report(cell: &Cell, pairs: &[[Sample; 2]]) -> Result<CellReport, BenchError> {
        CellReport::of(cell, &pairs.iter().collect::<Vec<_>>())
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The machine slows down threefold; each round's ratio stays.
        let rounds =
            [1.0, 2.0, 3.0].map(|slow| [sample(1.1 * slow, 9, 1_000), sample(slow, 9, 1_000)]);
        let report = report(&CELLS[0], &rounds).unwrap();
        assert!(
            (report.ratio.median - 1.1).abs() < 1e-3 && report.passed,
            "{report:?}"
        );
        assert!((report.ratio.upper - report.ratio.lower).abs() < 1e-3);
    }

    #[test]
    fn the_limit_is_a_gate() {
        let rounds = [[sample(1.21, 9, 1_000), sample(1.0, 9, 1_000)]];
        assert!(!report(&CELLS[0], &rounds).unwrap().passed);
        assert!(report(&CELLS[1], &rounds).unwrap().passed);
    }

    #[test]
    fn unequal_work_is_not_compared() {
        let coalescing = [[sample(1.0, 9, 500), sample(1.0, 9, 1_000)]];
        assert!(
            report(&CELLS[0], &coalescing).is_err(),
            "K of 2 against 1 with one in flight"
        );
        assert!(
            report(&CELLS[1], &coalescing).is_ok(),
            "with 32 in flight each has its own K"
        );
        assert!(equal_frames([&sample(1.0, 9, 1), &sample(1.0, 10, 1)].into_iter()).is_err());
        assert_eq!(equal_frames([&sample(1.0, 9, 1)].into_iter()).unwrap(), 9.0);
    }
}
