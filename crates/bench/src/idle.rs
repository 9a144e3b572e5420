//! `parlour bench idle`: what a connection that is signed in, joined to a room and silent costs
//! the server.
//!
//! Memory is read when it has come to rest. The first figure is growth from none, after a warm-up
//! of as many upgrades as are ever on their way at once, to all connections; the second is growth
//! from one number of connections to the next, in which nothing is hidden that the warm-up left. Further
//! figures, for who asks: what a burst of large messages leaves behind, what a further room of a
//! connection costs, and what a room costs in which nobody is.

mod crowded;
mod report;

use std::time::{Duration, Instant};

use crate::BenchError;
use crate::cpu::private_bytes;
use crate::dialect::Dialect;
use crate::durable::Numbers;
use crate::fanout::seconds;
use crate::measured::{Measured, ServerOptions};
use crate::output::Output;
use crate::pin;
use crate::progress::Show;
use crowded::Crowded;

pub use report::{Burst, EmptyRooms, FurtherRooms, IdleReport, Step};

/// Connections that come and go first, so that what is needed only once is there: more than are
/// ever on their way at once.
const FIRST: usize = 512;
/// Readings that must agree, and the time between them.
const AGREEING: usize = 4;
const BETWEEN: Duration = Duration::from_millis(250);
/// Largest difference of readings that agree, in bytes.
const SAME: u64 = 16 * 1024;
/// Longest wait until they agree.
const PATIENCE: Duration = Duration::from_secs(60);
/// Rooms without members, at most: what a server with default settings takes beside others.
const MAX_EMPTY_ROOMS: usize = 900_000;
/// Rooms per connection, at most; it is in one already.
const MAX_ROOMS: usize = 999;
const MAX_BURST: usize = 1_000;

/// Options of a memory measurement.
#[derive(Debug, Clone, clap::Args)]
pub struct IdleOptions {
    /// Connections, each a guest of its own, in one room: rising numbers, and memory is read at each.
    #[arg(long, default_value = "10000,19000", value_name = "LIST")]
    pub connections: Numbers,
    /// With all of them there, publish so many messages of 64 KiB, each by another connection, and
    /// see what is left of them when all is quiet again.
    #[arg(long, value_name = "MESSAGES", num_args = 0..=1, default_missing_value = "4")]
    pub burst: Option<usize>,
    /// Let the first number of connections join so many further rooms each, at most 999.
    #[arg(long, value_name = "ROOMS")]
    pub rooms: Option<usize>,
    /// Make so many rooms in which something was said and nobody is any more.
    #[arg(long, value_name = "ROOMS")]
    pub empty_rooms: Option<usize>,
    /// What the connections speak; further rooms need v1.
    #[arg(long, value_enum, default_value = "v1")]
    pub dialect: Dialect,
    /// Seconds to keep the connections open and idle at the end, so that `strace -p` or `perf`
    /// can look at a server that should be asleep.
    #[arg(long, default_value = "0", value_parser = seconds, value_name = "SECONDS")]
    pub hold: Duration,
    /// Where the result goes.
    #[command(flatten)]
    pub output: Output,
    /// The server to measure.
    #[command(flatten)]
    pub server: ServerOptions,
}

impl IdleOptions {
    /// The numbers of connections, checked with everything else.
    fn plan(&self) -> Result<Vec<usize>, BenchError> {
        let steps: Vec<usize> = self.connections.0.iter().map(|it| *it as usize).collect();
        let wrong = |why: String| Err(BenchError::Options(why));
        if steps.is_empty() || !steps.is_sorted_by(|one, other| one < other) {
            return wrong("--connections must be rising numbers, such as 10000,19000".into());
        }
        if self.rooms.is_some() && self.dialect != Dialect::V1 {
            return wrong("--rooms: only v1 can be in several rooms".into());
        }
        for (name, value, most) in [
            ("--burst", self.burst, MAX_BURST),
            ("--rooms", self.rooms, MAX_ROOMS),
            ("--empty-rooms", self.empty_rooms, MAX_EMPTY_ROOMS),
        ] {
            if let Some(value) = value.filter(|value| !(1..=most).contains(value)) {
                return wrong(format!("{name} {value}: it must be 1 to {most}"));
            }
        }
        Ok(steps)
    }
}

/// Runs it.
///
/// # Errors
/// When options contradict each other, the server refuses, its process is not known, its memory
/// does not come to rest, or it counts other members of the room than there are.
pub fn run(options: &IdleOptions) -> Result<IdleReport, BenchError> {
    let steps = options.plan()?;
    let most = *steps.last().unwrap_or(&0);
    pin::allow_files(most as u64 + 64)?;
    let mut report = part(options, |visit| visit.steps(options, &steps))?;
    if let Some(rooms) = options.rooms {
        report.rooms = Some(part(options, |visit| {
            visit.rooms(options, steps[0], rooms)
        })?);
    }
    if let Some(rooms) = options.empty_rooms {
        report.empty_rooms = Some(part(options, |visit| visit.empty_rooms(options, rooms))?);
    }
    Ok(report)
}

/// Measures one thing. A server that is started is started for it: what others have left in an
/// allocator's hands would hide what this one needs.
fn part<T>(
    options: &IdleOptions,
    measure: impl FnOnce(&Visit<'_>) -> Result<T, BenchError>,
) -> Result<T, BenchError> {
    // Long enough to be measured.
    let measured = Measured::start_with(&options.server, &["--empty-room-kept=1h"])?;
    let visit = Visit {
        pid: measured.known_pid()?,
        measured: &measured,
        show: options.output.show(),
    };
    let result = measure(&visit);
    result.map_err(|error| measured.explain(error))
}

struct Visit<'a> {
    pid: u32,
    measured: &'a Measured,
    show: Show,
}

