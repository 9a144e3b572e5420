//! `parlour bench connect`: how fast newcomers are let in, and what each of them costs.
//!
//! A newcomer connects, upgrades and is in a room when the server has said so. With the ticket
//! request it asks for its ticket first, on a connection of its own as somebody does who has just
//! come; without, the ticket is there before. Both ways have their turns in every round.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::BenchError;
use crate::cpu::CpuClock;
use crate::crowd::{Crowd, DIALECT, Happened};
use crate::generator::PATIENCE;
use crate::handshake::Handshake;
use crate::measured::{Measured, ServerOptions};
use crate::output::{Outcome, Output};
use crate::pin;
use crate::plot::Latencies;
use crate::progress::Show;
use crate::report::{Latency, latencies};
use crate::stats::{Quartiles, Seeded};
use crate::tables::{grouped, rounded};
use crate::tickets::Tickets;

/// Sockets that one poll reports at most.
const EVENTS: usize = 256;
const TURN: Duration = Duration::from_millis(20);
/// Most newcomers of a phase: their tickets must be outstanding together.
const MAX_CONNECTIONS: usize = 5_000;
/// Rest after the last one is in, so that the server's books are closed.
const SETTLE: Duration = Duration::from_millis(5);

/// Options of a run.
#[derive(Debug, Clone, clap::Args)]
pub struct ConnectOptions {
    /// Newcomers per phase; all of them leave before the next phase.
    #[arg(long, default_value_t = 2_000)]
    pub connections: usize,
    /// Newcomers on their way at once: the next sets out when one is in.
    #[arg(long, default_value_t = 256, value_name = "CONNECTIONS")]
    pub in_flight: usize,
    /// Rounds: each has a phase with the ticket request and one without, in shuffled order.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Seed of the order of phases.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the result goes.
    #[command(flatten)]
    pub output: Output,
    /// The server to measure.
    #[command(flatten)]
    pub server: ServerOptions,
}

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectReport {
    /// The door that was measured.
    pub url: String,
    /// Newcomers per phase.
    pub connections: usize,
    /// On their way at once.
    pub in_flight: usize,
    /// Rounds.
    pub rounds: u32,
    /// Their tickets were there before.
    pub without_ticket: Way,
    /// They asked for a ticket first.
    pub with_ticket: Way,
    /// Whether the kernel's network thread is in the CPU times; absent if there are none.
    pub softirq_counted: Option<bool>,
    /// Cores of the server, core of the generator; absent if they are not apart.
    pub cores: Option<[String; 2]>,
}

/// One way in.
#[derive(Debug, Clone, Serialize)]
pub struct Way {
    /// Newcomers per second, one value per round.
    pub per_second: Quartiles,
    /// Microseconds of the server per newcomer, one value per round, if its process is known.
    pub cpu_us: Option<Quartiles>,
    /// From `connect()` until the server has said that it is in the room.
    pub joined_ms: Latency,
}

/// One phase.
struct Sample {
    elapsed: Duration,
    cpu: Option<Duration>,
    joined: Histogram<u64>,
}

/// Runs it.
///
/// # Errors
/// When options contradict each other, or the server does not start or refuses.
pub fn run(options: &ConnectOptions) -> Result<ConnectReport, BenchError> {
    let wrong = |why: String| Err(BenchError::Options(why));
    if !(1..=MAX_CONNECTIONS).contains(&options.connections) {
        return wrong(format!(
            "--connections must be 1 to {MAX_CONNECTIONS}: for more of them raise --rounds"
        ));
    }
    if options.in_flight == 0 || options.rounds == 0 {
        return wrong("--in-flight and --rounds must be above 0".into());
    }
    pin::allow_files(2 * options.connections as u64 + 64)?;
    let measured = Measured::start_with(&options.server, &["--ticket-ttl=1m"])?;
    let phases = visit(options, &measured).map_err(|error| measured.explain(error))?;
    let way = |is_asked| {
        let own: Vec<&Sample> = (phases.iter())
            .filter(|(asked, _)| *asked == is_asked)
            .map(|(_, sample)| sample)
            .collect();
        Way::of(&own, options.connections)
    };
    Ok(ConnectReport {
        url: measured.target.to_string(),
        connections: options.connections,
        in_flight: options.in_flight,
        rounds: options.rounds,
        without_ticket: way(false),
        with_ticket: way(true),
        softirq_counted: (measured.clock.as_ref()).map(CpuClock::counts_softirq),
        cores: measured.cores.clone(),
    })
}

