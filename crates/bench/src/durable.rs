//! `parlour bench durable`: acknowledged publishes per second against the time that an
//! acknowledgement takes, beside a bare append+fsync loop and beside Redis Streams.
//!
//! What a sync costs on a disk that others use too varies by a factor of ten within seconds.
//! Therefore all contenders are up from the start and each round visits every cell of every
//! contender once, in a shuffled order; what counts is the ratio within a round.

mod append;
mod contender;
mod driver;
pub(crate) mod machine;
mod parlour;
mod pipe;
mod plot;
mod redis;
mod report;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll};

use crate::BenchError;
use crate::durable::contender::{Contender, Contenders};
use crate::durable::driver::{Step, WINDOW};
use crate::fanout::{MAX_RATE, seconds};
use crate::generator::Load;
use crate::output::Output;
use crate::pin;
use crate::progress::Show;
use crate::stats::Seeded;

pub use contender::System;
pub use machine::Machine;
pub use plot::svg;
pub use report::{Beside, Cell, DurableReport, Figures, Price};

/// Entries that every contender keeps of a room; more than a run of usual length publishes to one.
pub(crate) const KEPT_ENTRIES: u64 = 100_000;
/// Most rooms: the publishers of a run are in all of them.
const MAX_ROOMS: u32 = 10_000;
const MAX_PUBLISHERS: usize = 256;
const MAX_PAYLOAD: usize = 16_384;

/// Options of a durable run.
#[derive(Debug, Clone, clap::Args)]
pub struct DurableOptions {
    /// Numbers of rooms. Each gets a curve of its own: with one room all entries of a commit are one
    /// row on disk, with a thousand nearly each is one by itself.
    #[arg(long, default_value = "1,10,1000", value_name = "LIST")]
    pub rooms: Numbers,
    /// Connections that publish, each in its share of the rooms. A room's entries also go back to all
    /// publishers that are in it.
    #[arg(long, default_value_t = 4)]
    pub publishers: usize,
    /// Closed loops: so many publishes are on their way in all, and the next is sent when one is
    /// acknowledged. At most 64 per publisher.
    #[arg(long, default_value = "1,4,16,64,256", value_name = "LIST")]
    pub outstanding: Numbers,
    /// Open loops: so many publishes per second in all, each timed from the instant at which it was
    /// due, so that waiting behind a slow sync is not hidden. `none` for none.
    #[arg(long, default_value = "300,3000", value_name = "LIST")]
    pub rates: Numbers,
    /// Bytes of a message's text.
    #[arg(long, default_value_t = 256, value_name = "BYTES")]
    pub payload: usize,
    /// Rounds: each visits everything once and gives one ratio per line of the table.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Seconds per visit.
    #[arg(long, default_value = "1", value_parser = seconds, value_name = "SECONDS")]
    pub phase: Duration,
    /// Seconds of each visit before that, which are not measured.
    #[arg(long, default_value = "0.2", value_parser = seconds, value_name = "SECONDS")]
    pub warmup: Duration,
    /// Folder on the disk to measure; everything is written beneath it and removed afterwards
    /// [default: the current one].
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
    /// Redis to compare with; if there is none, the table says so.
    #[arg(long, default_value = "redis-server", value_name = "PROGRAM")]
    pub redis: PathBuf,
    /// Seed of the order of visits.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the result goes.
    #[command(flatten)]
    pub output: Output,
    /// Program to start as `PROGRAM serve` [default: this one].
    #[arg(long, value_name = "PROGRAM")]
    pub server: Option<PathBuf>,
    /// One more option for that server. May be repeated.
    #[arg(long = "server-arg", value_name = "OPTION", allow_hyphen_values = true)]
    pub server_args: Vec<OsString>,
}

/// Whole numbers from 1 on, written as `1,10,1000`, or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers(pub Vec<u32>);

impl FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let number = |part: &str| match part.trim().parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{part:?} is no number from 1 on: write 1,10,1000")),
        };
        let numbers: Result<Vec<u32>, String> = text.split(',').map(number).collect();
        Ok(Self(numbers?))
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&numbers.join(","))
    }
}

impl DurableOptions {
    /// The steps of load, checked with everything else.
    fn plan(&self) -> Result<Vec<Load>, BenchError> {
        let wrong = |why: String| Err(BenchError::Options(why));
        if !(1..=MAX_PUBLISHERS).contains(&self.publishers) {
            return wrong(format!("--publishers must be 1 to {MAX_PUBLISHERS}"));
        }
        if !(1..=MAX_PAYLOAD).contains(&self.payload) {
            return wrong(format!("--payload must be 1 to {MAX_PAYLOAD}"));
        }
        if self.rounds == 0 || self.phase.is_zero() || self.rooms.0.is_empty() {
            return wrong("--rounds, --phase and --rooms must be above 0".into());
        }
        if let Some(rooms) = self.rooms.0.iter().find(|rooms| **rooms > MAX_ROOMS) {
            return wrong(format!("--rooms {rooms}: it must be at most {MAX_ROOMS}"));
        }
        let most = self.publishers * WINDOW;
        if let Some(over) = self.outstanding.0.iter().find(|it| **it as usize > most) {
            return wrong(format!(
                "--outstanding {over}: {} publishers may have {most} on their way; raise --publishers",
                self.publishers
            ));
        }
        if let Some(rate) = self
            .rates
            .0
            .iter()
            .find(|rate| f64::from(**rate) > MAX_RATE)
        {
            return wrong(format!("--rates {rate}: it must be at most {MAX_RATE}"));
        }
        let closed = self.outstanding.0.iter();
        let closed = closed.map(|most| Load::Outstanding(*most as usize));
        let open = (self.rates.0.iter()).map(|rate| Load::Rate(f64::from(*rate)));
        let loads: Vec<Load> = closed.chain(open).collect();
        if loads.is_empty() {
            return wrong("neither --outstanding nor --rates: nothing would be measured".into());
        }
        Ok(loads)
    }
}

