//! The tables of the document.

use std::fmt;

use super::{FILE, Finding};

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is so, and a test would notice if it were not.
    Holds,
    /// A row of D or E is so instead.
    Replaced,
    /// There is nothing to hold.
    NotApplicable,
}

/// One line of a table.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) line: usize,
    pub(super) name: &'a str,
    pub(super) about: &'a str,
    pub(super) state: Option<State>,
    /// What stands in backticks in the last cell.
    pub(super) tests: Vec<&'a str>,
    /// The rest of the last cell.
    pub(super) remark: String,
}

impl Row<'_> {
    /// The rows of D and E that its remark names.
    pub(super) fn replaced_by(&self) -> Vec<&str> {
        let words = self.remark.split(|c: char| !c.is_ascii_alphanumeric());
        let is_row = |word: &&str| {
            let number = word.strip_prefix(['D', 'E']);
            number.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        };
        words.filter(is_row).collect()
    }
}

/// All rows of all tables of the document; it has no other tables.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) rows: Vec<Row<'a>>,
}

impl<'a> Table<'a> {
    /// The rows, and the lines that are none although they stand in a table.
    pub(super) fn read(text: &'a str) -> (Self, Vec<Finding>) {
        let (mut rows, mut findings) = (Vec::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            let Some(cells) = cells(line).filter(|cells| !is_head(cells)) else {
                continue;
            };
            let &[name, about, state, by] = &cells[..] else {
                let what = format!("a row has four cells, not {}", cells.len());
                let fix = "write | row | about | state | test or reason |";
                findings.push(Finding::new(FILE, index + 1, what, fix));
                continue;
            };
            let (tests, remark) = tests_and_remark(by);
            rows.push(Row {
                line: index + 1,
                name,
                about,
                state: state_of(state),
                tests,
                remark,
            });
        }
        (Self { rows }, findings)
    }

    /// Whether that row is there and holds.
    pub(super) fn holds(&self, name: &str) -> bool {
        let mut rows = self.rows.iter();
        rows.any(|row| row.name == name && row.state == Some(State::Holds))
    }
}

/// The counts of rows by state.
impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |state| {
            self.rows
                .iter()
                .filter(|row| row.state == Some(state))
                .count()
        };
        write!(
            f,
            "{} rows: {} hold, {} are replaced, {} do not apply",
            self.rows.len(),
            count(State::Holds),
            count(State::Replaced),
            count(State::NotApplicable)
        )
    }
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

fn is_head(cells: &[&str]) -> bool {
    cells.first() == Some(&"row")
        || cells
            .iter()
            .all(|cell| cell.trim_matches([':', '-']).is_empty())
}

fn state_of(cell: &str) -> Option<State> {
    match cell {
        "holds" => Some(State::Holds),
        "replaced" => Some(State::Replaced),
        "not applicable" => Some(State::NotApplicable),
        _ => None,
    }
}

/// What stands in backticks, and the rest.
fn tests_and_remark(cell: &str) -> (Vec<&str>, String) {
    let parts: Vec<&str> = cell.split('`').collect();
    let tests = parts.iter().skip(1).step_by(2).copied().collect();
    let rest: String = parts.iter().step_by(2).copied().collect();
    (tests, rest.trim_matches([' ', ',']).to_owned())
}
