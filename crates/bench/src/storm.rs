//! `parlour bench storm`: everybody comes back at once, to a server that stayed.
//!
//! All connections are cut in one moment, as a switch does that is turned off. While they are away,
//! something is said in every room. Then all of them come back with their positions, each with a
//! ticket that it asks for, and are complete when they have everything that they missed, checked by
//! its numbers. `parlour torture storm` is the same with a server that is killed, and looks for what
//! is lost; this looks at what it costs.

mod guests;
mod report;

use std::time::{Duration, Instant};

use crate::BenchError;
use crate::cpu::private_bytes;
use crate::measured::{Measured, ServerOptions};
use crate::output::Output;
use crate::pin;
use crate::report::Latency;
use guests::Guests;

pub use report::{Moment, StormReport};

/// How often memory is looked at on the way.
const EVERY: Duration = Duration::from_millis(50);
/// Most that is said in a room meanwhile: what a room keeps by default.
const MAX_MISSED: usize = 1_000;
const MAX_ROOMS: usize = 10_000;

/// Options of a storm.
#[derive(Debug, Clone, clap::Args)]
pub struct StormOptions {
    /// Clients, each a guest of its own in one room.
    #[arg(long, default_value_t = 10_000)]
    pub clients: usize,
    /// Rooms that they are spread over evenly.
    #[arg(long, default_value_t = 100)]
    pub rooms: usize,
    /// Messages that are said in each room while all are away.
    #[arg(long, default_value_t = 20)]
    pub missed: usize,
    /// Clients on their way back at once; the next sets out when one is complete.
    #[arg(long, default_value_t = 512, value_name = "CLIENTS")]
    pub in_flight: usize,
    /// Where the result goes.
    #[command(flatten)]
    pub output: Output,
    /// The server to measure.
    #[command(flatten)]
    pub server: ServerOptions,
}

impl StormOptions {
    fn check(&self) -> Result<(), BenchError> {
        let wrong = |why: String| Err(BenchError::Options(why));
        if !(1..=MAX_ROOMS).contains(&self.rooms) || self.clients < self.rooms {
            return wrong(format!(
                "{} clients in {} rooms: 1 to {MAX_ROOMS} rooms, and one client in each at least",
                self.clients, self.rooms
            ));
        }
        if self.missed > MAX_MISSED {
            return wrong(format!("--missed must be at most {MAX_MISSED}"));
        }
        if self.in_flight == 0 {
            return wrong("--in-flight must be above 0".into());
        }
        Ok(())
    }
}

/// Runs it.
///
/// # Errors
/// When options contradict each other, the server refuses, or somebody who is back misses an entry
/// or has one twice.
pub fn run(options: &StormOptions) -> Result<StormReport, BenchError> {
    options.check()?;
    pin::allow_files((options.clients + options.in_flight) as u64 + 64)?;
    let measured = Measured::start(&options.server)?;
    let result = storm(options, &measured);
    result.map_err(|error| measured.explain(error))
}

fn storm(options: &StormOptions, measured: &Measured) -> Result<StormReport, BenchError> {
    let show = options.output.show();
    let mut guests = Guests::new(&measured.target, options)?;
    let bar = show.count("joining", options.clients);
    // A room in which nothing was said would be forgotten with its last member.
    guests.say(1)?;
    let came = Instant::now();
    guests.come(|complete| {
        bar.set_position(complete as u64);
        Ok(())
    })?;
    let came_in_seconds = came.elapsed().as_secs_f64();
    bar.finish_and_clear();
    // At rest, so that what the way in needed is not counted.
    guests.rest(Duration::from_millis(500))?;
    let private_before = measured.private()?;

    guests.cut();
    guests.say(options.missed)?;
    let bar = show.count("coming back", options.clients);
    let before = measured.run_time()?;
    let began = Instant::now();
    let mut line = TimeLine::new(measured, began);
    line.moment(0)?;
    let delivered = guests.come(|complete| {
        bar.set_position(complete as u64);
        line.look(complete)
    })?;
    let seconds = began.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let cpu = measured.run_time_since(before.as_ref())?;
    line.moment(options.clients)?;
    guests.rest(Duration::from_millis(500))?;
    let private_after = measured.private()?;
    Ok(StormReport {
        url: measured.target.to_string(),
        clients: options.clients,
        rooms: options.rooms,
        missed: options.missed,
        in_flight: options.in_flight,
        came_in_seconds,
        back_seconds: seconds,
        back_per_second: options.clients as f64 / seconds,
        complete_ms: Latency::of_nanoseconds(&guests.complete),
        entries_delivered: delivered,
        cpu_us_per_client: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / options.clients as f64),
        utilisation: cpu.map(|cpu| cpu.as_secs_f64() / seconds),
        private_before,
        private_peak: line.moments.iter().filter_map(|it| it.private).max(),
        private_after,
        time_line: line.moments,
        cores: measured.cores.clone(),
    })
}

/// What was seen on the way back, moment by moment.
struct TimeLine<'a> {
    measured: &'a Measured,
    began: Instant,
    next: Instant,
    moments: Vec<Moment>,
}

impl<'a> TimeLine<'a> {
    fn new(measured: &'a Measured, began: Instant) -> Self {
        Self {
            measured,
            began,
            next: began,
            moments: Vec::new(),
        }
    }

    fn look(&mut self, complete: usize) -> Result<(), BenchError> {
        if Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + EVERY;
        self.moment(complete)
    }

    fn moment(&mut self, complete: usize) -> Result<(), BenchError> {
        self.moments.push(Moment {
            seconds: self.began.elapsed().as_secs_f64(),
            complete,
            private: self.measured.pid.map(private_bytes).transpose()?,
        });
        Ok(())
    }
}
