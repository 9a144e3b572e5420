//! Building and running one named test.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::plan::{Named, Target};
use super::tree::Copied;
use crate::command;
use crate::error::ChoreError;

/// The longest that a test may take; a mutant may make its test wait for what never comes.
const TIME: Duration = Duration::from_secs(180);

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Green,
    Red,
    /// It did not end in its time.
    Hangs,
    /// It could not be built.
    NotBuilt,
    /// There is no test of that name.
    Missing,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Green => "is green",
            Self::Red => "is red",
            Self::Hangs => "does not end",
            Self::NotBuilt => "cannot be built",
            Self::Missing => "is not there",
        })
    }
}

/// Runs tests of the copy, all with one build folder.
pub(super) struct Trials<'a> {
    copied: &'a Copied,
    build: PathBuf,
}

impl<'a> Trials<'a> {
    pub(super) fn new(copied: &'a Copied, build: PathBuf) -> Self {
        Self { copied, build }
    }

    /// Builds and runs it.
    ///
    /// # Errors
    /// When cargo or the test cannot be started, or its output not be kept.
    pub(super) fn run(&self, test: Named) -> Result<Outcome, ChoreError> {
        let Some(program) = self.build(test)? else {
            return Ok(Outcome::NotBuilt);
        };
        let log = self.build.join("mutants.log");
        let mut command = Command::new(&program);
        command.args(["--exact", test.name, "--test-threads", "1"]);
        command.current_dir(self.copied.root().join(test.folder()));
        let status = run_at_most(&mut command, &log, TIME)?;
        let Some(is_success) = status else {
            return Ok(Outcome::Hangs);
        };
        let said = std::fs::read(&log).map_err(ChoreError::io("read", &log))?;
        Ok(outcome(is_success, &String::from_utf8_lossy(&said)))
    }

    /// The test's program, unless it cannot be built.
    fn build(&self, test: Named) -> Result<Option<PathBuf>, ChoreError> {
        let mut build = command::cargo();
        build
            .current_dir(self.copied.root())
            .env("CARGO_TARGET_DIR", &self.build)
            .args(["test", "--quiet", "--no-run", "--locked"])
            .args(["--message-format=json", "--package", test.package])
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        match test.target {
            Target::Lib => build.arg("--lib"),
            Target::Test(name) => build.args(["--test", name]),
        };
        let output = build
            .output()
            .map_err(|source| command::not_started(&build, source))?;
        if !output.status.success() {
            return Ok(None);
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let wanted = test.target_name();
        Ok(messages.lines().find_map(|line| program(line, &wanted)))
    }
}

/// The program of a test target, if this line of cargo's messages is about it.
fn program(line: &str, target: &str) -> Option<PathBuf> {
    let message: BuildMessage = serde_json::from_str(line).ok()?;
    let is_it = message.target?.name == target && message.profile?.test;
    message.executable.filter(|_| is_it)
}

#[derive(Deserialize)]
struct BuildMessage {
    executable: Option<PathBuf>,
    target: Option<BuildTarget>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct BuildTarget {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Whether it succeeded, or `None` when it was killed after `time`. Its output goes to `log`.
fn run_at_most(
    command: &mut Command,
    log: &Path,
    time: Duration,
) -> Result<Option<bool>, ChoreError> {
    let file = File::create(log).map_err(ChoreError::io("write", log))?;
    let child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.map_err(|source| command::not_started(command, source))?;
    let ended = wait_at_most(&mut child, time);
    ended.map_err(|source| command::not_started(command, source))
}

fn wait_at_most(child: &mut Child, time: Duration) -> std::io::Result<Option<bool>> {
    let deadline = Instant::now() + time;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        // A child gives no other sign that can be waited for with a deadline.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the test's program says of its one test. One that dies says nothing, and is red.
fn outcome(is_success: bool, said: &str) -> Outcome {
    let ran_one = said.lines().any(|line| line.trim() == "running 1 test");
    match (ran_one, is_success) {
        (true, true) => Outcome::Green,
        (true, false) => Outcome::Red,
        (false, _) => Outcome::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_test_has_is_neither_green_nor_red() {
        let one = "\nrunning 1 test\n.\ntest result: ok. 1 passed; 0 failed\n";
        assert_eq!(outcome(true, one), Outcome::Green);
        assert_eq!(outcome(false, one), Outcome::Red);
        let none = "\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed\n";
        assert_eq!(outcome(true, none), Outcome::Missing);
    }

    #[test]
    fn the_program_of_the_test_is_told_from_others() {
        let line = |name: &str, test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"{name}"}},
                   "profile":{{"test":{test}}},"executable":"/t/{name}"}}"#
            )
            .replace('\n', "")
        };
        let found = program(&line("promises", true), "promises");
        assert_eq!(found, Some(PathBuf::from("/t/promises")));
        assert_eq!(program(&line("other", true), "promises"), None);
        assert_eq!(program(&line("parlour", false), "parlour"), None);
        assert_eq!(program(r#"{"reason":"build-finished"}"#, "promises"), None);
        assert_eq!(program("no json", "promises"), None);
    }

    #[test]
    fn a_test_that_does_not_end_is_stopped() {
        let log = std::env::temp_dir().join(format!("parlour-trial-{}", std::process::id()));
        let mut endless = Command::new("sleep");
        let ended = run_at_most(endless.arg("600"), &log, Duration::from_millis(50));
        assert_eq!(ended.unwrap(), None);
        let ended = run_at_most(&mut Command::new("true"), &log, TIME);
        assert_eq!(ended.unwrap(), Some(true));
        let ended = run_at_most(&mut Command::new("false"), &log, TIME);
        assert_eq!(ended.unwrap(), Some(false));
        std::fs::remove_file(log).unwrap();
    }
}
