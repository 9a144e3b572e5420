//! Who is measured: a server with rooms on disk, a bare file, Redis Streams.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;

use crate::BenchError;
use crate::cpu::CpuClock;
use crate::durable::append::AppendLoop;
use crate::durable::driver::{self, Publishers, Step, Timed};
use crate::durable::parlour::ParlourPublishers;
use crate::durable::redis::{RedisPublishers, RedisServer};
use crate::durable::{DurableOptions, KEPT_ENTRIES, Place};
use crate::process::ServerProcess;
use crate::progress::Show;
use crate::stats::Seeded;

/// Rooms whose name begins so are not on disk.
const VOLATILE: &str = "bench-volatile";

/// A contender, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// The server, durable rooms.
    Parlour,
    /// The server, a room in memory.
    Volatile,
    /// The bare loop.
    Append,
    /// Redis Streams.
    Redis,
}

impl System {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Parlour => "parlour",
            Self::Volatile => "parlour, volatile room",
            Self::Append => "append+fsync",
            Self::Redis => "redis",
        }
    }
}

/// One visit's figures.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) timed: Timed,
    /// Bytes of pages that were dirtied on their way to the disk, if the kernel tells.
    pub(crate) written: Option<u64>,
    /// Run time of the process, where it is one of its own.
    pub(crate) cpu: Option<Duration>,
    /// Syncs, where they can be counted.
    pub(crate) syncs: Option<u64>,
}

/// Somebody who can be visited.
pub(crate) trait Contender {
    fn visit(&mut self, step: &Step, next_id: &mut u64) -> Result<Sample, BenchError>;

    /// Answers what was asked meanwhile, such as pings.
    fn service(&mut self) -> Result<(), BenchError>;
}

/// Publishers and the process whose books tell what they cost.
struct Booked<P> {
    publishers: P,
    pid: u32,
    clock: Option<CpuClock>,
    syncs: fn(&P) -> Option<u64>,
}

impl<P: Publishers> Contender for Booked<P> {
    fn visit(&mut self, step: &Step, next_id: &mut u64) -> Result<Sample, BenchError> {
        let written = written(self.pid);
        let cpu = self.clock.as_ref().map(CpuClock::read).transpose()?;
        let syncs = (self.syncs)(&self.publishers);
        let timed = driver::run(&mut self.publishers, step, next_id)?;
        let cpu_after = self.clock.as_ref().map(CpuClock::read).transpose()?;
        let difference = |now: Option<u64>, before: Option<u64>| Some(now?.saturating_sub(before?));
        Ok(Sample {
            timed,
            written: difference(self::written(self.pid), written),
            cpu: cpu_after
                .zip(cpu)
                .map(|(after, before)| Duration::from_nanos(after.since(&before))),
            syncs: difference((self.syncs)(&self.publishers), syncs),
        })
    }

    fn service(&mut self) -> Result<(), BenchError> {
        self.publishers.answers(Duration::ZERO, &mut Vec::new())?;
        self.publishers.flush()
    }
}

/// All of them, and what they run on. What was started last ends first.
pub(crate) struct Contenders {
    /// By number of rooms.
    parlour: Vec<Booked<ParlourPublishers>>,
    volatile: Booked<ParlourPublishers>,
    append: Booked<AppendLoop>,
    redis: Vec<Booked<RedisPublishers>>,
    redis_server: Option<RedisServer>,
    server: ServerProcess,
    _folder: TempDir,
}

impl Contenders {
    pub(crate) fn start(
        options: &DurableOptions,
        parent: &Path,
        show: Show,
    ) -> Result<Self, BenchError> {
        let text = text(options.payload);
        let folder = TempDir::with_prefix_in("parlour-bench-", parent)
            .map_err(BenchError::system("making a temporary directory"))?;
        let server = start_server(options, parent)?;
        let redis_server = RedisServer::start(&options.redis, parent)?;
        let clock = CpuClock::of_process(server.pid())?;
        let seats = |rooms: u32| seats(options.publishers, rooms as usize);
        let parlour = |prefix: &str, rooms: u32| {
            ParlourPublishers::connect(server.target(), prefix, &seats(rooms), &text, show).map(
                |publishers| Booked {
                    publishers,
                    pid: server.pid(),
                    clock: Some(clock.clone()),
                    syncs: |_| None,
                },
            )
        };
        let log = folder.path().join("log");
        let append = AppendLoop::start(&log, options.publishers, &text)?;
        let all = Self {
            parlour: (options.rooms.0.iter().enumerate())
                .map(|(set, rooms)| parlour(&format!("bench-{set}"), *rooms))
                .collect::<Result<_, _>>()?,
            volatile: parlour(VOLATILE, options.rooms.0[0])?,
            append: Booked {
                publishers: append,
                pid: std::process::id(),
                clock: None,
                syncs: |append| Some(append.syncs()),
            },
            redis: match &redis_server {
                None => Vec::new(),
                Some(redis) => (options.rooms.0.iter().enumerate())
                    .map(|(set, rooms)| booked_redis(redis, set, &seats(*rooms), &text))
                    .collect::<Result<_, _>>()?,
            },
            redis_server,
            server,
            _folder: folder,
        };
        Ok(all)
    }

    pub(crate) fn redis_version(&self) -> Option<&str> {
        self.redis_server.as_ref().map(RedisServer::version)
    }

