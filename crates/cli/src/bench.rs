//! `parlour bench …`: measure a server from outside.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use parlour_bench::baseline::RawServerOptions;
use parlour_bench::compare::driver::{self, GeneratorOptions};
use parlour_bench::compare::{self, CompareOptions, Programs};
use parlour_bench::durable::{self, DurableOptions, DurableReport};
use parlour_bench::fanout::FanoutOptions;
use parlour_bench::memory::MemoryOptions;
use parlour_bench::{BenchError, baseline, fanout, memory};

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Fan messages out to many members, and check every delivery
    Fanout(FanoutOptions),
    /// Measure what an idle connection costs the server
    Memory(MemoryOptions),
    /// Compare the server with a bare loop of send(), as paired ratios; status 1 over the limits
    ///
    /// Both are up and connected at the same time and are visited in shuffled turns for a fraction of a
    /// second each; only the ratio within a round counts. Some minutes with the usual options,
    /// `--quick --only k1_1000` gives a first look. `cargo xtask bench compare` in a checkout also runs the
    /// conventional design (axum, a broadcast channel per room). What the figures mean, and what was
    /// measured: docs/benchmarks.md.
    Compare(CompareOptions),
    /// Time acknowledgements of durable rooms, beside a bare append+fsync loop and Redis Streams
    ///
    /// A publish in a durable room is acknowledged when it is on disk. How many a disk takes per
    /// second depends on how many wait for it at once, so this measures a curve: for each number of
    /// rooms and each step of load the acknowledged publishes per second and the time until the
    /// acknowledgement. In the same run, on the same disk and in shuffled turns, the same load goes to
    /// one thread that appends what waits to a file and syncs it, and to a redis-server of its own with
    /// `appendfsync always`. Read the ratios: a disk that others use too varies, a ratio within a round
    /// does not.
    ///
    /// About seven minutes with the usual options; `--rounds 1 --rooms 10` gives a first look.
    #[command(after_help = DURABLE_EXAMPLES)]
    Durable(DurableOptions),
    /// The bare loop of send() that `compare` runs beside the server
    #[command(hide = true)]
    RawServer(RawServerOptions),
    /// A generator that `compare` tells what to do
    #[command(hide = true)]
    Generator(GeneratorOptions),
}

const DURABLE_EXAMPLES: &str = "Examples:
  parlour bench durable --dir /var/lib --plot durability.svg --json durability.json
  parlour bench durable --rounds 1 --rooms 10 --outstanding 1,64 --rates none
  parlour bench durable --rates 500,1000,2000,4000 --outstanding none --plot rates.svg

Where the table has + behind a latency, more was asked for than was taken: then it only says that
publishes waited longer than that.";

/// Why a measurement gave no good result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("over the limit: {}", .0.join("; "))]
    OverTheLimits(Vec<String>),
    #[error("the result cannot be written: {0}; give standard output a reader")]
    Output(#[from] io::Error),
    #[error("{path} cannot be written: {source}; name a file in a folder of yours")]
    File { path: PathBuf, source: io::Error },
}

/// Measures, and prints the result.
pub(crate) fn run(bench: &Bench) -> Result<(), Failed> {
    match bench {
        Bench::Fanout(options) => {
            let report = fanout::run(options)?;
            print(options.json, &report, &report.to_json())?;
        }
        Bench::Memory(options) => {
            let report = memory::run(options)?;
            print(options.json, &report, &report.to_json())?;
        }
        Bench::Compare(options) => {
            let comparison = compare::run(options, &programs()?)?;
            write!(io::stdout().lock(), "{comparison}")?;
            comparison.keep(options)?;
            if !comparison.passed {
                return Err(Failed::OverTheLimits(comparison.failures()));
            }
        }
        Bench::Durable(options) => {
            let report = durable::run(options)?;
            write!(io::stdout().lock(), "{report}")?;
            keep(options, &report)?;
        }
        Bench::RawServer(options) => match baseline::run(options)? {},
        Bench::Generator(options) => driver::run(options)?,
    }
    Ok(())
}

fn keep(options: &DurableOptions, report: &DurableReport) -> Result<(), Failed> {
    let write = |path: &Path, text: String| {
        fs::write(path, text).map_err(|source| Failed::File {
            path: path.to_owned(),
            source,
        })
    };
    if let Some(path) = &options.json {
        write(path, report.to_json() + "\n")?;
    }
    if let Some(path) = &options.plot {
        write(path, durable::svg(report))?;
    }
    Ok(())
}

/// This very binary, in both roles.
fn programs() -> Result<Programs, Failed> {
    let own = std::env::current_exe()?;
    Ok(Programs {
        parlour: own.clone(),
        own: (own, vec!["bench".into()]),
        conventional: false,
    })
}

fn print(as_json: bool, report: &impl Display, json: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if as_json {
        writeln!(out, "{json}")
    } else {
        writeln!(out, "{report}")
    }
}
