//! What a storm says.

use std::fmt;

use serde::Serialize;

use crate::output::Outcome;
use crate::plot::TimeLine;
use crate::report::Latency;
use crate::tables::{Facts, grouped, rounded};

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct StormReport {
    /// The door that was measured.
    pub url: String,
    /// Clients.
    pub clients: usize,
    /// Rooms that they are spread over.
    pub rooms: usize,
    /// Messages in each room that they missed.
    pub missed: usize,
    /// On their way back at once.
    pub in_flight: usize,
    /// Seconds until all were in for the first time.
    pub came_in_seconds: f64,
    /// Seconds until all were back and complete.
    pub back_seconds: f64,
    /// Clients that became complete per second.
    pub back_per_second: f64,
    /// From the moment in which all set out until each was complete, so waiting for a turn counts.
    pub complete_ms: Latency,
    /// Entries that they were sent, each once and in order.
    pub entries_delivered: u64,
    /// Microseconds of the server per client on the way back, with its ticket and its entries.
    pub cpu_us_per_client: Option<f64>,
    /// Cores that the server kept busy.
    pub utilisation: Option<f64>,
    /// Private bytes with all in their rooms, before.
    pub private_before: Option<u64>,
    /// The most on the way back.
    pub private_peak: Option<u64>,
    /// With all in their rooms again.
    pub private_after: Option<u64>,
    /// What was seen on the way back.
    pub time_line: Vec<Moment>,
    /// Cores of the server, core of the generator; absent if they are not apart.
    pub cores: Option<[String; 2]>,
}

/// One look.
#[derive(Debug, Clone, Serialize)]
pub struct Moment {
    /// Since all set out.
    pub seconds: f64,
    /// Clients that are back and complete.
    pub complete: usize,
    /// Private bytes of the server.
    pub private: Option<u64>,
}

impl Outcome for StormReport {
    fn svg(&self) -> String {
        let complete = self.time_line.iter();
        let complete = complete.map(|it| [it.seconds, it.complete as f64]);
        let mut panels = vec![("back and complete".to_owned(), "", complete.collect())];
        let memory: Vec<[f64; 2]> = (self.time_line.iter())
            .filter_map(|it| Some([it.seconds, it.private? as f64 / 1e6]))
            .collect();
        if !memory.is_empty() {
            panels.push(("private memory of the server".to_owned(), "MB", memory));
        }
        TimeLine {
            head: format!("{} clients come back at once", grouped(self.clients as u64)),
            caption: format!(
                "{} rooms, {} messages missed in each, {} on their way at once",
                grouped(self.rooms as u64),
                grouped(self.missed as u64),
                grouped(self.in_flight as u64)
            ),
            seconds: self.back_seconds,
            panels,
        }
        .svg()
    }
}

impl fmt::Display for StormReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} clients in {} rooms come back, {} messages missed in each, {} on their way at once",
            self.url,
            grouped(self.clients as u64),
            grouped(self.rooms as u64),
            grouped(self.missed as u64),
            grouped(self.in_flight as u64),
        )?;
        let mut facts = Facts::default();
        let second = |value| rounded(Some(value));
        facts.add("all in, s", second(self.came_in_seconds), "the first time");
        facts.add("all back, s", second(self.back_seconds), "and complete");
        facts.add("back per second", grouped(self.back_per_second as u64), "");
        facts.add(
            "entries delivered",
            grouped(self.entries_delivered),
            "each once, in order, none missing",
        );
        let took = &self.complete_ms;
        for (name, value, note) in [
            (
                "complete p50, ms",
                took.p50,
                "since all set out: waiting counts",
            ),
            ("complete p99, ms", took.p99, ""),
            ("complete max, ms", took.max, ""),
        ] {
            facts.add(name, rounded(Some(value)), note);
        }
        if self.cpu_us_per_client.is_none() {
            facts.add("server CPU", "not known", "name its process with --pid");
            return facts.write(f);
        }
        let note = match &self.cores {
            None => "NOT APART: server and generator may disturb each other",
            Some(_) => "its ticket, upgrade, join and entries",
        };
        facts.add(
            "server CPU, us/client",
            rounded(self.cpu_us_per_client),
            note,
        );
        facts.add("server cores used", rounded(self.utilisation), "");
        for (name, value) in [
            ("private before, MB", self.private_before),
            ("private peak, MB", self.private_peak),
            ("private after, MB", self.private_after),
        ] {
            facts.add(name, rounded(value.map(|it| it as f64 / 1e6)), "");
        }
        facts.write(f)
    }
}
