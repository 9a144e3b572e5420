//! Chores of the workspace: `cargo xtask test` is everything that must hold before a change lands.

mod autobahn;
mod bench;
mod command;
mod error;
mod expected;
mod instructions;
mod mutants;
mod sim;
mod test;
mod tidy;
mod workspace;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use error::ChoreError;
use workspace::Workspace;

/// Chores of the Parlour workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Run everything that must hold before a change lands (all that CI runs)
    Test(test::TestArgs),
    /// Check that the map, the invariants and the manifests say what is true
    Tidy,
    /// Check that every test named in docs/seeds.md is one that runs
    Seeds,
    /// Run the Autobahn suite against the release build's echo door
    Autobahn(autobahn::AutobahnArgs),
    /// Let seeded worlds hold the hub to its promises, or replay one
    Sim(sim::SimArgs),
    /// Take away one promise's code at a time: a named test must see each
    Mutants(mutants::MutantsArgs),
    /// Count the instructions that the way of a message takes, and hold them to the committed figures
    Instructions(instructions::InstructionsArgs),
    /// Measure the server against a raw loop of send()
    Bench(bench::BenchArgs),
}

impl Chore {
    fn run(self) -> Result<(), ChoreError> {
        match self {
            Self::Test(args) => test::run(&Workspace::read()?, &args),
            Self::Tidy => tidy::run(&Workspace::read()?),
            Self::Seeds => tidy::seeds::run(&Workspace::read()?),
            Self::Autobahn(args) => autobahn::run(&Workspace::read()?, &args).map(drop),
            Self::Sim(args) => Ok(sim::run_worlds(&args)?),
            Self::Mutants(args) => mutants::run(&Workspace::read()?, &args),
            Self::Instructions(args) => instructions::run(&Workspace::read()?, &args),
            Self::Bench(args) => Ok(bench::run(args)?),
        }
    }
}

fn main() -> ExitCode {
    let Err(error) = Chore::parse().run() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        eprintln!("  because: {source}");
        cause = source.source();
    }
    ExitCode::FAILURE
}
