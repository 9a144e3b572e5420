//! `ws`, `proto` and `hub` open no socket, read no clock and start no task.

use std::collections::BTreeSet;

use super::boundaries::PURE;
use super::tree::Tree;
use super::{Finding, code};

/// What must not stand in their code outside tests, and what to do instead.
const IMPURE: [(&str, &str); 9] = [
    ("Instant::now", CLOCK),
    ("SystemTime::now", CLOCK),
    ("Timestamp::now", CLOCK),
    ("Zoned::now", CLOCK),
    (".elapsed()", CLOCK),
    ("thread::spawn", THREAD),
    ("thread::Builder", THREAD),
    ("thread::sleep", THREAD),
    ("std::net", SOCKET),
];
const CLOCK: &str = "take the time as an argument";
const THREAD: &str = "return what is to be done and let crates/parlour do it";
const SOCKET: &str = "leave sockets to crates/parlour; plain addresses are in core::net";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, folder) in PURE {
        let folder = format!("{folder}/src/");
        let sources: Vec<_> = tree
            .texts(&folder, ".rs")
            .map(|(file, source)| (file, code::without_prose(source)))
            .collect();
        let tests: BTreeSet<_> = sources
            .iter()
            .flat_map(|(file, code)| test_files(file, code))
            .collect();
        for (file, code) in &sources {
            if !tests.iter().any(|test| file.starts_with(test.as_str())) {
                findings.extend(impure_lines(file, &code::without_tests(code)));
            }
        }
    }
    findings
}

/// Beginnings of the paths of modules that `file` declares for tests only.
fn test_files(file: &str, code: &str) -> Vec<String> {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let stem = name.trim_end_matches(".rs");
    let children = match stem {
        "lib" | "main" | "mod" => folder.to_owned(),
        stem => format!("{folder}/{stem}"),
    };
    let names = code::test_modules(code);
    names
        .flat_map(|name| {
            [
                format!("{children}/{name}.rs"),
                format!("{children}/{name}/"),
            ]
        })
        .collect()
}

fn impure_lines(file: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pattern, fix) in IMPURE {
        for (offset, _) in code
            .match_indices(pattern)
            .filter(|&(at, _)| ends_word(code, at, pattern))
        {
            let what = format!("`{pattern}` in a crate without clock, sockets and tasks");
            findings.push(Finding::new(file, code::line_of(code, offset), what, fix));
        }
    }
    for (offset, _) in code.match_indices("use std::{") {
        let group = &code[offset..code::closing(code, offset + "use std::".len())];
        if group
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| word == "net")
        {
            let what = "`std::net` in a crate without clock, sockets and tasks";
            findings.push(Finding::new(
                file,
                code::line_of(code, offset),
                what,
                SOCKET,
            ));
        }
    }
    findings
}

/// `std::net` is not the beginning of `std::network`.
fn ends_word(code: &str, at: usize, pattern: &str) -> bool {
    !code[at + pattern.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<usize> {
        let tree = Tree::from([("crates/hub/src/room.rs", source)]);
        check(&tree).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn clock_sockets_and_threads_are_found_at_their_lines() {
        assert_eq!(lines("fn a() {\n  let now = Instant::now();\n}"), [2]);
        assert_eq!(lines("use std::net::TcpStream;"), [1]);
        assert_eq!(
            lines("use core::mem;\nuse std::{fmt, net::{IpAddr, TcpStream}};"),
            [2]
        );
        assert_eq!(
            lines("fn a() { std::thread::spawn(f); b.elapsed() }"),
            [1, 1]
        );
    }

    #[test]
    fn prose_tests_and_other_crates_may_speak_of_them() {
        let tests = "#[cfg(test)]\nmod tests { fn a() { Instant::now(); } }";
        assert_eq!(
            lines(&format!(
                "/// Never `Instant::now`.\nfn a(now: Instant) {{}}\n{tests}"
            )),
            [0_usize; 0]
        );
        let tree = Tree::from([("crates/parlour/src/plane.rs", "fn a() { Instant::now(); }")]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_is_a_test() {
        let tree = Tree::from([
            (
                "crates/hub/src/room.rs",
                "#[cfg(test)]\nmod scenes;\nmod log;",
            ),
            ("crates/hub/src/room/log.rs", "fn a() { Instant::now(); }"),
            (
                "crates/hub/src/room/scenes.rs",
                "fn a() { Instant::now(); }",
            ),
            (
                "crates/hub/src/room/scenes/long.rs",
                "fn a() { Instant::now(); }",
            ),
        ]);
        let found: Vec<_> = check(&tree)
            .into_iter()
            .map(|finding| finding.file)
            .collect();
        assert_eq!(found, ["crates/hub/src/room/log.rs"]);
    }
}
