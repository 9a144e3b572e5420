//! `parlour bench …`: measure a server from outside.

mod help;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use parlour_bench::baseline::RawServerOptions;
use parlour_bench::compare::driver::{self, GeneratorOptions};
use parlour_bench::compare::{CompareOptions, Programs};
use parlour_bench::connect::ConnectOptions;
use parlour_bench::durable::DurableOptions;
use parlour_bench::echo::{EchoOptions, RawEchoOptions};
use parlour_bench::fanout::FanoutOptions;
use parlour_bench::idle::IdleOptions;
use parlour_bench::output::{Outcome, Output};
use parlour_bench::storm::StormOptions;
use parlour_bench::{
    BenchError, baseline, compare, connect, cross, durable, echo, fairness, fanout, idle,
    saturation, storm,
};

/// The help of `parlour bench`.
pub(crate) use help::HELP;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Fan messages out to many members, and check every delivery
    #[command(after_help = help::FANOUT)]
    Fanout(FanoutOptions),
    /// Time round trips at the door that sends every message back, and compare with a bare loop
    #[command(after_help = help::ECHO)]
    Echo(EchoOptions),
    /// Measure what an idle connection costs the server: memory, in a room, signed in
    #[command(alias = "memory", after_help = help::IDLE)]
    Idle(IdleOptions),
    /// Let newcomers in: how many per second, and what each costs the server
    #[command(after_help = help::CONNECT)]
    Connect(ConnectOptions),
    /// Cut all connections at once, and let everybody come back
    #[command(after_help = help::STORM)]
    Storm(StormOptions),
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
    #[command(after_help = help::DURABLE)]
    Durable(DurableOptions),
    /// The bare loop of send() that `compare` runs beside the server
    #[command(hide = true)]
    RawServer(RawServerOptions),
    /// A generator that `compare` tells what to do
    #[command(hide = true)]
    Generator(GeneratorOptions),
    /// The bare loop of recv() and send() that `echo --raw` runs beside the server
    #[command(hide = true)]
    RawEcho(RawEchoOptions),
}

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

/// Measures, and gives the result to who asked for it.
pub(crate) fn run(bench: &Bench) -> Result<(), Failed> {
    match bench {
        Bench::Fanout(options) => fan_out(options),
        Bench::Echo(options) => give(&options.output, || echo::run(options)),
        Bench::Idle(options) => give(&options.output, || idle::run(options)),
        Bench::Connect(options) => give(&options.output, || connect::run(options)),
        Bench::Storm(options) => give(&options.output, || storm::run(options)),
        Bench::Compare(options) => {
            let comparison = compare::run(options, &programs()?)?;
            write!(io::stdout().lock(), "{comparison}")?;
            comparison.keep(options)?;
            if comparison.passed {
                Ok(())
            } else {
                Err(Failed::OverTheLimits(comparison.failures()))
            }
        }
        Bench::Durable(options) => give(&options.output, || durable::run(options)),
        Bench::RawServer(options) => match baseline::run(options)? {},
        Bench::Generator(options) => Ok(driver::run(options)?),
        Bench::RawEcho(options) => match echo::serve_raw(options)? {},
    }
}

fn fan_out(options: &FanoutOptions) -> Result<(), Failed> {
    let output = &options.output;
    if options.saturation.is_some() {
        give(output, || saturation::run(options))
    } else if options.quiet_room.is_some() {
        give(output, || fairness::run(options))
    } else if options.cross {
        give(output, || cross::run(options))
    } else {
        give(output, || fanout::run(options))
    }
}

/// Measures; then the table, the JSON and the plot go where they are wanted.
fn give<T: Outcome>(
    output: &Output,
    measure: impl FnOnce() -> Result<T, BenchError>,
) -> Result<(), Failed> {
    output.check()?;
    let outcome = measure()?;
    let mut out = io::stdout().lock();
    if output.is_piped() {
        writeln!(out, "{}", outcome.to_json())?;
    } else {
        writeln!(out, "{outcome}")?;
    }
    if let Some(path) = output.json_file() {
        write(path, outcome.to_json() + "\n")?;
    }
    if let Some(path) = &output.plot {
        write(path, outcome.svg())?;
    }
    let failures = outcome.failures();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failed::OverTheLimits(failures))
    }
}

fn write(path: &Path, text: String) -> Result<(), Failed> {
    fs::write(path, text).map_err(|source| Failed::File {
        path: path.to_owned(),
        source,
    })
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
