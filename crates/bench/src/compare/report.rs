//! What a comparison says: ratios within rounds, gates, and what each server did.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Serialize;

use crate::BenchError;
use crate::compare::CompareOptions;
use crate::compare::driver::Visit;
use crate::compare::host::Host;
use crate::compare::plan::{
    Contender, Figure, Gate, Group, IDLE_LIMIT, IDLE_NAME, Over, RATIOS, Ratio, Work, full_name,
};
use crate::compare::rounds::Rounds;
use crate::compare::{svg, work};
use crate::dialect::Dialect;
use crate::report::LoadReport;
use crate::stats::Quartiles;

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Where.
    pub machine: Host,
    /// Bytes of a message's text.
    pub payload_bytes: usize,
    /// Rounds: values behind each median.
    pub rounds: u32,
    /// Seconds of a usual phase.
    pub phase_seconds: f64,
    /// Seed of the order of phases.
    pub seed: u64,
    /// The connections of each cell are divided by this; above 1 nothing here is a measurement.
    pub shrink: usize,
    /// Medians by their names, and the bytes per idle connection.
    pub ratios: BTreeMap<String, f64>,
    /// The same with quartiles, limits and verdicts.
    pub figures: Vec<FigureReport>,
    /// What the servers did.
    pub cells: Vec<CellReport>,
    /// Whether all gates hold.
    pub passed: bool,
}

/// One ratio, or the bytes per idle connection.
#[derive(Debug, Clone, Serialize)]
pub struct FigureReport {
    /// Its name, as in `ratios`.
    pub name: String,
    /// The door.
    pub dialect: Dialect,
    /// Parlour's cell.
    pub cell: Work,
    /// What is divided.
    pub figure: &'static str,
    /// By what.
    pub over: &'static str,
    /// One value per round.
    pub value: Quartiles,
    /// Highest value that passes.
    pub limit: Option<f64>,
    /// Which of the three values it is held against.
    pub judged_by: Option<&'static str>,
    /// Whether it passes; absent without a limit.
    pub passed: Option<bool>,
}

/// One cell.
#[derive(Debug, Clone, Serialize)]
pub struct CellReport {
    /// Its name.
    pub cell: Work,
    /// The door.
    pub dialect: Dialect,
    /// Connections of each server.
    pub members: usize,
    /// Their rooms.
    pub rooms: usize,
    /// How messages were published.
    pub load: LoadReport,
    /// The servers.
    pub sides: Vec<Side>,
}

/// One server in one cell: medians over the rounds, unless said otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// Which server.
    pub contender: Contender,
    /// Microseconds of CPU time per delivery.
    pub cpu_us_per_delivery: f64,
    /// Lowest of all rounds.
    pub best_cpu_us_per_delivery: f64,
    /// Deliveries per second.
    pub deliveries_per_second: f64,
    /// K: frames per read of the generator, over all rounds.
    pub frames_per_read: f64,
    /// Sends of the server per delivery, over all rounds, as the server counts them.
    pub sends_per_delivery: Option<f64>,
    /// Bytes of a frame, over all rounds.
    pub bytes_per_delivery: f64,
    /// Milliseconds until half of the deliveries.
    pub p50_ms: f64,
    /// Milliseconds until 99 of 100 deliveries.
    pub p99_ms: f64,
    /// Cores that the server kept busy.
    pub utilisation: f64,
    /// Microseconds of the generator per delivery, without its idle polling.
    pub generator_us_per_delivery: f64,
    /// Share of the time in which the generator had something to do; near 1 it is the limit.
    pub generator_busy: f64,
}

pub(super) fn bytes_per_delivery(visits: &[&Visit]) -> f64 {
    over_all(visits, |visit| visit.bytes) / over_all(visits, |visit| visit.deliveries)
}

pub(super) fn frames_per_read(visits: &[&Visit]) -> f64 {
    over_all(visits, |visit| visit.deliveries) / over_all(visits, |visit| visit.reads)
}

/// A sum; at least 1, as it is divided by.
fn over_all(visits: &[&Visit], count: impl Fn(&Visit) -> u64) -> f64 {
    visits.iter().map(|visit| count(visit)).sum::<u64>().max(1) as f64
}

fn cpu_us(visit: &Visit) -> f64 {
    visit.cpu_seconds * 1e6 / visit.deliveries.max(1) as f64
}

