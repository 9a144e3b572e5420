//! What a durable run says: a table for people, JSON with stable keys for scripts.

use std::fmt;

use serde::Serialize;

use crate::durable::contender::{Sample, System};
use crate::durable::machine::Machine;
use crate::durable::plot::svg;
use crate::durable::{DurableOptions, Place, Visit};
use crate::generator::Load;
use crate::output::Outcome;
use crate::report::LoadReport;
use crate::stats::Quartiles;
use crate::tables::{grouped, rounded};

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct DurableReport {
    /// Where it was measured.
    pub machine: Machine,
    /// Version of the Redis beside it; absent if there was none.
    pub redis: Option<String>,
    /// Connections that publish.
    pub publishers: usize,
    /// Bytes of a message's text.
    pub payload_bytes: usize,
    /// Rounds.
    pub rounds: u32,
    /// Seconds per visit.
    pub phase_seconds: f64,
    /// Seed of the order of visits.
    pub seed: u64,
    /// One per number of rooms and step of load.
    pub cells: Vec<Cell>,
    /// What a commit adds to one publish at a time.
    pub price: Option<Price>,
}

/// One number of rooms under one load.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    /// Rooms.
    pub rooms: u32,
    /// The load.
    pub load: LoadReport,
    /// Everybody's figures.
    pub systems: Vec<Figures>,
    /// The server's figures over the others' in the same round.
    pub beside: Vec<Beside>,
}

/// Medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Whose.
    pub system: System,
    /// Acknowledged publishes per second.
    pub acknowledged_per_second: f64,
    /// Milliseconds from when a publish was due until its acknowledgement: half of them.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// Of an open loop: the part of what was due that could not even be sent in time. Above 0 the
    /// latencies only say that it was too much.
    pub unsent: f64,
    /// Bytes that went to the disk per acknowledgement, in whole pages, if the kernel tells.
    pub disk_bytes: Option<f64>,
    /// Microseconds of the process per acknowledgement, where it is one of its own.
    pub cpu_us: Option<f64>,
    /// Acknowledgements per sync, where syncs can be counted.
    pub per_sync: Option<f64>,
}

/// Ratios within a round.
#[derive(Debug, Clone, Serialize)]
pub struct Beside {
    /// Over whom.
    pub system: System,
    /// Of acknowledgements per second.
    pub acknowledged: Quartiles,
    /// Of the median latency.
    pub p50: Quartiles,
    /// Of the latency of 99 of 100.
    pub p99: Quartiles,
}

/// One publish at a time: what its commit adds.
#[derive(Debug, Clone, Serialize)]
pub struct Price {
    /// Median latency in a durable room, in milliseconds.
    pub durable_ms: f64,
    /// In a volatile room of the same server.
    pub volatile_ms: f64,
    /// Of one append and sync.
    pub append_ms: f64,
    /// Durable over volatile, within a round.
    pub over_volatile: Quartiles,
    /// What durable adds to volatile, over one append and sync, within a round.
    pub added_over_append: Quartiles,
}

/// The samples of one system at one place, by round.
struct Column<'a>(Vec<&'a Sample>);

impl<'a> Column<'a> {
    fn of(visits: &'a [Visit], place: Place, system: System) -> Option<Self> {
        let mut own: Vec<&Visit> = (visits.iter())
            .filter(|visit| visit.place == place && visit.system == system)
            .collect();
        own.sort_by_key(|visit| visit.round);
        let samples: Vec<&Sample> = own.into_iter().map(|visit| &visit.sample).collect();
        (!samples.is_empty()).then_some(Self(samples))
    }

    fn median(&self, value: impl Fn(&Sample) -> f64) -> f64 {
        let values: Vec<f64> = self.0.iter().map(|sample| value(sample)).collect();
        Quartiles::of(&values).map_or(f64::NAN, |it| it.median)
    }

