//! A generator as a process of its own, and its owner's end of it.
//!
//! The open files of one process are often limited to fewer than the connections to all servers. So
//! each server has a generator process, which holds its connections and sleeps until it is told to
//! visit it. One line of JSON each way: a `Request` on standard input, a `Reply` on standard output.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::BenchError;
use crate::cpu::CpuClock;
use crate::dialect::Dialect;
use crate::generator::{Generator, Load, Phase, Sample};
use crate::ledger::Layout;
use crate::pin::{self, Cores};
use crate::process::ServerProcess;
use crate::progress::Show;
use crate::target::Target;
use crate::tickets;

/// How long a generator that is told nothing leaves pings unanswered.
const SERVICE_EVERY: Duration = Duration::from_secs(5);
/// Rest after the server was asked for its counters, so that this is over when the phase begins.
const SETTLE: Duration = Duration::from_millis(5);

/// Options of the hidden command that runs a generator for somebody else.
#[derive(Debug, Clone, clap::Args)]
pub struct GeneratorOptions {
    /// The WebSocket door.
    #[arg(long)]
    pub url: String,
    /// What is spoken there.
    #[arg(long, value_enum)]
    pub dialect: Dialect,
    /// Members of all rooms.
    #[arg(long)]
    pub members: usize,
    /// Rooms.
    #[arg(long)]
    pub rooms: usize,
    /// Bytes of a message's text.
    #[arg(long)]
    pub payload: usize,
    /// The server's process.
    #[arg(long)]
    pub pid: u32,
    /// The cores it runs on.
    #[arg(long)]
    pub server_cores: Cores,
}

/// What a generator is asked for.
#[derive(Debug, Serialize, Deserialize)]
enum Request {
    /// A phase.
    Visit {
        load: Load,
        warm_up: Duration,
        duration: Duration,
    },
    /// Answering pings.
    Service,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    /// All members have joined, or all pings are answered.
    Ready,
    Visited(Visit),
    Failed(String),
}

/// What one phase at one server came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Visit {
    /// Messages published.
    pub messages: u64,
    /// Frames that arrived.
    pub deliveries: u64,
    /// Bytes of these frames.
    pub bytes: u64,
    /// Reads that brought them.
    pub reads: u64,
    /// Publishes that were answered.
    pub answers: u64,
    /// Sends of the server, as it counts them.
    pub sends: Option<u64>,
    /// From the first message until the last delivery.
    pub seconds: f64,
    /// The server's run time meanwhile.
    pub cpu_seconds: f64,
    /// Share of the time in which the generator had something to do.
    pub busy: f64,
    /// Milliseconds until half of the deliveries.
    pub p50_ms: f64,
    /// Milliseconds until 99 of 100 deliveries.
    pub p99_ms: f64,
}

impl Visit {
    fn of(sample: &Sample, sends: Option<u64>) -> Self {
        let after = |share| sample.latency.value_at_quantile(share) as f64 / 1e6;
        Self {
            messages: sample.messages,
            deliveries: sample.deliveries,
            bytes: sample.bytes,
            reads: sample.reads,
            answers: sample.answers,
            sends,
            seconds: sample.elapsed.as_secs_f64(),
            cpu_seconds: sample.cpu.map_or(f64::NAN, |cpu| cpu.as_secs_f64()),
            busy: sample.busy,
            p50_ms: after(0.5),
            p99_ms: after(0.99),
        }
    }
}

/// Opens the connections, and then does what standard input says until it ends.
///
/// # Errors
/// What went wrong, after it was also told on standard output.
pub fn run(options: &GeneratorOptions) -> Result<(), BenchError> {
    obey(options).inspect_err(|error| {
        // Who started this may have gone.
        let _ = say(&Reply::Failed(error.to_string()));
    })
}