impl Comparison {
    pub(super) fn begun(options: &CompareOptions, machine: Host) -> Self {
        Self {
            machine,
            payload_bytes: options.payload,
            rounds: options.rounds(),
            phase_seconds: options.phase().as_secs_f64(),
            seed: options.seed,
            shrink: options.shrink,
            ratios: BTreeMap::new(),
            figures: Vec::new(),
            cells: Vec::new(),
            passed: false,
        }
    }

    /// Adds what a group's rounds gave.
    ///
    /// # Errors
    /// [`BenchError::Unequal`] when the servers did not do the same work.
    pub(super) fn add(&mut self, group: &Group, rounds: &Rounds) -> Result<(), BenchError> {
        for (cell, contenders) in &group.cells {
            let visits: Vec<(Contender, Vec<&Visit>)> = contenders
                .iter()
                .map(|it| (*it, rounds.of(*cell, *it)))
                .collect();
            work::check(group.dialect, *cell, &visits)?;
            self.cells.push(CellReport {
                cell: *cell,
                dialect: group.dialect,
                members: group.layout.members,
                rooms: group.layout.rooms,
                load: LoadReport::from(cell.load()),
                sides: visits.iter().map(|it| Side::of(it.0, &it.1)).collect(),
            });
        }
        let is_chosen = |work: Work| group.cells.iter().any(|cell| cell.0 == work);
        for ratio in RATIOS.iter().filter(|ratio| is_chosen(ratio.work)) {
            if let Some(value) = paired(ratio, rounds) {
                self.figures
                    .push(FigureReport::of(ratio, group.dialect, value));
            }
        }
        Ok(())
    }

    /// Adds the private memory of one idle connection.
    pub(super) fn add_idle(&mut self, dialect: Dialect, bytes: f64) {
        self.figures.push(FigureReport {
            name: full_name(dialect, IDLE_NAME),
            dialect,
            cell: Work::Idle,
            figure: "bytes of private memory",
            over: "idle connection",
            value: Quartiles {
                lower: bytes,
                median: bytes,
                upper: bytes,
            },
            limit: Some(IDLE_LIMIT),
            judged_by: Some("median"),
            passed: Some(bytes <= IDLE_LIMIT),
        });
    }

    /// Fills in what follows from the figures.
    ///
    /// # Errors
    /// [`BenchError::Unequal`] if there are none.
    pub(super) fn judge(&mut self) -> Result<(), BenchError> {
        if self.figures.is_empty() {
            return Err(BenchError::Unequal("nothing was measured".into()));
        }
        self.ratios = (self.figures.iter())
            .map(|figure| (figure.name.clone(), figure.value.median))
            .collect();
        self.passed = self.failures().is_empty();
        Ok(())
    }

    /// The gates that do not hold, one sentence each.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failed = |figure: &&FigureReport| figure.passed == Some(false);
        let words = self.figures.iter().filter(failed).map(|figure| {
            format!(
                "{} is {:.3} (quartiles {:.3} to {:.3}), and its {} may be {:.2} at most",
                figure.name,
                figure.value.median,
                figure.value.lower,
                figure.value.upper,
                figure.judged_by.unwrap_or("median"),
                figure.limit.unwrap_or(f64::NAN)
            )
        });
        words.collect()
    }

    /// Writes the files that the options name.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn keep(&self, options: &CompareOptions) -> Result<(), BenchError> {
        let write = |path: &PathBuf, text: String| {
            let failed = format!("writing {}", path.display());
            fs::write(path, text).map_err(BenchError::system(failed))
        };
        if let Some(path) = &options.json {
            write(path, self.to_json() + "\n")?;
        }
        if let Some(path) = &options.plot {
            write(path, svg(self))?;
        }
        if let Some(path) = &options.doc {
            self.write_into(path, options.plot.as_deref())?;
        }
        Ok(())
    }

    /// The comparison as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain numbers and strings always become JSON")
    }
}

/// One value per round in which both were measured; `None` if there is no such round.
fn paired(ratio: &Ratio, rounds: &Rounds) -> Option<Quartiles> {
    let figure = |visit: &&Visit| match ratio.figure {
        Figure::Cpu => cpu_us(visit),
        Figure::P99 => visit.p99_ms,
    };
    let ours = rounds.of(ratio.work, Contender::Parlour);
    let theirs = match ratio.over {
        Over::Other(contender) => rounds.of(ratio.work, contender),
        Over::Own(work) => rounds.of(work, Contender::Parlour),
    };
    let values: Vec<f64> = ours
        .iter()
        .zip(&theirs)
        .map(|(ours, theirs)| figure(ours) / figure(theirs).max(1e-9))
        .collect();
    Quartiles::of(&values)
}

