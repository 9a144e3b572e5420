//! docs/seeds.md says of every row what became of it, and by which test one would notice.
//!
//! [`check`] reads the document and the pages' tests; it is part of `cargo xtask tidy` and needs no
//! build. [`run`] asks the test binaries themselves: only they know which tests there are.

mod compiled;
mod rows;
mod table;
mod titles;

use crate::error::ChoreError;
use crate::workspace::Workspace;

use super::Finding;
use super::tree::Tree;
use compiled::Compiled;
use table::{Row, State, Table};

/// The document.
const FILE: &str = "docs/seeds.md";

/// What a name in backticks names.
enum Test<'a> {
    /// A test of the pages: its file and its title.
    Page(&'a str, &'a str),
    /// A test of a test binary.
    Compiled(&'a str),
}

impl<'a> Test<'a> {
    fn of(name: &'a str) -> Option<Self> {
        if name.starts_with("web/") {
            let (file, title) = name.split_once(": ")?;
            return Some(Self::Page(file, title));
        }
        let parts = name.split("::").count();
        (parts >= 3 && !name.contains(' ')).then_some(Self::Compiled(name))
    }
}

/// Every row is there once and says what it must; page tests are found by their titles.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(FILE) else {
        let fix = "write it: one row for each of xtask/src/tidy/seeds/rows.rs";
        return vec![Finding::new(FILE, 1, "is not there", fix)];
    };
    let (table, mut findings) = Table::read(text);
    findings.extend(rows::missing(&table));
    for row in &table.rows {
        findings.extend(row_findings(row, &table, tree));
    }
    findings
}

fn row_findings(row: &Row<'_>, table: &Table<'_>, tree: &Tree) -> Vec<Finding> {
    let name = row.name;
    let mut findings = Vec::new();
    let mut found = |what: String, fix: &str| {
        findings.push(Finding::new(FILE, row.line, what, fix));
    };
    if row.about.is_empty() {
        found(
            format!("row {name} does not say what it is about"),
            "say it in a few words",
        );
    }
    match row.state {
        Some(State::Holds) if row.tests.is_empty() => {
            found(
                format!("row {name} holds without a test"),
                "name the test that fails without it, in backticks",
            );
        }
        Some(State::Replaced) => {
            let by = row.replaced_by();
            if by.is_empty() {
                let fix = "name the row of E or D that is true instead";
                found(format!("row {name} is replaced by nothing"), fix);
            }
            for other in by.iter().filter(|other| !table.holds(other)) {
                let fix = "name a row that holds";
                found(
                    format!("row {name} is replaced by {other}, which does not hold"),
                    fix,
                );
            }
        }
        Some(State::NotApplicable) if row.remark.is_empty() || !row.tests.is_empty() => {
            let fix = "say in one short sentence why; a test would show that it does apply";
            found(
                format!("row {name} does not apply, and no reason is given"),
                fix,
            );
        }
        Some(State::Holds | State::NotApplicable) => {}
        None => found(
            format!("row {name} has no state"),
            "write `holds`, `replaced` or `not applicable`, without backticks",
        ),
    }
    for test in &row.tests {
        match Test::of(test) {
            Some(Test::Page(file, title)) => {
                if let Some(what) = titles::wrong(tree, file, title) {
                    found(
                        what,
                        "name a title as it stands behind `test(` in that file",
                    );
                }
            }
            Some(Test::Compiled(_)) => {}
            None => found(
                format!("`{test}` is no name of a test"),
                "write package::binary::path::to::test or web/tests/FILE: title",
            ),
        }
    }
    findings
}

/// Builds all tests, as `cargo xtask test` does, and checks the names against what they list.
///
/// # Errors
/// When anything was found, or when the tests cannot be built or asked.
pub(crate) fn run(workspace: &Workspace) -> Result<(), ChoreError> {
    let tree = Tree::of_git(&workspace.root)?;
    let mut findings = check(&tree);
    let compiled = Compiled::of_cargo(workspace)?;
    let text = tree.text(FILE).unwrap_or_default();
    let (table, _) = Table::read(text);
    findings.extend(compiled_findings(&table, &compiled));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        return Err(ChoreError::Found(format!(
            "{FILE}: {} things are not so, each with its fix above",
            findings.len()
        )));
    }
    println!("{FILE}: {table}; {} compiled tests", compiled.len());
    Ok(())
}

