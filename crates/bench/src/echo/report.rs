//! What an echo run says.

use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{EchoOptions, EchoSample, Round};
use crate::BenchError;
use crate::generator::Load;
use crate::measured::Measured;
use crate::output::Outcome;
use crate::plot::Latencies;
use crate::report::{Latency, LoadReport, latencies};
use crate::stats::Quartiles;
use crate::tables::{Facts, grouped, rounded};

/// Highest CPU time per echo over the bare loop's.
const LIMIT: f64 = 1.1;

/// The result of an echo run. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct EchoReport {
    /// The door that was measured.
    pub url: String,
    /// Connections.
    pub connections: usize,
    /// How messages were sent; in a closed loop each connection has one on its way.
    pub load: LoadReport,
    /// Bytes of a message.
    pub payload_bytes: usize,
    /// Rounds.
    pub rounds: usize,
    /// Time that was measured, in seconds.
    pub seconds: f64,
    /// Messages that came back, each as it was sent, once and in order.
    pub echoes: u64,
    /// Of them per second: the median of the rounds.
    pub echoes_per_second: f64,
    /// K: frames per read of the generator.
    pub frames_per_read: f64,
    /// From when a message was due until it was back, of all rounds.
    pub latency_ms: Latency,
    /// The server's run time, if its process is known.
    pub server: Option<EchoServer>,
    /// The bare loop in the same rounds.
    pub raw: Option<RawSide>,
    /// Share of the time in which the generator had something to do.
    pub generator_busy: f64,
    /// Cores of the server, core of the generator; absent if they are not apart.
    pub cores: Option<[String; 2]>,
}

/// What the server used.
#[derive(Debug, Clone, Serialize)]
pub struct EchoServer {
    /// Its process.
    pub pid: u32,
    /// Microseconds of all its threads and of the kernel's network thread per echo: the median.
    pub cpu_us_per_echo: f64,
    /// Whether the kernel's network thread could be seen and is counted.
    pub softirq_counted: bool,
    /// Cores kept busy on average.
    pub utilisation: f64,
}

/// The bare loop beside it.
#[derive(Debug, Clone, Serialize)]
pub struct RawSide {
    /// Echoes per second: the median.
    pub echoes_per_second: f64,
    /// Microseconds per echo: the median.
    pub cpu_us_per_echo: f64,
    /// K: frames per read of the generator.
    pub frames_per_read: f64,
    /// As the server's.
    pub latency_ms: Latency,
    /// The server's CPU time per echo over the loop's, one value per round.
    pub ratio: Quartiles,
    /// Highest median that passes.
    pub limit: f64,
    /// Whether the median is within the limit.
    pub passed: bool,
}

/// All phases of one side.
struct Side<'a>(Vec<&'a EchoSample>);

impl Side<'_> {
    fn median(&self, value: impl Fn(&EchoSample) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = self.0.iter().map(|sample| value(sample)).collect();
        Some(Quartiles::of(&values?)?.median)
    }

    fn sum(&self, value: impl Fn(&EchoSample) -> f64) -> f64 {
        self.0.iter().map(|sample| value(sample)).sum()
    }

    fn latency(&self) -> Histogram<u64> {
        let mut all = latencies();
        for sample in &self.0 {
            // Both have the same bounds.
            let _ = all.add(&sample.latency);
        }
        all
    }

    fn frames_per_read(&self) -> f64 {
        self.sum(|it| it.echoes as f64) / self.sum(|it| it.reads as f64).max(1.0)
    }
}

impl EchoReport {
    pub(super) fn of(
        options: &EchoOptions,
        load: Load,
        measured: &Measured,
        rounds: &[Round],
    ) -> Result<Self, BenchError> {
        let ours = Side(rounds.iter().map(|round| &round.0).collect());
        let seconds = ours.sum(|it| it.elapsed.as_secs_f64());
        let cpu = ours.median(EchoSample::cpu_per_echo);
        let server = match (measured.pid, &measured.clock, cpu) {
            (Some(pid), Some(clock), Some(cpu_us_per_echo)) => Some(EchoServer {
                pid,
                cpu_us_per_echo,
                softirq_counted: clock.counts_softirq(),
                utilisation: ours.sum(|it| it.cpu.unwrap_or_default().as_secs_f64()) / seconds,
            }),
            _ => None,
        };
        let raw = match rounds.iter().all(|round| round.1.is_some()) {
            true => Some(RawSide::of(rounds)?),
            false => None,
        };
        Ok(Self {
            url: measured.target.to_string(),
            connections: options.connections,
            load: LoadReport::from(load),
            payload_bytes: options.payload,
            rounds: rounds.len(),
            seconds,
            echoes: ours.sum(|it| it.echoes as f64) as u64,
            echoes_per_second: ours.median(|it| Some(it.per_second())).unwrap_or(0.0),
            frames_per_read: ours.frames_per_read(),
            latency_ms: Latency::of_nanoseconds(&ours.latency()),
            server,
            raw,
            generator_busy: ours.median(|it| Some(it.busy)).unwrap_or(0.0),
            cores: measured.cores.clone(),
        })
    }
}

