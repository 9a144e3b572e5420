//! What a fan-out run says: a table for people, JSON with stable keys for scripts.

use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::generator::{Load, Sample};
use crate::output::Outcome;
use crate::plot::Latencies;
use crate::tables::{Facts, grouped, rounded};

/// Latencies are kept from 1 µs to 10 min, to three digits.
const LATENCY_RANGE: (u64, u64, u8) = (1_000, 600_000_000_000, 3);
/// Shares of the deliveries that a curve has points for.
const SHARES: [f64; 18] = [
    0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999,
    0.99995, 0.99998, 0.99999,
];

/// The result of one fan-out run. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The door that was measured.
    pub url: String,
    /// Members of all rooms.
    pub members: usize,
    /// Rooms they are spread over.
    pub rooms: usize,
    /// Publishers per room.
    pub publishers: usize,
    /// Further connections in a room in which nobody speaks.
    pub idle: usize,
    /// How messages were published.
    pub load: LoadReport,
    /// Bytes of a message's text.
    pub payload_bytes: usize,
    /// Bytes of the whole frame that carries it to a member.
    pub frame_bytes: f64,
    /// From the first message until the last delivery, in seconds.
    pub seconds: f64,
    /// Messages published.
    pub messages: u64,
    /// Frames that arrived.
    pub deliveries: u64,
    /// Bytes of these frames.
    pub bytes_delivered: u64,
    /// Deliveries per second.
    pub deliveries_per_second: f64,
    /// K: frames per read of the generator.
    pub frames_per_read: f64,
    /// From sending, or from when a message was due, until its delivery.
    pub latency_ms: Latency,
    /// The server's run time, if its process is known.
    pub server: Option<ServerReport>,
    /// Share of the time in which the generator had something to do; near 1 it is the limit.
    pub generator_busy: f64,
    /// Where the two ran: cores of the server, core of the generator; absent if not pinned.
    pub cores: Option<[String; 2]>,
}

/// How messages were published: one of the two is there.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// Messages in flight in all (closed loop).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outstanding: Option<usize>,
    /// Messages per second in all (open loop).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
}

/// Milliseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Latency {
    /// Half of the deliveries took at most this.
    pub p50: f64,
    /// 90 of 100.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p99_9: f64,
    /// All.
    pub max: f64,
    /// Points of a curve: a share of the deliveries, 0 to 1, and what it took at most.
    pub curve: Vec<[f64; 2]>,
}

/// An empty book of latencies, in nanoseconds.
pub(crate) fn latencies() -> Histogram<u64> {
    let (low, high, digits) = LATENCY_RANGE;
    Histogram::new_with_bounds(low, high, digits)
        .expect("low is above 0, high above twice low, and digits below 6")
}

/// What the server used.
#[derive(Debug, Clone, Serialize)]
pub struct ServerReport {
    /// Its process.
    pub pid: u32,
    /// Microseconds of all its threads, and of the kernel's network thread of its cores, per delivery.
    pub cpu_us_per_delivery: f64,
    /// Whether the kernel's network thread could be seen and is counted.
    pub softirq_counted: bool,
    /// Cores kept busy on average: 1 is one whole core.
    pub utilisation: f64,
    /// Growth of its private memory per connection since before the first one. Includes what is
    /// needed only once; `bench idle` does not.
    pub private_bytes_per_connection: f64,
}

impl From<Load> for LoadReport {
    fn from(load: Load) -> Self {
        match load {
            Load::Outstanding(most) => Self {
                outstanding: Some(most),
                rate: None,
            },
            Load::Rate(rate) => Self {
                outstanding: None,
                rate: Some(rate),
            },
        }
    }
}

impl Latency {
    /// From a sample's nanoseconds.
    #[must_use]
    pub fn of(sample: &Sample) -> Self {
        Self::of_nanoseconds(&sample.latency)
    }

    /// From a book of nanoseconds.
    #[must_use]
    pub fn of_nanoseconds(latency: &Histogram<u64>) -> Self {
        let max = latency.max() as f64 / 1e6;
        // A bucket's upper end may lie above the largest value in it.
        let at = |share: f64| (latency.value_at_quantile(share) as f64 / 1e6).min(max);
        // Beyond this share there is one delivery at most.
        let last = 1.0 - 1.0 / latency.len().max(1) as f64;
        let shares = SHARES.into_iter().filter(|share| *share < last);
        let mut curve: Vec<[f64; 2]> = shares.map(|share| [share, at(share)]).collect();
        curve.push([last, max]);
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max,
            curve,
        }
    }

    /// Rows for people.
    pub(crate) fn facts(&self, facts: &mut Facts) {
        for (name, value) in [
            ("latency p50, ms", self.p50),
            ("latency p90, ms", self.p90),
            ("latency p99, ms", self.p99),
            ("latency p99.9, ms", self.p99_9),
            ("latency max, ms", self.max),
        ] {
            facts.add(name, rounded(Some(value)), "");
        }
    }
}

