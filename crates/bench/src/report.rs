//! What a fan-out run says: a table for people, JSON with stable keys for scripts.

use std::fmt;

use serde::Serialize;

use crate::generator::{Load, Sample};
use crate::tables::{Facts, grouped, rounded};

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
#[derive(Debug, Clone, Serialize)]
pub struct Latency {
    /// Half of the deliveries took at most this.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p99_9: f64,
    /// All.
    pub max: f64,
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
    /// needed only once; `bench memory` does not.
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
        let at = |share: f64| sample.latency.value_at_quantile(share) as f64 / 1e6;
        let max = sample.latency.max() as f64 / 1e6;
        // A bucket's upper end may lie above the largest value in it.
        Self {
            p50: at(0.5).min(max),
            p99: at(0.99).min(max),
            p99_9: at(0.999).min(max),
            max,
        }
    }
}

impl Report {
    /// The report as JSON in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and strings always become JSON")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = match (self.load.outstanding, self.load.rate) {
            (Some(most), _) => format!("{} messages in flight", grouped(most as u64)),
            (_, Some(rate)) => format!("{} messages/s", rounded(Some(rate))),
            _ => "no load".into(),
        };
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
        for (name, value) in [
            ("latency p50, ms", self.latency_ms.p50),
            ("latency p99, ms", self.latency_ms.p99),
            ("latency p99.9, ms", self.latency_ms.p99_9),
            ("latency max, ms", self.latency_ms.max),
        ] {
            facts.add(name, rounded(Some(value)), "");
        }
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
            "with what is needed once; see `bench memory`",
        );
    }
}