fn visit(options: &ConnectOptions, measured: &Measured) -> Result<Vec<(bool, Sample)>, BenchError> {
    let mut door = Door {
        crowd: Crowd::new(measured.target.clone(), EVENTS)?,
        room: format!(
            "bench-{:08x}",
            RandomState::new().build_hasher().finish() as u32
        ),
        measured,
        show: options.output.show(),
    };
    // What is needed only once is there before the first phase.
    door.phase(
        options.connections.min(options.in_flight),
        options.in_flight,
        true,
    )?;
    let bar = door.show.count("rounds", options.rounds as usize);
    let mut order = Seeded::new(options.seed);
    let mut phases = Vec::new();
    for _ in 0..options.rounds {
        let mut turns = [true, false];
        order.shuffle(&mut turns);
        for is_asked in turns {
            let sample = door.phase(options.connections, options.in_flight, is_asked)?;
            phases.push((is_asked, sample));
        }
        bar.inc(1);
    }
    Ok(phases)
}

struct Door<'a> {
    crowd: Crowd,
    room: String,
    measured: &'a Measured,
    show: Show,
}

impl Door<'_> {
    /// Lets so many in, and out again.
    fn phase(
        &mut self,
        count: usize,
        in_flight: usize,
        is_asked: bool,
    ) -> Result<Sample, BenchError> {
        let mut tickets = Vec::new();
        if !is_asked {
            let mut door = Tickets::new(self.crowd.target.clone());
            for number in 0..count {
                tickets.push(door.next(count - number)?);
            }
        }
        let before = self.measured.run_time()?;
        let began = Instant::now();
        let joined = self.let_in(count, in_flight, &tickets)?;
        let elapsed = began.elapsed();
        std::thread::sleep(SETTLE);
        let cpu = self.measured.run_time_since(before.as_ref())?;
        self.crowd.close()?;
        Ok(Sample {
            elapsed,
            cpu,
            joined,
        })
    }

    /// Who has no ticket asks for one.
    fn let_in(
        &mut self,
        count: usize,
        in_flight: usize,
        tickets: &[String],
    ) -> Result<Histogram<u64>, BenchError> {
        let mut joined = latencies();
        // When each newcomer set out, and which of them each connection is.
        let (mut set_out, mut who) = (Vec::new(), Vec::new());
        let mut last = Instant::now();
        while (joined.len() as usize) < count {
            while set_out.len() < count && set_out.len() - (joined.len() as usize) < in_flight {
                who.push(set_out.len());
                match tickets.get(set_out.len()) {
                    Some(ticket) => self.open(ticket)?,
                    None => self.crowd.ask()?,
                };
                set_out.push(Instant::now());
            }
            let (mut given, before) = (Vec::new(), joined.len());
            self.crowd.turn(TURN, |number, happened, _| {
                match happened {
                    Happened::Ticket(ticket) => given.push((who[number], ticket)),
                    Happened::Text(text) if text.starts_with(br#"{"t":"joined""#) => {
                        let took = set_out[who[number]].elapsed().as_nanos() as u64;
                        joined.saturating_record(took);
                    }
                    Happened::Text(text) if text.starts_with(br#"{"t":"error""#) => {
                        return Err(BenchError::refused(number, text));
                    }
                    Happened::Ended(why) => return Err(BenchError::closed(number, why)),
                    _ => {}
                }
                Ok(())
            })?;
            if joined.len() > before || !given.is_empty() {
                last = Instant::now();
            } else if last.elapsed() > PATIENCE {
                return Err(BenchError::Join {
                    missing: count - joined.len() as usize,
                    members: count,
                    seconds: PATIENCE.as_secs(),
                });
            }
            for (newcomer, ticket) in given {
                who.push(newcomer);
                self.open(&ticket)?;
            }
        }
        Ok(joined)
    }

    fn open(&mut self, ticket: &str) -> Result<usize, BenchError> {
        let target = &self.crowd.target;
        let handshake = Handshake::into_room(target, ticket, Some(DIALECT), &self.room);
        self.crowd.open(handshake)
    }
}

