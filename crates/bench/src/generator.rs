//! The load generator: one thread that opens its connections once and then runs many phases.
//!
//! While a phase runs it polls without sleeping, reads only frame headers and the tag of each
//! message, and allocates nothing. A phase ends when everything it published has reached
//! everyone, so each phase's bill (the server's CPU time) is for whole messages only.

mod inflated;
mod open;
mod receiver;
mod template;
mod wire;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::{Events, Poll};
use serde::{Deserialize, Serialize};

use crate::BenchError;
use crate::cpu::CpuClock;
use crate::handshake::Handshake;
use crate::ledger::{Layout, Ledger};
use crate::progress::Show;
use crate::target::Target;
use receiver::Receiver;
use template::Template;
use wire::Wire;

pub(crate) use open::connect;

/// Sockets that one poll reports at most.
const EVENTS: usize = 1024;
/// How long nothing may arrive while something is due, before it counts as lost.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How often probes are sent until all members have seen one.
const PROBE_EVERY: Duration = Duration::from_millis(50);
/// Turns without sleep between two looks at the progress bar.
const DRAW_EVERY: Duration = Duration::from_millis(250);
/// Rest after the last delivery, so that the server's threads sleep and their books are closed.
const SETTLE: Duration = Duration::from_millis(1);

/// How messages are published.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Load {
    /// Closed loop: this many messages are in flight in all. A message is in flight until every
    /// member of its room has it.
    Outstanding(usize),
    /// Open loop: this many messages per second in all, whatever the server does. Latency counts
    /// from the instant at which a message should have been sent.
    Rate(f64),
}

/// A stretch of load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// How messages are published.
    pub load: Load,
    /// For how long first, without being measured.
    pub warm_up: Duration,
    /// For how long then; the phase lasts until all that was published has arrived.
    pub duration: Duration,
}

/// What a phase measured.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Messages published.
    pub messages: u64,
    /// Frames that arrived: each message counts once per member of its room.
    pub deliveries: u64,
    /// Bytes of these frames, headers included.
    pub bytes: u64,
    /// Reads that brought them.
    pub reads: u64,
    /// Publishes that were answered, at a door that answers.
    pub answers: u64,
    /// From the first message until the last delivery.
    pub elapsed: Duration,
    /// Run time of the server meanwhile, if its process is known.
    pub cpu: Option<Duration>,
    /// Share of the time, 0 to 1, in which the generator had something to do. Near 1 the
    /// generator is the limit and not the server.
    pub busy: f64,
    /// Nanoseconds from sending, or from when a message was due, until its delivery.
    pub latency: Histogram<u64>,
}

impl Sample {
    /// K: frames that one read brings, on average.
    #[must_use]
    pub fn frames_per_read(&self) -> f64 {
        self.deliveries as f64 / self.reads.max(1) as f64
    }

    /// The server's microseconds per delivery.
    #[must_use]
    pub fn cpu_per_delivery(&self) -> Option<f64> {
        Some(self.cpu?.as_secs_f64() * 1e6 / self.deliveries.max(1) as f64)
    }

    /// Cores that the server kept busy, on average.
    #[must_use]
    pub fn cores_used(&self) -> Option<f64> {
        Some(self.cpu?.as_secs_f64() / self.elapsed.as_secs_f64().max(1e-9))
    }
}

/// Connections to one server, and the load on them.
pub struct Generator {
    layout: Layout,
    poll: Poll,
    events: Events,
    opening: HashMap<usize, Handshake>,
    wire: Wire,
    template: Template,
    next_publisher: usize,
}

impl Generator {
    /// Opens all connections and joins their rooms; returns when every member has seen a message
    /// of its room and nothing more is on its way.
    ///
    /// # Errors
    /// When the layout is wrong, or the server refuses or is silent for [`PATIENCE`].
    pub fn open(
        target: &Target,
        layout: Layout,
        payload: usize,
        show: Show,
    ) -> Result<Self, BenchError> {
        layout.check()?;
        crate::pin::allow_files(layout.connections() as u64 + 64)?;
        let poll = Poll::new().map_err(BenchError::system("making an epoll instance"))?;
        let registry = poll
            .registry()
            .try_clone()
            .map_err(BenchError::system("sharing an epoll instance"))?;
        let run = RandomState::new().build_hasher().finish() as u32;
        let template = Template::new(target.dialect, run, payload)?;
        let ledger = Ledger::new(layout);
        let receiver = Receiver::new(run, ledger, layout, target.dialect, payload);
        let mut generator = Self {
            layout,
            poll,
            events: Events::with_capacity(EVENTS),
            opening: HashMap::new(),
            wire: Wire::new(registry, receiver),
            template,
            next_publisher: 0,
        };
        generator.open_all(target, show)?;
        generator.join(show)?;
        Ok(generator)
    }

