//! `parlour bench echo`: round trips at the door that sends every message back.
//!
//! In the same run, in short phases in shuffled turns, the same messages may go to a bare loop of
//! `recv()` and `send()` ([`RawEcho`]): only the ratio of the two travels.

mod raw;
mod report;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::BenchError;
use crate::cpu::CpuClock;
use crate::crowd::{Crowd, Happened};
use crate::fanout::{MAX_RATE, seconds};
use crate::frame::{self, TEXT};
use crate::generator::{Load, PATIENCE, Schedule};
use crate::handshake::Handshake;
use crate::measured::{Measured, ServerOptions};
use crate::output::Output;
use crate::pin;
use crate::process::ServerProcess;
use crate::progress::Show;
use crate::report::latencies;
use crate::stats::Seeded;
use crate::tag::{self, Tag};
use crate::target::Target;

pub use raw::{RawEcho, RawEchoOptions, serve as serve_raw};
pub use report::{EchoReport, EchoServer, RawSide};

/// Where a server that is started here has the door.
const DOOR: &str = "/echo";
/// Sockets that one poll reports at most.
const EVENTS: usize = 1_024;
/// Connections on their way at once.
const AT_ONCE: usize = 256;
/// Longest message; a server with default limits takes 64 KiB.
const MAX_PAYLOAD: usize = 64 * 1024;
/// Most connections.
const MAX_CONNECTIONS: usize = 1_000_000;
/// Rest after the last echo, so that the server's threads sleep and their books are closed.
const SETTLE: Duration = Duration::from_millis(1);

/// Options of an echo run.
#[derive(Debug, Clone, clap::Args)]
pub struct EchoOptions {
    /// Connections. Without --rate each has one message on its way, and sends the next when that
    /// one is back.
    #[arg(long, default_value_t = 100)]
    pub connections: usize,
    /// Open loop: messages per second in all, in turn over the connections, sent on time whatever
    /// the server does. Latency counts from the instant at which a message was due, so waiting is
    /// not hidden.
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<f64>,
    /// Bytes of a message, from 40.
    #[arg(long, default_value_t = 128, value_name = "BYTES")]
    pub payload: usize,
    /// Beside the server run a bare loop of recv() and send() on the same cores, and give the
    /// ratio. Status 1 if the server's CPU time per echo is above 1.1 of the loop's.
    #[arg(long)]
    pub raw: bool,
    /// Rounds: each has one phase of the server, and one of the bare loop, in shuffled order.
    #[arg(long, default_value_t = 9)]
    pub rounds: u32,
    /// Seconds per phase.
    #[arg(long, default_value = "0.5", value_parser = seconds, value_name = "SECONDS")]
    pub phase: Duration,
    /// Seconds before each phase that are not measured.
    #[arg(long, default_value = "0.1", value_parser = seconds, value_name = "SECONDS")]
    pub warmup: Duration,
    /// Seed of the order of phases.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the result goes.
    #[command(flatten)]
    pub output: Output,
    /// The server to measure; `--url` names its echo door, such as ws://127.0.0.1:8080/echo.
    #[command(flatten)]
    pub server: ServerOptions,
}

impl EchoOptions {
    /// The load, checked with everything else.
    fn plan(&self) -> Result<Load, BenchError> {
        let wrong = |why: String| Err(BenchError::Options(why));
        if !(1..=MAX_CONNECTIONS).contains(&self.connections) {
            return wrong(format!("--connections must be 1 to {MAX_CONNECTIONS}"));
        }
        if !(tag::LENGTH..=MAX_PAYLOAD).contains(&self.payload) {
            return wrong(format!(
                "--payload {}: it must be {} (room for the tag) to {MAX_PAYLOAD} bytes",
                self.payload,
                tag::LENGTH
            ));
        }
        if self.rounds == 0 || self.phase.is_zero() {
            return wrong("--rounds and --phase must be above 0".into());
        }
        match self.rate {
            Some(rate) if rate > 0.0 && rate <= MAX_RATE => Ok(Load::Rate(rate)),
            Some(rate) => wrong(format!(
                "--rate {rate}: it must be above 0 and at most {MAX_RATE}"
            )),
            None => Ok(Load::Outstanding(self.connections)),
        }
    }
}

