//! One partition's thread: takes everything that waits, makes it one commit, and tells what became
//! of it. With nothing waiting a commit holds one entry; under load it holds what came meanwhile.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use parlour_hub::{Digester, Recent, StoreFault, Stored};
use parlour_proto::{Keep, RoomKinds, RoomName, Seq};

use super::clock::Clock;
use super::health::Watch;
use super::mailbox::{Found, Mailbox, Queue, Tag};
use super::reader::ReadJob;
use crate::fault::Fault;
use crate::partition::{Append, Partition, State, Sweep, Told};

/// How often a full disk or a failing file is looked at again when nobody publishes.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// How often rooms in which nothing is said are looked through for what has become too old.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long nothing is said before the database gets what only the journal has.
const REST_AFTER: Duration = Duration::from_secs(5);
/// The pause between two steps of that, so that it is never what the disk is busy with.
const SWEEP_PAUSE: Duration = Duration::from_millis(20);

/// What is asked of a writer.
#[derive(Debug)]
pub(super) enum WriteJob {
    Open {
        tag: Tag,
        room: RoomName,
        keep: Keep,
        recent: Recent,
        digester: Digester,
    },
    Append(Append),
    Close {
        tag: Tag,
        room: RoomName,
    },
    Trim(Trim),
}

/// The operator's word.
#[derive(Debug)]
pub(super) struct Trim {
    pub(super) room: RoomName,
    pub(super) before: Seq,
    pub(super) answer: SyncSender<Result<Option<Seq>, Fault>>,
}

impl Trim {
    fn answer(&self, answer: Result<Option<Seq>, Fault>) {
        // Who asked may have gone.
        let _ = self.answer.try_send(answer);
    }
}

impl WriteJob {
    /// Answers that the store is closed.
    pub(super) fn refuse(self) {
        match self {
            Self::Open { tag, .. } => refuse_open(&tag, StoreFault::Stopped),
            Self::Trim(trim) => trim.answer(Err(closed())),
            Self::Append(_) | Self::Close { .. } => {}
        }
    }
}

fn closed() -> Fault {
    Fault::Disk("the store is closed".to_owned())
}

fn refuse_open(tag: &Tag, fault: StoreFault) {
    tag.mailbox.put(Stored::Opened {
        key: tag.key,
        opened: Err(fault),
    });
}

/// The thread's own.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue<WriteJob>>,
    pub(super) readers: Arc<Queue<ReadJob>>,
    pub(super) partition: Partition<Tag>,
    pub(super) watch: Watch,
    pub(super) kinds: RoomKinds,
    pub(super) clock: Clock,
}

/// What goes on between batches.
struct Chores {
    trims: VecDeque<Trim>,
    sweep: Option<Sweep>,
    sweep_at: Instant,
    /// When a full disk or a failing file is looked at again.
    retry_at: Instant,
    /// When the database gets what only the journal has.
    rest_at: Instant,
}

impl Writer {
    pub(super) fn run(mut self) -> Result<(), Fault> {
        let mut jobs = Vec::new();
        let mut chores = Chores {
            trims: VecDeque::new(),
            sweep: None,
            sweep_at: Instant::now() + SWEEP_EVERY,
            retry_at: Instant::now(),
            rest_at: Instant::now() + REST_AFTER,
        };
        loop {
            for (room, damage) in self.partition.take_damaged() {
                self.watch.read_failed(&room, &damage.into());
            }
            let found = self.queue.take(&mut jobs, self.deadline(&chores));
            // The first to be asked is the last in the list.
            jobs.reverse();
            loop {
                let turn = AssertUnwindSafe(|| self.turn(&mut jobs, &mut chores));
                if catch_unwind(turn).is_ok() {
                    break;
                }
                // What is left is answered by a log that has stopped.
                self.panicked();
            }
            self.watch.is_now(self.partition.state());
            if found == Found::End {
                chores
                    .trims
                    .drain(..)
                    .for_each(|trim| trim.answer(Err(closed())));
                return self.partition.close();
            }
        }
    }

    fn deadline(&self, chores: &Chores) -> Option<Instant> {
        if !chores.trims.is_empty() {
            return Some(Instant::now());
        }
        match self.partition.state() {
            State::Ok if self.partition.is_written_down() => Some(chores.sweep_at),
            State::Ok => Some(chores.sweep_at.min(chores.rest_at)),
            State::Full | State::Away(_) | State::Unproven(_) => Some(chores.retry_at),
            State::Stopped(_) => None,
        }
    }

    fn turn(&mut self, jobs: &mut Vec<WriteJob>, chores: &mut Chores) {
        let mut batch = Vec::new();
        let mut rooms = HashSet::new();
        while let Some(job) = jobs.pop() {
            match job {
                WriteJob::Append(append) => {
                    if !rooms.contains(&append.room) {
                        rooms.insert(append.room.clone());
                    }
                    batch.push(append);
                }
                WriteJob::Open {
                    tag,
                    room,
                    keep,
                    recent,
                    digester,
                } => {
                    self.commit_before(&room, &mut batch, &mut rooms);
                    self.open(tag, room, keep, recent, digester);
                }
                WriteJob::Close { tag, room } => {
                    self.commit_before(&room, &mut batch, &mut rooms);
                    self.partition.close_room(&tag, &room);
                }
                WriteJob::Trim(trim) => chores.trims.push_back(trim),
            }
        }
        if !batch.is_empty() {
            chores.rest_at = Instant::now() + REST_AFTER;
        }
        self.commit(batch);
        self.do_chores(chores);
    }