/// Runs it.
///
/// # Errors
/// When options contradict each other, a server does not start or refuses, a publish is not
/// answered, or the disk is none.
pub fn run(options: &DurableOptions) -> Result<DurableReport, BenchError> {
    let loads = options.plan()?;
    let folder = match &options.dir {
        Some(folder) => folder.clone(),
        None => {
            std::env::current_dir().map_err(BenchError::system("finding the current folder"))?
        }
    };
    let machine = Machine::of(&folder)?;
    let files = (options.rooms.0.len() + 1) * options.publishers * 2 + 64;
    pin::allow_files(files as u64)?;
    let show = options.output.show();
    let mut contenders = Contenders::start(options, &folder, show)?;
    let visits = visit(&mut contenders, options, &loads, show);
    let visits = visits.map_err(|error| contenders.explain(error))?;
    Ok(DurableReport::of(
        options,
        machine,
        contenders.redis_version(),
        &loads,
        &visits,
    ))
}

/// One visit: what was measured of whom, where.
pub(crate) struct Visit {
    pub(crate) round: u32,
    pub(crate) place: Place,
    pub(crate) system: System,
    pub(crate) sample: contender::Sample,
}

/// A cell of the table, or the price of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// By index: number of rooms, step of load.
    Cell(usize, usize),
    /// One publish at a time, in one room.
    Price,
}

fn visit(
    contenders: &mut Contenders,
    options: &DurableOptions,
    loads: &[Load],
    show: Show,
) -> Result<Vec<Visit>, BenchError> {
    let steps = options.rooms.0.len() * loads.len();
    let mut places: Vec<Place> = (0..steps)
        .map(|index| Place::Cell(index / loads.len(), index % loads.len()))
        .chain([Place::Price])
        .collect();
    let per_round: usize = (places.iter())
        .map(|it| contenders.systems(*it).len())
        .sum();
    let bar = show.count("visits", per_round * options.rounds as usize);
    let mut order = Seeded::new(options.seed);
    let (mut visits, mut next_id) = (Vec::new(), 1);
    for round in 0..options.rounds {
        order.shuffle(&mut places);
        for place in &places {
            let load = match place {
                Place::Cell(_, load) => loads[*load],
                Place::Price => Load::Outstanding(1),
            };
            let step = Step {
                load,
                warm_up: options.warmup,
                duration: options.phase,
            };
            let mut systems = contenders.systems(*place);
            order.shuffle(&mut systems);
            for system in systems {
                let contender: &mut dyn Contender = contenders.contender(*place, system);
                let sample = contender.visit(&step, &mut next_id)?;
                Contenders::check(system, &sample)?;
                visits.push(Visit {
                    round,
                    place: *place,
                    system,
                    sample,
                });
                contenders.service()?;
                bar.inc(1);
            }
        }
    }
    Ok(visits)
}

/// Waits for events; a signal is none.
fn poll(poll: &mut Poll, events: &mut Events, wait: Duration) -> Result<(), BenchError> {
    match poll.poll(events, Some(wait)) {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        polled => polled.map_err(BenchError::system("polling")),
    }
}

fn has_input(event: &Event) -> bool {
    event.is_readable() || event.is_read_closed() || event.is_error()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: DurableOptions,
    }

    fn plan(words: &[&str]) -> Result<Vec<Load>, String> {
        let line = Line::try_parse_from([&["bench"], words].concat());
        let line = line.map_err(|error| error.to_string())?;
        line.options.plan().map_err(|error| error.to_string())
    }

    #[test]
    fn both_kinds_of_load_are_steps() {
        let loads = plan(&["--outstanding", "1,64", "--rates", "500"]).unwrap();
        let expected = [
            Load::Outstanding(1),
            Load::Outstanding(64),
            Load::Rate(500.0),
        ];
        assert_eq!(loads, expected);
        assert_eq!(plan(&["--rates", "none"]).unwrap().len(), 5);
    }

    #[test]
    fn what_cannot_be_measured_is_refused_by_name() {
        for (words, named) in [
            (&["--rooms", "0"][..], "no number"),
            (&["--rooms", "none"], "--rooms"),
            (&["--rooms", "20000"], "10000"),
            (&["--outstanding", "257"], "--publishers"),
            (&["--publishers", "0"], "--publishers"),
            (&["--rates", "9999999"], "--rates"),
            (&["--payload", "0"], "--payload"),
            (&["--rounds", "0"], "--rounds"),
            (&["--rates", "none", "--outstanding", "none"], "nothing"),
        ] {
            let error = plan(words).unwrap_err();
            assert!(error.contains(named), "{words:?}: {error}");
        }
    }

    #[test]
    fn numbers_are_read_and_written() {
        let numbers: Numbers = "1, 10,1000".parse().unwrap();
        assert_eq!(numbers.to_string().parse::<Numbers>().unwrap(), numbers);
    }
}
