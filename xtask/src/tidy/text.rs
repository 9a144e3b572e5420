//! No file speaks of one person's machine, and no source file outgrows a reader.

use super::Finding;
use super::tree::Tree;

/// Folders that exist on somebody's machine; written in two parts to keep this file clean.
const PERSONAL: [&str; 3] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
];

/// Lines of a source file below crates/*/src.
const SOURCE_LINES_MAX: usize = 600;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, text) in tree.texts("", "") {
        for (index, line) in text.lines().enumerate() {
            for folder in PERSONAL.iter().filter(|folder| names_folder(line, folder)) {
                let what = format!("names `{folder}`, which is somebody's own machine");
                let fix = "use a path relative to the root, or a temporary folder";
                findings.push(Finding::new(file, index + 1, what, fix));
            }
        }
    }
    for (file, text) in tree
        .texts("crates/", ".rs")
        .filter(|(file, _)| file.contains("/src/"))
    {
        let lines = text.lines().count();
        if lines > SOURCE_LINES_MAX {
            let what = format!("has {lines} lines; {SOURCE_LINES_MAX} are the most");
            let fix = "split it by subject";
            findings.push(Finding::new(file, SOURCE_LINES_MAX + 1, what, fix));
        }
    }
    findings
}

/// As an absolute path; not as a part of another one.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/~}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Vec<usize> {
        check(&Tree::from([(file, text)]))
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn a_personal_folder_is_found_and_a_part_of_a_path_is_not() {
        for folder in PERSONAL {
            assert_eq!(
                found("docs/a.md", &format!("a\nsee {folder}x and \"{folder}y\"")),
                [2]
            );
            assert_eq!(
                found("docs/a.md", &format!("https://example.org{folder}x")),
                [0_usize; 0]
            );
        }
    }

    #[test]
    fn a_source_file_may_have_600_lines_and_no_more() {
        assert_eq!(found("crates/a/src/b.rs", &"x\n".repeat(600)), [0_usize; 0]);
        assert_eq!(found("crates/a/src/b.rs", &"x\n".repeat(601)), [601]);
        assert_eq!(
            found("crates/a/tests/b.rs", &"x\n".repeat(601)),
            [0_usize; 0]
        );
    }
}
