//! Licences, bans, sources and advisories of all dependencies, by cargo-deny (deny.toml).

use std::process::Command;

use crate::autobahn::is_ci;
use crate::command;
use crate::error::ChoreError;
use crate::workspace::Workspace;

use super::tally::Ending;

/// Builds in about three minutes on two cores.
const INSTALL: [&str; 5] = ["install", "--locked", "cargo-deny", "--version", "0.20.2"];

/// CI installs the tool; a developer's run says what is left out and how to get it.
pub(super) fn run(workspace: &Workspace) -> Ending {
    if !is_there(workspace) {
        if !is_ci() {
            println!("!!  CARGO-DENY IS LEFT OUT: licences, bans and sources were NOT checked.");
            println!("!!  Get it with: cargo {}", INSTALL.join(" "));
            return Ending::LeftOut("cargo-deny is not installed; the notice above says how");
        }
        if let Err(error) = command::run(command::cargo().args(INSTALL)) {
            return Ending::of_check(Err(error));
        }
    }
    Ending::of_check(check(workspace))
}

fn check(workspace: &Workspace) -> Result<(), ChoreError> {
    command::run(deny(workspace).args(["check", "licenses", "bans", "sources"]))?;
    if command::succeeds(deny(workspace).args(["fetch", "db"])) {
        return command::run(deny(workspace).args(["check", "--disable-fetch", "advisories"]));
    }
    println!("!!  ADVISORIES WERE NOT CHECKED: the advisory database cannot be fetched from here.");
    println!("!!  Where it can be: cargo deny check advisories");
    Ok(())
}

fn is_there(workspace: &Workspace) -> bool {
    command::succeeds(deny(workspace).arg("--version"))
}

fn deny(workspace: &Workspace) -> Command {
    let mut deny = command::cargo();
    deny.current_dir(&workspace.root).arg("deny");
    deny
}
