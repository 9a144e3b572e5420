//! The verdict: a table for people, JSON with stable keys for scripts.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::audit::Audited;
use crate::checker::{Kind, Violations};
use crate::world::World;

/// Violations that the table shows.
const SHOWN_MAX: usize = 10;
/// Where nothing was started.
const NO_SERVER: &str = "no server";

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every promise was kept. Exit status 0.
    Ok,
    /// One was broken. Exit status 1.
    Violated,
    /// Too little was seen to say so. Exit status 2.
    Inconclusive,
}

/// The result of one run. The names of the fields are the keys of the JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Which scenario.
    pub scenario: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// With it the same faults come at the same moments.
    pub seed: u64,
    /// The server.
    pub url: String,
    /// Why it is not OK, in words.
    pub why: Vec<String>,
    /// What the history checker found.
    pub history: History,
    /// What the scenario bounds.
    pub limits: Vec<Limit>,
    /// What else was measured; the table says in which units.
    pub measured: Map<String, Value>,
    #[serde(skip)]
    notes: Vec<(String, String, &'static str)>,
}

/// What was reported to the checker, and what it found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct History {
    /// Acknowledgements.
    pub acks: u64,
    /// Different entries.
    pub entries: usize,
    /// Entries told to readers.
    pub told: u64,
    /// Notices of entries that a reader did not get.
    pub notices: u64,
    /// Notices among them of a new epoch.
    pub new_epochs: u64,
    /// How many rules were broken in all.
    pub violations: u64,
    /// The same by kind, and the first ones with their place.
    #[serde(flatten)]
    pub found: Violations,
}

/// A bound, and what was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// What is bounded.
    pub name: &'static str,
    /// What was measured.
    pub value: f64,
    /// The most that it may be.
    pub most: f64,
    /// Of both.
    pub unit: &'static str,
    /// Whether it holds.
    pub holds: bool,
}

impl Report {
    /// Of a run in which nothing has been seen yet.
    pub(crate) fn new(scenario: &'static str, seed: u64, url: impl Into<String>) -> Self {
        Self {
            scenario,
            verdict: Verdict::Inconclusive,
            seed,
            url: url.into(),
            why: Vec::new(),
            history: History::default(),
            limits: Vec::new(),
            measured: Map::new(),
            notes: Vec::new(),
        }
    }

    /// What this environment does not permit.
    pub(crate) fn not_possible(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self.url = NO_SERVER.into();
        self
    }

    /// A bound that is part of the verdict.
    pub(crate) fn limit(&mut self, name: &'static str, value: f64, most: f64, unit: &'static str) {
        let holds = value <= most;
        self.limits.push(Limit {
            name,
            value,
            most,
            unit,
            holds,
        });
    }

    /// A figure that is not.
    pub(crate) fn measured(&mut self, name: &'static str, value: f64, unit: &'static str) {
        let number = serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number);
        let is_whole = value.fract() == 0.0 && value.abs() < 9e15;
        let number = if is_whole {
            Value::from(value as i64)
        } else {
            number
        };
        self.measured.insert(name.replace(' ', "_"), number);
        self.notes.push((name.to_owned(), rounded(value), unit));
    }

    /// p50, p99 and the largest of some times, in milliseconds.
    pub(crate) fn times(&mut self, names: [&'static str; 3], times: &mut [Duration]) {
        times.sort_unstable();
        for (name, share) in names.into_iter().zip([0.5, 0.99, 1.0]) {
            self.measured(name, quantile(times, share).as_secs_f64() * 1e3, "ms");
        }
    }

    /// Takes over what the checker and the clients have found, and gives the verdict. `too_little`
    /// says what the run did not see.
    pub(crate) fn conclude(
        mut self,
        world: &World,
        audited: &Audited,
        too_little: Vec<String>,
    ) -> Self {
        let mut state = world.state();
        let counts = state.checker.counts();
        let entries = state.checker.entries();
        let checker =
            std::mem::replace(&mut state.checker, crate::checker::Checker::new(Vec::new()));
        let found = checker.finish(audited.auditor);
        self.history = History {
            acks: counts.acks,
            entries,
            told: counts.told,
            notices: counts.notices,
            new_epochs: counts.new_epochs,
            violations: found.total(),
            found,
        };
        let tally = &state.tally;
        self.measured("published", tally.published as f64, "");
        self.measured("disconnects", tally.disconnects as f64, "");
        self.measured("sent again", tally.cut_off as f64, "");
        self.measured("answer max", tally.answer_max.as_secs_f64() * 1e3, "ms");
        for (code, count) in &tally.refused {
            self.measured
                .insert(format!("refused_{code}"), (*count).into());
            self.notes
                .push((format!("refused: {code}"), rounded(*count as f64), ""));
        }
        let unanswered = audited.unanswered as f64;
        self.limit("publishes without an answer", unanswered, 0.0, "");
        drop(state);
        let broken = self.limits.iter().filter(|it| !it.holds);
        let broken = broken.map(|it| format!("{}: {}", it.name, it.words()));
        self.why.extend(broken.collect::<Vec<_>>());
        for (kind, count) in &self.history.found.count {
            self.why
                .push(format!("{}: {}", kind.name(), rounded(*count as f64)));
        }
        self.verdict = match (self.why.is_empty(), too_little.is_empty()) {
            (false, _) => Verdict::Violated,
            (true, true) => Verdict::Ok,
            (true, false) => Verdict::Inconclusive,
        };
        self.why.extend(too_little);
        self
    }

    /// Adds a reason for which the verdict is VIOLATED.
    pub(crate) fn violated(&mut self, why: impl Into<String>) {
        self.why.push(why.into());
    }

    /// One line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// 0, 1 or 2.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self.verdict {
            Verdict::Ok => 0,
            Verdict::Violated => 1,
            Verdict::Inconclusive => 2,
        }
    }
}