    /// Adds what the server said last to an error that it may explain.
    pub(crate) fn explain(&self, error: BenchError) -> BenchError {
        match error {
            BenchError::Closed { connection, why } => BenchError::Closed {
                connection,
                why: format!(
                    "{why}; the log of the server ends with:\n{}",
                    self.server.last_words()
                ),
            },
            other => other,
        }
    }

    /// Who is to be visited at a place.
    pub(crate) fn systems(&self, place: Place) -> Vec<System> {
        match place {
            Place::Price => vec![System::Parlour, System::Volatile, System::Append],
            Place::Cell(..) => {
                let mut systems = vec![System::Parlour, System::Append];
                systems.extend((!self.redis.is_empty()).then_some(System::Redis));
                systems
            }
        }
    }

    pub(crate) fn contender(&mut self, place: Place, system: System) -> &mut dyn Contender {
        let rooms = match place {
            Place::Cell(rooms, _) => rooms,
            Place::Price => 0,
        };
        match system {
            System::Parlour => &mut self.parlour[rooms],
            System::Volatile => &mut self.volatile,
            System::Append => &mut self.append,
            System::Redis => &mut self.redis[rooms],
        }
    }

    /// Fails for a server that acknowledged without writing: its figures would be of another thing.
    pub(crate) fn check(system: System, sample: &Sample) -> Result<(), BenchError> {
        let is_idle = sample.timed.all == 0;
        match (system, sample.written) {
            (System::Volatile, _) | (_, None | Some(1..)) => Ok(()),
            _ if is_idle => Ok(()),
            _ => Err(BenchError::Unequal(format!(
                "{} acknowledged {} publishes and wrote nothing to the disk; are its rooms durable?",
                system.name(),
                sample.timed.all
            ))),
        }
    }

    pub(crate) fn service(&mut self) -> Result<(), BenchError> {
        self.parlour.iter_mut().try_for_each(Contender::service)?;
        self.volatile.service()
    }
}

fn start_server(options: &DurableOptions, parent: &Path) -> Result<ServerProcess, BenchError> {
    let program = match &options.server {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(BenchError::system("finding the own program"))?,
    };
    let rooms = [
        format!("--rooms={VOLATILE}*=volatile"),
        format!("--rooms=*=durable,keep={KEPT_ENTRIES},keep-bytes=64MiB"),
    ];
    let more: Vec<_> = rooms.into_iter().map(Into::into).collect();
    let more = [more, options.server_args.clone()].concat();
    ServerProcess::parlour_in(parent, &program, &more, None)
}

fn booked_redis(
    server: &RedisServer,
    set: usize,
    rooms: &[Vec<usize>],
    text: &[u8],
) -> Result<Booked<RedisPublishers>, BenchError> {
    Ok(Booked {
        publishers: RedisPublishers::connect(server, set, rooms, text)?,
        pid: server.pid(),
        clock: Some(CpuClock::of_process(server.pid())?),
        syncs: |_| None,
    })
}

/// Which rooms each publisher is in: all rooms have one, and all publishers have a room.
fn seats(publishers: usize, rooms: usize) -> Vec<Vec<usize>> {
    (0..publishers)
        .map(|publisher| {
            let own: Vec<usize> = (publisher..rooms).step_by(publishers).collect();
            if own.is_empty() {
                vec![publisher % rooms]
            } else {
                own
            }
        })
        .collect()
}

/// Letters that no compression makes shorter than a person's words.
fn text(bytes: usize) -> Vec<u8> {
    let mut letters: Vec<u8> = (b'a'..=b'z').cycle().take(bytes).collect();
    Seeded::new(bytes as u64).shuffle(&mut letters);
    letters
}

/// What a process has caused to be written, if the kernel keeps that book.
fn written(pid: u32) -> Option<u64> {
    let book = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let line = book
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::report::tests::sample;

    #[test]
    fn every_room_has_a_publisher_and_every_publisher_a_room() {
        assert_eq!(seats(3, 1), [[0], [0], [0]]);
        assert_eq!(seats(2, 5), [vec![0, 2, 4], vec![1, 3]]);
        for (publishers, rooms) in [(4, 1000), (7, 10), (16, 3)] {
            let seats = seats(publishers, rooms);
            assert!(seats.iter().all(|own| !own.is_empty()));
            let mut seen: Vec<usize> = seats.concat();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (0..rooms).collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_acknowledges_without_writing_is_not_compared() {
        let (written, nothing) = (sample(10, 400), sample(0, 400));
        assert!(Contenders::check(System::Parlour, &written).is_ok());
        assert!(Contenders::check(System::Parlour, &nothing).is_ok());
        let silent = Sample {
            written: Some(0),
            ..written
        };
        let error = Contenders::check(System::Parlour, &silent).unwrap_err();
        assert!(error.to_string().contains("nothing to the disk"), "{error}");
        assert!(Contenders::check(System::Volatile, &silent).is_ok());
    }

    #[test]
    fn what_this_process_writes_is_counted() {
        if let Some(before) = written(std::process::id()) {
            assert!(written(std::process::id()).unwrap() >= before);
        }
        assert_eq!(written(u32::MAX >> 1), None);
    }

    #[test]
    fn the_text_is_plain_letters_of_its_length() {
        let text = text(256);
        assert_eq!(text.len(), 256);
        assert!(text.iter().all(u8::is_ascii_lowercase));
    }
}