impl LoadReport {
    /// In words, of messages or what else is sent.
    pub(crate) fn words(&self, what: &str) -> String {
        match (self.outstanding, self.rate) {
            (Some(1), _) => format!("1 {} in flight", what.trim_end_matches('s')),
            (Some(most), _) => format!("{} {what} in flight", grouped(most as u64)),
            (_, Some(rate)) => format!("{} {what}/s", rounded(Some(rate))),
            _ => "no load".into(),
        }
    }
}

impl Outcome for Report {
    fn svg(&self) -> String {
        let name = format!(
            "{}, K {}",
            self.load.words("messages"),
            rounded(Some(self.frames_per_read))
        );
        Latencies {
            head: format!(
                "Fan-out to {} members in {} rooms: latency of a delivery",
                grouped(self.members as u64),
                grouped(self.rooms as u64)
            ),
            caption: format!(
                "{} deliveries, frames of {} bytes; from when a message was due",
                grouped(self.deliveries),
                rounded(Some(self.frame_bytes))
            ),
            lines: vec![("parlour", name, &self.latency_ms.curve)],
        }
        .svg()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = self.load.words("messages");
        writeln!(
            f,
            "{}: {} members in {} rooms, {} idle, {load}, {} bytes of text",
            self.url,
            grouped(self.members as u64),
            grouped(self.rooms as u64),
            grouped(self.idle as u64),
            grouped(self.payload_bytes as u64),
        )?;
        let mut facts = Facts::default();
        facts.add(
            "deliveries/s",
            grouped(self.deliveries_per_second as u64),
            "",
        );
        facts.add(
            "deliveries",
            grouped(self.deliveries),
            "each seen once, in order, none missing",
        );
        facts.add("messages", grouped(self.messages), "");
        facts.add(
            "seconds",
            rounded(Some(self.seconds)),
            "first message to last delivery",
        );
        facts.add("bytes delivered", grouped(self.bytes_delivered), "");
        facts.add(
            "bytes per frame",
            rounded(Some(self.frame_bytes)),
            "header included",
        );
        facts.add(
            "K, frames per read",
            rounded(Some(self.frames_per_read)),
            "1: nothing was coalesced",
        );
        self.latency_ms.facts(&mut facts);
        self.server_facts(&mut facts);
        let server_busy = self
            .server
            .as_ref()
            .is_some_and(|server| server.utilisation >= 0.9);
        let busy = match self.generator_busy {
            0.95.. if !server_busy => "THE GENERATOR IS THE LIMIT, not the server",
            _ => "share of its time",
        };
        facts.add("generator busy", rounded(Some(self.generator_busy)), busy);
        facts.write(f)
    }
}

impl Report {
    fn server_facts(&self, facts: &mut Facts) {
        let Some(server) = &self.server else {
            facts.add("server CPU", "not known", "name its process with --pid");
            return;
        };
        let note = match (&self.cores, server.softirq_counted) {
            (None, _) => "NOT PINNED: server and generator may disturb each other",
            (_, false) => "without the kernel's network thread, which cannot be seen here",
            _ => "its threads and its core's ksoftirqd",
        };
        facts.add(
            "server CPU, us/delivery",
            rounded(Some(server.cpu_us_per_delivery)),
            note,
        );
        facts.add("server cores used", rounded(Some(server.utilisation)), "");
        facts.add(
            "private memory, B/conn",
            rounded(Some(server.private_bytes_per_connection)),
            "with what is needed once; see `bench idle`",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_said_in_words() {
        let words = |load| LoadReport::from(load).words("messages");
        assert_eq!(words(Load::Outstanding(1)), "1 message in flight");
        assert_eq!(words(Load::Outstanding(4_000)), "4,000 messages in flight");
        assert_eq!(words(Load::Rate(0.5)), "0.500 messages/s");
    }

    #[test]
    fn a_curve_rises_to_the_longest_and_knows_no_share_that_it_has_not_seen() {
        let mut book = latencies();
        for micros in 1..=1_000 {
            book.record(micros * 1_000).unwrap();
        }
        let latency = Latency::of_nanoseconds(&book);
        assert!((latency.p50 - 0.5).abs() < 0.01 && (latency.p90 - 0.9).abs() < 0.01);
        let curve = &latency.curve;
        assert!(
            curve
                .windows(2)
                .all(|it| it[0][0] < it[1][0] && it[0][1] <= it[1][1])
        );
        assert_eq!(curve.last(), Some(&[0.999, latency.max]));
        assert_eq!(Latency::of_nanoseconds(&latencies()).max, 0.0);
    }
}