impl Limit {
    fn words(&self) -> String {
        let (value, most, unit) = (rounded(self.value), rounded(self.most), self.unit);
        format!("{value} {unit}, and at most {most} {unit}").replace("  ", " ")
    }
}

/// That share of some sorted times; zero of none.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    let index = (sorted.len() as f64 * share).ceil() as usize;
    let index = index.saturating_sub(1).min(last);
    sorted.get(index).copied().unwrap_or_default()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let history = &self.history;
        if self.url == NO_SERVER {
            return write!(f, "INCONCLUSIVE: {}", self.why.join("; "));
        }
        writeln!(f, "{} of {}, seed {}", self.scenario, self.url, self.seed)?;
        let mut rows: Vec<(String, String, String)> = Vec::new();
        let count = |value: u64| rounded(value as f64);
        rows.push(("acknowledged".into(), count(history.acks), String::new()));
        rows.push(("told to readers".into(), count(history.told), String::new()));
        rows.push(("notices".into(), count(history.notices), String::new()));
        for kind in [
            Kind::Lost,
            Kind::Twice,
            Kind::Reordered,
            Kind::Different,
            Kind::Hole,
        ] {
            let name = kind.name().to_owned();
            rows.push((name, count(history.found.of(kind)), String::new()));
        }
        for (name, value, unit) in &self.notes {
            rows.push((name.clone(), value.clone(), (*unit).to_owned()));
        }
        for limit in &self.limits {
            let holds = if limit.holds { "holds" } else { "BROKEN" };
            let words = format!("{} (at most {}: {holds})", limit.unit, rounded(limit.most));
            rows.push((limit.name.into(), rounded(limit.value), words.trim().into()));
        }
        let names = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
        let values = rows.iter().map(|row| row.1.len()).max().unwrap_or(0);
        for (name, value, unit) in &rows {
            let line = format!("  {name:names$}  {value:>values$}  {unit}");
            writeln!(f, "{}", line.trim_end())?;
        }
        for violation in history.found.first.iter().take(SHOWN_MAX) {
            writeln!(f, "  ! {violation}")?;
        }
        let verdict = match self.verdict {
            Verdict::Ok => "OK: nothing lost, nothing twice, nothing out of order".to_owned(),
            Verdict::Violated => format!("VIOLATED: {}", self.why.join("; ")),
            Verdict::Inconclusive => format!("INCONCLUSIVE: {}", self.why.join("; ")),
        };
        write!(f, "{verdict}")
    }
}

/// A whole number in groups of three digits, or one with three significant digits.
fn rounded(number: f64) -> String {
    if number.fract() != 0.0 && number.abs() < 100.0 {
        return format!("{number:.2}");
    }
    let digits = format!("{:.0}", number.abs());
    let mut out = String::new();
    if number < 0.0 {
        out.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_quantiles_are_readable() {
        let words = [0.0, 1.5, 1_234_567.0, -1_500.0, 250.4].map(rounded);
        assert_eq!(words, ["0", "1.50", "1,234,567", "-1,500", "250"]);
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let of = |share| quantile(&times, share).as_millis();
        assert_eq!((of(0.5), of(0.99), of(1.0)), (100, 198, 200));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn a_broken_limit_is_a_violation_and_too_little_is_no_verdict() {
        let mut report = Report::new("kill", 1, "here");
        report.limit("ready", 2.0, 1.0, "s");
        assert!(!report.limits[0].holds);
        assert_eq!(report.limits[0].words(), "2 s, and at most 1 s");
        assert_eq!(report.status(), 2);
    }
}
