//! The tests that the test binaries list.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::command;
use crate::error::ChoreError;
use crate::workspace::{Member, Workspace};

/// Every test as `package::binary::path::to::test`, and whether it is ignored. The binary of a
/// package's unit tests is `lib` or `bin`. Documentation tests have no lasting names and are not
/// among them.
pub(super) struct Compiled(BTreeMap<String, bool>);

/// One line of cargo's build messages, as far as it is about a test binary.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
    executable: PathBuf,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl Compiled {
    /// Builds the tests with the flags of `cargo xtask test`, so that after it nothing is left to
    /// build, and asks each binary for its list.
    pub(super) fn of_cargo(workspace: &Workspace) -> Result<Self, ChoreError> {
        let mut build = command::cargo();
        build.current_dir(&workspace.root).args([
            "test",
            "--workspace",
            "--all-features",
            "--no-run",
            "--message-format=json-render-diagnostics",
        ]);
        let messages = command::capture(&mut build)?;
        let mut this = Self(BTreeMap::new());
        for line in messages.lines() {
            let Some(artifact) = artifact(line) else {
                continue;
            };
            let Some(binary) = artifact.binary(workspace) else {
                continue;
            };
            let list = |more: &[&str]| {
                let mut list = Command::new(&artifact.executable);
                list.args(["--list", "--format", "terse"]).args(more);
                command::capture(&mut list)
            };
            this.take(&binary, &list(&[])?, &list(&["--ignored"])?);
        }
        Ok(this)
    }

    /// How many tests there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is wrong with naming that test, if anything is.
    pub(super) fn wrong(&self, name: &str) -> Option<String> {
        match self.0.get(name) {
            Some(false) => None,
            Some(true) => Some(format!("`{name}` is ignored and holds nothing")),
            None => Some(format!("`{name}` is no test")),
        }
    }

    /// Takes in what a binary lists: `path::to::test: test`, one a line.
    fn take(&mut self, binary: &str, all: &str, ignored: &str) {
        let names = |list| str::lines(list).filter_map(|line| line.strip_suffix(": test"));
        for name in names(all) {
            self.0.insert(format!("{binary}::{name}"), false);
        }
        for name in names(ignored) {
            self.0.insert(format!("{binary}::{name}"), true);
        }
    }
}

fn artifact(line: &str) -> Option<Artifact> {
    let artifact: Artifact = serde_json::from_str(line).ok()?;
    Some(artifact).filter(|artifact| artifact.profile.test)
}

impl Artifact {
    /// `package::binary`, if the package is one of ours.
    fn binary(&self, workspace: &Workspace) -> Option<String> {
        let folder = self.manifest_path.parent()?.strip_prefix(&workspace.root);
        let folder = folder.ok()?.to_string_lossy().into_owned();
        let is_own = |member: &&Member| member.folder == folder;
        let package = &workspace.members.iter().find(is_own)?.name;
        let binary = match self.target.kind.first()?.as_str() {
            "test" => self.target.name.as_str(),
            kind @ ("bin" | "example" | "bench") => kind,
            _ => "lib",
        };
        Some(format!("{package}::{binary}"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    impl Compiled {
        /// From binaries with what they list in all and as ignored.
        pub(in super::super) fn from_lists(lists: &[(&str, &str, &str)]) -> Self {
            let mut this = Self(BTreeMap::new());
            for (binary, all, ignored) in lists {
                this.take(binary, all, ignored);
            }
            this
        }
    }

    fn message(folder: &str, kind: &str, name: &str, test: bool) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","manifest_path":"/w/{folder}/Cargo.toml",
                "target":{{"kind":["{kind}"],"name":"{name}"}},
                "profile":{{"test":{test}}},"executable":"/t/x"}}"#
        )
    }

    #[test]
    fn a_binary_is_named_by_its_package_and_target() {
        let workspace = Workspace {
            root: Path::new("/w").to_owned(),
            target: Path::new("/t").to_owned(),
            members: vec![Member {
                name: "parlour-hub".to_owned(),
                folder: "crates/hub".to_owned(),
                ..Member::default()
            }],
            needs: BTreeMap::new(),
        };
        let named = |line: &str| artifact(line)?.binary(&workspace);
        let of = |kind, test| named(&message("crates/hub", kind, "promises", test));
        assert_eq!(of("test", true).as_deref(), Some("parlour-hub::promises"));
        assert_eq!(of("lib", true).as_deref(), Some("parlour-hub::lib"));
        assert_eq!(of("bin", true).as_deref(), Some("parlour-hub::bin"));
        assert_eq!(of("bin", false), None, "it is built to be run");
        assert_eq!(named(&message("else/where", "lib", "x", true)), None);
        assert_eq!(named(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn tests_are_known_by_their_whole_path() {
        let list = "a::b: test\nc: test\nd: benchmark\n";
        let compiled = Compiled::from_lists(&[("p::q", list, "c: test\n")]);
        assert_eq!(compiled.len(), 2);
        assert_eq!(compiled.wrong("p::q::a::b"), None);
        assert!(compiled.wrong("p::q::c").unwrap().contains("ignored"));
        for name in ["p::q::b", "a::b", "p::q::d"] {
            assert!(compiled.wrong(name).unwrap().contains("no test"), "{name}");
        }
    }
}
