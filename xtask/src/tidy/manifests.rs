//! README and manifests agree on the Rust they need; every crate takes the workspace's lints.

use crate::workspace::Member;

use super::Finding;
use super::tree::Tree;

const README: &str = "README.md";

pub(super) fn check(tree: &Tree, members: &[Member]) -> Vec<Finding> {
    let mut findings: Vec<_> = members
        .iter()
        .filter_map(|member| missing_lints(tree, member))
        .collect();
    let versions = members
        .iter()
        .filter_map(|member| member.rust_version.as_deref());
    let Some(version) = versions.max_by_key(|version| minor(version)) else {
        let fix = "set rust-version in [workspace.package] and inherit it";
        findings.push(Finding::new(
            "Cargo.toml",
            1,
            "no crate says which Rust it needs",
            fix,
        ));
        return findings;
    };
    findings.extend(readme(tree.text(README).unwrap_or_default(), version));
    findings
}

/// The README speaks of "Rust 1.95", at least once and never of another.
fn readme(text: &str, version: &str) -> Vec<Finding> {
    let mut named = false;
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for other in line.split("Rust ").skip(1).filter_map(minor) {
            named = true;
            if Some(other) != minor(version) {
                let what = format!(
                    "says Rust {}.{}, the manifest says {version}",
                    other.0, other.1
                );
                let fix = "change one of the two: README.md or rust-version in Cargo.toml";
                findings.push(Finding::new(README, index + 1, what, fix));
            }
        }
    }
    if !named {
        let fix = format!("write `Rust {version}` where the README says what is needed");
        findings.push(Finding::new(
            README,
            1,
            "does not say which Rust is needed",
            fix,
        ));
    }
    findings
}

/// Major and minor of a version at the beginning of `text`.
fn minor(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    let major = parts.next()?.parse().ok()?;
    let digits: String = parts
        .next()?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    Some((major, digits.parse().ok()?))
}

fn missing_lints(tree: &Tree, member: &Member) -> Option<Finding> {
    let manifest = format!("{}/Cargo.toml", member.folder);
    let text = tree.text(&manifest)?;
    let plain = |line: &str| line.split_whitespace().collect::<String>();
    if member.folder == CALLS_C && text.lines().any(|line| plain(line) == NAMED_LINE_BY_LINE) {
        return None;
    }
    let section = text
        .lines()
        .skip_while(|line| plain(line) != "[lints]")
        .skip(1);
    let inherits = section
        .take_while(|line| !line.starts_with('['))
        .any(|l| plain(l) == INHERITED)
        || text
            .lines()
            .any(|line| plain(line) == format!("lints.{INHERITED}"));
    let what = "does not take the workspace's lints";
    let fix = "add: [lints] workspace = true";
    (!inherits).then(|| Finding::new(&manifest, 1, what, fix))
}

const INHERITED: &str = "workspace=true";

/// The one crate with a line of unsafe code, which has to be allowed where it stands: the workspace
/// forbids it, and what is forbidden cannot be.
const CALLS_C: &str = "crates/allocator";
const NAMED_LINE_BY_LINE: &str = "unsafe_code=\"deny\"";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(readme: &str, manifest: &str) -> Vec<(String, usize)> {
        let tree = Tree::from([(README, readme), ("crates/a/Cargo.toml", manifest)]);
        let member = Member {
            folder: "crates/a".to_owned(),
            rust_version: Some("1.95".to_owned()),
            ..Member::default()
        };
        check(&tree, &[member])
            .into_iter()
            .map(|f| (f.file, f.line))
            .collect()
    }

    const LINTS: &str = "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n";

    #[test]
    fn one_version_everywhere_is_fine() {
        assert_eq!(
            found(
                "Needs Rust 1.95 or newer, any Rust you like; Rust 1.95.0.",
                LINTS
            ),
            []
        );
        assert_eq!(
            found("Rust 1.95", "lints.workspace = true\n[package]\n"),
            []
        );
    }

    #[test]
    fn another_version_or_none_is_found() {
        assert_eq!(
            found("# P\nNeeds Rust 1.80.\n", LINTS),
            [(README.to_owned(), 2)]
        );
        assert_eq!(found("# P\n", LINTS), [(README.to_owned(), 1)]);
    }

    #[test]
    fn one_crate_alone_may_name_its_unsafe_lines() {
        let own = "[lints.rust]\nunsafe_code = \"deny\"\n";
        let may = |folder: &str, manifest: &str| {
            let tree = Tree::from([(format!("{folder}/Cargo.toml").as_str(), manifest)]);
            let folder = folder.to_owned();
            missing_lints(
                &tree,
                &Member {
                    folder,
                    ..Member::default()
                },
            )
            .is_none()
        };
        assert!(may(CALLS_C, own));
        assert!(!may("crates/a", own));
        assert!(!may(CALLS_C, "[lints.rust]\nunsafe_code = \"allow\"\n"));
    }

    #[test]
    fn a_crate_without_the_lints_is_found() {
        let own = "[lints.rust]\nunused = \"allow\"\n[dependencies]\nworkspace = true\n";
        assert_eq!(
            found("Rust 1.95", own),
            [("crates/a/Cargo.toml".to_owned(), 1)]
        );
    }
}