impl Way {
    fn of(samples: &[&Sample], connections: usize) -> Self {
        let per_second = samples.iter();
        let per_second: Vec<f64> = per_second
            .map(|sample| connections as f64 / sample.elapsed.as_secs_f64())
            .collect();
        let cpu: Option<Vec<f64>> = (samples.iter())
            .map(|sample| Some(sample.cpu?.as_secs_f64() * 1e6 / connections as f64))
            .collect();
        let mut joined = latencies();
        for sample in samples {
            // All have the same bounds.
            let _ = joined.add(&sample.joined);
        }
        Self {
            per_second: Quartiles::of(&per_second).expect("there is a round at least"),
            cpu_us: cpu.and_then(|cpu| Quartiles::of(&cpu)),
            joined_ms: Latency::of_nanoseconds(&joined),
        }
    }
}

impl Outcome for ConnectReport {
    fn svg(&self) -> String {
        Latencies {
            head: "Newcomers: from connect() until they are in their room".into(),
            caption: format!(
                "{} on their way at once, {} per phase, rounds: {}",
                grouped(self.in_flight as u64),
                grouped(self.connections as u64),
                self.rounds
            ),
            lines: vec![
                (
                    "parlour",
                    "with a ticket".into(),
                    &self.without_ticket.joined_ms.curve,
                ),
                (
                    "other",
                    "asking for the ticket first".into(),
                    &self.with_ticket.joined_ms.curve,
                ),
            ],
        }
        .svg()
    }
}

impl fmt::Display for ConnectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} newcomers per phase, {} on their way at once, rounds: {}",
            self.url,
            grouped(self.connections as u64),
            grouped(self.in_flight as u64),
            self.rounds
        )?;
        writeln!(
            f,
            "  {:28} {:>12} {:>21} {:>9} {:>9} {:>9}",
            "", "in per second", "server CPU, us each", "p50 ms", "p99 ms", "max ms"
        )?;
        for (name, way) in [
            ("the ticket is there", &self.without_ticket),
            ("asking for the ticket first", &self.with_ticket),
        ] {
            let cpu = match way.cpu_us {
                Some(it) => format!("{:.1} ({:.1}–{:.1})", it.median, it.lower, it.upper),
                None => "not known".into(),
            };
            writeln!(
                f,
                "  {name:28} {:>13} {cpu:>21} {:>9} {:>9} {:>9}",
                grouped(way.per_second.median as u64),
                rounded(Some(way.joined_ms.p50)),
                rounded(Some(way.joined_ms.p99)),
                rounded(Some(way.joined_ms.max)),
            )?;
        }
        match (self.softirq_counted, &self.cores) {
            (None, _) => writeln!(f, "  the CPU time needs the server's process: --pid"),
            (_, None) => writeln!(
                f,
                "  NOT APART: server and generator may disturb each other"
            ),
            (Some(false), _) => writeln!(
                f,
                "  without the kernel's network thread, which cannot be seen here"
            ),
            (Some(true), _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_per_newcomer_and_round() {
        let sample = |millis: u64, cpu_us: Option<u64>| {
            let mut joined = latencies();
            joined.record(millis * 1_000_000).unwrap();
            Sample {
                elapsed: Duration::from_millis(millis),
                cpu: cpu_us.map(Duration::from_micros),
                joined,
            }
        };
        let (one, other) = (sample(100, Some(3_000)), sample(200, Some(5_000)));
        let way = Way::of(&[&one, &other], 100);
        assert_eq!((way.per_second.lower, way.per_second.upper), (625.0, 875.0));
        assert_eq!(way.cpu_us.unwrap().median, 40.0);
        assert!(way.joined_ms.max > 199.0);
        let unknown = sample(100, None);
        assert!(Way::of(&[&one, &unknown], 100).cpu_us.is_none());
    }
}
