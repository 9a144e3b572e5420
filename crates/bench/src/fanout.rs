//! `parlour bench fanout`: many members, messages fanned out to them, one report.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::BenchError;
use crate::cpu::{CpuClock, private_bytes};
use crate::dialect::Dialect;
use crate::generator::{Generator, Load, Phase};
use crate::ledger::Layout;
use crate::pin::{self, Cores};
use crate::process::ServerProcess;
use crate::progress::Show;
use crate::report::{Latency, LoadReport, Report, ServerReport};
use crate::target::Target;

/// Which server is measured, and where it and the generator run.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ServerOptions {
    /// Measure a server that is already running: its WebSocket door, such as
    /// ws://127.0.0.1:9000/ws. Without it a server is started for this run and ended after it.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Process of that server, to read what it costs.
    #[arg(long, requires = "url", value_name = "PID")]
    pub pid: Option<u32>,
    /// Program to start as `PROGRAM serve` [default: this one].
    #[arg(long, conflicts_with = "url", value_name = "PROGRAM")]
    pub server: Option<PathBuf>,
    /// One more option for the server that is started, such as a higher limit. May be repeated.
    #[arg(
        long = "server-arg",
        conflicts_with = "url",
        value_name = "OPTION",
        allow_hyphen_values = true
    )]
    pub server_args: Vec<OsString>,
    /// What is spoken at the WebSocket door.
    #[arg(long, value_enum, default_value = "events")]
    pub dialect: Dialect,
    /// Cores of the server: 0, 0,2 or 4-7 [default: the first of two or more].
    #[arg(long, value_name = "CORES")]
    pub server_cores: Option<Cores>,
    /// Core of the generator, which needs one for itself [default: the second].
    #[arg(long, value_name = "CORE")]
    pub client_core: Option<Cores>,
}

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
    /// Print the report as one line of JSON, and no progress.
    #[arg(long)]
    pub json: bool,
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
        if self.duration.is_zero() {
            return wrong("--duration 0: nothing would be measured".into());
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
    let show = Show::for_people(options.json);
    pin::allow_files(layout.connections() as u64 + 64)?;
    let measured = Measured::start(&options.server)?;
    let result = measured.fanout(options, layout, load, show);
    result.map_err(|error| measured.explain(error))
}

/// The server that is measured, and the generator's place.
pub(crate) struct Measured {
    pub(crate) target: Target,
    pub(crate) pid: Option<u32>,
    clock: Option<CpuClock>,
    cores: Option<[String; 2]>,
    process: Option<ServerProcess>,
    _pinned: Option<pin::Pinned>,
}

impl Measured {
    /// Starts the server, or finds the one that runs, and pins the calling thread.
    pub(crate) fn start(options: &ServerOptions) -> Result<Self, BenchError> {
        let usual = pin::usual();
        let server_cores = options
            .server_cores
            .clone()
            .or_else(|| usual.as_ref().map(|cores| cores.0.clone()));
        let client_core = options
            .client_core
            .clone()
            .or_else(|| usual.map(|cores| cores.1));
        let process = match &options.url {
            Some(_) => None,
            None => {
                let program = match &options.server {
                    Some(program) => program.clone(),
                    None => std::env::current_exe()
                        .map_err(BenchError::system("finding the own program"))?,
                };
                let more = &options.server_args;
                Some(ServerProcess::parlour(
                    &program,
                    more,
                    server_cores.as_ref(),
                )?)
            }
        };
        let target = match (&process, &options.url) {
            (Some(process), _) => process.target().clone(),
            (None, url) => url.as_deref().unwrap_or_default().parse()?,
        };
        let target = target.speaking(options.dialect);
        let pid = process.as_ref().map(ServerProcess::pid).or(options.pid);
        // A server that was running before is where its owner put it, unless told otherwise.
        let its_cores = match (pid, &options.url, &options.server_cores) {
            (Some(pid), Some(_), None) => Some(Cores::of_process(pid)?),
            _ => server_cores,
        };
        let clock = match (pid, &its_cores) {
            (Some(pid), Some(cores)) => Some(CpuClock::new(pid, cores)?),
            (Some(pid), None) => Some(CpuClock::new(pid, &Cores::of_process(pid)?)?),
            (None, _) => None,
        };
        let _pinned = client_core.as_ref().map(Cores::pin).transpose()?;
        let apart = |server: &Cores, client: &Cores| {
            client
                .numbers()
                .iter()
                .all(|core| !server.numbers().contains(core))
        };
        let cores = match (its_cores, client_core) {
            (Some(server), Some(client)) if apart(&server, &client) => {
                Some([server.to_string(), client.to_string()])
            }
            _ => None,
        };
        Ok(Self {
            target,
            pid,
            clock,
            cores,
            process,
            _pinned,
        })
    }

    /// Adds what the server said last to an error that it may explain.
    pub(crate) fn explain(&self, error: BenchError) -> BenchError {
        match (&self.process, error) {
            (Some(process), BenchError::Closed { connection, why }) => BenchError::Closed {
                connection,
                why: format!("{why}; its log ends with:\n{}", process.last_words()),
            },
            (_, error) => error,
        }
    }

    fn private(&self) -> Result<Option<u64>, BenchError> {
        self.pid.map(private_bytes).transpose()
    }

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