impl FigureReport {
    fn of(ratio: &Ratio, dialect: Dialect, value: Quartiles) -> Self {
        let (limit, judged_by, judged) = match ratio.gate {
            None => (None, None, None),
            Some(Gate::Median(limit)) => (Some(limit), Some("median"), Some(value.median)),
            Some(Gate::LowerQuartile(limit)) => {
                (Some(limit), Some("lower quartile"), Some(value.lower))
            }
        };
        Self {
            name: full_name(dialect, ratio.name),
            dialect,
            cell: ratio.work,
            figure: match ratio.figure {
                Figure::Cpu => "CPU per delivery",
                Figure::P99 => "p99 latency",
            },
            over: match ratio.over {
                Over::Other(_) if ratio.work == Work::Overload => "plain epoll shard",
                Over::Other(contender) => contender.name(),
                Over::Own(_) => "itself with 32 in flight",
            },
            value,
            limit,
            judged_by,
            // A figure that is no number is no pass.
            passed: judged.zip(limit).map(|(judged, limit)| judged <= limit),
        }
    }
}

impl Side {
    fn of(contender: Contender, visits: &[&Visit]) -> Self {
        let all = |value: &dyn Fn(&Visit) -> f64| -> Vec<f64> {
            visits.iter().map(|visit| value(visit)).collect()
        };
        let median = |value: &dyn Fn(&Visit) -> f64| {
            Quartiles::of(&all(value)).map_or(f64::NAN, |quartiles| quartiles.median)
        };
        let sends: Option<u64> = visits.iter().map(|visit| visit.sends).sum();
        let deliveries = over_all(visits, |visit| visit.deliveries);
        Self {
            contender,
            cpu_us_per_delivery: median(&cpu_us),
            best_cpu_us_per_delivery: all(&cpu_us).into_iter().fold(f64::INFINITY, f64::min),
            deliveries_per_second: median(&|it| it.deliveries as f64 / it.seconds),
            frames_per_read: frames_per_read(visits),
            sends_per_delivery: sends.map(|sends| sends as f64 / deliveries),
            bytes_per_delivery: bytes_per_delivery(visits),
            p50_ms: median(&|it| it.p50_ms),
            p99_ms: median(&|it| it.p99_ms),
            utilisation: median(&|it| it.cpu_seconds / it.seconds),
            generator_us_per_delivery: median(&|it| {
                it.busy * it.seconds * 1e6 / it.deliveries.max(1) as f64
            }),
            generator_busy: median(&|it| it.busy),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// 1,000 deliveries of 9 bytes, one per read.
    pub(in crate::compare) fn visit(cpu_us_per_delivery: f64) -> Visit {
        Visit {
            messages: 1,
            deliveries: 1_000,
            bytes: 9_000,
            reads: 1_000,
            answers: 0,
            sends: Some(1_000),
            seconds: 0.01,
            cpu_seconds: cpu_us_per_delivery / 1e3,
            busy: 0.1,
            p50_ms: 1.0,
            p99_ms: 2.0 * cpu_us_per_delivery,
        }
    }

    fn host() -> Host {
        let cores = "0".parse().unwrap();
        Host::read(&cores, &cores).unwrap()
    }

    fn empty() -> Comparison {
        use clap::{Args as _, FromArgMatches as _};
        let command = CompareOptions::augment_args(clap::Command::new("compare"));
        let matches = command.get_matches_from(["compare"]);
        let options = CompareOptions::from_arg_matches(&matches).unwrap();
        Comparison::begun(&options, host())
    }

    /// A comparison of the small room, with Parlour's costs per round as factors of all others'.
    pub(in crate::compare) fn compared(factors: &[f64]) -> Comparison {
        let cells = [Work::One, Work::Many, Work::Burst64];
        let group = &Group::all(Dialect::Events, &cells, true, 1)[0];
        let mut rounds = Rounds::default();
        for (slow, factor) in factors.iter().enumerate() {
            // The machine slows down from round to round; each round's ratio stays.
            let slow = 1.0 + slow as f64;
            let all = group.cells.iter().flat_map(|(work, contenders)| {
                contenders.iter().map(move |contender| {
                    let own = if *contender == Contender::Parlour {
                        *factor
                    } else {
                        1.0
                    };
                    (*work, *contender, visit(slow * own))
                })
            });
            rounds.push(all);
        }
        let mut comparison = empty();
        comparison.add(group, &rounds).unwrap();
        comparison.judge().unwrap();
        comparison
    }

    fn figure<'a>(comparison: &'a Comparison, name: &str) -> &'a FigureReport {
        let found = comparison.figures.iter().find(|it| it.name == name);
        found.unwrap()
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let comparison = compared(&[1.1; 5]);
        let ratio = figure(&comparison, "raw_k1_1000");
        assert!((ratio.value.median - 1.1).abs() < 1e-9);
        assert!(ratio.value.upper - ratio.value.lower < 1e-9);
        assert_eq!(
            comparison.ratios["conventional_w32_1000"],
            ratio.value.median
        );
        assert!(comparison.passed);
    }

