//! `cargo xtask instructions`: what the way of a message costs, counted and not timed.
//!
//! callgrind counts instructions, which are the same whatever else the machine does. So a change that
//! makes a step dearer is seen at once, where a stopwatch sees only noise. Each step runs twice with
//! different counts, and only the difference is kept: what is needed once is not counted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::command;
use crate::error::ChoreError;
use crate::test::debian;
use crate::workspace::Workspace;

/// The steps, as the program names them, and how often each runs the first time; then twice as often.
const STEPS: [(&str, u64); 3] = [("decode", 2_000), ("encode", 2_000), ("fan-out", 100)];
/// So much dearer than the committed figure a step may be.
const DEARER_MAX: f64 = 1.03;
/// Below this the committed figure is out of date.
const CHEAPER: f64 = 0.97;

/// Counts the instructions of the steps that a message takes.
#[derive(Debug, clap::Args)]
pub(crate) struct InstructionsArgs {
    /// Make what is counted the figures that later runs are held to.
    #[arg(long)]
    write: bool,
}

impl InstructionsArgs {
    /// As a test run counts.
    pub(crate) fn of_test_run() -> Self {
        Self { write: false }
    }
}

/// What is committed.
#[derive(Debug, Serialize, Deserialize)]
struct Figures {
    /// The compiler that they were counted with: another one makes other code.
    rustc: String,
    /// Instructions of one step, by its name.
    steps: BTreeMap<String, f64>,
}

/// Counts, and holds what was counted to the committed figures.
///
/// # Errors
/// When a step is more than 3 % dearer, or nothing could be counted.
pub(crate) fn run(workspace: &Workspace, args: &InstructionsArgs) -> Result<(), ChoreError> {
    let counted = count(workspace)?;
    let path = workspace.root.join("crates/hot-path/instructions.json");
    if args.write {
        return write(&path, &counted);
    }
    let committed = read(&path)?;
    println!(
        "instructions of one step (committed with {}):",
        committed.rustc
    );
    let mut dearer = Vec::new();
    for (step, now) in &counted.steps {
        let before = committed.steps.get(step).copied().unwrap_or(f64::NAN);
        let verdict = Verdict::of(*now, before);
        println!(
            "  {step:8} {now:10.1}  committed {before:10.1}  ratio {:.3}{}",
            now / before,
            verdict.words()
        );
        if verdict == Verdict::Dearer {
            dearer.push(step.as_str());
        }
    }
    if dearer.is_empty() {
        return Ok(());
    }
    Err(ChoreError::Found(format!(
        "{} costs more instructions than is committed: find out why, or make it the new figure with \
         `cargo xtask instructions --write` and say why in the commit (counted with {})",
        dearer.join(", "),
        counted.rustc
    )))
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Dearer,
    Same,
    Cheaper,
}

impl Verdict {
    /// A figure that is not there is as good as one of 0.
    fn of(now: f64, committed: f64) -> Self {
        match now / committed {
            ratio if ratio < CHEAPER => Self::Cheaper,
            ratio if ratio <= DEARER_MAX => Self::Same,
            _ => Self::Dearer,
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Self::Dearer => "  TOO MUCH",
            Self::Same => "",
            Self::Cheaper => "  (cheaper: hold it with --write)",
        }
    }
}

fn count(workspace: &Workspace) -> Result<Figures, ChoreError> {
    debian::ensure_valgrind()?;
    let mut build = command::cargo();
    build.current_dir(&workspace.root);
    build.args(["build", "--release", "--package", "parlour-hot-path"]);
    command::run(&mut build)?;
    let program = workspace.target.join("release/parlour-hot-path");
    let mut steps = BTreeMap::new();
    for (step, times) in STEPS {
        let (once, twice) = (
            counted(&program, step, times)?,
            counted(&program, step, 2 * times)?,
        );
        let each = twice.saturating_sub(once) as f64 / times as f64;
        steps.insert(step.to_owned(), (each * 10.0).round() / 10.0);
    }
    let rustc = command::capture(Command::new("rustc").arg("--version"))?;
    Ok(Figures {
        rustc: rustc.trim().to_owned(),
        steps,
    })
}

/// Instructions of a whole run.
fn counted(program: &Path, step: &str, times: u64) -> Result<u64, ChoreError> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(program).arg(step).arg(times.to_string());
    let output = valgrind
        .output()
        .map_err(|source| command::not_started(&valgrind, source))?;
    command::check(&valgrind, output.status)?;
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said).ok_or_else(|| {
        ChoreError::Found(format!(
            "valgrind did not say what it counted; it said:\n{said}"
        ))
    })
}

/// From the line `==1== Collected : 1234`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn read(path: &Path) -> Result<Figures, ChoreError> {
    let text = fs::read_to_string(path).map_err(|source| ChoreError::Io {
        doing: "read",
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| ChoreError::Json {
        what: path.display().to_string(),
        source,
    })
}

fn write(path: &Path, figures: &Figures) -> Result<(), ChoreError> {
    let text = serde_json::to_string_pretty(figures).map_err(|source| ChoreError::Json {
        what: "the figures".to_owned(),
        source,
    })?;
    println!("{text}");
    fs::write(path, text + "\n").map_err(|source| ChoreError::Io {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_may_be_three_percent_dearer_and_no_more() {
        assert_eq!(Verdict::of(103.0, 100.0), Verdict::Same);
        assert_eq!(Verdict::of(103.1, 100.0), Verdict::Dearer);
        assert_eq!(Verdict::of(96.9, 100.0), Verdict::Cheaper);
        // What was never committed is held to nothing, so it is said.
        assert_eq!(Verdict::of(100.0, f64::NAN), Verdict::Dearer);
    }

    #[test]
    fn what_callgrind_counted_is_read_from_what_it_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";
        assert_eq!(collected(said), Some(123_456));
        assert_eq!(collected("==7== killed"), None);
    }
}
