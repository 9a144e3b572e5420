//! Which tests the tree has.

use std::collections::BTreeMap;

use super::code;
use super::tree::Tree;

/// Name of every test function, and whether all tests of that name are marked `#[ignore]`.
pub(super) fn of(tree: &Tree) -> BTreeMap<String, bool> {
    let mut names = BTreeMap::new();
    for (_, source) in tree.texts("", ".rs") {
        for (name, ignored) in in_source(source) {
            let all_ignored = names.entry(name).or_insert(true);
            *all_ignored &= ignored;
        }
    }
    names
}

/// In `proptest!` too every test carries its `#[test]`; without one it never runs.
fn in_source(source: &str) -> Vec<(String, bool)> {
    let text = code::without_prose(source);
    let mut tests = Vec::new();
    let (mut is_test, mut ignored) = (false, false);
    for attribute in code::attributes(&text) {
        is_test |= attribute.is_test();
        ignored |= attribute.text.trim_start().starts_with("ignore");
        let rest = text[attribute.end..].trim_start();
        if rest.starts_with("#[") {
            continue;
        }
        if let Some(name) = function_name(rest).filter(|_| is_test) {
            tests.push((name.to_owned(), ignored));
        }
        (is_test, ignored) = (false, false);
    }
    tests
}

/// The name, when an item that starts here is a function.
fn function_name(item: &str) -> Option<&str> {
    let mut words = item.split_whitespace();
    let qualifier =
        |word: &&str| matches!(*word, "async" | "const" | "unsafe") || word.starts_with("pub");
    let first = words.find(|word| !qualifier(word))?;
    let name = words.next().filter(|_| first == "fn")?;
    name.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_their_attribute() {
        let source = r##"
            #[test] fn plain() {}
            /// Words.
            #[should_panic]
            #[test]
            pub(crate) fn with_more() {}
            #[tokio::test(flavor = "multi_thread")]
            async fn later<T>() {}
            proptest! { #![proptest_config(x)] #[test] fn any_bytes(b in any::<u8>()) {} }
            #[cfg(unix)] fn helper() {}
            // #[test] fn commented() {}
            const S: &str = "#[test] fn quoted() {}";
        "##;
        let names: Vec<_> = in_source(source)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["plain", "with_more", "later", "any_bytes"]);
    }

    #[test]
    fn an_ignored_test_is_marked() {
        let source = "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n#[test] fn b() {}";
        assert_eq!(
            in_source(source),
            [("a".to_owned(), true), ("b".to_owned(), false)]
        );
    }
}