    #[test]
    fn each_gate_has_its_own_limit_and_is_named_when_it_fails() {
        let comparison = compared(&[1.16, 1.17, 1.18]);
        assert_eq!(figure(&comparison, "raw_k1_1000").passed, Some(false));
        assert_eq!(figure(&comparison, "raw_w32_1000").passed, Some(true));
        assert_eq!(figure(&comparison, "conventional_k1_1000").passed, None);
        assert!(!comparison.passed);
        let failures = comparison.failures();
        assert_eq!(failures.len(), 1);
        assert!(failures[0].contains("raw_k1_1000 is 1.170"), "{failures:?}");
        assert!(failures[0].contains("1.15"), "{failures:?}");
    }

    #[test]
    fn bursts_fail_when_they_are_dearer_beyond_the_spread() {
        let judged = |values: &[f64]| {
            let ratio = RATIOS.iter().find(|it| it.name == "burst64_over_w32_1000");
            let value = Quartiles::of(values).unwrap();
            FigureReport::of(ratio.unwrap(), Dialect::V1, value)
        };
        let noisy = judged(&[0.9, 0.98, 1.02, 1.05]);
        assert_eq!(
            (noisy.name.as_str(), noisy.passed),
            ("v1_burst64_over_w32_1000", Some(true))
        );
        assert_eq!(judged(&[1.01, 1.02, 1.03, 1.5]).passed, Some(false));
        assert_eq!(judged(&[f64::NAN]).passed, Some(false));
    }

    #[test]
    fn unequal_work_is_not_compared() {
        let group = &Group::all(Dialect::Events, &[Work::Burst64], true, 1)[0];
        let mut rounds = Rounds::default();
        let longer = Visit {
            bytes: 9_001,
            ..visit(1.0)
        };
        rounds.push([
            (Work::Burst64, Contender::Parlour, visit(1.0)),
            (Work::Burst64, Contender::RawCoalesced, longer),
        ]);
        let error = empty().add(group, &rounds).unwrap_err();
        assert!(matches!(error, BenchError::Unequal(_)), "{error}");
        assert!(empty().judge().is_err(), "nothing was measured");
    }

    #[test]
    fn the_memory_of_a_connection_is_a_gate_too() {
        for (bytes, passed) in [(1_024.0, true), (1_024.5, false)] {
            let mut comparison = empty();
            comparison.add_idle(Dialect::V1, bytes);
            comparison.judge().unwrap();
            assert_eq!(comparison.passed, passed);
            assert_eq!(comparison.ratios["v1_idle_bytes_per_connection"], bytes);
        }
    }

    #[test]
    fn the_json_has_the_ratios_and_what_the_servers_did() {
        let json: serde_json::Value = serde_json::from_str(&compared(&[1.0]).to_json()).unwrap();
        for name in [
            "raw_k1_1000",
            "raw_w32_1000",
            "raw_burst64_1000",
            "conventional_k1_1000",
            "preencoded_w32_1000",
            "burst64_over_w32_1000",
        ] {
            assert!(json["ratios"][name].is_f64(), "{name}");
        }
        let side = &json["cells"][0]["sides"][0];
        assert_eq!(side["contender"], "parlour");
        assert_eq!(side["sends_per_delivery"], 1.0);
        assert_eq!(side["bytes_per_delivery"], 9.0);
    }
}
