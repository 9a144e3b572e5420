//! Every invariant of ARCHITECTURE.md names tests that exist.

use super::tree::Tree;
use super::{Finding, map, test_names};

const HELD_BY: &str = "Held by:";

/// One numbered item under `## Invariants`.
struct Invariant {
    line: usize,
    text: String,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    // That the file is missing is the map's finding.
    let Some(text) = tree.text(map::FILE) else {
        return Vec::new();
    };
    let Some(invariants) = invariants(text) else {
        let fix = "add the heading `## Invariants` with a numbered list";
        return vec![Finding::new(map::FILE, 1, "lists no invariants", fix)];
    };
    let tests = test_names::of(tree);
    let mut findings = Vec::new();
    for invariant in invariants {
        let held_by = held_by(&invariant.text);
        if held_by.is_empty() {
            let fix = "end the item with: Held by: `name_of_a_test`.";
            let what = "an invariant without a test is a wish";
            findings.push(Finding::new(map::FILE, invariant.line, what, fix));
        }
        for name in held_by {
            let what = match tests.get(name) {
                None => format!("`{name}` is no test of this tree"),
                Some(true) => format!("`{name}` is marked #[ignore] and holds nothing"),
                Some(false) => continue,
            };
            let fix = "name a function under #[test] or #[tokio::test], or write it";
            findings.push(Finding::new(map::FILE, invariant.line, what, fix));
        }
    }
    findings
}

/// The items of the list, or `None` without the heading or without items.
fn invariants(text: &str) -> Option<Vec<Invariant>> {
    let mut lines = text
        .lines()
        .enumerate()
        .skip_while(|(_, line)| line.trim() != "## Invariants");
    lines.next()?;
    let mut items: Vec<Invariant> = Vec::new();
    for (index, line) in lines.take_while(|(_, line)| !line.starts_with("## ")) {
        if starts_item(line) {
            items.push(Invariant {
                line: index + 1,
                text: String::new(),
            });
        }
        if let Some(item) = items.last_mut() {
            item.text.push_str(line.trim());
            item.text.push(' ');
        }
    }
    Some(items).filter(|items| !items.is_empty())
}

fn starts_item(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && line[digits..].starts_with(". ")
}

/// The names in backticks behind `Held by:`, without their modules.
fn held_by(item: &str) -> Vec<&str> {
    let Some((_, names)) = item.split_once(HELD_BY) else {
        return Vec::new();
    };
    let quoted = names.split('`').skip(1).step_by(2);
    quoted
        .map(|name| name.rsplit("::").next().unwrap_or(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn findings(architecture: &str) -> Vec<String> {
        let source = "#[test] fn holds() {}\n#[test] #[ignore] fn sleeps() {}\nfn helper() {}";
        let tree = Tree::from([(map::FILE, architecture), ("crates/a/src/lib.rs", source)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_invariant_whose_tests_exist_is_held() {
        let text = "# A\n\n## Invariants\n\nWords.\n\n1. One thing\n   goes on. Held by: `holds`,\n   \
                    `a::tests::holds`.\n\n## Next\n\n1. Not an invariant.\n";
        assert_eq!(findings(text), [""; 0]);
    }

    #[test]
    fn an_invariant_without_an_existing_test_is_found() {
        let text = "## Invariants\n1. Wish.\n2. Other. Held by: `holds`, `helper`.\n\
                    3. Third. Held by: `sleeps`.\n4. Fourth. Held by: .\n";
        let found = findings(text);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[0].starts_with("ARCHITECTURE.md:2: an invariant without a test"));
        assert!(found[1].starts_with("ARCHITECTURE.md:3: `helper` is no test"));
        assert!(found[2].starts_with("ARCHITECTURE.md:4: `sleeps` is marked #[ignore]"));
        assert!(found[3].starts_with("ARCHITECTURE.md:5: an invariant without a test"));
    }

    #[test]
    fn a_list_that_went_missing_is_found() {
        assert_eq!(findings("# A\n").len(), 1);
        assert_eq!(findings("## Invariants\nnone\n").len(), 1);
    }
}
