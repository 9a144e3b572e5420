//! `cargo xtask bench`: Parlour against the raw loop and the conventional design, as gates.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use clap::{Args, Subcommand};
use parlour_bench::BenchError;
use parlour_bench::baseline::{self, RawServerOptions};
use parlour_bench::compare::driver::{self, GeneratorOptions};
use parlour_bench::compare::{self, CompareOptions, Programs};
use parlour_bench::conventional::{self, ConventionalOptions};

/// Measurements that need a yardstick.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Compare the server with a raw loop of send() and with the conventional design, as paired ratios.
    ///
    /// docs/benchmarks.md says what is measured and why it can be trusted; every gate that does not hold is
    /// named, and ends this with status 1. Some minutes with the usual options; `--quick` gives a first look.
    Compare(Box<Compare>),
    /// Serve as the yardstick.
    #[command(hide = true)]
    RawServer(RawServerOptions),
    /// Serve as the conventional design.
    #[command(hide = true)]
    ConventionalServer(ConventionalOptions),
    /// Generate the load that `compare` asks for.
    #[command(hide = true)]
    Generator(GeneratorOptions),
}

#[derive(Debug, Args)]
struct Compare {
    /// A server that is already built [default: build the release binary].
    #[arg(long, value_name = "PROGRAM")]
    parlour: Option<PathBuf>,
    #[command(flatten)]
    options: CompareOptions,
}

/// Why a measurement did not pass.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchFailure {
    /// It could not be made.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// A program did not run.
    #[error("{what}: {source}")]
    Run {
        /// Which one.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program that was run failed and has said why.
    #[error("{0} failed")]
    Failed(String),
    /// Some gates do not hold.
    #[error("over the limit: {}", .0.join("; "))]
    OverTheLimits(Vec<String>),
}

/// Runs what was asked for.
pub(crate) fn run(args: BenchArgs) -> Result<(), BenchFailure> {
    match args.command {
        BenchCommand::RawServer(options) => match baseline::run(&options)? {},
        BenchCommand::ConventionalServer(options) => match conventional::run(&options)? {},
        BenchCommand::Generator(options) => Ok(driver::run(&options)?),
        // A generator without optimisation would be the limit itself.
        BenchCommand::Compare(_) if cfg!(debug_assertions) => again_optimised(),
        BenchCommand::Compare(compare) => compare.run(),
    }
}

impl Compare {
    fn run(self) -> Result<(), BenchFailure> {
        let own = std::env::current_exe().map_err(|source| BenchFailure::Run {
            what: "finding the own program".into(),
            source,
        })?;
        let parlour = match self.parlour {
            Some(program) => program,
            None => {
                cargo(&["build", "--release", "--package", "parlour-cli"].map(OsString::from))?;
                own.with_file_name("parlour")
            }
        };
        let programs = Programs {
            parlour,
            own: (own, vec!["bench".into()]),
            conventional: true,
        };
        let comparison = compare::run(&self.options, &programs)?;
        print!("{comparison}");
        comparison.keep(&self.options)?;
        if comparison.passed {
            Ok(())
        } else {
            Err(BenchFailure::OverTheLimits(comparison.failures()))
        }
    }
}

/// Runs this very command line with an optimised build of this program.
fn again_optimised() -> Result<(), BenchFailure> {
    let build = ["run", "--release", "--quiet", "--package", "xtask", "--"].map(OsString::from);
    let arguments = build.into_iter().chain(std::env::args_os().skip(1));
    cargo(&arguments.collect::<Vec<_>>())
}

fn cargo(arguments: &[OsString]) -> Result<(), BenchFailure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(arguments)
        .status()
        .map_err(|source| BenchFailure::Run {
            what: "starting cargo".into(),
            source,
        })?;
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    if status.success() {
        Ok(())
    } else {
        Err(BenchFailure::Failed(format!("cargo {}", words.join(" "))))
    }
}
