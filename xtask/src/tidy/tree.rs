//! The files of the project, as git knows them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::command;
use crate::error::ChoreError;

/// All files that are committed or about to be, by path from the root; binary files have no text.
#[derive(Default)]
pub(super) struct Tree {
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads the checkout at `root`: tracked files and new ones that git does not ignore.
    ///
    /// # Errors
    /// When git cannot be asked or a file cannot be read.
    pub(super) fn of_git(root: &Path) -> Result<Self, ChoreError> {
        let mut list = Command::new("git");
        list.current_dir(root);
        list.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let mut tree = Self::default();
        for path in command::capture(&mut list)?
            .split('\0')
            .filter(|path| !path.is_empty())
        {
            let file = root.join(path);
            // Deleted but not yet committed as deleted; a link to a folder.
            if !file.is_file() {
                continue;
            }
            let bytes = std::fs::read(&file).map_err(ChoreError::io("read", &file))?;
            let text = String::from_utf8(bytes)
                .ok()
                .filter(|text| !text.contains('\0'));
            tree.files.insert(path.to_owned(), text);
        }
        Ok(tree)
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// The text of one file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// All text files whose path starts with `start` and ends with `end`, in order of path.
    pub(super) fn texts<'a>(
        &'a self,
        start: &'a str,
        end: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.starts_with(start) && path.ends_with(end))
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// True for a file and for a folder that has files.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.contains_key(path) || self.has_folder(path)
    }

    /// True for a folder that has files.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files
            .range(folder.clone()..)
            .next()
            .is_some_and(|(file, _)| file.starts_with(&folder))
    }

    /// True when some file or folder has `path` as its last parts: `limits.rs`, `src/limits.rs`.
    pub(super) fn has_somewhere(&self, path: &str) -> bool {
        let inner = format!("/{}", path.trim_end_matches('/'));
        let folder = format!("{inner}/");
        self.has(path)
            || self
                .files
                .keys()
                .any(|file| file.ends_with(&inner) || file.contains(&folder))
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Tree {
    fn from(files: [(&str, &str); N]) -> Self {
        let own = |(path, text): (&str, &str)| (path.to_owned(), Some(text.to_owned()));
        Self {
            files: files.into_iter().map(own).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_when_it_has_files() {
        let tree = Tree::from([("crates/ws/src/lib.rs", ""), ("crates/ws-more/a", "")]);
        assert!(
            tree.has("crates/ws") && tree.has("crates/ws/") && tree.has("crates/ws/src/lib.rs")
        );
        assert!(!tree.has("crates/w") && !tree.has("ws"));
        assert!(tree.has_somewhere("src/lib.rs") && tree.has_somewhere("ws/"));
        assert!(!tree.has_somewhere("rc/lib.rs"));
    }
}
