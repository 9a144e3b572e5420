//! ARCHITECTURE.md names only what is there, and every crate.
//!
//! Two kinds of names are read: paths in backticks, and the tree of the code map, which is a fenced
//! block under a heading with the word "map". In the tree, indentation (spaces or `├ └ │ ─`) nests.

use std::collections::BTreeSet;

use crate::workspace::Member;

use super::Finding;
use super::tree::Tree;

/// The document with the map.
pub(super) const FILE: &str = "ARCHITECTURE.md";

const EXTENSIONS: [&str; 12] = [
    ".rs", ".md", ".toml", ".js", ".mjs", ".html", ".css", ".json", ".sh", ".yml", ".svg", ".lock",
];

pub(super) fn check(tree: &Tree, members: &[Member]) -> Vec<Finding> {
    let Some(text) = tree.text(FILE) else {
        let fix = "write it: the picture, the code map, the invariants";
        return vec![Finding::new(FILE, 1, "is not there", fix)];
    };
    let mut reader = MapReader::new(tree);
    for (index, line) in text.lines().enumerate() {
        reader.read(index + 1, line);
    }
    let mut findings = reader.findings;
    let missed = members
        .iter()
        .filter(|member| !reader.named.contains(&member.folder));
    findings.extend(missed.map(|member| {
        let what = format!(
            "the map misses the crate {} ({})",
            member.name, member.folder
        );
        Finding::new(
            FILE,
            1,
            what,
            format!("add a line for `{}/`", member.folder),
        )
    }));
    findings
}

/// Goes through the document line by line.
struct MapReader<'a> {
    tree: &'a Tree,
    in_fence: bool,
    under_map: bool,
    /// Open folders of the code map: indentation and path.
    open: Vec<(usize, String)>,
    /// Everything that was named with its whole path.
    named: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl<'a> MapReader<'a> {
    fn new(tree: &'a Tree) -> Self {
        let (open, named, findings) = (Vec::new(), BTreeSet::new(), Vec::new());
        Self {
            tree,
            in_fence: false,
            under_map: false,
            open,
            named,
            findings,
        }
    }

    fn read(&mut self, number: usize, line: &str) {
        if line.trim_start().starts_with("```") {
            self.in_fence = !self.in_fence;
            self.open.clear();
        } else if self.in_fence && self.under_map {
            self.read_tree_line(number, line);
        } else if !self.in_fence {
            if line.starts_with('#') {
                let words = line.to_lowercase();
                self.under_map = words
                    .split(|c: char| !c.is_alphanumeric())
                    .any(|w| w == "map");
            }
            for quoted in line.split('`').skip(1).step_by(2) {
                self.read_name(number, quoted);
            }
        }
    }

    /// The first word is an entry below the open folder; paths among the others may be anywhere.
    fn read_tree_line(&mut self, number: usize, line: &str) {
        let entry = line.trim_start_matches([' ', '│', '├', '└', '─']);
        let indent = line.chars().count() - entry.chars().count();
        let mut words = entry.split_whitespace();
        let Some(first) = words.next() else { return };
        while self.open.last().is_some_and(|(above, _)| *above >= indent) {
            self.open.pop();
        }
        if let Some(path) = path_in(self.tree, first) {
            let folder = self.open.last().map_or("", |(_, path)| path.as_str());
            let below = format!("{folder}{path}");
            let whole = if self.tree.has(&below) || !self.tree.has(path) {
                &below
            } else {
                path
            };
            if !self.tree.has(whole) {
                self.found(number, whole);
            }
            self.named.insert(whole.trim_end_matches('/').to_owned());
            if whole.ends_with('/') {
                self.open.push((indent, whole.to_owned()));
            }
        }
        for word in words {
            self.read_name(number, word);
        }
    }

    fn read_name(&mut self, number: usize, word: &str) {
        let Some(path) = path_in(self.tree, word) else {
            return;
        };
        if !self.tree.has_somewhere(path) {
            self.found(number, path);
        }
        self.named.insert(path.trim_end_matches('/').to_owned());
    }

    fn found(&mut self, line: usize, path: &str) {
        let fix = "name what is there now, or take the name out";
        self.findings.push(Finding::new(
            FILE,
            line,
            format!("`{path}` is not there"),
            fix,
        ));
    }
}