/// Runs it.
///
/// # Errors
/// When options contradict each other, a server does not start or refuses, or an echo is missing
/// or is not what was sent.
pub fn run(options: &EchoOptions) -> Result<EchoReport, BenchError> {
    let load = options.plan()?;
    let show = options.output.show();
    pin::allow_files(2 * options.connections as u64 + 64)?;
    let mut measured = Measured::start(&options.server)?;
    if options.server.url.is_none() {
        measured.target.path = DOOR.into();
    }
    let raw = if options.raw {
        Some(start_raw(&measured)?)
    } else {
        None
    };
    let rounds = visit(options, load, &measured, raw.as_ref(), show);
    let rounds = rounds.map_err(|error| measured.explain(error))?;
    EchoReport::of(options, load, &measured, &rounds)
}

/// The bare loop on the server's cores: this very program in another role.
fn start_raw(measured: &Measured) -> Result<ServerProcess, BenchError> {
    let own = std::env::current_exe().map_err(BenchError::system("finding the own program"))?;
    if measured.clock.is_none() {
        let why = "--raw with --url needs --pid: what is compared is the run time of the processes";
        return Err(BenchError::Options(why.into()));
    }
    ServerProcess::start(&own, measured.server_cores.as_ref(), |_| {
        ["bench", "raw-echo"].map(OsString::from).to_vec()
    })
}

/// One round: the server's phase, and that of the bare loop.
type Round = (EchoSample, Option<EchoSample>);

fn visit(
    options: &EchoOptions,
    load: Load,
    measured: &Measured,
    raw: Option<&ServerProcess>,
    show: Show,
) -> Result<Vec<Round>, BenchError> {
    let mut server = Echoes::open(&measured.target, options, show)?;
    let beside = match raw {
        Some(process) => {
            let target = Target {
                path: DOOR.into(),
                ..process.target().clone()
            };
            Some((Echoes::open(&target, options, show)?, process.clock()?))
        }
        None => None,
    };
    let (mut beside, clock) = match beside {
        Some((echoes, clock)) => (Some(echoes), Some(clock)),
        None => (None, None),
    };
    let bar = show.count("rounds", options.rounds as usize);
    let mut order = Seeded::new(options.seed);
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let mut turns = [true, false];
        order.shuffle(&mut turns);
        let (mut ours, mut theirs) = (None, None);
        for is_ours in turns {
            if is_ours {
                ours = Some(server.phase(load, options, measured.clock.as_ref())?);
            } else if let Some(echoes) = &mut beside {
                theirs = Some(echoes.phase(load, options, clock.as_ref())?);
            }
        }
        // Pings that came meanwhile are answered.
        server.rest(Duration::ZERO)?;
        rounds.push((ours.expect("every round has the server's turn"), theirs));
        bar.inc(1);
    }
    Ok(rounds)
}

/// What a phase measured.
#[derive(Debug, Clone)]
pub(crate) struct EchoSample {
    pub(crate) echoes: u64,
    pub(crate) reads: u64,
    pub(crate) elapsed: Duration,
    /// Run time of the server, if its process is known.
    pub(crate) cpu: Option<Duration>,
    /// Share of the time in which the generator had something to do.
    pub(crate) busy: f64,
    /// Nanoseconds from when a message was due until it was back.
    pub(crate) latency: Histogram<u64>,
}

impl EchoSample {
    pub(crate) fn cpu_per_echo(&self) -> Option<f64> {
        Some(self.cpu?.as_secs_f64() * 1e6 / self.echoes.max(1) as f64)
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.echoes as f64 / self.elapsed.as_secs_f64()
    }
}

/// Connections at one echo door.
struct Echoes {
    crowd: Crowd,
    book: Book,
    /// A frame as it is sent; only its tag changes.
    frame: Vec<u8>,
}

/// What was sent and what came back.
struct Book {
    clock: Instant,
    run: u32,
    payload: usize,
    /// Messages sent per connection, and echoes of them.
    sent: Vec<u32>,
    seen: Vec<u32>,
    echoes: u64,
    in_flight: usize,
    latency: Histogram<u64>,
}

