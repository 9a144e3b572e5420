//! The copy of the tree that mutants are tried on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::error::ChoreError;

/// A copy whose files are as new as their last change, so that cargo builds again only what differs.
pub(super) struct Copied {
    root: PathBuf,
}

impl Copied {
    /// Makes `root` a copy of the checkout at `source`: tracked files as they are now, and new ones
    /// that git does not ignore.
    ///
    /// # Errors
    /// When git cannot be asked, or a file cannot be read, written or removed.
    pub(super) fn of(source: &Path, root: &Path) -> Result<Self, ChoreError> {
        let files = tracked(source)?;
        let copied = Self {
            root: root.to_path_buf(),
        };
        for file in &files {
            let bytes = std::fs::read(source.join(file));
            let bytes = bytes.map_err(ChoreError::io("read", file))?;
            copied.write_if_other(file, &bytes)?;
        }
        for old in files_below(root)? {
            let name = old.strip_prefix(root).unwrap_or(&old);
            if !files.contains(name) {
                std::fs::remove_file(&old).map_err(ChoreError::io("remove", &old))?;
            }
        }
        Ok(copied)
    }

    /// Its root.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The text of a file.
    ///
    /// # Errors
    /// When it is not there or no text: the plan names another file.
    pub(super) fn read(&self, file: &str) -> Result<String, ChoreError> {
        let path = self.root.join(file);
        std::fs::read_to_string(&path).map_err(ChoreError::io("read", &path))
    }

    /// Replaces a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, file: &str, text: &str) -> Result<(), ChoreError> {
        self.write_if_other(Path::new(file), text.as_bytes())
    }

    fn write_if_other(&self, file: &Path, bytes: &[u8]) -> Result<(), ChoreError> {
        let path = self.root.join(file);
        if std::fs::read(&path).is_ok_and(|own| own == bytes) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(ChoreError::io("make", folder))?;
        }
        std::fs::write(&path, bytes).map_err(ChoreError::io("write", &path))
    }
}

/// Paths relative to the root; those that are deleted but not committed as deleted are left out.
fn tracked(source: &Path) -> Result<BTreeSet<PathBuf>, ChoreError> {
    let mut list = Command::new("git");
    list.current_dir(source).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let names = command::capture(&mut list)?;
    let names = names.split('\0').filter(|name| !name.is_empty());
    let files = names.filter(|name| source.join(name).is_file());
    Ok(files.map(PathBuf::from).collect())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, ChoreError> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        let entries = std::fs::read_dir(&folder).map_err(ChoreError::io("list", &folder))?;
        for entry in entries {
            let path = entry.map_err(ChoreError::io("list", &folder))?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                files.push(path);
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes away with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("parlour-mutants-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn git(folder: &Path, arguments: &[&str]) {
        let mut git = Command::new("git");
        command::capture(git.current_dir(folder).args(arguments)).unwrap();
    }

    #[test]
    fn a_copy_has_what_git_has_and_keeps_the_time_of_what_is_the_same() {
        let folder = Folder::new("copy");
        let (source, target) = (folder.0.join("source"), folder.0.join("target"));
        let write = |name: &str, text: &str| {
            let path = source.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("src/a.rs", "a");
        write("src/b.rs", "b");
        write(".gitignore", "ignored\n");
        write("ignored", "x");
        git(&source, &["init", "--quiet"]);
        git(&source, &["add", "src/a.rs"]);

        let copied = Copied::of(&source, &target).unwrap();
        assert_eq!(copied.read("src/a.rs").unwrap(), "a");
        assert_eq!(copied.read("src/b.rs").unwrap(), "b");
        assert!(copied.read("ignored").is_err());
        let changed = |name: &str| target.join(name).metadata().unwrap().modified().unwrap();
        let before = changed("src/b.rs");

        write("src/a.rs", "other");
        write("src/b.rs", "b");
        write("src/c.rs", "c");
        copied.write("src/c.rs", "a mutant").unwrap();
        copied.write("left-over.rs", "x").unwrap();
        let copied = Copied::of(&source, &target).unwrap();
        assert_eq!(copied.read("src/a.rs").unwrap(), "other");
        assert_eq!(copied.read("src/c.rs").unwrap(), "c");
        assert_eq!(
            changed("src/b.rs"),
            before,
            "cargo builds it again for nothing"
        );
        assert!(copied.read("left-over.rs").is_err());
    }
}
