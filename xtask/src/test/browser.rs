//! The pages in a real Chromium: web/tests, against release builds.

use std::path::Path;
use std::process::Command;

use crate::command;
use crate::error::ChoreError;
use crate::expected::CHROMIUM_CASES;
use crate::workspace::Workspace;

use super::tally::{Ending, Tally};

/// The application of examples/ that is shown in a browser.
const EXAMPLE: &str = "minutes";

/// Installs the pinned packages, builds the server and an example, and runs every test file.
pub(super) fn run(workspace: &Workspace) -> Ending {
    let mut tally = Tally::default();
    let result = run_tests(workspace, &mut tally);
    Ending::of_tests(tally, result)
}

fn run_tests(workspace: &Workspace, tally: &mut Tally) -> Result<(), ChoreError> {
    let folder = workspace.root.join("web/tests");
    let binary = workspace.release_binary()?;
    let example = workspace.release_example(EXAMPLE)?;
    let mut packages = Command::new("npm");
    packages
        .current_dir(&folder)
        .args(["ci", "--no-audit", "--no-fund"]);
    command::run(&mut packages)?;
    let mut tests = node(&folder, &binary, &example);
    let status = command::stream(&mut tests, |line| tally.read_node_line(line))?;
    command::check(&tests, status)?;
    enough(tally.passed)
}

fn node(folder: &Path, binary: &Path, example: &Path) -> Command {
    let mut node = Command::new("node");
    node.current_dir(folder).env("PARLOUR_BIN", binary);
    node.env("PARLOUR_EXAMPLES", example.parent().unwrap_or(example));
    // Two files at a time: each has a browser of its own, and they mostly wait.
    node.args(["--test", "--test-concurrency=2", "--test-reporter=tap"]);
    node
}

/// Tests that were lost must not look like success.
fn enough(passed: u32) -> Result<(), ChoreError> {
    if passed >= CHROMIUM_CASES {
        return Ok(());
    }
    Err(ChoreError::Found(format!(
        "{passed} browser tests passed, {CHROMIUM_CASES} are the fewest (xtask/src/expected.rs)"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_lost_tests_fails() {
        assert!(enough(CHROMIUM_CASES).is_ok());
        assert!(enough(CHROMIUM_CASES - 1).is_err());
    }
}