fn compiled_findings(table: &Table<'_>, compiled: &Compiled) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in &table.rows {
        for test in &row.tests {
            let Some(Test::Compiled(name)) = Test::of(test) else {
                continue;
            };
            if let Some(what) = compiled.wrong(name) {
                let fix = "name one that `cargo xtask test` runs, or write it";
                findings.push(Finding::new(FILE, row.line, what, fix));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "test('two people talk', withParlour(async () => {}));\n";

    /// A document in which every row is well, but for these.
    fn document(changed: &[(&str, &str)]) -> String {
        let mut text =
            String::from("# Rows\n\n| row | about | state | by |\n| --- | --- | --- | --- |\n");
        for name in rows::all() {
            let changed = changed.iter().find(|(own, _)| *own == name);
            let line = changed.map_or("words | holds | `a::lib::works`", |(_, line)| line);
            if !line.is_empty() {
                text.push_str(&format!("| {name} | {line} |\n"));
            }
        }
        text
    }

    #[track_caller]
    fn findings(document: &str) -> Vec<String> {
        let tree = Tree::from([(FILE, document), ("web/tests/chat.test.js", PAGE)]);
        let found = check(&tree);
        found.iter().map(|finding| finding.what.clone()).collect()
    }

    #[track_caller]
    fn finding(row: &str, line: &str) -> String {
        let found = findings(&document(&[(row, line)]));
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn a_document_with_every_row_is_good() {
        let good = [
            ("1.10", "numbers | replaced | E12, see D39"),
            (
                "3.28",
                "its status | not applicable | It is another process.",
            ),
            (
                "1.29",
                "the page | holds | `web/tests/chat.test.js: two people talk`",
            ),
            (
                "D01",
                "short | holds | `a::lib::x::y`, `b::defects::survival::d01`; seen from outside",
            ),
        ];
        assert_eq!(findings(&document(&good)), [""; 0]);
    }

    #[test]
    fn a_row_that_is_missing_twice_or_unknown_is_found() {
        let missing = findings(&document(&[("D14", "")]));
        assert_eq!(missing, ["row D14 is missing"]);
        let more = "| 2.01 | words | holds | `a::lib::works` |\n| 9.01 | words | holds | `a::lib::works` |\n";
        let found = findings(&(document(&[]) + more));
        assert_eq!(found, ["row 2.01 is there twice", "`9.01` is no row"]);
    }

    #[test]
    fn a_row_without_a_state_or_of_another_form_is_found() {
        assert_eq!(
            finding("0.01", "words | | `a::lib::works`"),
            "row 0.01 has no state"
        );
        assert_eq!(
            finding("0.01", "words | held | `a::lib::works`"),
            "row 0.01 has no state"
        );
        assert_eq!(
            finding("0.01", " | holds | `a::lib::works`"),
            "row 0.01 does not say what it is about"
        );
        let found = findings(&document(&[("0.01", "words | holds")]));
        assert_eq!(found[0], "a row has four cells, not 3");
    }

    #[test]
    fn a_row_that_holds_without_a_test_is_found() {
        assert_eq!(
            finding("2.40", "words | holds | one day"),
            "row 2.40 holds without a test"
        );
        assert_eq!(
            finding("2.40", "words | holds | `some test`"),
            "`some test` is no name of a test"
        );
        assert_eq!(
            finding("2.40", "words | holds | `a::works`"),
            "`a::works` is no name of a test"
        );
    }

    #[test]
    fn a_row_that_is_replaced_by_nothing_or_by_what_does_not_hold_is_found() {
        assert_eq!(
            finding("1.21", "words | replaced | by ours"),
            "row 1.21 is replaced by nothing"
        );
        assert_eq!(
            finding("1.21", "words | replaced | E16"),
            "row 1.21 is replaced by E16, which does not hold"
        );
        let two = [
            ("1.21", "words | replaced | E5"),
            ("E5", "words | not applicable | No."),
        ];
        assert_eq!(
            findings(&document(&two)),
            ["row 1.21 is replaced by E5, which does not hold"]
        );
    }

    #[test]
    fn a_row_that_does_not_apply_for_no_reason_is_found() {
        let due = "row U.01 does not apply, and no reason is given";
        assert_eq!(finding("U.01", "words | not applicable | "), due);
        assert_eq!(
            finding("U.01", "words | not applicable | `a::lib::works`"),
            due
        );
    }

    #[test]
    fn a_page_test_that_is_not_there_is_found() {
        let of = |name: &str| finding("1.29", &format!("words | holds | `{name}`"));
        assert_eq!(
            of("web/tests/chat.test.js: two people walk"),
            "web/tests/chat.test.js has no test `two people walk`"
        );
        assert_eq!(
            of("web/tests/gone.test.js: a"),
            "web/tests/gone.test.js is not there"
        );
        assert_eq!(
            of("web/tests/chat.test.js"),
            "`web/tests/chat.test.js` is no name of a test"
        );
    }

    #[test]
    fn a_document_that_went_missing_is_found() {
        assert_eq!(check(&Tree::from([])).len(), 1);
    }

    #[test]
    fn a_compiled_test_that_is_missing_or_ignored_is_found() {
        let text = document(&[("0.02", "words | holds | `a::lib::sleeps`, `a::lib::gone`")]);
        let (table, _) = Table::read(&text);
        let compiled =
            Compiled::from_lists(&[("a::lib", "works: test\nsleeps: test\n", "sleeps: test\n")]);
        let found = compiled_findings(&table, &compiled);
        let found: Vec<_> = found.iter().map(|finding| finding.what.as_str()).collect();
        let due = [
            "`a::lib::sleeps` is ignored and holds nothing",
            "`a::lib::gone` is no test",
        ];
        assert_eq!(found, due);
    }
}