    /// What a room is asked is carried out in its order.
    fn commit_before(
        &mut self,
        room: &RoomName,
        batch: &mut Vec<Append>,
        rooms: &mut HashSet<RoomName>,
    ) {
        if rooms.contains(room) {
            rooms.clear();
            self.commit(std::mem::take(batch));
        }
    }

    fn commit(&mut self, batch: Vec<Append>) {
        if batch.is_empty() {
            return;
        }
        let mut told = Vec::new();
        self.partition.append(batch, self.clock.now(), &mut told);
        // Who is refused and looks why finds it.
        self.watch.is_now(self.partition.state());
        tell(told);
    }

    fn open(&mut self, tag: Tag, room: RoomName, keep: Keep, recent: Recent, digester: Digester) {
        let opened = self.partition.open_room(tag.clone(), room.clone(), keep);
        match opened {
            Ok(()) => {
                let mut jobs = vec![ReadJob::Open {
                    tag,
                    room,
                    recent,
                    digester,
                }];
                if !self.readers.put(&mut jobs) {
                    jobs.drain(..).for_each(ReadJob::refuse);
                }
            }
            Err(fault) => {
                let is_stopped = matches!(self.partition.state(), State::Stopped(_));
                let told = self.watch.read_failed(&room, &fault);
                refuse_open(
                    &tag,
                    if is_stopped {
                        StoreFault::Stopped
                    } else {
                        told
                    },
                );
            }
        }
    }

    fn do_chores(&mut self, chores: &mut Chores) {
        let mut told = Vec::new();
        if Instant::now() >= chores.retry_at {
            chores.retry_at = Instant::now() + RETRY_EVERY;
            self.partition.look_again(&mut told);
        }
        let is_ok = *self.partition.state() == State::Ok;
        if is_ok && !self.partition.is_written_down() && Instant::now() >= chores.rest_at {
            chores.rest_at = Instant::now() + REST_AFTER;
            self.partition.write_down(&mut told);
        }
        self.trim_some(chores, &mut told);
        self.sweep_some(chores, &mut told);
        tell(told);
    }

    fn trim_some(&mut self, chores: &mut Chores, told: &mut Vec<Told<Tag>>) {
        let Some(trim) = chores.trims.pop_front() else {
            return;
        };
        match self.partition.trim_room(&trim.room, trim.before, told) {
            Ok(Some((_, false))) => chores.trims.push_back(trim),
            Ok(done) => trim.answer(Ok(done.map(|(first, _)| first))),
            Err(fault) => trim.answer(Err(fault)),
        }
    }

    fn sweep_some(&mut self, chores: &mut Chores, told: &mut Vec<Told<Tag>>) {
        if Instant::now() < chores.sweep_at {
            return;
        }
        let from = chores.sweep.take().unwrap_or_default();
        let kinds = &self.kinds;
        let keep_of = |room: &RoomName| {
            let kind = kinds.of(room);
            // What was durable once is nobody's to throw away because it no longer is.
            if kind.is_durable {
                kind.keep
            } else {
                Keep::ALL
            }
        };
        let swept = self
            .partition
            .sweep(&from, &keep_of, self.clock.now(), told);
        chores.sweep = swept.unwrap_or_else(|fault| {
            tracing::error!(%fault, "old entries could not be taken away");
            None
        });
        let is_done = chores.sweep.is_none();
        chores.sweep_at = Instant::now() + if is_done { SWEEP_EVERY } else { SWEEP_PAUSE };
    }

    /// Nobody knows what was done: as after a sync of unknown outcome.
    fn panicked(&mut self) {
        let mut told = Vec::new();
        self.partition.stop("its writer panicked");
        self.partition.stop_all(&mut told);
        tell(told);
    }
}

/// Each shard hears all of it at once.
fn tell(told: Vec<Told<Tag>>) {
    let mut by_shard: Vec<(Arc<Mailbox>, Vec<Stored>)> = Vec::new();
    for told in told {
        let (tag, answer) = spoken(told);
        let known = by_shard
            .iter_mut()
            .find(|(mailbox, _)| Arc::ptr_eq(mailbox, &tag.mailbox));
        match known {
            Some((_, answers)) => answers.push(answer),
            None => by_shard.push((tag.mailbox, vec![answer])),
        }
    }
    for (mailbox, mut answers) in by_shard {
        mailbox.put_all(&mut answers);
    }
}

fn spoken(told: Told<Tag>) -> (Tag, Stored) {
    match told {
        Told::Committed { tag, upto } => {
            let key = tag.key;
            (tag, Stored::Committed { key, upto })
        }
        Told::Refused { tag, from, fault } => {
            let key = tag.key;
            (tag, Stored::Refused { key, from, fault })
        }
        Told::Stopped { tag, from } => {
            let key = tag.key;
            (tag, Stored::Stopped { key, from })
        }
        Told::Trimmed { tag, first } => {
            let key = tag.key;
            (tag, Stored::Trimmed { key, first })
        }
    }
}
