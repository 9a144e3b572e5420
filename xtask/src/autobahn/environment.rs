//! The Python environment with the suite, made once below the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::error::ChoreError;

use super::wstest::Wstest;

const REQUIREMENTS: &str = include_str!("../../autobahn-requirements.txt");

/// The last release that makes environments for Python 2.7.
const VIRTUALENV: &str = "virtualenv==20.15.1";

/// The environment in `folder`, made now unless it is there from the same requirements.
///
/// # Errors
/// When a package cannot be installed.
pub(super) fn ready(folder: &Path, python: &Path) -> Result<Wstest, ChoreError> {
    let environment = folder.join("python");
    let stamp = folder.join("python.stamp");
    let made_from = format!("{}\n{VIRTUALENV}\n{REQUIREMENTS}", python.display());
    let wstest = Wstest::in_environment(&environment);
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == made_from) && wstest.is_there() {
        return Ok(wstest);
    }
    println!("autobahn: making its Python environment, once (about a minute)");
    forget(&stamp)?;
    make(folder, python, &environment)?;
    // Written last: a run that was interrupted starts over.
    std::fs::write(&stamp, made_from).map_err(ChoreError::io("write", &stamp))?;
    Ok(wstest)
}

fn make(folder: &Path, python: &Path, environment: &Path) -> Result<(), ChoreError> {
    let boot = folder.join("virtualenv");
    for old in [&boot, environment] {
        if old.exists() {
            std::fs::remove_dir_all(old).map_err(ChoreError::io("remove", old))?;
        }
    }
    std::fs::create_dir_all(folder).map_err(ChoreError::io("make", folder))?;
    let requirements = folder.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).map_err(ChoreError::io("write", &requirements))?;

    command::run(
        pip(python)
            .arg("--target")
            .args([boot.as_path(), Path::new(VIRTUALENV)]),
    )?;
    command::run(
        Command::new(python)
            .env("PYTHONPATH", &boot)
            .args(["-m", "virtualenv", "--quiet"])
            .arg(environment),
    )?;
    command::run(
        pip(&python_in(environment))
            .arg("--requirement")
            .arg(&requirements),
    )
}

/// The interpreter of an environment.
pub(super) fn python_in(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

fn pip(python: &Path) -> Command {
    let mut pip = Command::new(python);
    // Python 2.7's end is known; every pip call would say so again.
    pip.env("PYTHONWARNINGS", "ignore")
        .env("PIP_NO_PYTHON_VERSION_WARNING", "1");
    pip.args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]);
    pip
}

fn forget(stamp: &Path) -> Result<(), ChoreError> {
    match std::fs::remove_file(stamp) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ChoreError::io("remove", stamp)(error))
        }
        _ => Ok(()),
    }
}
