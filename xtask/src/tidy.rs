//! `cargo xtask tidy`: what the documents and manifests say is true.
//!
//! Every check is a pure function of the [`Tree`] (and of what cargo knows), so that its tests run
//! on small made-up trees.

mod boundaries;
mod code;
mod invariants;
mod links;
mod manifests;
mod map;
mod purity;
pub(crate) mod seeds;
mod test_names;
mod text;
mod tree;

use std::fmt;

use crate::error::ChoreError;
use crate::workspace::Workspace;
use tree::Tree;

/// Something that is not as it should be, where it is, and what to do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    line: usize,
    what: String,
    fix: String,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}\n    fix: {}",
            self.file, self.line, self.what, self.fix
        )
    }
}

/// Checks the tree and prints what was found.
///
/// # Errors
/// When anything was found, or when git or cargo cannot be asked.
pub(crate) fn run(workspace: &Workspace) -> Result<(), ChoreError> {
    let tree = Tree::of_git(&workspace.root)?;
    let findings = check(&tree, workspace);
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing found", tree.len());
        return Ok(());
    }
    Err(ChoreError::Found(format!(
        "tidy found {} things, each with its fix above",
        findings.len()
    )))
}

fn check(tree: &Tree, workspace: &Workspace) -> Vec<Finding> {
    let mut findings = map::check(tree, &workspace.members);
    findings.extend(links::check(tree));
    findings.extend(invariants::check(tree));
    findings.extend(boundaries::check(tree, workspace));
    findings.extend(purity::check(tree));
    findings.extend(manifests::check(tree, &workspace.members));
    findings.extend(text::check(tree));
    findings.extend(seeds::check(tree));
    findings.sort();
    findings
}
