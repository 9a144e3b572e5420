//! Dependencies point one way, and the inner crates stay free of I/O.

use crate::workspace::{Member, Workspace};

use super::Finding;
use super::tree::Tree;

/// Who may depend on whom, dev-dependencies too. A crate that is not here has no place yet.
const MAY_DEPEND_ON: [(&str, &[&str]); 15] = [
    ("parlour-ws", &[]),
    ("parlour-proto", &[]),
    ("parlour-hub", &["parlour-ws", "parlour-proto"]),
    ("parlour", &["parlour-ws", "parlour-proto", "parlour-hub"]),
    (
        "parlour-store-redb",
        &["parlour-ws", "parlour-proto", "parlour-hub"],
    ),
    (
        "parlour-accounts",
        &["parlour-ws", "parlour-proto", "parlour-hub", "parlour"],
    ),
    (
        "parlour-server",
        &[
            "parlour-ws",
            "parlour-proto",
            "parlour-hub",
            "parlour",
            "parlour-accounts",
            "parlour-store-redb",
        ],
    ),
    (
        "parlour-client",
        // The server only in tests: a client knows words and frames, and nothing of an engine.
        &["parlour-ws", "parlour-proto", "parlour"],
    ),
    ("parlour-allocator", &[]),
    ("parlour-bench", &[]),
    // Not even the plane: what is counted there is the kernel's.
    (
        "parlour-hot-path",
        &["parlour-ws", "parlour-proto", "parlour-hub"],
    ),
    // It speaks as clients do, and never links against what it tortures.
    ("parlour-torture", &["parlour-ws", "parlour-proto"]),
    (
        "parlour-cli",
        &[
            "parlour-ws",
            "parlour-proto",
            "parlour-hub",
            "parlour",
            "parlour-accounts",
            "parlour-store-redb",
            "parlour-server",
            "parlour-client",
            "parlour-allocator",
            "parlour-bench",
            "parlour-torture",
        ],
    ),
    ("parlour-examples", &["parlour"]),
    (
        "xtask",
        &[
            "parlour-ws",
            "parlour-proto",
            "parlour-hub",
            "parlour-store-redb",
            "parlour-bench",
        ],
    ),
];

/// The crates that open no socket, read no clock and start no task.
pub(super) const PURE: [(&str, &str); 3] = [
    ("parlour-ws", "crates/ws"),
    ("parlour-proto", "crates/proto"),
    ("parlour-hub", "crates/hub"),
];

const NOT_IN_PURE: [&str; 7] = [
    "tokio",
    "mio",
    "axum",
    "hyper",
    "getrandom",
    "socket2",
    "rustix",
];

pub(super) fn check(tree: &Tree, workspace: &Workspace) -> Vec<Finding> {
    let mut findings: Vec<_> = workspace
        .members
        .iter()
        .flat_map(|member| edges(tree, member))
        .collect();
    for (name, folder) in PURE {
        let manifest = format!("{folder}/Cargo.toml");
        let Some(needs) = workspace.needs.get(name) else {
            continue;
        };
        for banned in NOT_IN_PURE.iter().filter(|&&banned| needs.contains(banned)) {
            let what = format!("{name} needs `{banned}`, directly or through another crate");
            let fix = "leave I/O, clock and tasks to crates/parlour; see cargo tree --invert";
            findings.push(Finding::new(
                &manifest,
                line_naming(tree, &manifest, banned),
                what,
                fix,
            ));
        }
    }
    findings
}

fn edges(tree: &Tree, member: &Member) -> Vec<Finding> {
    let manifest = format!("{}/Cargo.toml", member.folder);
    let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(name, _)| *name == member.name) else {
        let what = format!(
            "the crate {} has no place among the dependencies",
            member.name
        );
        let fix = "give it one in MAY_DEPEND_ON (xtask/src/tidy/boundaries.rs)";
        return vec![Finding::new(&manifest, 1, what, fix)];
    };
    let wrong = member
        .own_dependencies
        .iter()
        // A crate may turn on features of its own for its tests.
        .filter(|name| **name != member.name && !allowed.contains(&name.as_str()));
    wrong
        .map(|name| {
            let what = format!("{} depends on {name}: against the arrows", member.name);
            let fix = "move what is needed to the inner crate (ARCHITECTURE.md says which way)";
            Finding::new(&manifest, line_naming(tree, &manifest, name), what, fix)
        })
        .collect()
}

fn line_naming(tree: &Tree, manifest: &str, dependency: &str) -> usize {
    let names = |line: &str| {
        let rest = line.trim_start().strip_prefix(dependency);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    let text = tree.text(manifest).unwrap_or_default();
    text.lines().position(names).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::PathBuf;

    use super::*;

    fn workspace(name: &str, own: &[&str], needs: &[&str]) -> Workspace {
        let owned = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let member = Member {
            name: name.to_owned(),
            folder: "crates/hub".to_owned(),
            own_dependencies: owned(own),
            ..Member::default()
        };
        let needs: BTreeSet<String> = owned(needs).into_iter().collect();
        Workspace {
            root: PathBuf::new(),
            target: PathBuf::new(),
            members: vec![member],
            needs: BTreeMap::from([(name.to_owned(), needs)]),
        }
    }

    fn found(workspace: &Workspace) -> Vec<(usize, String)> {
        let manifest = "[dependencies]\nparlour-proto.workspace = true\nparlour.workspace = true\n\
                        mio = \"1\"\n";
        let tree = Tree::from([("crates/hub/Cargo.toml", manifest)]);
        check(&tree, workspace)
            .into_iter()
            .map(|f| (f.line, f.what))
            .collect()
    }

    #[test]
    fn edges_along_the_arrows_are_fine() {
        assert_eq!(
            found(&workspace("parlour-hub", &["parlour-proto"], &["bytes"])),
            []
        );
        assert_eq!(
            found(&workspace("parlour", &["parlour-hub"], &["tokio"])),
            []
        );
    }

    #[test]
    fn an_edge_against_the_arrows_is_found_at_its_line() {
        let found = found(&workspace(
            "parlour-hub",
            &["parlour-proto", "parlour"],
            &[],
        ));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 3);
        assert!(found[0].1.contains("parlour-hub depends on parlour:"));
    }

    #[test]
    fn a_pure_crate_that_needs_io_is_found() {
        let found = found(&workspace("parlour-hub", &[], &["bytes", "mio"]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 4);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        assert_eq!(found(&workspace("parlour-news", &[], &[])).len(), 1);
    }
}