impl Echoes {
    fn open(target: &Target, options: &EchoOptions, show: Show) -> Result<Self, BenchError> {
        let mut crowd = Crowd::new(target.clone(), EVENTS)?;
        let total = options.connections;
        let bar = show.count("connecting", total);
        let (mut open, mut last) = (0, Instant::now());
        while open < total {
            while crowd.len() < total && crowd.len() - open < AT_ONCE {
                crowd.open(Handshake::free(target))?;
            }
            let before = open;
            crowd.turn(Duration::from_millis(20), |number, happened, _| {
                match happened {
                    Happened::Opened => open += 1,
                    Happened::Ended(why) => return Err(BenchError::closed(number, why)),
                    _ => {}
                }
                Ok(())
            })?;
            if open > before {
                last = Instant::now();
                bar.set_position(open as u64);
            } else if last.elapsed() > PATIENCE {
                return Err(BenchError::Upgrade {
                    connection: open,
                    why: format!("no answer within {} s", PATIENCE.as_secs()),
                });
            }
        }
        let mut frame = Vec::new();
        frame::push_masked(&mut frame, TEXT, &[&vec![b'.'; options.payload]]);
        Ok(Self {
            crowd,
            book: Book {
                clock: Instant::now(),
                run: 1,
                payload: options.payload,
                sent: vec![0; total],
                seen: vec![0; total],
                echoes: 0,
                in_flight: 0,
                latency: latencies(),
            },
            frame,
        })
    }

    fn phase(
        &mut self,
        load: Load,
        options: &EchoOptions,
        clock: Option<&CpuClock>,
    ) -> Result<EchoSample, BenchError> {
        if !options.warmup.is_zero() {
            self.drive(load, options.warmup)?;
        }
        self.rest(SETTLE)?;
        self.book.latency.reset();
        (self.book.echoes, self.crowd.reads) = (0, 0);
        let before = clock.map(CpuClock::read).transpose()?;
        let start = Instant::now();
        let busy = self.drive(load, options.phase)?;
        let elapsed = start.elapsed();
        self.rest(SETTLE)?;
        let cpu = match (clock, before) {
            (Some(clock), Some(before)) => Some(clock.read()?.since(&before)),
            _ => None,
        };
        Ok(EchoSample {
            echoes: self.book.echoes,
            reads: self.crowd.reads,
            elapsed,
            cpu: cpu.map(Duration::from_nanos),
            busy: busy.as_secs_f64() / elapsed.as_secs_f64(),
            latency: self.book.latency.clone(),
        })
    }

    /// Answers pings for so long.
    fn rest(&mut self, time: Duration) -> Result<(), BenchError> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let count = self
                .crowd
                .turn(left, |number, happened, _| match happened {
                    Happened::Ended(why) => Err(BenchError::closed(number, why)),
                    _ => Ok(()),
                })?;
            if count == 0 && left.is_zero() {
                return Ok(());
            }
        }
    }

    /// Sends for `duration`, and waits until everything is back; gives the time with work.
    fn drive(&mut self, load: Load, duration: Duration) -> Result<Duration, BenchError> {
        let Self { crowd, book, frame } = self;
        let start = book.now();
        let end = start + duration.as_nanos() as u64;
        let is_closed = matches!(load, Load::Outstanding(_));
        let mut schedule = Schedule::new(load, start, duration);
        if is_closed {
            for number in 0..book.sent.len() {
                book.send(number, start, frame, crowd.outgoing(number));
                crowd.flush(number)?;
            }
        }
        let (mut next, mut busy, mut last) = (0, Duration::ZERO, start);
        let mut turn_began = start;
        loop {
            while !is_closed && let Some(due) = schedule.next(turn_began, 0) {
                let number = next % book.sent.len();
                next += 1;
                book.send(number, due, frame, crowd.outgoing(number));
                crowd.flush(number)?;
            }
            let echoes = book.echoes;
            let count = crowd.turn(Duration::ZERO, |number, happened, out| {
                let text = match happened {
                    Happened::Text(text) => text,
                    Happened::Ended(why) => return Err(BenchError::closed(number, why)),
                    _ => return Ok(()),
                };
                let now = book.now();
                book.take(number, text, now)?;
                if is_closed && now < end {
                    book.send(number, now, frame, out);
                }
                Ok(())
            })?;
            let now = book.now();
            if count > 0 {
                busy += Duration::from_nanos(now - turn_began);
            }
            if book.echoes != echoes || book.in_flight == 0 {
                last = now;
            }
            if book.in_flight == 0 && schedule.over(now) {
                return Ok(busy);
            }
            if now - last > PATIENCE.as_nanos() as u64 {
                return Err(book.missing());
            }
            turn_began = now;
        }
    }
}