fn obey(options: &GeneratorOptions) -> Result<(), BenchError> {
    let layout = Layout {
        members: options.members,
        rooms: options.rooms,
        publishers: 1,
        idle: 0,
    };
    let target: Target = options.url.parse()?;
    let target = target.speaking(options.dialect);
    let clock = CpuClock::new(options.pid, &options.server_cores)?;
    pin::allow_files(layout.connections() as u64 + 64)?;
    let mut generator = Generator::open(&target, layout, options.payload, Show::nothing())?;
    let requests = requests();
    say(&Reply::Ready)?;
    loop {
        match requests.recv_timeout(SERVICE_EVERY) {
            Ok(Request::Visit {
                load,
                warm_up,
                duration,
            }) => {
                let visit = visit(&mut generator, &target, &clock, load, warm_up, duration)?;
                say(&Reply::Visited(visit))?;
            }
            Ok(Request::Service) => {
                generator.service(Duration::ZERO)?;
                say(&Reply::Ready)?;
            }
            Err(RecvTimeoutError::Timeout) => generator.service(Duration::ZERO)?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Standard input, line by line; a line that is no request ends it.
fn requests() -> mpsc::Receiver<Request> {
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(request) = serde_json::from_str(&line) else {
                return;
            };
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    requests
}

fn visit(
    generator: &mut Generator,
    target: &Target,
    clock: &CpuClock,
    load: Load,
    warm_up: Duration,
    duration: Duration,
) -> Result<Visit, BenchError> {
    let phase = |duration| Phase {
        load,
        warm_up: Duration::ZERO,
        duration,
    };
    if !warm_up.is_zero() {
        generator.run(&phase(warm_up), None, Show::nothing())?;
    }
    let before = sends(target);
    generator.service(SETTLE)?;
    let sample = generator.run(&phase(duration), Some(clock), Show::nothing())?;
    let sends = before
        .zip(sends(target))
        .map(|(before, after)| after.saturating_sub(before));
    Ok(Visit::of(&sample, sends))
}

/// How often the server has sent, if it says so.
fn sends(target: &Target) -> Option<u64> {
    let body = tickets::get(target, "/debug?format=json").ok()?;
    let counts: serde_json::Value = serde_json::from_slice(&body).ok()?;
    counts.pointer("/hub/sends")?.as_u64()
}

fn say(reply: &Reply) -> Result<(), BenchError> {
    let line = serde_json::to_string(reply).expect("numbers and strings always become JSON");
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(BenchError::system("telling what was measured"))
}

/// The owner's end.
pub(super) struct Driver {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Driver {
    /// Starts a generator for `server` and waits until all members are in their rooms.
    pub(super) fn start(
        program: &(PathBuf, Vec<OsString>),
        server: &ServerProcess,
        dialect: Dialect,
        layout: Layout,
        payload: usize,
    ) -> Result<Self, BenchError> {
        let failed = || format!("starting a generator ({})", program.0.display());
        let mut child = Command::new(&program.0)
            .args(&program.1)
            .arg("generator")
            .args(["--url", &server.target().to_string()])
            .args(["--dialect", dialect.name()])
            .args(["--members", &layout.members.to_string()])
            .args(["--rooms", &layout.rooms.to_string()])
            .args(["--payload", &payload.to_string()])
            .args(["--pid", &server.pid().to_string()])
            .args(["--server-cores", &server.cores().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(BenchError::system(failed()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were asked for")
        };
        let output = BufReader::new(output);
        let mut driver = Self {
            child,
            input,
            output,
        };
        driver.reply()?;
        Ok(driver)
    }

    /// One phase.
    pub(super) fn visit(
        &mut self,
        load: Load,
        warm_up: Duration,
        duration: Duration,
    ) -> Result<Visit, BenchError> {
        let request = Request::Visit {
            load,
            warm_up,
            duration,
        };
        match self.ask(&request)? {
            Reply::Visited(visit) => Ok(visit),
            _ => Err(BenchError::Generator("it answered something else".into())),
        }
    }

    /// Lets it answer the server's pings.
    pub(super) fn service(&mut self) -> Result<(), BenchError> {
        self.ask(&Request::Service).map(drop)
    }

    fn ask(&mut self, request: &Request) -> Result<Reply, BenchError> {
        let line = serde_json::to_string(request).expect("numbers always become JSON");
        let asked = writeln!(self.input, "{line}").and_then(|()| self.input.flush());
        // If it has gone, its last words say why.
        self.reply().and_then(|reply| {
            asked
                .map(|()| reply)
                .map_err(BenchError::system("asking it"))
        })
    }

    fn reply(&mut self) -> Result<Reply, BenchError> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        let ended = || BenchError::Generator("it ended without a word".into());
        if read.map_err(BenchError::system("reading what a generator says"))? == 0 {
            return Err(ended());
        }
        match serde_json::from_str(&line) {
            Ok(Reply::Failed(why)) => Err(BenchError::Generator(why)),
            Ok(reply) => Ok(reply),
            Err(_) => Err(BenchError::Generator(format!("it said {}", line.trim()))),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It holds nothing but connections.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
