//! `parlour bench memory`: what an idle connection that has joined a room costs the server.
//!
//! Two figures, because allocators keep pages that an upgrade needed and hand them out again: growth
//! from none, after a warm-up with as many, to all connections; and growth from half of the connections
//! to all of them, which contains what the upgrades needed. The truth lies between the two. The start
//! is no base: a server gives memory back that it needed only to start.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::BenchError;
use crate::cpu::private_bytes;
use crate::fanout::{Measured, ServerOptions, seconds};
use crate::generator::Generator;
use crate::ledger::Layout;
use crate::pin;
use crate::progress::Show;
use crate::tables::{Facts, grouped, rounded};
use crate::tag;
use crate::target::Target;

/// Connections that come and go first, so that what is needed only once is there.
const FIRST: usize = 64;
/// Readings that must agree, and the time between them.
const AGREEING: usize = 4;
const BETWEEN: Duration = Duration::from_millis(250);
/// Largest difference of readings that agree, in bytes.
const SAME: u64 = 16 * 1024;
/// Longest wait until they agree.
const PATIENCE: Duration = Duration::from_secs(60);

/// Options of a memory measurement.
#[derive(Debug, Clone, clap::Args)]
pub struct MemoryOptions {
    /// Connections, all joined to one room in which nobody speaks while memory is read.
    #[arg(long, default_value_t = 10_000)]
    pub connections: usize,
    /// Seconds to keep the connections open and idle at the end, so that `strace -p` or `perf`
    /// can look at a server that should be asleep.
    #[arg(long, default_value = "0", value_parser = seconds, value_name = "SECONDS")]
    pub hold: Duration,
    /// Print the report as one line of JSON, and no progress.
    #[arg(long)]
    pub json: bool,
    /// The server to measure.
    #[command(flatten)]
    pub server: ServerOptions,
}

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct MemoryReport {
    /// The door that was measured.
    pub url: String,
    /// Connections.
    pub connections: usize,
    /// Private bytes after some connections came and went.
    pub private_at_start: u64,
    /// With half of the connections, joined and idle.
    pub private_with_half: u64,
    /// With all connections, joined and idle.
    pub private_with_all: u64,
    /// After all of them left.
    pub private_after_all_left: u64,
    /// With all connections again.
    pub private_with_all_again: u64,
    /// Private bytes per idle joined connection: growth from none, after all have left, to all again.
    pub bytes_per_connection: f64,
    /// The same from half of them to all.
    pub bytes_per_further_connection: f64,
    /// Growth from the first time to the second, per connection: what leaks, or nearly 0.
    pub growth_per_connection: f64,
}

/// Runs it.
///
/// # Errors
/// As [`fanout::run`](crate::fanout::run); or when the server's process is not known, or its
/// memory does not come to rest.
pub fn run(options: &MemoryOptions) -> Result<MemoryReport, BenchError> {
    if options.connections < 2 {
        let why = "--connections must be 2 or more: the second half is measured against the first";
        return Err(BenchError::Options(why.into()));
    }
    let show = Show::for_people(options.json);
    pin::allow_files(options.connections as u64 + 64)?;
    let measured = Measured::start(&options.server)?;
    let Some(pid) = measured.pid else {
        let why = "--url needs --pid here: memory is read from the server's process";
        return Err(BenchError::Options(why.into()));
    };
    let result = Visit {
        target: &measured.target,
        pid,
        show,
    }
    .measure(options);
    result.map_err(|error| measured.explain(error))
}

struct Visit<'a> {
    target: &'a Target,
    pid: u32,
    show: Show,
}

