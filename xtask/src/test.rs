//! `cargo xtask test`: everything that must hold before a change lands, and all that CI runs.

mod browser;
pub(crate) mod debian;
mod licences;
mod rust;
mod steps;
mod tally;

use std::time::{Duration, Instant};

use clap::Args;

use crate::error::ChoreError;
use crate::workspace::Workspace;
use steps::{Step, World};
use tally::{Ending, Tally};

/// Which steps to run; all of them, unless named.
#[derive(Args)]
pub(crate) struct TestArgs {
    /// Run these steps only, in their usual order
    #[arg(long, value_delimiter = ',', value_name = "STEP,…")]
    only: Vec<Step>,
}

struct Done {
    step: Step,
    ending: Ending,
    time: Duration,
}

/// Runs the steps one after the other; one that fails does not hide the others.
///
/// # Errors
/// When any step failed, after all have run.
pub(crate) fn run(workspace: &Workspace, args: &TestArgs) -> Result<(), ChoreError> {
    let steps: Vec<Step> = Step::all().filter(|step| args.chooses(*step)).collect();
    let mut world = World::new(workspace);
    if steps.contains(&Step::Browser) {
        // Installing comes first: a person with a password to type is still there.
        world.prepare_browser();
    }
    let mut done = Vec::new();
    for (index, &step) in steps.iter().enumerate() {
        println!(
            "\n=== {}/{} {}: {}",
            index + 1,
            steps.len(),
            step.name(),
            step.promise()
        );
        let started = Instant::now();
        let ending = step.run(&world);
        done.push(Done {
            step,
            ending,
            time: started.elapsed(),
        });
    }
    summarise(&done)
}

impl TestArgs {
    fn chooses(&self, step: Step) -> bool {
        self.only.is_empty() || self.only.contains(&step)
    }
}

fn summarise(done: &[Done]) -> Result<(), ChoreError> {
    println!("\n=== summary");
    for Done { step, ending, time } in done {
        println!(
            "{:<10} {:>7.1} s  {ending}",
            step.name(),
            time.as_secs_f64()
        );
    }
    let passed = |step| {
        let own = done.iter().filter(|done| done.step == step);
        own.map(|done| done.ending.tally().passed).sum::<u32>()
    };
    let total: Tally = done.iter().map(|done| done.ending.tally()).sum();
    println!(
        "chromium: {} cases, autobahn: {} cases",
        passed(Step::Browser),
        passed(Step::Autobahn)
    );
    println!("{} passed, {} failed", total.passed, total.failed);

    let failed: Vec<_> = done
        .iter()
        .filter(|d| d.ending.is_failure())
        .map(|d| d.step.name())
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let again = failed.join(",");
    Err(ChoreError::Found(format!(
        "failed; to run only these again: cargo xtask test --only {again}"
    )))
}