impl RawSide {
    fn of(rounds: &[Round]) -> Result<Self, BenchError> {
        let unknown = || BenchError::Unequal("the run time of one side is not known".into());
        let theirs = Side(rounds.iter().filter_map(|round| round.1.as_ref()).collect());
        let ratios = rounds.iter().map(|(ours, theirs)| {
            Some(ours.cpu_per_echo()? / theirs.as_ref()?.cpu_per_echo()?.max(1e-9))
        });
        let ratios: Option<Vec<f64>> = ratios.collect();
        let ratio = ratios
            .and_then(|ratios| Quartiles::of(&ratios))
            .ok_or_else(unknown)?;
        let cpu = theirs
            .median(EchoSample::cpu_per_echo)
            .ok_or_else(unknown)?;
        Ok(Self {
            echoes_per_second: theirs.median(|it| Some(it.per_second())).unwrap_or(0.0),
            cpu_us_per_echo: cpu,
            frames_per_read: theirs.frames_per_read(),
            latency_ms: Latency::of_nanoseconds(&theirs.latency()),
            ratio,
            limit: LIMIT,
            passed: ratio.median <= LIMIT,
        })
    }
}

impl Outcome for EchoReport {
    fn svg(&self) -> String {
        let mut lines = vec![("parlour", "Parlour".to_owned(), &self.latency_ms.curve[..])];
        if let Some(raw) = &self.raw {
            let name = "bare loop of recv() and send()".to_owned();
            lines.push(("raw", name, &raw.latency_ms.curve));
        }
        Latencies {
            head: format!(
                "Echo over {} connections: latency of a round trip",
                grouped(self.connections as u64)
            ),
            caption: format!(
                "{}, {} bytes, rounds: {}; from when a message was due",
                self.load.words("messages"),
                grouped(self.payload_bytes as u64),
                self.rounds
            ),
            lines,
        }
        .svg()
    }

    fn failures(&self) -> Vec<String> {
        let over = self.raw.iter().filter(|raw| !raw.passed);
        over.map(|raw| {
            format!(
                "CPU per echo over the bare loop's is {:.3} (quartiles {:.3} to {:.3}), and may be {:.2}",
                raw.ratio.median, raw.ratio.lower, raw.ratio.upper, raw.limit
            )
        })
        .collect()
    }
}

impl fmt::Display for EchoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} connections, {}, {} bytes, rounds: {}",
            self.url,
            grouped(self.connections as u64),
            self.load.words("messages"),
            grouped(self.payload_bytes as u64),
            self.rounds
        )?;
        let mut facts = Facts::default();
        facts.add(
            "echoes",
            grouped(self.echoes),
            "each as it was sent, once, in order, none missing",
        );
        facts.add("echoes/s", grouped(self.echoes_per_second as u64), "");
        facts.add(
            "K, frames per read",
            rounded(Some(self.frames_per_read)),
            "1: nothing was coalesced",
        );
        self.latency_ms.facts(&mut facts);
        match &self.server {
            Some(server) => {
                let note = match (&self.cores, server.softirq_counted) {
                    (None, _) => "NOT APART: server and generator may disturb each other",
                    (_, false) => "without the kernel's network thread, which cannot be seen here",
                    _ => "its threads and its core's ksoftirqd",
                };
                let cpu = rounded(Some(server.cpu_us_per_echo));
                facts.add("server CPU, us/echo", cpu, note);
                facts.add("server cores used", rounded(Some(server.utilisation)), "");
            }
            None => facts.add("server CPU", "not known", "name its process with --pid"),
        }
        facts.add(
            "generator busy",
            rounded(Some(self.generator_busy)),
            "share of its time",
        );
        facts.write(f)?;
        let Some(raw) = &self.raw else {
            return Ok(());
        };
        let mut facts = Facts::default();
        writeln!(f, "\nthe bare loop of recv() and send(), in turns with it")?;
        facts.add("echoes/s", grouped(raw.echoes_per_second as u64), "");
        facts.add("K, frames per read", rounded(Some(raw.frames_per_read)), "");
        raw.latency_ms.facts(&mut facts);
        facts.add("its CPU, us/echo", rounded(Some(raw.cpu_us_per_echo)), "");
        facts.write(f)?;
        writeln!(
            f,
            "\n  CPU per echo over the bare loop's: {:.3} (quartiles {:.3} to {:.3}), limit {:.2}: {}",
            raw.ratio.median,
            raw.ratio.lower,
            raw.ratio.upper,
            raw.limit,
            if raw.passed { "pass" } else { "OVER" }
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(echoes: u64, cpu_us: u64) -> EchoSample {
        let mut latency = latencies();
        latency.record(echoes * 1_000).unwrap();
        EchoSample {
            echoes,
            reads: echoes,
            elapsed: Duration::from_secs(1),
            cpu: Some(Duration::from_micros(cpu_us)),
            busy: 0.5,
            latency,
        }
    }

    #[test]
    fn the_ratio_is_of_the_same_round_and_has_a_limit() {
        // The second round was on a machine half as fast, for both.
        let slow = vec![
            (sample(100, 500), Some(sample(100, 500))),
            (sample(100, 1_000), Some(sample(100, 1_000))),
        ];
        let raw = RawSide::of(&slow).unwrap();
        assert_eq!(
            (raw.ratio.lower, raw.ratio.upper, raw.passed),
            (1.0, 1.0, true)
        );
        assert_eq!(raw.cpu_us_per_echo, 7.5);
        let over = [(sample(100, 600), Some(sample(100, 500)))];
        assert!(!RawSide::of(&over).unwrap().passed);
        let mut unknown = over;
        unknown[0].0.cpu = None;
        assert!(RawSide::of(&unknown).is_err());
    }

    #[test]
    fn latencies_of_all_rounds_count() {
        let (one, other) = (sample(10, 1), sample(1_000, 1));
        let side = Side(vec![&one, &other]);
        assert_eq!(side.latency().len(), 2);
        assert_eq!(side.frames_per_read(), 1.0);
    }
}
