//! The steps of a test run, in their order: what is quick to say no comes first.

use clap::ValueEnum;

use crate::autobahn::{self, AutobahnArgs, Outcome};
use crate::error::ChoreError;
use crate::instructions;
use crate::sim;
use crate::tidy;
use crate::workspace::Workspace;

use super::tally::{Ending, Tally};
use super::{browser, debian, licences, rust};

/// One step of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Step {
    /// All Rust is formatted
    Fmt,
    /// The documents and manifests are true
    Tidy,
    /// No warning of clippy
    Clippy,
    /// Unit, behaviour and documentation tests
    Tests,
    /// Every test that docs/seeds.md names is one of these
    Seeds,
    /// Each crate that others embed builds alone, without features and with each of them alone
    Features,
    /// The documentation builds without a warning
    Docs,
    /// Seeded worlds around the hub break no promise, and planted faults are caught
    Sim,
    /// The way of a message takes no more instructions than is committed
    Instructions,
    /// The pages in a real Chromium against the release build
    Browser,
    /// The WebSocket conformance suite against the release build
    Autobahn,
    /// Licences, bans and sources of all dependencies
    Deny,
}

/// What the steps share.
pub(super) struct World<'a> {
    workspace: &'a Workspace,
    /// The tools of the browser step, once they have been looked for.
    browser_tools: Option<Result<(), ChoreError>>,
}

impl<'a> World<'a> {
    pub(super) fn new(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            browser_tools: None,
        }
    }

    /// Installs what the browser step needs, if it may; its failure is that step's.
    pub(super) fn prepare_browser(&mut self) {
        self.browser_tools = Some(debian::ensure_browser_tools());
    }
}

impl Step {
    /// All steps, in order.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    /// As one types it after `--only`.
    pub(super) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// The step's headline.
    pub(super) fn promise(self) -> String {
        let value = self.to_possible_value();
        value
            .and_then(|value| value.get_help().map(ToString::to_string))
            .unwrap_or_default()
    }

    /// Runs it to its end.
    pub(super) fn run(self, world: &World<'_>) -> Ending {
        let workspace = world.workspace;
        match self {
            Self::Fmt => Ending::of_check(rust::fmt(workspace)),
            Self::Tidy => Ending::of_check(tidy::run(workspace)),
            Self::Clippy => Ending::of_check(rust::clippy(workspace)),
            Self::Tests => rust::tests(workspace),
            Self::Seeds => Ending::of_check(tidy::seeds::run(workspace)),
            Self::Features => Ending::of_check(rust::features(workspace)),
            Self::Docs => Ending::of_check(rust::docs(workspace)),
            Self::Sim => Ending::of_check(sim::run_all().map_err(ChoreError::from)),
            Self::Instructions => {
                let held = instructions::InstructionsArgs::of_test_run();
                Ending::of_check(instructions::run(workspace, &held))
            }
            Self::Browser => match &world.browser_tools {
                Some(Err(error)) => {
                    let again = ChoreError::Missing(error.to_string());
                    Ending::of_check(Err(again))
                }
                _ => browser::run(workspace),
            },
            Self::Autobahn => conformance(workspace),
            Self::Deny => licences::run(workspace),
        }
    }
}

fn conformance(workspace: &Workspace) -> Ending {
    match autobahn::run(workspace, &AutobahnArgs::of_test_run()) {
        Ok(Outcome::Strict { cases }) => Ending::Passed(Tally {
            passed: cases,
            failed: 0,
        }),
        Ok(Outcome::LeftOut) => {
            Ending::LeftOut("no Python 2.7; the notice above says how to get it")
        }
        Err(error) => Ending::of_check(Err(error)),
    }
}
