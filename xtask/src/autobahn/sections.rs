//! Which sections of the suite to run, and how many cases they have.

use std::collections::BTreeSet;

use crate::expected::AUTOBAHN_SECTIONS;

/// A choice of sections, each known with its number of cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sections(BTreeSet<u8>);

impl Sections {
    /// From `1-7,10`.
    ///
    /// # Errors
    /// The text says what was wrong, for the person who typed it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut sections = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<u8>();
            let (Ok(first), Ok(last)) = (number(first), number(last)) else {
                return Err(format!("`{part}` is no section; write for example 1-7,10"));
            };
            sections.extend(first..=last);
        }
        match sections
            .iter()
            .find(|section| cases_in(**section).is_none())
        {
            Some(unknown) => Err(format!(
                "section {unknown} is not run here; 1-7, 9 and 10 are"
            )),
            None if sections.is_empty() => Err(format!("`{text}` names no section")),
            None => Ok(Self(sections)),
        }
    }

    /// How many cases they have together.
    pub(super) fn cases(&self) -> u32 {
        self.0.iter().filter_map(|&section| cases_in(section)).sum()
    }

    /// Parts of about equal time, each for one process: 6 has the most cases, 9 the largest.
    pub(super) fn groups(&self) -> Vec<Self> {
        let own = [6, 9]
            .into_iter()
            .filter(|section| self.0.contains(section));
        let mut groups: Vec<_> = own.map(|section| Self(BTreeSet::from([section]))).collect();
        let rest: BTreeSet<u8> = self
            .0
            .iter()
            .copied()
            .filter(|section| ![6, 9].contains(section))
            .collect();
        if !rest.is_empty() {
            groups.push(Self(rest));
        }
        groups
    }

    /// As the suite's patterns: `1.*`.
    pub(super) fn patterns(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|section| format!("{section}.*"))
            .collect()
    }

    /// For file names: `1-2-3`.
    pub(super) fn label(&self) -> String {
        self.0
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join("-")
    }
}

fn cases_in(section: u8) -> Option<u32> {
    AUTOBAHN_SECTIONS
        .iter()
        .find(|(known, _)| *known == section)
        .map(|(_, cases)| *cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_choices_have_the_usual_counts() {
        let every = Sections::parse("1-7,9,10").unwrap();
        assert_eq!(every.cases(), crate::expected::AUTOBAHN_CASES);
        assert_eq!(Sections::parse("1-7,10").unwrap().cases(), 247);
        assert_eq!(Sections::parse("6, 6").unwrap().patterns(), ["6.*"]);
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for text in ["", "x", "8", "12", "1-", "7-1", "1-300"] {
            assert!(Sections::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn groups_hold_every_section_once() {
        let sections = Sections::parse("1-7,9,10").unwrap();
        let labels: Vec<_> = sections.groups().iter().map(Sections::label).collect();
        assert_eq!(labels, ["6", "9", "1-2-3-4-5-7-10"]);
        assert_eq!(Sections::parse("6").unwrap().groups().len(), 1);
    }
}
