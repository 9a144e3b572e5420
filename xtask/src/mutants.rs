//! `cargo xtask mutants`: takes one promise's code away at a time, and a named test must see it.
//!
//! Works on a copy of the tree below the target folder, with a build folder of its own. First every
//! named test must be green on the copy as it is; then each mutant must turn its test red. That it
//! no longer compiles, or that its text is no longer found exactly once, is a fault of the list.

mod plan;
mod tree;
mod trial;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use clap::Args;

use crate::error::ChoreError;
use crate::workspace::Workspace;
use plan::{Mutant, Named};
use tree::Copied;
use trial::{Outcome, Trials};

/// Which mutants to try; all of them, unless named.
#[derive(Args)]
pub(crate) struct MutantsArgs {
    /// Try these mutants only
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    only: Vec<String>,
    /// Say which mutants there are, and try none
    #[arg(long)]
    list: bool,
}

/// How the trial of a mutant ended.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Its test saw it.
    Killed,
    /// Its test was green: nothing holds the promise.
    Survived,
    /// The text that it replaces is not there exactly once.
    Stale(usize),
    /// It cannot be built, so it shows nothing.
    NotBuilt,
    /// Its test is red, or not there, without it.
    NoBaseline(String),
}

impl Verdict {
    fn is_good(&self) -> bool {
        *self == Self::Killed
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed => f.write_str("killed"),
            Self::Survived => f.write_str("SURVIVED: its test does not see it"),
            Self::Stale(found) => write!(
                f,
                "STALE: its text stands {found} times in the file; mend xtask/src/mutants/plan.rs"
            ),
            Self::NotBuilt => f.write_str("NOT BUILT: it does not compile; mend the plan"),
            Self::NoBaseline(why) => write!(f, "NO BASELINE: its test {why} without it"),
        }
    }
}

/// Tries the mutants and prints a table.
///
/// # Errors
/// When a mutant survived or could not be tried; when the copy cannot be made or cargo not be run.
pub(crate) fn run(workspace: &Workspace, args: &MutantsArgs) -> Result<(), ChoreError> {
    let chosen = choose(&args.only)?;
    if args.list {
        for mutant in chosen {
            println!("{:<28} {}", mutant.name, mutant.takes_away);
        }
        return Ok(());
    }
    let folder = workspace.target.join("mutants");
    let copied = Copied::of(&workspace.root, &folder.join("tree"))?;
    let trials = Trials::new(&copied, folder.join("build"));
    let baseline = baseline(&trials, &chosen)?;
    let mut verdicts = Vec::new();
    for (number, mutant) in chosen.iter().enumerate() {
        println!("mutants: {}/{} {}", number + 1, chosen.len(), mutant.name);
        let started = Instant::now();
        let verdict = try_one(mutant, &copied, &trials, &baseline)?;
        println!("mutants: {}: {verdict}", mutant.name);
        verdicts.push((*mutant, verdict, started.elapsed()));
    }
    summarise(&verdicts)
}

fn choose(only: &[String]) -> Result<Vec<&'static Mutant>, ChoreError> {
    let is_known = |name: &String| plan::ALL.iter().any(|mutant| mutant.name == name);
    if let Some(unknown) = only.iter().find(|name| !is_known(name)) {
        return Err(ChoreError::Found(format!(
            "there is no mutant {unknown}; `cargo xtask mutants --list` names them all"
        )));
    }
    let is_chosen = |mutant: &&Mutant| only.is_empty() || only.iter().any(|it| it == mutant.name);
    Ok(plan::ALL.iter().filter(is_chosen).collect())
}

/// How each named test ends without any mutant.
fn baseline(
    trials: &Trials<'_>,
    mutants: &[&Mutant],
) -> Result<BTreeMap<Named, Outcome>, ChoreError> {
    let mut known = BTreeMap::new();
    for mutant in mutants {
        if known.contains_key(&mutant.test) {
            continue;
        }
        println!("mutants: without one, {}", mutant.test);
        known.insert(mutant.test, trials.run(mutant.test)?);
    }
    Ok(known)
}

fn try_one(
    mutant: &Mutant,
    copied: &Copied,
    trials: &Trials<'_>,
    baseline: &BTreeMap<Named, Outcome>,
) -> Result<Verdict, ChoreError> {
    match baseline.get(&mutant.test) {
        Some(Outcome::Green) => {}
        other => {
            let why = other.map_or_else(|| "was not run".to_owned(), ToString::to_string);
            return Ok(Verdict::NoBaseline(why));
        }
    }
    let original = copied.read(mutant.file)?;
    let mutated = match mutant.apply(&original) {
        Ok(mutated) => mutated,
        Err(found) => return Ok(Verdict::Stale(found)),
    };
    copied.write(mutant.file, &mutated)?;
    let outcome = trials.run(mutant.test);
    copied.write(mutant.file, &original)?;
    Ok(verdict_of(&outcome?))
}

fn verdict_of(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Red | Outcome::Hangs => Verdict::Killed,
        Outcome::Green => Verdict::Survived,
        Outcome::NotBuilt => Verdict::NotBuilt,
        Outcome::Missing => Verdict::NoBaseline(outcome.to_string()),
    }
}

fn summarise(verdicts: &[(&Mutant, Verdict, Duration)]) -> Result<(), ChoreError> {
    println!("\n=== mutants");
    for (mutant, verdict, time) in verdicts {
        let seconds = time.as_secs_f64();
        println!("{:<28} {seconds:>6.1} s  {verdict}", mutant.name);
        if !verdict.is_good() {
            println!("{:<38}takes away: {}", "", mutant.takes_away);
            println!("{:<38}in {}, test {}", "", mutant.file, mutant.test);
        }
    }
    let bad = verdicts.iter().filter(|it| !it.1.is_good()).count();
    println!("{} killed, {bad} not", verdicts.len() - bad);
    if bad == 0 {
        return Ok(());
    }
    let names = verdicts.iter().filter(|it| !it.1.is_good());
    let names: Vec<_> = names.map(|(mutant, ..)| mutant.name).collect();
    Err(ChoreError::Found(format!(
        "not every mutant was seen; to try only these again: cargo xtask mutants --only {}",
        names.join(",")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_red_test_kills() {
        assert_eq!(verdict_of(&Outcome::Red), Verdict::Killed);
        assert_eq!(verdict_of(&Outcome::Hangs), Verdict::Killed);
        assert_eq!(verdict_of(&Outcome::Green), Verdict::Survived);
        for outcome in [Outcome::NotBuilt, Outcome::Missing] {
            assert!(!verdict_of(&outcome).is_good(), "{outcome}");
        }
    }

    #[test]
    fn mutants_are_chosen_by_name_and_an_unknown_name_is_told() {
        assert_eq!(choose(&[]).unwrap().len(), plan::ALL.len());
        let first = plan::ALL[0].name;
        let chosen = choose(&[first.to_owned()]).unwrap();
        assert_eq!(chosen.len(), 1);
        let error = choose(&["no-such".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("no-such"), "{error}");
    }

    #[test]
    fn one_that_survives_fails_the_whole_run_and_is_named() {
        let mutant = &plan::ALL[0];
        let of = |verdict| [(mutant, verdict, Duration::ZERO)];
        assert!(summarise(&of(Verdict::Killed)).is_ok());
        for bad in [
            Verdict::Survived,
            Verdict::Stale(0),
            Verdict::NotBuilt,
            Verdict::NoBaseline("is red".to_owned()),
        ] {
            let error = summarise(&of(bad)).unwrap_err();
            assert!(error.to_string().contains(mutant.name), "{error}");
        }
    }
}
