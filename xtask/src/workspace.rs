//! What cargo knows about the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::command;
use crate::error::ChoreError;

/// The workspace as `cargo metadata` describes it.
pub(crate) struct Workspace {
    /// Absolute path of the folder with the root manifest.
    pub(crate) root: PathBuf,
    /// Where cargo builds (honours `CARGO_TARGET_DIR`).
    pub(crate) target: PathBuf,
    /// Our own packages.
    pub(crate) members: Vec<Member>,
    /// For each member, the names of all packages it needs at run or build time on this platform.
    pub(crate) needs: BTreeMap<String, BTreeSet<String>>,
}

/// One package of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Member {
    /// Package name.
    pub(crate) name: String,
    /// Its folder relative to the root, with `/` between parts.
    pub(crate) folder: String,
    /// `rust-version`, if the manifest has one.
    pub(crate) rust_version: Option<String>,
    /// Names of the workspace packages it depends on directly, dev-dependencies too.
    pub(crate) own_dependencies: Vec<String>,
    /// Its features, `default` included.
    pub(crate) features: Vec<String>,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// When cargo fails or answers in another form.
    pub(crate) fn read() -> Result<Self, ChoreError> {
        let host = host_triple()?;
        let text = command::capture(command::cargo().args([
            "metadata",
            "--format-version=1",
            "--filter-platform",
            &host,
        ]))?;
        let metadata: Metadata =
            serde_json::from_str(&text).map_err(|source| ChoreError::Json {
                what: "cargo metadata".to_owned(),
                source,
            })?;
        Ok(metadata.into_workspace())
    }

    /// Builds `parlour` optimised and returns the path of the binary.
    ///
    /// # Errors
    /// When the build fails.
    pub(crate) fn release_binary(&self) -> Result<PathBuf, ChoreError> {
        let mut build = command::cargo();
        build
            .current_dir(&self.root)
            .args(["build", "--release", "--package", "parlour-cli"]);
        binary(&mut build, "parlour")
    }

    /// Builds one of the examples optimised and returns the path of its binary.
    ///
    /// # Errors
    /// When the build fails.
    pub(crate) fn release_example(&self, name: &str) -> Result<PathBuf, ChoreError> {
        let mut build = command::cargo();
        build.current_dir(&self.root).args(["build", "--release"]);
        // With the package of the binary, so that what both need is built once, with the same features.
        build.args(["--package", "parlour-cli", "--package", "parlour-examples"]);
        build.args(["--bin", name]);
        binary(&mut build, name)
    }
}

fn host_triple() -> Result<String, ChoreError> {
    let version = command::capture(Command::new("rustc").arg("-vV"))?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| ChoreError::Found("`rustc -vV` names no host".to_owned()))
}

/// Builds, and returns the path of the binary of this name.
fn binary(build: &mut Command, name: &str) -> Result<PathBuf, ChoreError> {
    build.arg("--message-format=json-render-diagnostics");
    let messages = command::capture(build)?;
    let mut lines = messages.lines();
    lines
        .find_map(|line| executable(line, name))
        .ok_or_else(|| ChoreError::Found(format!("it built, but without a binary `{name}`")))
}

/// The binary of this name, if this line of cargo's build messages is about it.
fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let message: BuildMessage = serde_json::from_str(line).ok()?;
    message
        .executable
        .filter(|path| path.file_stem().is_some_and(|stem| stem == name))
}