    /// The median, if all rounds know it.
    fn known(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = self.0.iter().map(|sample| value(sample)).collect();
        Some(Quartiles::of(&values?)?.median)
    }

    fn over(&self, other: &Self, value: impl Fn(&Sample) -> f64) -> Option<Quartiles> {
        let pairs = self.0.iter().zip(&other.0);
        let ratios: Vec<f64> = pairs
            .map(|(ours, theirs)| value(ours) / value(theirs))
            .collect();
        Quartiles::of(&ratios)
    }
}

fn p50(sample: &Sample) -> f64 {
    sample.timed.latency_ms(0.5)
}

fn p99(sample: &Sample) -> f64 {
    sample.timed.latency_ms(0.99)
}

fn acknowledged(sample: &Sample) -> f64 {
    sample.timed.per_second()
}

impl DurableReport {
    pub(crate) fn of(
        options: &DurableOptions,
        machine: Machine,
        redis: Option<&str>,
        loads: &[Load],
        visits: &[Visit],
    ) -> Self {
        let cells = options
            .rooms
            .0
            .iter()
            .enumerate()
            .flat_map(|(index, rooms)| {
                (loads.iter().enumerate()).map(move |(step, load)| {
                    Cell::of(*rooms, *load, visits, Place::Cell(index, step))
                })
            });
        Self {
            machine,
            redis: redis.map(str::to_owned),
            publishers: options.publishers,
            payload_bytes: options.payload,
            rounds: options.rounds,
            phase_seconds: options.phase.as_secs_f64(),
            seed: options.seed,
            cells: cells.collect(),
            price: Price::of(visits),
        }
    }
}

impl Outcome for DurableReport {
    fn svg(&self) -> String {
        svg(self)
    }
}

