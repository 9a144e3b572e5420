//! The steps that are cargo's.

use std::process::Command;

use crate::command;
use crate::error::ChoreError;
use crate::workspace::Workspace;

use super::tally::{Ending, Tally};

/// `cargo fmt --check`.
pub(super) fn fmt(workspace: &Workspace) -> Result<(), ChoreError> {
    command::run(cargo(workspace).args(["fmt", "--all", "--check"]))
}

/// Twice: with every feature, and the server as it is shipped. In the whole workspace the chores
/// turn on the simulated world of `parlour-hub` for everybody.
pub(super) fn clippy(workspace: &Workspace) -> Result<(), ChoreError> {
    let all = ["--workspace", "--all-features"].as_slice();
    let shipped = ["--package=parlour-cli", "--package=parlour-hub"].as_slice();
    for packages in [all, shipped] {
        let mut clippy = cargo(workspace);
        clippy
            .arg("clippy")
            .args(packages)
            .args(["--all-targets", "--", "--deny=warnings"]);
        command::run(&mut clippy)?;
    }
    Ok(())
}

/// Unit, behaviour and documentation tests, also after the first crate that fails.
pub(super) fn tests(workspace: &Workspace) -> Ending {
    let mut test = cargo(workspace);
    test.args(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    let mut tally = Tally::default();
    let status = command::stream(&mut test, |line| tally.read_cargo_line(line));
    Ending::of_tests(
        tally,
        status.and_then(|status| command::check(&test, status)),
    )
}

/// Packages that others put into their own programs.
const LIBRARIES: [&str; 6] = [
    "parlour-ws",
    "parlour-proto",
    "parlour-hub",
    "parlour",
    "parlour-store-redb",
    "parlour-client",
];

/// In the whole workspace one package's features are on for all others, which hides what one needs
/// and does not ask for.
pub(super) fn features(workspace: &Workspace) -> Result<(), ChoreError> {
    for name in LIBRARIES {
        let member = workspace.members.iter().find(|member| member.name == name);
        let member = member.ok_or_else(|| {
            ChoreError::Found(format!(
                "there is no package {name} whose features to build"
            ))
        })?;
        let none = std::iter::once("");
        for feature in none.chain(member.features.iter().map(String::as_str)) {
            println!(
                "{name} with {}",
                if feature.is_empty() { "none" } else { feature }
            );
            let mut check = cargo(workspace);
            check.args(["check", "--no-default-features", "--package", name]);
            check.args(["--features", feature]);
            command::run(&mut check)?;
        }
    }
    Ok(())
}

/// The documentation of our crates, with warnings (broken links) as errors.
pub(super) fn docs(workspace: &Workspace) -> Result<(), ChoreError> {
    let mut doc = cargo(workspace);
    doc.env("RUSTDOCFLAGS", "-D warnings")
        .args(["doc", "--workspace", "--no-deps"]);
    command::run(&mut doc)
}

fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = command::cargo();
    cargo.current_dir(&workspace.root);
    cargo
}