/// The path in this word, if it is one: with a known extension, with a slash at the end, or
/// beginning with a folder of the root.
fn path_in<'a>(tree: &Tree, word: &'a str) -> Option<&'a str> {
    let word = word
        .trim_start_matches(['(', '[', '"', '`'])
        .trim_start_matches("./");
    let word = word.trim_end_matches([')', ']', '"', '`', ',', ';', ':', '.', '…']);
    let word = without_line_number(word);
    if word.starts_with(['/', '~', '-']) || word.contains(|c: char| " \t<>{}*$=:?&@|→".contains(c))
    {
        return None;
    }
    let known = EXTENSIONS
        .iter()
        .any(|end| word.len() > end.len() && word.ends_with(end));
    let folder = word.len() > 1 && word.ends_with('/');
    let from_root = word
        .split_once('/')
        .is_some_and(|(top, _)| tree.has_folder(top));
    (known || folder || from_root).then_some(word)
}

/// `limits.rs:12` is `limits.rs`.
fn without_line_number(word: &str) -> &str {
    match word.rsplit_once(':') {
        Some((path, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => path,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(folder: &str) -> Member {
        Member {
            name: folder.replace('/', "-"),
            folder: folder.to_owned(),
            ..Member::default()
        }
    }

    fn findings(architecture: &str) -> Vec<String> {
        let tree = Tree::from([
            (FILE, architecture),
            ("README.md", ""),
            (".ci/run", ""),
            ("crates/ws/src/frame.rs", ""),
            ("crates/hub/src/log/ring.rs", ""),
        ]);
        let found = check(&tree, &[member("crates/ws"), member("crates/hub")]);
        found
            .iter()
            .map(|f| format!("{}: {}", f.line, f.what))
            .collect()
    }

    const GOOD: &str = "# A\n\nSee `crates/ws/src/frame.rs`, `log/ring.rs:7`, `ring.rs`, `/ws`, \
                        `text/plain`, `a::b`.\n\n## Code map\n\n```text\nREADME.md   what   .ci/run  \
                        calls\ncrates/\n  ws/       frames (`frame.rs`)\n            and more, e.g. \
                        words.\n    src/\n      frame.rs  the frames\n  hub/      rooms\n```\n";

    #[test]
    fn a_true_map_has_no_findings() {
        assert_eq!(findings(GOOD), [""; 0]);
    }

    #[test]
    fn box_drawing_nests_too() {
        let tree = "## The map\n```\ncrates/\n├── ws/  frames\n│   └── src/\n└── hub/ rooms\n```\n";
        assert_eq!(findings(tree), [""; 0]);
        assert_eq!(
            findings(&tree.replace("src/", "sources/")),
            ["5: `crates/ws/sources/` is not there"]
        );
    }

    #[test]
    fn a_name_that_is_gone_is_found_at_its_line() {
        let gone = GOOD
            .replace("log/ring.rs:7", "log/rings.rs")
            .replace("frame.rs  the", "f.rs  the");
        assert_eq!(
            findings(&gone),
            [
                "3: `log/rings.rs` is not there",
                "13: `crates/ws/src/f.rs` is not there"
            ]
        );
    }

    #[test]
    fn a_file_of_the_map_must_be_in_its_own_folder() {
        let moved = GOOD.replace(
            "  hub/      rooms\n",
            "  hub/      rooms\n    src/\n      frame.rs\n",
        );
        assert_eq!(
            findings(&moved),
            ["16: `crates/hub/src/frame.rs` is not there"]
        );
    }

    #[test]
    fn a_missed_crate_and_a_missing_document_are_found() {
        let missed = GOOD.replace("  hub/      rooms\n", "");
        assert_eq!(
            findings(&missed),
            ["1: the map misses the crate crates-hub (crates/hub)"]
        );
        assert_eq!(check(&Tree::default(), &[]).len(), 1);
    }
}