#[derive(Deserialize)]
struct BuildMessage {
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    workspace_members: BTreeSet<String>,
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    rust_version: Option<String>,
    dependencies: Vec<Dependency>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Metadata {
    fn into_workspace(self) -> Workspace {
        let needs = self
            .members()
            .map(|p| (p.name.clone(), self.needs_of(&p.id)))
            .collect();
        let members = self
            .members()
            .map(|p| p.member(&self.workspace_root))
            .collect();
        Workspace {
            root: self.workspace_root,
            target: self.target_directory,
            members,
            needs,
        }
    }

    fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Everything reachable without a dev-dependency.
    fn needs_of(&self, id: &str) -> BTreeSet<String> {
        let names: BTreeMap<_, _> = self
            .packages
            .iter()
            .map(|p| (p.id.as_str(), p.name.as_str()))
            .collect();
        let edges: BTreeMap<_, _> = self
            .resolve
            .nodes
            .iter()
            .map(|node| (node.id.as_str(), node))
            .collect();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            let dependencies = edges.get(id).into_iter().flat_map(|node| &node.deps);
            for dependency in dependencies.filter(|dependency| dependency.is_shipped()) {
                if seen.insert(dependency.pkg.as_str()) {
                    waiting.push(&dependency.pkg);
                }
            }
        }
        seen.iter()
            .filter_map(|id| names.get(id))
            .map(|&name| name.to_owned())
            .collect()
    }
}

impl NodeDependency {
    fn is_shipped(&self) -> bool {
        self.dep_kinds
            .iter()
            .any(|kind| kind.kind.as_deref() != Some("dev"))
    }
}

impl Package {
    fn member(&self, root: &Path) -> Member {
        let folder = self
            .manifest_path
            .parent()
            .and_then(|folder| folder.strip_prefix(root).ok());
        let own = self
            .dependencies
            .iter()
            .filter(|dependency| dependency.path.is_some());
        Member {
            name: self.name.clone(),
            folder: folder
                .map(|path| path.to_string_lossy().into_owned())
                .unwrap_or_default(),
            rust_version: self.rust_version.clone(),
            own_dependencies: own.map(|dependency| dependency.name.clone()).collect(),
            features: self.features.keys().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "workspace_root": "/w", "target_directory": "/t", "workspace_members": ["a", "b"],
        "packages": [
            {"id": "a", "name": "a", "manifest_path": "/w/crates/a/Cargo.toml",
             "rust_version": "1.95", "dependencies": [{"name": "b", "path": "/w/crates/b"},
                                                      {"name": "far", "path": null}]},
            {"id": "b", "name": "b", "manifest_path": "/w/crates/b/Cargo.toml",
             "rust_version": null, "dependencies": []},
            {"id": "far", "name": "far", "manifest_path": "/r/far/Cargo.toml",
             "rust_version": null, "dependencies": []},
            {"id": "tester", "name": "tester", "manifest_path": "/r/t/Cargo.toml",
             "rust_version": null, "dependencies": []}],
        "resolve": {"nodes": [
            {"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": null}]},
                                 {"pkg": "tester", "dep_kinds": [{"kind": "dev"}]}]},
            {"id": "b", "deps": [{"pkg": "far", "dep_kinds": [{"kind": "build"}]}]},
            {"id": "far", "deps": []}, {"id": "tester", "deps": []}]}}"#;

    #[test]
    fn needs_reach_through_members_and_leave_dev_dependencies_out() {
        let metadata: Metadata = serde_json::from_str(METADATA).unwrap();
        let workspace = metadata.into_workspace();
        let needs: Vec<_> = workspace.needs["a"].iter().map(String::as_str).collect();
        assert_eq!(needs, ["b", "far"]);
        assert_eq!(workspace.members[0].folder, "crates/a");
        assert_eq!(workspace.members[0].own_dependencies, ["b"]);
    }

    #[test]
    fn only_the_binary_itself_is_taken_from_the_build_messages() {
        let executable = |line| executable(line, "parlour");
        assert_eq!(
            executable(r#"{"reason":"compiler-artifact","executable":null}"#),
            None
        );
        assert_eq!(executable(r#"{"executable":"/t/release/other"}"#), None);
        assert_eq!(executable("no json"), None);
        let found = executable(r#"{"executable":"/t/release/parlour"}"#);
        assert_eq!(found, Some(PathBuf::from("/t/release/parlour")));
    }
}
