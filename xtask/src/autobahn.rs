//! `cargo xtask autobahn`: the Autobahn suite's fuzzing client against the echo door.

mod document;
mod environment;
mod python;
mod sections;
mod server;
mod verdict;
mod wstest;

use std::path::Path;

use clap::Args;

use crate::error::ChoreError;
use crate::workspace::Workspace;
use sections::Sections;
use server::{Server, Transport};
use verdict::Counts;
use wstest::Wstest;

/// What to run, and against what.
#[derive(Args)]
pub(crate) struct AutobahnArgs {
    /// Sections of the suite, e.g. 6,7 (9 has messages of up to 16 MiB, 12 and 13 take ten minutes)
    /// [default: all, of 12 and 13 a few cases]
    #[arg(long, value_parser = Sections::parse)]
    sections: Option<Sections>,
    /// All sections as a whole, plain and over TLS; when all cases are strict, docs/autobahn.md says so
    #[arg(long, conflicts_with_all = ["sections", "url"])]
    all: bool,
    /// Fail when the suite cannot be run here (always so with CI=true)
    #[arg(long)]
    require: bool,
    /// An echo server that runs already, instead of the release build's
    #[arg(long, value_name = "ws://HOST:PORT/PATH")]
    url: Option<String>,
}

impl AutobahnArgs {
    /// The run that `cargo xtask test` makes.
    pub(crate) fn of_test_run() -> Self {
        Self {
            sections: None,
            all: false,
            require: false,
            url: None,
        }
    }
}

/// How a run ended that did not fail.
pub(crate) enum Outcome {
    /// All cases were run and all are strict.
    Strict {
        /// How many.
        cases: u32,
    },
    /// Nothing was run, and the person was told loudly.
    LeftOut,
}

/// Runs the suite and judges its reports.
///
/// # Errors
/// When a case is not strict, when a case is missing, and with `--require` or CI=true also when
/// there is no Python 2.7.
pub(crate) fn run(workspace: &Workspace, args: &AutobahnArgs) -> Result<Outcome, ChoreError> {
    let folder = workspace.target.join("autobahn");
    let Some(python) = python::find()? else {
        if args.require || is_ci() {
            return Err(ChoreError::Missing(python::HOW_TO_GET.to_owned()));
        }
        println!("{}", python::left_out_notice());
        return Ok(Outcome::LeftOut);
    };
    let wstest = environment::ready(&folder, &python)?;
    let cases = if args.all {
        let counts = run_all(workspace, &wstest, &folder)?;
        document::write(workspace, &counts)?;
        counts.values().sum::<u32>() * 2
    } else {
        let sections = args.sections.clone();
        let sections = sections.unwrap_or_else(Sections::of_test_run);
        let server = match &args.url {
            Some(url) => Server::running_at(url),
            None => Server::start(&workspace.release_binary()?, &folder, Transport::Plain)?,
        };
        let counts = judged(&wstest, &server, &sections, &folder.join("reports"))?;
        counts.values().sum()
    };
    println!("autobahn: {cases} cases run, {cases} strict");
    Ok(Outcome::Strict { cases })
}

/// Everything, plain and over TLS: the same cases each time.
fn run_all(workspace: &Workspace, wstest: &Wstest, folder: &Path) -> Result<Counts, ChoreError> {
    let binary = workspace.release_binary()?;
    let mut counts = Counts::new();
    for transport in [Transport::Plain, Transport::Tls] {
        let server = Server::start(&binary, folder, transport)?;
        let reports = folder.join(format!("reports-{}", transport.name()));
        counts = judged(wstest, &server, &Sections::all(), &reports)?;
    }
    Ok(counts)
}

fn judged(
    wstest: &Wstest,
    server: &Server,
    sections: &Sections,
    reports: &Path,
) -> Result<Counts, ChoreError> {
    let groups = sections.groups();
    wstest.run(&groups, server.url(), reports)?;
    verdict::judge(reports, &groups)
}

/// True on a machine that must not leave anything out.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