impl Visit<'_> {
    fn crowd(&self, options: &IdleOptions) -> Result<Crowded, BenchError> {
        Crowded::new(&self.measured.target, options.dialect, self.show)
    }

    fn steps(&self, options: &IdleOptions, steps: &[usize]) -> Result<IdleReport, BenchError> {
        let most = *steps.last().unwrap_or(&0);
        let mut crowd = self.crowd(options)?;
        crowd.fill(FIRST.min(most))?;
        crowd.leave()?;
        let mut report = IdleReport {
            url: self.measured.target.to_string(),
            private_at_zero: self.rest(&mut crowd)?,
            ..IdleReport::default()
        };
        for &connections in steps {
            crowd.fill(connections)?;
            let private = self.rest(&mut crowd)?;
            report.step(connections, private);
        }
        if let Some(messages) = options.burst {
            report.burst = Some(self.burst(&mut crowd, messages)?);
        }
        // Asked for last: to be counted costs memory, too.
        report.counted_by_server = crowd.counted_by_server()?;
        crowd.leave()?;
        report.private_after_all_left = self.rest(&mut crowd)?;

        crowd.fill(most)?;
        let again = self.rest(&mut crowd)?;
        self.hold(&mut crowd, options.hold)?;
        report.again(again);
        crowd.leave()?;
        Ok(report)
    }

    fn burst(&self, crowd: &mut Crowded, messages: usize) -> Result<Burst, BenchError> {
        let (private_before, log_before) = (self.rest(crowd)?, self.log_bytes());
        let bytes = crowd.burst(messages)?;
        let private_after = self.rest(crowd)?;
        let logs = self.log_bytes().zip(log_before);
        Ok(Burst::of(
            [private_before, private_after],
            logs.map(|(after, before)| after as f64 - before as f64),
            (messages, bytes),
            crowd.len(),
        ))
    }

    fn rooms(
        &self,
        options: &IdleOptions,
        connections: usize,
        rooms: usize,
    ) -> Result<FurtherRooms, BenchError> {
        let mut crowd = self.crowd(options)?;
        crowd.fill(FIRST.min(connections))?;
        crowd.join_further(rooms.min(8))?;
        crowd.leave()?;
        crowd.fill(connections)?;
        let before = self.rest(&mut crowd)?;
        crowd.join_further(rooms)?;
        let after = self.rest(&mut crowd)?;
        crowd.leave()?;
        Ok(FurtherRooms::of([before, after], connections, rooms))
    }

    fn empty_rooms(&self, options: &IdleOptions, rooms: usize) -> Result<EmptyRooms, BenchError> {
        let mut crowd = self.crowd(options)?;
        // Once before: what the server needs to join, publish and leave at all.
        crowd.make_empty_rooms(rooms.min(1_000))?;
        let (before, log_before) = (self.rest(&mut crowd)?, self.log_bytes());
        crowd.make_empty_rooms(rooms)?;
        let after = self.rest(&mut crowd)?;
        let logs = self.log_bytes().zip(log_before);
        let logs = logs.map(|(after, before)| after as f64 - before as f64);
        Ok(EmptyRooms::of([before, after], logs, rooms))
    }

    fn log_bytes(&self) -> Option<u64> {
        Some(self.measured.counters()?.hub.log_bytes)
    }

    /// Waits until the server's memory no longer changes; gives it.
    fn rest(&self, crowd: &mut Crowded) -> Result<u64, BenchError> {
        let start = Instant::now();
        let mut last = Vec::new();
        while start.elapsed() < PATIENCE {
            std::thread::sleep(BETWEEN);
            crowd.answer_pings()?;
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

    fn hold(&self, crowd: &mut Crowded, time: Duration) -> Result<(), BenchError> {
        let bar = self.show.time("holding", time);
        let start = Instant::now();
        while start.elapsed() < time {
            std::thread::sleep(BETWEEN.min(time.saturating_sub(start.elapsed())));
            crowd.answer_pings()?;
            bar.set_position(start.elapsed().as_millis() as u64);
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: IdleOptions,
    }

    fn plan(words: &[&str]) -> Result<Vec<usize>, String> {
        let line = Line::try_parse_from([&["bench"], words].concat());
        let line = line.map_err(|error| error.to_string())?;
        line.options.plan().map_err(|error| error.to_string())
    }

    #[test]
    fn memory_is_at_rest_when_the_last_readings_agree() {
        assert_eq!(settled(&[5; AGREEING - 1]), None);
        assert_eq!(settled(&[9_000_000, 5, 5, 5, 6]), Some(6));
        assert_eq!(settled(&[5, 5, 5, 9_000_000]), None);
    }

    #[test]
    fn numbers_rise_and_options_that_cannot_work_are_named() {
        assert_eq!(plan(&[]).unwrap(), [10_000, 19_000]);
        assert_eq!(plan(&["--connections", "7", "--burst"]).unwrap(), [7]);
        for (words, named) in [
            (&["--connections", "19,10"][..], "--connections"),
            (&["--connections", "none"], "--connections"),
            (&["--rooms", "1000"], "--rooms 1000"),
            (&["--rooms", "9", "--dialect", "events"], "--rooms"),
            (&["--burst", "0"], "--burst 0"),
            (&["--empty-rooms", "0"], "--empty-rooms 0"),
        ] {
            let error = plan(words).unwrap_err();
            assert!(error.contains(named), "{words:?}: {error}");
        }
    }
}