impl Book {
    fn now(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    fn send(&mut self, number: usize, due: u64, frame: &mut [u8], out: &mut Vec<u8>) {
        let tag = Tag {
            sent: due,
            run: self.run,
            publisher: number as u32,
            count: self.sent[number],
        };
        self.sent[number] = self.sent[number].wrapping_add(1);
        self.in_flight += 1;
        let mut text = tag.encode();
        frame::mask_at(&mut text, 0);
        let at = frame.len() - self.payload;
        frame[at..at + tag::LENGTH].copy_from_slice(&text);
        out.extend_from_slice(frame);
    }

    fn take(&mut self, number: usize, text: &[u8], now: u64) -> Result<(), BenchError> {
        let tag = text.first_chunk().map(Tag::decode);
        let expected = self.seen[number];
        let ours = |tag: &Tag| {
            text.len() == self.payload
                && (tag.run, tag.publisher, tag.count) == (self.run, number as u32, expected)
                && self.in_flight > 0
        };
        let Some(tag) = tag.filter(ours) else {
            let text = String::from_utf8_lossy(&text[..text.len().min(80)]).into_owned();
            return Err(BenchError::Delivery {
                missing: 0,
                out_of_order: 1,
                strayed: 0,
                first: format!("connection {number} awaits echo {expected} and got {text:?}"),
            });
        };
        self.seen[number] = expected.wrapping_add(1);
        self.in_flight -= 1;
        self.echoes += 1;
        self.latency.saturating_record(now.saturating_sub(tag.sent));
        Ok(())
    }

    fn missing(&self) -> BenchError {
        let pairs = self.sent.iter().zip(&self.seen).enumerate();
        let first = pairs
            .filter(|(_, (sent, seen))| sent != seen)
            .map(|(number, (sent, seen))| {
                format!("connection {number} has {seen} of {sent} echoes, and nothing more comes")
            })
            .next();
        BenchError::Delivery {
            missing: self.in_flight as u64,
            out_of_order: 0,
            strayed: 0,
            first: first.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Book {
        Book {
            clock: Instant::now(),
            run: 1,
            payload: 50,
            sent: vec![0; 2],
            seen: vec![0; 2],
            echoes: 0,
            in_flight: 0,
            latency: latencies(),
        }
    }

    /// What an echo door answers to the frames of a client.
    fn echoed(frames: &mut [u8]) -> Vec<Vec<u8>> {
        let (mut texts, mut rest) = (Vec::new(), frames);
        while let Some(masked) = frame::split_masked(rest).unwrap() {
            let length = masked.length;
            texts.push(masked.payload.to_vec());
            rest = &mut rest[length..];
        }
        texts
    }

    #[test]
    fn an_echo_counts_from_when_it_was_due_and_only_if_it_is_what_was_sent() {
        let mut book = book();
        let (mut template, mut out) = (Vec::new(), Vec::new());
        frame::push_masked(&mut template, TEXT, &[&[b'.'; 50]]);
        book.send(1, 1_000_000, &mut template, &mut out);
        book.send(1, 2_000_000, &mut template, &mut out);
        let echoes = echoed(&mut out);
        // The second before the first, the first of another connection, one cut short.
        assert!(book.take(1, &echoes[1], 9_000_000).is_err());
        assert!(book.take(0, &echoes[0], 9_000_000).is_err());
        assert!(book.take(1, &echoes[0][..45], 9_000_000).is_err());
        book.take(1, &echoes[0], 9_000_000).unwrap();
        let latency = book.latency.max();
        assert!((7_990_000..8_020_000).contains(&latency), "{latency}");
        assert_eq!((book.in_flight, book.echoes), (1, 1));
        let missing = book.missing().to_string();
        assert!(missing.contains("connection 1 has 1 of 2"), "{missing}");
        book.take(1, &echoes[1], 9_000_000).unwrap();
        assert!(book.take(1, &echoes[1], 9_000_000).is_err(), "twice");
    }
}
