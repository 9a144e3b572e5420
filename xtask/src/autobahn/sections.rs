//! Which sections of the suite to run, and how many cases they have.

use std::collections::BTreeSet;

use crate::expected::AUTOBAHN_SECTIONS;

/// The sections about compression: many messages of up to 128 KiB, which take minutes.
const COMPRESSION: [u8; 2] = [12, 13];

/// Cases in each part of these, such as 12.3.
const CASES_PER_PART: u32 = 18;

/// Of each part, the case with messages of 1 KiB: long enough to be compressed, over in seconds.
const SAMPLE: &str = "4";

/// A choice of sections, each known with its number of cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sections {
    whole: BTreeSet<u8>,
    /// Of the sections about compression that are not whole, one case of each part.
    has_samples: bool,
}

/// What one process of the suite runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Sections, parts of them or cases, as the suite has them: `1`, `12.3`, `12.3.4`.
    parts: Vec<String>,
    pub(super) cases: u32,
}

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
                "there is no section {unknown}; 1-7, 9, 10, 12 and 13 are there"
            )),
            None if sections.is_empty() => Err(format!("`{text}` names no section")),
            None => Ok(Self {
                whole: sections,
                has_samples: false,
            }),
        }
    }

    /// All that there are.
    pub(super) fn all() -> Self {
        let known = AUTOBAHN_SECTIONS.iter().map(|(section, _)| *section);
        Self {
            whole: known.collect(),
            has_samples: false,
        }
    }

    /// What a test run has: all that is over soon, and a little of the rest.
    pub(super) fn of_test_run() -> Self {
        let mut sections = Self::all();
        sections.whole.retain(|it| !COMPRESSION.contains(it));
        sections.has_samples = true;
        sections
    }

    /// How many cases they have together.
    #[cfg(test)]
    pub(super) fn cases(&self) -> u32 {
        self.groups().iter().map(|group| group.cases).sum()
    }

    /// Parts for one process each, the longest first.
    pub(super) fn groups(&self) -> Vec<Group> {
        let is_there = |section: &u8| self.whole.contains(section);
        let mut groups: Vec<Group> = COMPRESSION
            .into_iter()
            .filter(is_there)
            .flat_map(parts_of)
            .map(|part| Group::new([part], CASES_PER_PART))
            .collect();
        // 9 has the largest messages, 6 the most cases.
        for section in [9, 6].into_iter().filter(is_there) {
            groups.push(Group::of_sections([section]));
        }
        let rest = self.whole.iter().copied();
        let rest = Group::of_sections(rest.filter(|it| ![6, 9, 12, 13].contains(it)));
        if rest.cases > 0 {
            groups.push(rest);
        }
        if self.has_samples {
            let left_out = COMPRESSION.into_iter().filter(|it| !is_there(it));
            let cases = left_out.flat_map(parts_of);
            let samples: Vec<String> = cases.map(|part| format!("{part}.{SAMPLE}")).collect();
            let count = samples.len() as u32;
            groups.push(Group::new(samples, count));
        }
        groups
    }
}

impl Group {
    fn new(parts: impl IntoIterator<Item = String>, cases: u32) -> Self {
        Self {
            parts: parts.into_iter().collect(),
            cases,
        }
    }

    fn of_sections(sections: impl IntoIterator<Item = u8>) -> Self {
        let sections: Vec<u8> = sections.into_iter().collect();
        let cases = sections.iter().filter_map(|section| cases_in(*section));
        let cases = cases.sum();
        Self::new(sections.iter().map(u8::to_string), cases)
    }

    /// As the suite's patterns: `1.*`, and a case as it is.
    pub(super) fn patterns(&self) -> Vec<String> {
        let pattern = |part: &String| match part.split('.').count() {
            3 => part.clone(),
            _ => format!("{part}.*"),
        };
        self.parts.iter().map(pattern).collect()
    }

    /// For file names: `1-2-3`.
    pub(super) fn label(&self) -> String {
        self.parts.join("-")
    }
}

/// `12.1`, `12.2` and so on.
fn parts_of(section: u8) -> impl Iterator<Item = String> {
    let parts = cases_in(section).unwrap_or(0) / CASES_PER_PART;
    (1..=parts).map(move |part| format!("{section}.{part}"))
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
    use crate::expected::{AUTOBAHN_CASES, AUTOBAHN_CASES_ALL};

    #[test]
    fn the_usual_choices_have_the_usual_counts() {
        assert_eq!(Sections::all().cases(), AUTOBAHN_CASES_ALL);
        assert_eq!(Sections::of_test_run().cases(), AUTOBAHN_CASES);
        assert_eq!(Sections::parse("1-7,9,10").unwrap().cases(), 301);
        assert_eq!(Sections::parse("1-7,10").unwrap().cases(), 247);
        let twice = Sections::parse("6, 6").unwrap().groups();
        assert_eq!(twice[0].patterns(), ["6.*"]);
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for text in ["", "x", "8", "11", "1-", "7-1", "1-300"] {
            assert!(Sections::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn groups_hold_every_section_once() {
        let labels = |sections: Sections| -> Vec<String> {
            sections.groups().iter().map(Group::label).collect()
        };
        let some = Sections::parse("1-7,9,10").unwrap();
        assert_eq!(labels(some), ["9", "6", "1-2-3-4-5-7-10"]);
        assert_eq!(labels(Sections::parse("6").unwrap()), ["6"]);
        let all = labels(Sections::all());
        assert_eq!(all.len(), 5 + 7 + 3);
        assert_eq!((&*all[0], &*all[11]), ("12.1", "13.7"));
    }

    #[test]
    fn a_test_run_has_a_case_of_each_part_about_compression() {
        let groups = Sections::of_test_run().groups();
        let samples = groups.last().unwrap();
        assert_eq!(samples.cases, 12);
        let patterns = samples.patterns();
        assert_eq!((&*patterns[0], &*patterns[11]), ("12.1.4", "13.7.4"));
    }
}