impl Cell {
    fn of(rooms: u32, load: Load, visits: &[Visit], place: Place) -> Self {
        let systems = [System::Parlour, System::Append, System::Redis];
        let columns: Vec<(System, Column<'_>)> = (systems.into_iter())
            .filter_map(|system| Some((system, Column::of(visits, place, system)?)))
            .collect();
        let beside = match columns.split_first() {
            Some(((System::Parlour, ours), others)) => (others.iter())
                .filter_map(|(system, theirs)| {
                    Some(Beside {
                        system: *system,
                        acknowledged: ours.over(theirs, acknowledged)?,
                        p50: ours.over(theirs, p50)?,
                        p99: ours.over(theirs, p99)?,
                    })
                })
                .collect(),
            _ => Vec::new(),
        };
        Self {
            rooms,
            load: LoadReport::from(load),
            systems: (columns.iter())
                .map(|(system, column)| Figures::of(*system, column))
                .collect(),
            beside,
        }
    }
}

impl Figures {
    fn of(system: System, column: &Column<'_>) -> Self {
        let per_ack = |sample: &Sample, value: f64| value / sample.timed.all.max(1) as f64;
        Self {
            system,
            acknowledged_per_second: column.median(acknowledged),
            p50_ms: column.median(p50),
            p99_ms: column.median(p99),
            unsent: column.median(|sample| {
                let due = sample.timed.latency.len().max(1);
                sample.timed.unsent as f64 / due as f64
            }),
            disk_bytes: column.known(|sample| Some(per_ack(sample, sample.written? as f64))),
            cpu_us: column.known(|sample| Some(per_ack(sample, sample.cpu?.as_secs_f64() * 1e6))),
            per_sync: column
                .known(|sample| Some(sample.timed.all as f64 / sample.syncs?.max(1) as f64)),
        }
    }
}

impl Price {
    fn of(visits: &[Visit]) -> Option<Self> {
        let column = |system| Column::of(visits, Place::Price, system);
        let durable = column(System::Parlour)?;
        let volatile = column(System::Volatile)?;
        let append = column(System::Append)?;
        let rounds = durable.0.iter().zip(&volatile.0).zip(&append.0);
        let added: Vec<f64> = rounds
            .map(|((durable, volatile), append)| (p50(durable) - p50(volatile)) / p50(append))
            .collect();
        Some(Self {
            durable_ms: durable.median(p50),
            volatile_ms: volatile.median(p50),
            append_ms: append.median(p50),
            over_volatile: durable.over(&volatile, p50)?,
            added_over_append: Quartiles::of(&added)?,
        })
    }
}

/// What a step of load is called.
pub(crate) fn load_name(load: &LoadReport) -> String {
    match (load.outstanding, load.rate) {
        (Some(most), _) => format!("{} on their way", grouped(most as u64)),
        (None, Some(rate)) => format!("{} /s asked for", grouped(rate as u64)),
        (None, None) => String::new(),
    }
}

fn ratio(quartiles: &Quartiles) -> String {
    let Quartiles {
        lower,
        median,
        upper,
    } = quartiles;
    format!("{median:.2} ({lower:.2}-{upper:.2})")
}

impl fmt::Display for DurableReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine {
            cores,
            processor,
            kernel,
            file_system,
            load_before,
        } = &self.machine;
        writeln!(
            f,
            "{cores} cores ({processor}), Linux {kernel}, {file_system}; load average before: {load_before:.1}"
        )?;
        match &self.redis {
            Some(version) => writeln!(f, "redis-server {version}, appendfsync always")?,
            None => writeln!(
                f,
                "no redis-server here, so nothing is compared with it (Debian: apt install redis-server)"
            )?,
        }
        writeln!(
            f,
            "{} publishers, {} bytes of text, {} rounds of {} s each; medians, and ratios within a round \
             with their quartiles\n",
            self.publishers, self.payload_bytes, self.rounds, self.phase_seconds
        )?;
        write!(f, "{:>6}  {:>19}  {:<12}", "rooms", "load", "")?;
        write!(f, "  {:>9}  {:>8}  {:>8}", "ack/s", "p50 ms", "p99 ms")?;
        write!(f, "  {:>10}  {:>8}", "bytes/ack", "us/ack")?;
        writeln!(f, "  {:<22}{:<22}p99", "parlour / it: ack/s", "p50")?;
        for cell in &self.cells {
            cell.write(f)?;
        }
        if let Some(price) = &self.price {
            price.write(f)?;
        }
        Ok(())
    }
}

