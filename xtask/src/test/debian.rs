//! What the browser tests need of the machine: Chromium, node and npm, from Debian's packages.

use std::path::Path;
use std::process::Command;

use crate::command;
use crate::error::ChoreError;

/// `node --test` with its TAP reporter and playwright-core ask for this.
const NODE_MAJOR_MIN: u32 = 18;

/// Names a Chromium that is not Debian's; the tests in web/tests read it too.
const CHROMIUM_VARIABLE: &str = "PARLOUR_CHROMIUM";

/// Looks for the tools and installs what is missing, where that is possible without a question.
///
/// # Errors
/// When something is missing and cannot be installed; the text is the command to type.
pub(super) fn ensure_browser_tools() -> Result<(), ChoreError> {
    let missing = missing_packages();
    if !missing.is_empty() {
        println!("\n=== installing {}", missing.join(", "));
        install(&missing, "the browser tests")?;
    }
    let still = missing_packages();
    if !still.is_empty() {
        return Err(ChoreError::Missing(format!(
            "{} did not install",
            still.join(", ")
        )));
    }
    match node_major() {
        Some(major) if major < NODE_MAJOR_MIN => Err(ChoreError::Missing(format!(
            "node is of version {major}; the browser tests need {NODE_MAJOR_MIN} or newer"
        ))),
        _ => Ok(()),
    }
}

/// Looks for valgrind, and installs it as above.
///
/// # Errors
/// As above.
pub(crate) fn ensure_valgrind() -> Result<(), ChoreError> {
    let there = || command::succeeds(Command::new("valgrind").arg("--version"));
    if !there() {
        install(&["valgrind"], "counting instructions")?;
    }
    if there() {
        return Ok(());
    }
    Err(ChoreError::Missing("valgrind did not install".to_owned()))
}

fn missing_packages() -> Vec<&'static str> {
    let there = |program: &str| command::succeeds(Command::new(program).arg("--version"));
    let chromium = std::env::var_os(CHROMIUM_VARIABLE).map_or_else(
        || Path::new("/usr/bin/chromium").exists(),
        |path| Path::new(&path).exists(),
    );
    let mut missing = Vec::new();
    if !chromium {
        missing.push("chromium");
    }
    if !there("node") {
        missing.push("nodejs");
    }
    if !there("npm") {
        missing.push("npm");
    }
    missing
}

/// For `what`, as the errors say it.
fn install(packages: &[&str], what: &str) -> Result<(), ChoreError> {
    let by_hand = format!(
        "sudo apt-get update && sudo apt-get install {}",
        packages.join(" ")
    );
    let missing = |why: &str| ChoreError::Missing(format!("{why}; run: {by_hand}"));
    if !command::succeeds(Command::new("apt-get").arg("--version")) {
        let names = packages.join(", ");
        return Err(ChoreError::Missing(format!(
            "{what} need {names}: install them (a Chromium by {CHROMIUM_VARIABLE}=/path/to/chromium)"
        )));
    }
    let prefix: &[&str] = if is_root() {
        &[]
    } else if command::succeeds(Command::new("sudo").args(["-n", "true"])) {
        &["sudo", "-n"]
    } else {
        return Err(missing(&format!(
            "{what} need packages that only root can install"
        )));
    };
    let update = apt(prefix, &["update"]);
    let mut wanted = vec!["install", "--yes", "--no-install-recommends"];
    wanted.extend(packages);
    let steps = [update, apt(prefix, &wanted)];
    for mut step in steps {
        command::run(&mut step).map_err(|error| missing(&error.to_string()))?;
    }
    Ok(())
}

fn apt(prefix: &[&str], arguments: &[&str]) -> Command {
    let mut words = prefix
        .iter()
        .chain(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    let first = words.next().expect("the chain has at least three words");
    let mut apt = Command::new(first);
    apt.args(words).args(arguments);
    apt
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn node_major() -> Option<u32> {
    let version = command::capture(Command::new("node").arg("--version")).ok()?;
    version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_installed_without_a_question() {
        let root = command::words(&apt(&[], &["install", "--yes", "npm"]));
        assert_eq!(
            root,
            "env DEBIAN_FRONTEND=noninteractive apt-get install --yes npm"
        );
        let sudo = command::words(&apt(&["sudo", "-n"], &["update"]));
        assert_eq!(
            sudo,
            "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get update"
        );
    }
}
