//! Servers in turn, in short phases, as paired ratios, with gates.
//!
//! What a delivery costs on a machine that others use too varies by a factor of two within
//! minutes. Two servers measured within the same second meet the same conditions, so their ratio
//! holds still. Therefore all servers of a layout are up and connected from the start, each round visits
//! every cell of every server once for a fraction of a second in a shuffled order, and only the
//! ratio within a round is kept. Servers that are not being visited sleep.
//!
//! - [`plan`]: which servers, which loads, which ratios, which gates.
//! - [`driver`]: each server has a generator process of its own, because one process may
//!   have too few open files for all of them.
//! - [`report`]: medians, quartiles, verdicts; [`svg`] and [`Comparison::to_markdown`] show them.

pub mod driver;
mod host;
pub mod plan;
mod plot;
pub mod report;
mod rounds;
mod table;
mod work;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::BenchError;
use crate::dialect::Dialect;
use crate::durable::Numbers;
use crate::fanout::{ServerOptions, seconds};
use crate::idle::IdleOptions;
use crate::output::Output;
use crate::pin::{self, Cores};
use crate::progress::Show;
use host::Host;
use plan::{Group, Work};
pub use plot::svg;
pub use report::Comparison;
use rounds::Rounds;

/// Connections at which memory is read.
const IDLE: [usize; 2] = [10_000, 19_000];
/// Rounds, and seconds per phase, of a first look.
const QUICK: (u32, f64) = (3, 0.2);

/// Options of a comparison.
#[derive(Debug, Clone, clap::Args)]
pub struct CompareOptions {
    /// Measure these cells only.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CELL,…")]
    pub only: Vec<Work>,
    /// What is spoken at the WebSocket door.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "events,v1",
        value_name = "DIALECT,…"
    )]
    pub dialects: Vec<Dialect>,
    /// Bytes of a message's text.
    #[arg(long, default_value_t = 128, value_name = "BYTES")]
    pub payload: usize,
    /// Rounds: each gives one ratio per cell [default: 11].
    #[arg(long)]
    pub rounds: Option<u32>,
    /// Seconds per phase; twice as long in a room of 10,000, and at least 4 s under overload
    /// [default: 0.4].
    #[arg(long, value_parser = seconds, value_name = "SECONDS")]
    pub phase: Option<Duration>,
    /// Seconds before each phase that are not measured.
    #[arg(long, default_value = "0.05", value_parser = seconds, value_name = "SECONDS")]
    pub warmup: Duration,
    /// A first look: 3 rounds of short phases. Its verdicts are worth little.
    #[arg(long)]
    pub quick: bool,
    /// Seed of the order of phases.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Divide the number of connections: a test of the comparison itself, not a measurement.
    #[arg(long, default_value_t = 1, hide = true)]
    pub shrink: usize,
    /// Core of all servers [default: the first of two or more].
    #[arg(long, value_name = "CORE")]
    pub server_cores: Option<Cores>,
    /// Core of the generators [default: the second].
    #[arg(long, value_name = "CORE")]
    pub client_core: Option<Cores>,
    /// One more option for `parlour serve`. May be repeated.
    #[arg(long = "server-arg", value_name = "OPTION", allow_hyphen_values = true)]
    pub server_args: Vec<OsString>,
    /// Write all figures to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw the ratios into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Put the tables into this document, in place of what stands between its two markers.
    #[arg(long, value_name = "FILE")]
    pub doc: Option<PathBuf>,
}

/// How to start everything that takes part.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The program that knows `serve`.
    pub parlour: PathBuf,
    /// The program that knows `raw-server` and `generator`, and its arguments before these words.
    pub own: (PathBuf, Vec<OsString>),
    /// Whether that program also knows `conventional-server`.
    pub conventional: bool,
}

impl CompareOptions {
    fn rounds(&self) -> u32 {
        let usual = if self.quick { QUICK.0 } else { 11 };
        self.rounds.unwrap_or(usual)
    }

