//! Which rows there are.

use std::collections::BTreeSet;

use super::table::Table;
use super::{FILE, Finding};

/// What stands before the number, the first and last number, and the digits of a number.
const SERIES: [(&str, u32, usize); 8] = [
    ("0.", 23, 2),
    ("1.", 32, 2),
    ("2.", 46, 2),
    ("3.", 32, 2),
    ("4.", 12, 2),
    ("U.", 12, 2),
    ("D", 50, 2),
    ("E", 15, 1),
];

/// The names of all rows, in order.
pub(super) fn all() -> impl Iterator<Item = String> {
    let series = SERIES.iter();
    series.flat_map(|(start, last, digits)| {
        (1..=*last).map(move |number| format!("{start}{number:0digits$}"))
    })
}

/// Rows that are not there, there twice, or unknown.
pub(super) fn missing(table: &Table<'_>) -> Vec<Finding> {
    let known: BTreeSet<_> = all().collect();
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for row in &table.rows {
        let what = if !known.contains(row.name) {
            format!("`{}` is no row", row.name)
        } else if !seen.insert(row.name) {
            format!("row {} is there twice", row.name)
        } else {
            continue;
        };
        let fix = "the rows are counted in xtask/src/tidy/seeds/rows.rs";
        findings.push(Finding::new(FILE, row.line, what, fix));
    }
    let missing = known.iter().filter(|name| !seen.contains(name.as_str()));
    findings.extend(missing.map(|name| {
        let fix = "add it with its state";
        Finding::new(FILE, 1, format!("row {name} is missing"), fix)
    }));
    findings
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rows_are_counted_and_numbered() {
        let all: Vec<_> = super::all().collect();
        assert_eq!(all.len(), 222);
        assert_eq!(all[0], "0.01");
        for name in [
            "0.23", "1.32", "2.46", "3.32", "4.12", "U.12", "D50", "E1", "E15",
        ] {
            assert!(all.iter().any(|own| own == name), "{name}");
        }
    }
}