    /// How the connections are spread.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Answers what the server asks (pings) without publishing anything, for `time` at most.
    ///
    /// # Errors
    /// When the server closed a connection or sent what it should not.
    pub fn service(&mut self, time: Duration) -> Result<(), BenchError> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if self.turn(left)? == 0 && left.is_zero() {
                return self.check();
            }
        }
    }

    /// Runs a phase; reads `cpu` before and after it while nothing is on its way.
    ///
    /// # Errors
    /// [`BenchError::Delivery`] if a delivery is missing, doubled, strayed or out of order.
    pub fn run(
        &mut self,
        phase: &Phase,
        cpu: Option<&CpuClock>,
        show: Show,
    ) -> Result<Sample, BenchError> {
        if !phase.warm_up.is_zero() {
            let bar = show.time("warming up", phase.warm_up);
            self.drive(phase.load, phase.warm_up, &bar)?;
        }
        self.service(SETTLE)?;
        let bar = show.time("measuring", phase.duration);
        self.wire.receiver.meter.reset();
        let before = cpu.map(CpuClock::read).transpose()?;
        let start = Instant::now();
        let drive = self.drive(phase.load, phase.duration, &bar)?;
        let elapsed = start.elapsed();
        self.service(SETTLE)?;
        let cpu = match (cpu, before) {
            (Some(cpu), Some(before)) => Some(Duration::from_nanos(cpu.read()?.since(&before))),
            _ => None,
        };
        let meter = &self.wire.receiver.meter;
        Ok(Sample {
            messages: drive.messages,
            deliveries: meter.frames,
            bytes: meter.bytes,
            reads: meter.reads,
            answers: meter.answers,
            elapsed,
            cpu,
            busy: drive.busy.as_secs_f64() / elapsed.as_secs_f64().max(1e-9),
            latency: meter.latency.clone(),
        })
    }

    /// Publishes for `duration` and then waits until all of it has arrived.
    fn drive(
        &mut self,
        load: Load,
        duration: Duration,
        bar: &indicatif::ProgressBar,
    ) -> Result<Drive, BenchError> {
        self.wire.receiver.ledger.follow(match load {
            Load::Outstanding(most) => most,
            Load::Rate(_) => 0,
        });
        let start = self.wire.receiver.now();
        let mut schedule = Schedule::new(load, start, duration);
        let mut drive = Drive {
            messages: 0,
            busy: Duration::ZERO,
        };
        let (mut turn_began, mut last_arrival, mut arrived) = (start, start, 0);
        let mut next_draw = start;
        loop {
            while let Some(due) = schedule.next(turn_began, self.wire.receiver.ledger.in_flight()) {
                self.publish(due);
                drive.messages += 1;
            }
            self.wire.flush()?;
            let had_work = self.turn(Duration::ZERO)? > 0;
            self.check()?;

            let now = self.wire.receiver.now();
            if had_work {
                drive.busy += Duration::from_nanos(now - turn_began);
            }
            let ledger = &self.wire.receiver.ledger;
            if ledger.arrived() != arrived {
                (arrived, last_arrival) = (ledger.arrived(), now);
            }
            if schedule.over(now) && ledger.quiet() {
                return Ok(drive);
            }
            if !ledger.quiet() && now - last_arrival > PATIENCE.as_nanos() as u64 {
                return Err(ledger.fault(true));
            }
            if ledger.quiet() {
                last_arrival = now;
            }
            if now >= next_draw {
                bar.set_position((now - start) / 1_000_000);
                next_draw = now + DRAW_EVERY.as_nanos() as u64;
            }
            turn_began = now;
        }
    }

    /// Sends probes until every member has seen one, then one counted message per publisher: as
    /// rooms keep their order, nothing older can come after it.
    fn join(&mut self, show: Show) -> Result<(), BenchError> {
        let bar = show.count("joining", self.layout.members);
        let start = Instant::now();
        let mut probed: Option<Instant> = None;
        while self.wire.receiver.unseen() > 0 {
            if start.elapsed() > PATIENCE + Duration::from_millis(self.layout.members as u64) {
                return Err(BenchError::Join {
                    missing: self.wire.receiver.unseen(),
                    members: self.layout.members,
                    seconds: start.elapsed().as_secs(),
                });
            }
            // The next probe waits for the last one's deliveries: a large room takes its time.
            if probed.is_none_or(|at| at.elapsed() > PROBE_EVERY) {
                for room in 0..self.layout.rooms {
                    if !self.wire.receiver.unseen_in(room) {
                        continue;
                    }
                    let publisher = room * self.layout.publishers;
                    let text = self.template.probe(&self.wire.receiver, publisher, room);
                    self.wire.push(self.layout.connection_of(publisher), text);
                }
                self.wire.flush()?;
            }
            if self.turn(PROBE_EVERY)? > 0 {
                probed = Some(Instant::now());
            }
            bar.set_position((self.layout.members - self.wire.receiver.unseen()) as u64);
        }
        for _ in 0..self.layout.all_publishers() {
            let now = self.wire.receiver.now();
            self.publish(now);
        }
        // No further message is due within no time: this only waits.
        self.drive(
            Load::Rate(1.0),
            Duration::ZERO,
            &indicatif::ProgressBar::hidden(),
        )?;
        Ok(())
    }

    /// Puts the next publisher's next message into its outbox.
    fn publish(&mut self, due: u64) {
        let publisher = self.next_publisher;
        self.next_publisher = (publisher + 1) % self.layout.all_publishers();
        let room = publisher / self.layout.publishers;
        let text = self
            .template
            .message(&mut self.wire.receiver, publisher, room, due);
        self.wire.push(self.layout.connection_of(publisher), text);
    }

    /// One look at the sockets; gives the number that had something.
    fn turn(&mut self, timeout: Duration) -> Result<usize, BenchError> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(0),
            polled => polled.map_err(BenchError::system("polling"))?,
        }
        let mut count = 0;
        for event in &self.events {
            count += 1;
            let connection = event.token().0;
            if !self.opening.is_empty() && self.opening.contains_key(&connection) {
                open::advance(&mut self.opening, &mut self.wire, self.layout, connection)?;
                continue;
            }
            if event.is_writable() {
                self.wire.flush_one(connection)?;
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.wire.read(connection)?;
            }
        }
        self.wire.answer_pings()?;
        Ok(count)
    }

    fn check(&self) -> Result<(), BenchError> {
        let ledger = &self.wire.receiver.ledger;
        if ledger.broken() {
            Err(ledger.fault(false))
        } else {
            Ok(())
        }
    }
}