impl Cell {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, figures) in self.systems.iter().enumerate() {
            let (rooms, load) = match index {
                0 => (grouped(u64::from(self.rooms)), load_name(&self.load)),
                _ => Default::default(),
            };
            write!(f, "{rooms:>6}  {load:>19}  {:<12}", figures.system.name())?;
            let dash = |value: Option<f64>| value.map_or("-".into(), |value| rounded(Some(value)));
            let mark = if figures.unsent > 0.0 { "+" } else { "" };
            write!(
                f,
                "  {:>9}  {:>8}  {:>8}  {:>10}  {:>8}",
                rounded(Some(figures.acknowledged_per_second)),
                format!("{}{mark}", rounded(Some(figures.p50_ms))),
                format!("{}{mark}", rounded(Some(figures.p99_ms))),
                dash(figures.disk_bytes.map(f64::round)),
                dash(figures.cpu_us),
            )?;
            let beside = self.beside.iter().find(|it| it.system == figures.system);
            if let Some(beside) = beside {
                let [rate, half] = [&beside.acknowledged, &beside.p50].map(ratio);
                write!(f, "  {rate:<22}{half:<22}{}", ratio(&beside.p99))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Price {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\none publish at a time: durable {} ms, volatile {} ms, one append+fsync {} ms\n\
             durable / volatile {}; what durable adds / one append+fsync {}",
            rounded(Some(self.durable_ms)),
            rounded(Some(self.volatile_ms)),
            rounded(Some(self.append_ms)),
            ratio(&self.over_volatile),
            ratio(&self.added_over_append)
        )
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use hdrhistogram::Histogram;

    use super::*;
    use crate::durable::driver::Timed;

    pub(crate) fn sample(acknowledged: u64, latency_us: u64) -> Sample {
        let mut latency = Histogram::new(3).unwrap();
        latency.record_n(latency_us * 1_000, acknowledged).unwrap();
        Sample {
            timed: Timed {
                acknowledged,
                elapsed: Duration::from_secs(1),
                all: acknowledged,
                unsent: 0,
                latency,
            },
            written: Some(acknowledged * 4_096),
            cpu: None,
            syncs: None,
        }
    }

    fn visit(round: u32, place: Place, system: System, sample: Sample) -> Visit {
        Visit {
            round,
            place,
            system,
            sample,
        }
    }

    fn machine() -> Machine {
        Machine {
            cores: 2,
            processor: "P".into(),
            kernel: "6".into(),
            file_system: "ext4".into(),
            load_before: 0.5,
        }
    }

    /// Two rounds; the disk is ten times slower in the second.
    pub(crate) fn report() -> DurableReport {
        let cell = Place::Cell(0, 0);
        let mut visits = Vec::new();
        for (round, slower) in [(0, 1), (1, 10)] {
            // The order of the systems differs, as it does in a run.
            let mut all = vec![
                visit(
                    round,
                    cell,
                    System::Parlour,
                    sample(5_000 / slower, 400 * slower),
                ),
                visit(
                    round,
                    cell,
                    System::Append,
                    sample(10_000 / slower, 200 * slower),
                ),
                visit(round, Place::Price, System::Volatile, sample(100, 50)),
                visit(
                    round,
                    Place::Price,
                    System::Parlour,
                    sample(100, 450 * slower),
                ),
                visit(
                    round,
                    Place::Price,
                    System::Append,
                    sample(100, 200 * slower),
                ),
            ];
            if round == 1 {
                all.reverse();
            }
            visits.extend(all);
        }
        let options = DurableOptions {
            rooms: "10".parse().unwrap(),
            publishers: 4,
            outstanding: "64".parse().unwrap(),
            rates: "none".parse().unwrap(),
            payload: 256,
            rounds: 2,
            phase: Duration::from_secs(1),
            warmup: Duration::ZERO,
            dir: None,
            redis: "redis-server".into(),
            seed: 1,
            output: Default::default(),
            server: None,
            server_args: Vec::new(),
        };
        DurableReport::of(&options, machine(), None, &[Load::Outstanding(64)], &visits)
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let report = report();
        let beside = &report.cells[0].beside[0];
        assert_eq!(beside.system, System::Append);
        let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.01;
        assert!(near(beside.acknowledged.lower, 0.5) && near(beside.acknowledged.upper, 0.5));
        assert!(near(beside.p99.lower, 2.0) && near(beside.p99.upper, 2.0));
        let price = report.price.unwrap();
        assert!(near(
            price.over_volatile.lower + price.over_volatile.upper,
            99.0
        ));
        assert!(near(price.added_over_append.lower, 2.06) || price.added_over_append.lower > 2.0);
    }

    #[test]
    fn the_table_names_everybody_and_the_missing_redis() {
        let text = report().to_string();
        for words in [
            "no redis-server here",
            "64 on their way",
            "append+fsync",
            "4,096",
            "0.50 (0.50-0.50)",
            "durable / volatile",
        ] {
            assert!(text.contains(words), "{words} in\n{text}");
        }
    }

    #[test]
    fn the_json_has_the_figures_under_their_names() {
        let json: serde_json::Value = serde_json::from_str(&report().to_json()).unwrap();
        assert_eq!(json["cells"][0]["systems"][1]["system"], "append");
        assert_eq!(json["cells"][0]["load"]["outstanding"], 64);
        assert!(json["price"]["over_volatile"]["median"].is_f64());
        assert!(json["redis"].is_null());
    }
}