impl Visit<'_> {
    fn measure(&self, options: &MemoryOptions) -> Result<MemoryReport, BenchError> {
        let (half, other) = (options.connections / 2, options.connections.div_ceil(2));
        drop(self.connect(FIRST.min(half))?);
        let private_at_start = self.rest(&mut [])?;

        let mut first = vec![self.connect(half)?];
        let private_with_half = self.rest(&mut first)?;
        first.push(self.connect(other)?);
        let private_with_all = self.rest(&mut first)?;
        drop(first);
        let private_after_all_left = self.rest(&mut [])?;

        let mut second = vec![self.connect(half)?, self.connect(other)?];
        let private_with_all_again = self.rest(&mut second)?;
        self.hold(&mut second, options.hold)?;

        let growth =
            |more: u64, less: u64, count: usize| (more as f64 - less as f64) / count as f64;
        let count = options.connections;
        Ok(MemoryReport {
            url: self.target.to_string(),
            connections: count,
            private_at_start,
            private_with_half,
            private_with_all,
            private_after_all_left,
            private_with_all_again,
            bytes_per_connection: growth(private_with_all_again, private_after_all_left, count),
            bytes_per_further_connection: growth(private_with_all, private_with_half, other),
            growth_per_connection: growth(private_with_all_again, private_with_all, count),
        })
    }

    fn connect(&self, members: usize) -> Result<Generator, BenchError> {
        let layout = Layout {
            members,
            rooms: 1,
            publishers: 1,
            idle: 0,
        };
        Generator::open(self.target, layout, tag::LENGTH, self.show)
    }

    /// Waits until the server's memory no longer changes; gives it.
    fn rest(&self, generators: &mut [Generator]) -> Result<u64, BenchError> {
        let start = Instant::now();
        let mut last = Vec::new();
        while start.elapsed() < PATIENCE {
            std::thread::sleep(BETWEEN);
            service(generators)?;
            last.push(private_bytes(self.pid)?);
            if let Some(agreeing) = settled(&last) {
                return Ok(agreeing);
            }
        }
        Err(BenchError::Unequal(format!(
            "the server's memory does not come to rest within {} s",
            PATIENCE.as_secs()
        )))
    }

    fn hold(&self, generators: &mut [Generator], time: Duration) -> Result<(), BenchError> {
        let bar = self.show.time("holding", time);
        let start = Instant::now();
        while start.elapsed() < time {
            std::thread::sleep(BETWEEN.min(time - start.elapsed()));
            service(generators)?;
            bar.set_position(start.elapsed().as_millis() as u64);
        }
        Ok(())
    }
}

/// Answers pings.
fn service(generators: &mut [Generator]) -> Result<(), BenchError> {
    generators
        .iter_mut()
        .try_for_each(|generator| generator.service(Duration::ZERO))
}

/// The newest reading, if the last ones agree.
fn settled(readings: &[u64]) -> Option<u64> {
    let last = readings
        .len()
        .checked_sub(AGREEING)
        .map(|start| &readings[start..])?;
    let (least, most) = (last.iter().min()?, last.iter().max()?);
    (most - least <= SAME).then(|| last.last().copied())?
}

impl MemoryReport {
    /// The report as JSON in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and strings always become JSON")
    }
}

impl fmt::Display for MemoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} idle joined connections",
            self.url,
            grouped(self.connections as u64)
        )?;
        let mut facts = Facts::default();
        let bytes = |bytes: u64| grouped(bytes);
        facts.add(
            "private at start",
            bytes(self.private_at_start),
            "after 64 connections came and went",
        );
        facts.add("with half", bytes(self.private_with_half), "");
        facts.add("with all", bytes(self.private_with_all), "");
        facts.add(
            "after all left",
            bytes(self.private_after_all_left),
            "what the allocator keeps",
        );
        facts.add("with all again", bytes(self.private_with_all_again), "");
        let each = rounded(Some(self.bytes_per_connection));
        facts.add(
            "bytes per connection",
            each,
            "none to all again; the kernel has some 4 KB more",
        );
        let further = rounded(Some(self.bytes_per_further_connection));
        facts.add("bytes per further one", further, "half to all");
        let growth = rounded(Some(self.growth_per_connection));
        facts.add(
            "growth per connection",
            growth,
            "second time against first: leaks show here",
        );
        facts.write(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_at_rest_when_the_last_readings_agree() {
        assert_eq!(settled(&[5; AGREEING - 1]), None);
        assert_eq!(settled(&[9_000_000, 5, 5, 5, 6]), Some(6));
        assert_eq!(settled(&[5, 5, 5, 9_000_000]), None);
    }
}
