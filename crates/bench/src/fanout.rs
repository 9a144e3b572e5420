//! `parlour bench fanout`: many members, messages fanned out to them, one report.

use std::time::Duration;

use crate::BenchError;
use crate::dialect::Dialect;
use crate::durable::Numbers;
use crate::generator::{Generator, Load, Phase};
use crate::ledger::Layout;
use crate::measured::Measured;
use crate::output::Output;
use crate::pin;
use crate::progress::Show;
use crate::report::{Latency, LoadReport, Report, ServerReport};

pub use crate::measured::ServerOptions;

/// Options of a fan-out run.
#[derive(Debug, Clone, clap::Args)]
pub struct FanoutOptions {
    /// Members: connections that join a room and check every message they get.
    #[arg(long, default_value_t = 1_000)]
    pub members: usize,
    /// Rooms that the members are spread over evenly.
    #[arg(long, default_value_t = 1)]
    pub rooms: usize,
    /// Members of each room that publish, in turn. Raise it if the server limits what one
    /// connection may send.
    #[arg(long, default_value_t = 1)]
    pub publishers: usize,
    /// Bytes of a message's text, from 40. The frame around it is some 110 bytes longer; the
    /// report says exactly.
    #[arg(long, default_value_t = 64, value_name = "BYTES")]
    pub payload: usize,
    /// Offer compression (permessage-deflate), as browsers do. The text is all the same, so compare CPU
    /// and not bytes; the server leaves messages below 256 bytes as they are.
    #[arg(long, conflicts_with_all = ["saturation", "quiet_room", "cross"])]
    pub deflate: bool,
    /// Closed loop: messages in flight in all. A message is in flight until every member of its
    /// room has it. 1 shows what a single send costs, 32 what coalescing saves [default: 1].
    #[arg(long, value_name = "MESSAGES", conflicts_with = "rate")]
    pub outstanding: Option<usize>,
    /// Open loop: messages per second in all, sent on time whatever the server does. Latency
    /// counts from the instant at which a message was due, so waiting is not hidden.
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<f64>,
    /// Seconds to publish for.
    #[arg(long, default_value = "5", value_parser = seconds, value_name = "SECONDS")]
    pub duration: Duration,
    /// Seconds to publish for first, without measuring.
    #[arg(long, default_value = "1", value_parser = seconds, value_name = "SECONDS")]
    pub warmup: Duration,
    /// Further connections in one room in which nobody speaks.
    #[arg(long, default_value_t = 0, value_name = "CONNECTIONS")]
    pub idle: usize,
    /// Find out how many messages per second are the most, and measure latency and K at these
    /// shares of them: per cent, such as 1,90. --outstanding is that of the search [default: 64].
    #[arg(long, value_name = "LIST", conflicts_with_all = ["rate", "quiet_room", "cross"])]
    pub saturation: Option<Numbers>,
    /// Measure the latency in a room of so many members, alone and beside the large one that is
    /// flooded, in turns. Status 1 if its p99 beside the flood is above twice its p99 alone.
    #[arg(long, value_name = "MEMBERS", conflicts_with_all = ["cross", "rooms", "idle", "publishers"])]
    pub quiet_room: Option<usize>,
    /// Messages per second in the quiet room.
    #[arg(
        long,
        default_value_t = 100.0,
        value_name = "PER_SECOND",
        requires = "quiet_room"
    )]
    pub quiet_rate: f64,
    /// Measure one shard on one core, and two on two: publisher and members on the same of them,
    /// on different ones, and members on both, in turns.
    #[arg(long, conflicts_with_all = ["rooms", "idle", "publishers"])]
    pub cross: bool,
    /// Rounds of --quiet-room and --cross: each has a phase of --duration for everything that is
    /// compared.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// What is spoken at the WebSocket door [default: events; --quiet-room and --cross need the
    /// numbers of v1].
    #[arg(long, value_enum, conflicts_with_all = ["quiet_room", "cross"])]
    pub dialect: Option<Dialect>,
    /// Where the result goes.
    #[command(flatten)]
    pub output: Output,
    /// The server to measure.
    #[command(flatten)]
    pub server: ServerOptions,
}

/// Reads a number of seconds, such as `0.5`.
///
/// # Errors
/// When it is no number from 0 to 86,400.
pub fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("it must be a number of seconds from 0 to 86400, such as 0.5".into()),
    }
}

