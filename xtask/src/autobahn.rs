//! `cargo xtask autobahn`: the Autobahn suite's fuzzing client against the echo door.

mod environment;
mod python;
mod sections;
mod server;
mod verdict;
mod wstest;

use clap::Args;

use crate::error::ChoreError;
use crate::workspace::Workspace;
use sections::Sections;
use server::Server;

/// What to run, and against what.
#[derive(Args)]
pub(crate) struct AutobahnArgs {
    /// Sections of the suite, e.g. 6,7 (9 has messages of up to 16 MiB)
    #[arg(long, default_value = EVERY_SECTION, value_parser = Sections::parse)]
    sections: Sections,
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
        let sections = Sections::parse(EVERY_SECTION);
        Self {
            sections: sections.expect("a constant in the form that parse takes"),
            require: false,
            url: None,
        }
    }
}

const EVERY_SECTION: &str = "1-7,9,10";

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
    let server = match &args.url {
        Some(url) => Server::running_at(url),
        None => Server::start(&workspace.release_binary()?, &folder)?,
    };
    let sections = &args.sections;
    let reports = folder.join("reports");
    wstest.run(sections, server.url(), &reports)?;
    let cases = verdict::judge(&reports, sections)?;
    println!("autobahn: {cases} cases run, {cases} strict");
    Ok(Outcome::Strict { cases })
}

/// True on a machine that must not leave anything out.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
