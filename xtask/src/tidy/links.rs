//! Links between the documents lead somewhere.

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, text) in tree.texts("", ".md") {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut in_fence = false;
        for (index, line) in text.lines().enumerate() {
            in_fence ^= line.trim_start().starts_with("```");
            for target in targets(line).filter(|_| !in_fence) {
                if !resolve(folder, target).is_some_and(|path| path.is_empty() || tree.has(&path)) {
                    let what = format!("the link to `{target}` leads nowhere");
                    let fix = "link to what is there, relative to this file's folder";
                    findings.push(Finding::new(file, index + 1, what, fix));
                }
            }
        }
    }
    findings
}

/// Where the line's links lead inside the tree, without `#anchor`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', ' ', '#']).next()?;
        let outside = target.contains(':') || target.starts_with('/');
        (!target.is_empty() && !outside).then_some(target)
    })
}

/// The path from the root, or `None` when it leads out of the tree.
fn resolve(folder: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let readme = "[a](docs/a.md#part) [site](https://example.org) [here](#top)\n\
                      ```\n[x](gone.md)\n```\n[b](docs/b.md)\n";
        let tree = Tree::from([
            ("README.md", readme),
            (
                "docs/a.md",
                "[up](../README.md) [out](../../x) [folder](./) [root](..)",
            ),
        ]);
        let found = check(&tree);
        let found: Vec<_> = found
            .iter()
            .map(|f| (f.file.as_str(), f.line, f.what.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("README.md", 5, "the link to `docs/b.md` leads nowhere"),
                ("docs/a.md", 1, "the link to `../../x` leads nowhere"),
            ]
        );
    }
}
