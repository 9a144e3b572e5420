//! The suite's reports. Its exit status says nothing: it is 0 whatever failed or was cut off.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::ChoreError;

use super::sections::Group;

/// What counts as strict; NON-STRICT, UNIMPLEMENTED, UNCLEAN, FAILED and anything else does not.
const STRICT: [&str; 2] = ["OK", "INFORMATIONAL"];

/// `index.json`: agent, then case.
type Index = BTreeMap<String, BTreeMap<String, Case>>;

#[derive(Deserialize)]
struct Case {
    behavior: String,
    #[serde(rename = "behaviorClose")]
    behavior_close: String,
    reportfile: String,
}

/// Cases per section.
pub(super) type Counts = BTreeMap<u8, u32>;

/// Reads the reports of all groups and returns how many cases were run, all of them strict.
///
/// # Errors
/// When a report is missing, a case is missing or a case is not strict.
pub(super) fn judge(reports: &Path, groups: &[Group]) -> Result<Counts, ChoreError> {
    let (mut cases, mut lines) = (0, Vec::new());
    let mut counts = Counts::new();
    for group in groups {
        let folder = reports.join(group.label());
        let path = folder.join("index.json");
        let text = std::fs::read_to_string(&path).map_err(ChoreError::io("read", &path))?;
        let index: Index = serde_json::from_str(&text).map_err(|source| ChoreError::Json {
            what: path.display().to_string(),
            source,
        })?;
        let run = count(&index, &mut counts);
        if run != group.cases {
            let log = folder.join("wstest.log");
            let expected = group.cases;
            lines.push(format!(
                "{run} cases run, not {expected}; see {}",
                log.display()
            ));
        }
        cases += run;
        lines.extend(not_strict(&index, &folder));
    }
    if lines.is_empty() {
        return Ok(counts);
    }
    Err(ChoreError::Found(format!(
        "autobahn: {cases} cases run\n  {}",
        lines.join("\n  ")
    )))
}

/// How many cases there are; each is added to its section, too.
fn count(index: &Index, counts: &mut Counts) -> u32 {
    let mut run = 0;
    for id in index.values().flat_map(BTreeMap::keys) {
        let section = id.split('.').next().and_then(|it| it.parse().ok());
        *counts.entry(section.unwrap_or(0)).or_default() += 1;
        run += 1;
    }
    run
}

/// One line per case that is not strict in both columns.
fn not_strict(index: &Index, folder: &Path) -> Vec<String> {
    let strict = |verdict: &str| STRICT.contains(&verdict);
    let cases = index.values().flatten();
    cases
        .filter(|(_, case)| !strict(&case.behavior) || !strict(&case.behavior_close))
        .map(|(id, case)| {
            let report = folder.join(&case.reportfile);
            format!(
                "case {id}: {}, close {}; {}",
                case.behavior,
                case.behavior_close,
                report.display()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sections::Sections;
    use super::*;

    fn index(behavior: &str, close: &str) -> Index {
        let text = format!(
            r#"{{"parlour": {{"6.4.3": {{"behavior": "{behavior}", "behaviorClose": "{close}",
                "duration": 2, "remoteCloseCode": null, "reportfile": "6_4_3.json"}}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn only_ok_and_informational_are_strict() {
        for strict in STRICT {
            assert_eq!(not_strict(&index(strict, "OK"), Path::new("r")), [""; 0]);
            assert_eq!(not_strict(&index("OK", strict), Path::new("r")), [""; 0]);
        }
        for other in [
            "NON-STRICT",
            "UNIMPLEMENTED",
            "FAILED",
            "UNCLEAN",
            "WRONG CODE",
            "",
        ] {
            let line = format!("case 6.4.3: {other}, close OK; r/6_4_3.json");
            assert_eq!(not_strict(&index(other, "OK"), Path::new("r")), [line]);
            assert_eq!(not_strict(&index("OK", other), Path::new("r")).len(), 1);
        }
    }

    #[test]
    fn a_run_that_was_cut_short_fails_with_both_counts() {
        let reports = std::env::temp_dir().join(format!("parlour-verdict-{}", std::process::id()));
        let folder = reports.join("10");
        std::fs::create_dir_all(&folder).unwrap();
        let groups = Sections::parse("10").unwrap().groups();
        let judged = |text: &str| {
            std::fs::write(folder.join("index.json"), text).unwrap();
            judge(&reports, &groups)
        };
        let whole = r#"{"parlour": {"10.1.1": {"behavior": "OK", "behaviorClose": "OK",
                        "reportfile": "x.json"}}}"#;
        assert_eq!(judged(whole).unwrap(), Counts::from([(10, 1)]));
        let error = judged(r#"{"parlour": {}}"#).unwrap_err().to_string();
        assert!(error.contains("0 cases run, not 1"), "{error}");
        std::fs::remove_dir_all(&reports).unwrap();
    }
}