/// Most messages in flight: each needs a slot per publisher.
pub const MAX_OUTSTANDING: usize = 4_096;
/// Most messages per second.
pub const MAX_RATE: f64 = 1e6;

impl FanoutOptions {
    /// The layout and the load, checked.
    ///
    /// # Errors
    /// [`BenchError::Options`], which names the option that is wrong.
    pub fn plan(&self) -> Result<(Layout, Load), BenchError> {
        let layout = Layout {
            members: self.members,
            rooms: self.rooms,
            publishers: self.publishers,
            idle: self.idle,
        };
        layout.check()?;
        let wrong = |why: String| Err(BenchError::Options(why));
        let load = match (self.outstanding, self.rate) {
            (_, Some(rate)) if !(rate > 0.0 && rate <= MAX_RATE) => {
                return wrong(format!(
                    "--rate {rate}: it must be above 0 and at most {MAX_RATE}"
                ));
            }
            (_, Some(rate)) => Load::Rate(rate),
            (Some(most), None) if !(1..=MAX_OUTSTANDING).contains(&most) => {
                return wrong(format!(
                    "--outstanding {most}: it must be 1 to {MAX_OUTSTANDING}"
                ));
            }
            (most, None) => Load::Outstanding(most.unwrap_or(1)),
        };
        if self.duration.is_zero() || self.rounds == 0 {
            return wrong("--duration or --rounds 0: nothing would be measured".into());
        }
        if self.quiet_room == Some(0) {
            return wrong("--quiet-room 0: it needs a member at least".into());
        }
        if !(self.quiet_rate > 0.0 && self.quiet_rate <= MAX_RATE) {
            return wrong(format!(
                "--quiet-rate must be above 0 and at most {MAX_RATE}"
            ));
        }
        Ok((layout, load))
    }
}

/// Runs it. The calling thread is the generator and is pinned while it runs.
///
/// # Errors
/// When options contradict each other, the server does not start or refuses, or a message is
/// lost, doubled or out of order.
pub fn run(options: &FanoutOptions) -> Result<Report, BenchError> {
    let (layout, load) = options.plan()?;
    let show = options.output.show();
    pin::allow_files(layout.connections() as u64 + 64)?;
    let mut measured =
        Measured::start(&options.server)?.speaking(options.dialect.unwrap_or_default());
    measured.target.deflate = options.deflate;
    let result = measured.fanout(options, layout, load, show);
    result.map_err(|error| measured.explain(error))
}

impl Measured {
    fn fanout(
        &self,
        options: &FanoutOptions,
        layout: Layout,
        load: Load,
        show: Show,
    ) -> Result<Report, BenchError> {
        let before = self.private()?;
        let mut generator = Generator::open(&self.target, layout, options.payload, show)?;
        let joined = self.private()?;
        let phase = Phase {
            load,
            warm_up: options.warmup,
            duration: options.duration,
        };
        let sample = generator.run(&phase, self.clock.as_ref(), show)?;

        let growth = before
            .zip(joined)
            .map(|(before, joined)| joined as f64 - before as f64);
        let server = match (self.pid, &self.clock, sample.cpu_per_delivery(), growth) {
            (Some(pid), Some(clock), Some(cpu_us_per_delivery), Some(growth)) => {
                Some(ServerReport {
                    pid,
                    cpu_us_per_delivery,
                    softirq_counted: clock.counts_softirq(),
                    utilisation: sample.cores_used().unwrap_or(0.0),
                    private_bytes_per_connection: growth / layout.connections() as f64,
                })
            }
            _ => None,
        };
        Ok(Report {
            url: self.target.to_string(),
            members: layout.members,
            rooms: layout.rooms,
            publishers: layout.publishers,
            idle: layout.idle,
            load: LoadReport::from(load),
            payload_bytes: options.payload,
            frame_bytes: sample.bytes as f64 / sample.deliveries.max(1) as f64,
            seconds: sample.elapsed.as_secs_f64(),
            messages: sample.messages,
            deliveries: sample.deliveries,
            bytes_delivered: sample.bytes,
            deliveries_per_second: sample.deliveries as f64 / sample.elapsed.as_secs_f64(),
            frames_per_read: sample.frames_per_read(),
            latency_ms: Latency::of(&sample),
            server,
            generator_busy: sample.busy,
            cores: self.cores.clone(),
        })
    }
}
