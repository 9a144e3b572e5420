//! `parlour bench …`: measure a server from outside.

use std::fmt::Display;
use std::io::{self, Write};

use clap::Subcommand;
use parlour_bench::baseline::RawServerOptions;
use parlour_bench::compare::{CompareOptions, Programs};
use parlour_bench::fanout::FanoutOptions;
use parlour_bench::memory::MemoryOptions;
use parlour_bench::{BenchError, baseline, compare, fanout, memory};

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Fan messages out to many members, and check every delivery
    Fanout(FanoutOptions),
    /// Measure what an idle connection costs the server
    Memory(MemoryOptions),
    /// Compare the server with a bare loop of send(), as paired ratios; status 1 over the limits
    Compare(CompareOptions),
    /// The bare loop of send() that `compare` runs beside the server
    #[command(hide = true)]
    RawServer(RawServerOptions),
}

/// Why a measurement gave no good result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("the server needs more than its limits allow: see the table above")]
    OverTheLimits,
    #[error("the result cannot be written: {0}; give standard output a reader")]
    Output(#[from] io::Error),
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
            print(options.json, &comparison, &comparison.to_json())?;
            if !comparison.passed {
                return Err(Failed::OverTheLimits);
            }
        }
        Bench::RawServer(options) => match baseline::run(options)? {},
    }
    Ok(())
}

/// This very binary, in both roles.
fn programs() -> Result<Programs, Failed> {
    let own = std::env::current_exe()?;
    let raw = ["bench", "raw-server"].map(Into::into).to_vec();
    Ok(Programs {
        parlour: own.clone(),
        raw: (own, raw),
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
