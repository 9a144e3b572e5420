//! Chores of the workspace: `cargo xtask test` is everything that must hold before a change lands.

mod autobahn;
mod command;
mod error;
mod expected;
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
    /// Run the Autobahn suite against the release build's echo door
    Autobahn(autobahn::AutobahnArgs),
}

impl Chore {
    fn run(self) -> Result<(), ChoreError> {
        let workspace = Workspace::read()?;
        match self {
            Self::Test(args) => test::run(&workspace, &args),
            Self::Tidy => tidy::run(&workspace),
            Self::Autobahn(args) => autobahn::run(&workspace, &args).map(drop),
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
