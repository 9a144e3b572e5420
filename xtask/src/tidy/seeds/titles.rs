//! Tests of the pages, by their titles in the sources.

use super::Tree;

/// What is wrong with naming that test, if anything is.
pub(super) fn wrong(tree: &Tree, file: &str, title: &str) -> Option<String> {
    let Some(source) = tree.text(file) else {
        return Some(format!("{file} is not there"));
    };
    match find(source, title) {
        Some(Found { is_skipped: false }) => None,
        Some(Found { is_skipped: true }) => {
            Some(format!("`{title}` of {file} is skipped and holds nothing"))
        }
        None => Some(format!("{file} has no test `{title}`")),
    }
}

struct Found {
    is_skipped: bool,
}

/// The test whose first argument is this title.
fn find(source: &str, title: &str) -> Option<Found> {
    let mut starts = source.match_indices("test").map(|(at, _)| at);
    starts.find_map(|at| {
        let rest = &source[at + "test".len()..];
        let (how, arguments) = rest.split_once('(')?;
        if !matches!(how, "" | ".skip" | ".todo") || !begins_a_statement(&source[..at]) {
            return None;
        }
        let quoted = arguments.trim_start();
        let quote = quoted
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"' | '`'))?;
        let after = quoted[1..].strip_prefix(title)?.strip_prefix(quote)?;
        let options = after.trim_start_matches([',', ' ', '\n']);
        let options = options
            .strip_prefix('{')
            .and_then(|it| it.split('}').next());
        let is_skipped =
            !how.is_empty() || options.is_some_and(|it| it.contains("skip") || it.contains("todo"));
        Some(Found { is_skipped })
    })
}

/// Nothing but spaces before it on its line.
fn begins_a_statement(before: &str) -> bool {
    before
        .rsplit('\n')
        .next()
        .is_none_or(|line| line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_argument_of_a_test() {
        let source = "import test from 'x';\n  test('one', () => {});\ntest(\n  \"two\", withPages());\n\
                      // test('three', x)\ntest('four and more', x);\ntest.skip('five', x);\n\
                      test('six', { skip: true }, x);\nlatest('seven');\ntest(`eight`, { timeout: 1 }, x)";
        let found = |title: &str| find(source, title).map(|found| found.is_skipped);
        assert_eq!(found("one"), Some(false));
        assert_eq!(found("two"), Some(false));
        assert_eq!(found("three"), None, "it is in a comment");
        assert_eq!(found("four"), None, "it is a part of another one");
        assert_eq!(found("five"), Some(true));
        assert_eq!(found("six"), Some(true));
        assert_eq!(found("seven"), None, "it is another function");
        assert_eq!(found("eight"), Some(false));
    }

    #[test]
    fn a_skipped_test_holds_nothing() {
        let tree = Tree::from([("web/tests/a.test.js", "test.skip('one', x);")]);
        let what = wrong(&tree, "web/tests/a.test.js", "one").unwrap();
        assert!(what.ends_with("is skipped and holds nothing"), "{what}");
    }
}
