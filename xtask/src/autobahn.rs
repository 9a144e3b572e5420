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

const EVERY_SECTION: &str = "1-7,9,10";

/// What to run, and against what.
#[derive(Args)]
pub(crate) struct AutobahnArgs {
    /// Sections of the suite, e.g. 1-7,10
    #[arg(long, default_value = "1-7,10", value_parser = Sections::parse)]
    sections: Sections,
    /// Sections 1 to 7, 9 (messages of up to 16 MiB) and 10
    #[arg(long, conflicts_with = "sections")]
    all_sections: bool,
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
        let sections = Sections::parse("1-7,10").expect("a constant in the form that parse takes");
        Self {
            sections,
            all_sections: false,
            require: false,
            url: None,
        }
    }

    fn sections(&self) -> Sections {
        if self.all_sections {
            return Sections::parse(EVERY_SECTION)
                .expect("a constant in the form that parse takes");
        }
        self.sections.clone()
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
    let server = match &args.url {
        Some(url) => Server::running_at(url),
        None => Server::start(&workspace.release_binary()?, &folder)?,
    };
    let sections = args.sections();
    let reports = folder.join("reports");
    wstest.run(&sections, server.url(), &reports)?;
    let cases = verdict::judge(&reports, &sections)?;
    println!("autobahn: {cases} cases run, {cases} strict");
    Ok(Outcome::Strict { cases })
}

/// True on a machine that must not leave anything out.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