/// Digits of a room's number.
const ROOM_DIGITS: usize = 7;

/// The name of a room, as long for each.
fn room_name(run: u32, room: usize) -> String {
    let digits = room_digits(room);
    format!("bench-{run:08x}-{}", String::from_utf8_lossy(&digits))
}

fn room_digits(room: usize) -> [u8; ROOM_DIGITS] {
    std::array::from_fn(|place| {
        let power = 10usize.pow((ROOM_DIGITS - 1 - place) as u32);
        b'0' + (room / power % 10) as u8
    })
}

/// What one stretch of publishing came to.
struct Drive {
    messages: u64,
    busy: Duration,
}

/// When the next message is due.
pub(crate) struct Schedule {
    load: Load,
    start: u64,
    end: u64,
    published: u64,
}

impl Schedule {
    pub(crate) fn new(load: Load, start: u64, duration: Duration) -> Self {
        Self {
            load,
            start,
            end: start + duration.as_nanos() as u64,
            published: 0,
        }
    }

    /// The instant to write into the next message, if one is due by `now`.
    pub(crate) fn next(&mut self, now: u64, in_flight: usize) -> Option<u64> {
        let due = match self.load {
            Load::Outstanding(most) => (in_flight < most && now < self.end).then_some(now),
            Load::Rate(rate) => {
                let due = self.due(rate);
                (due <= now && due < self.end).then_some(due)
            }
        }?;
        self.published += 1;
        Some(due)
    }

    /// Whether no message will become due any more.
    pub(crate) fn over(&self, now: u64) -> bool {
        match self.load {
            Load::Outstanding(_) => now >= self.end,
            Load::Rate(rate) => self.due(rate) >= self.end,
        }
    }

    fn due(&self, rate: f64) -> u64 {
        self.start + (self.published as f64 / rate * 1e9) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_open_loop_keeps_its_instants_however_late_it_is() {
        let mut schedule = Schedule::new(Load::Rate(4.0), 1_000, SECOND);
        assert_eq!(schedule.next(999, 0), None);
        assert_eq!(schedule.next(1_000, 0), Some(1_000));
        // The generator was held up until long after the end: all the rest is due at once.
        let late = 1_000 + 9_000_000_000;
        let rest: Vec<u64> = std::iter::from_fn(|| schedule.next(late, 99)).collect();
        assert_eq!(rest, [250_001_000, 500_001_000, 750_001_000]);
        assert!(schedule.over(late));
    }

    #[test]
    fn a_closed_loop_publishes_only_while_there_is_room_and_time() {
        let mut schedule = Schedule::new(Load::Outstanding(2), 0, SECOND);
        assert_eq!(schedule.next(5, 1), Some(5));
        assert_eq!(schedule.next(5, 2), None);
        assert!(!schedule.over(999_999_999));
        assert_eq!(schedule.next(1_000_000_000, 0), None);
        assert!(schedule.over(1_000_000_000));
    }
}