    fn phase(&self) -> Duration {
        let usual = if self.quick { QUICK.1 } else { 0.4 };
        self.phase.unwrap_or(Duration::from_secs_f64(usual))
    }

    fn check(&self) -> Result<(), BenchError> {
        let wrong = |why: &str| Err(BenchError::Options(why.into()));
        if self.rounds() == 0 || self.phase().is_zero() {
            return wrong("--rounds and --phase must be above 0");
        }
        if self.shrink == 0 || self.shrink > 100 {
            return wrong("--shrink must be 1 to 100");
        }
        if self.dialects.is_empty() {
            return wrong("--dialects names none");
        }
        // Better now than when it is measured.
        let files = Output {
            json: self.json.clone(),
            plot: self.plot.clone(),
        };
        files.check()?;
        self.doc.as_deref().map_or(Ok(()), table::check)
    }

    /// The cores of servers and generators.
    fn cores(&self) -> Result<(Cores, Cores), BenchError> {
        let usual = pin::usual();
        let chosen = |given: &Option<Cores>, usual: Option<&Cores>| {
            given.clone().or_else(|| usual.cloned()).ok_or_else(|| {
                let why =
                    "a comparison needs two cores: one for the servers, one for the generators";
                BenchError::Options(why.into())
            })
        };
        let server = chosen(&self.server_cores, usual.as_ref().map(|cores| &cores.0))?;
        let client = chosen(&self.client_core, usual.as_ref().map(|cores| &cores.1))?;
        if client
            .numbers()
            .iter()
            .any(|core| server.numbers().contains(core))
        {
            let why = format!(
                "core {client} is also a core of the servers: they would measure each other"
            );
            return Err(BenchError::Options(why));
        }
        Ok((server, client))
    }
}

/// Runs it, on the generators' core.
///
/// # Errors
/// When a server does not start or refuses, when a message is lost, doubled or out of order, and
/// [`BenchError::Unequal`] when the servers did not do the same work.
pub fn run(options: &CompareOptions, programs: &Programs) -> Result<Comparison, BenchError> {
    options.check()?;
    pin::allow_files(64)?;
    let (server_cores, client_core) = options.cores()?;
    let host = Host::read(&server_cores, &client_core)?;
    let pinned = client_core.pin()?;
    let show = Show::for_people(false);

    let mut comparison = Comparison::begun(options, host);
    for dialect in &options.dialects {
        // First, as it is the one with the most connections: what cannot be had is known early.
        if options.only.is_empty() || options.only.contains(&Work::Idle) {
            let report = crate::idle::run(&idle(
                options,
                programs,
                *dialect,
                &server_cores,
                &client_core,
            ))?;
            comparison.add_idle(*dialect, report.bytes_per_connection);
        }
    }
    for dialect in &options.dialects {
        for group in Group::all(
            *dialect,
            &options.only,
            programs.conventional,
            options.shrink,
        ) {
            let rounds = Rounds::run(&group, options, programs, &server_cores, show)?;
            comparison.add(&group, &rounds)?;
        }
    }
    drop(pinned);
    comparison.judge()?;
    Ok(comparison)
}

fn idle(
    options: &CompareOptions,
    programs: &Programs,
    dialect: Dialect,
    server_cores: &Cores,
    client_core: &Cores,
) -> IdleOptions {
    IdleOptions {
        connections: Numbers(IDLE.map(|it| (it / options.shrink) as u32).to_vec()),
        dialect,
        burst: None,
        rooms: None,
        empty_rooms: None,
        hold: Duration::ZERO,
        output: Output::piped(),
        server: ServerOptions {
            server: Some(programs.parlour.clone()),
            server_args: plan::parlour_options(&options.server_args),
            server_cores: Some(server_cores.clone()),
            client_core: Some(client_core.clone()),
            ..ServerOptions::default()
        },
    }
}
