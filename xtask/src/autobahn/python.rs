//! Where Python 2.7 is. The suite was never brought to Python 3.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::error::ChoreError;

/// Names an interpreter that is nowhere the others are looked for.
const VARIABLE: &str = "PARLOUR_PYTHON27";

/// The remedy, in one sentence per way.
pub(super) const HOW_TO_GET: &str = "\
Autobahn needs Python 2.7 and none was found. Get it with `pyenv install 2.7.18` \
(build tools: apt-get install build-essential libssl-dev zlib1g-dev libffi-dev), \
or set PARLOUR_PYTHON27 to the path of an interpreter; then run `cargo xtask autobahn`.";

/// Finds an interpreter that really runs: a pyenv shim is on PATH and yet fails.
///
/// # Errors
/// When `PARLOUR_PYTHON27` names something that is no Python 2.7.
pub(super) fn find() -> Result<Option<PathBuf>, ChoreError> {
    if let Some(named) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        if is_python27(&named) {
            return Ok(Some(named));
        }
        let text = format!(
            "{VARIABLE} is {}, which does not run as Python 2.7",
            named.display()
        );
        return Err(ChoreError::Missing(text));
    }
    let on_path = PathBuf::from("python2.7");
    let pyenv = pyenv_roots().into_iter().flat_map(|root| in_pyenv(&root));
    Ok(std::iter::once(on_path)
        .chain(pyenv)
        .find(|python| is_python27(python)))
}

/// What is printed when the suite is left out.
pub(super) fn left_out_notice() -> String {
    let line = "!".repeat(78);
    format!("{line}\n!!  AUTOBAHN IS LEFT OUT: the WebSocket conformance suite did NOT run.\n!!")
        + &wrapped(HOW_TO_GET)
        + &format!("\n{line}")
}

fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut width = usize::MAX;
    for word in text.split(' ') {
        if width.saturating_add(word.len()) > 72 {
            out.push_str("\n!! ");
            width = 0;
        }
        out.push(' ');
        out.push_str(word);
        width += word.len() + 1;
    }
    out
}

fn pyenv_roots() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv"));
    let set = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    home.into_iter().chain(set).collect()
}

/// The interpreters below `versions/2.7.*`, newest first.
fn in_pyenv(root: &Path) -> Vec<PathBuf> {
    let Ok(versions) = std::fs::read_dir(root.join("versions")) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|version| {
            let patch = version
                .file_name()
                .to_str()?
                .strip_prefix("2.7.")?
                .parse()
                .ok()?;
            Some((patch, version.path().join("bin/python2.7")))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, python)| python).collect()
}

fn is_python27(python: &Path) -> bool {
    let check = "import sys; sys.exit(sys.version_info[:2] != (2, 7))";
    command::succeeds(Command::new(python).args(["-c", check]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_run_is_no_interpreter() {
        assert!(!is_python27(Path::new("no-such-python")));
        assert!(!is_python27(Path::new("false")));
    }

    #[test]
    fn the_newest_of_a_pyenv_comes_first() {
        let root = std::env::temp_dir().join(format!("parlour-pyenv-{}", std::process::id()));
        for version in ["2.7.9", "2.7.18", "3.11.7", "2.7.x"] {
            std::fs::create_dir_all(root.join("versions").join(version)).unwrap();
        }
        let found = in_pyenv(&root);
        std::fs::remove_dir_all(&root).unwrap();
        let expected =
            ["2.7.18", "2.7.9"].map(|v| root.join("versions").join(v).join("bin/python2.7"));
        assert_eq!(found, expected);
    }

    #[test]
    fn the_notice_is_loud_and_names_the_way_out() {
        let notice = left_out_notice();
        assert!(notice.lines().count() > 4 && notice.lines().all(|line| line.starts_with("!!")));
        assert!(notice.contains("LEFT OUT") && notice.contains("PARLOUR_PYTHON27"));
        assert!(notice.lines().all(|line| line.len() <= 80), "{notice}");
    }
}
