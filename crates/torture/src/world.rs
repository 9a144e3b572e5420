//! What the clients of one run share: the checker, and who is where.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlour_proto::{EntryId, RoomName};
use tokio::time::{Instant, sleep};

use crate::checker::{Checker, Id};
use crate::target::Target;

/// Different reasons of ends that are remembered.
const REASONS_MAX: usize = 20;
/// How often somebody who waits looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Shared by all clients of a run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) target: Target,
    pub(crate) rooms: Vec<RoomName>,
    /// What the ids of this run begin with.
    pub(crate) run: String,
    pub(crate) began: Instant,
    /// How long a client waits at most before it tries again to come in: first, and later.
    pub(crate) backoff: [Duration; 2],
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) checker: Checker,
    pub(crate) tally: Tally,
    members: Vec<Standing>,
    complete: usize,
    /// Faults so far; a connection belongs to the time between two.
    pub(crate) generation: u32,
}

/// One client.
#[derive(Debug, Default)]
struct Standing {
    is_complete: bool,
    /// Connections after the first, counted when it was complete on one.
    resumes: u32,
    /// When it was complete again after the last fault.
    back: Option<Instant>,
}

/// Counts of the run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// First sendings.
    pub(crate) published: u64,
    pub(crate) unanswered: u64,
    /// Publishes without an answer when their connection ended, and sent again.
    pub(crate) cut_off: u64,
    /// Publishes that were due while the window of unanswered ones was full.
    pub(crate) held_back: u64,
    /// Of those sent again: the server no longer knew.
    pub(crate) forgotten: u64,
    pub(crate) refused: BTreeMap<String, u64>,
    pub(crate) disconnects: u64,
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Attempts to come in that did not lead in.
    pub(crate) attempts_failed: u64,
    /// Answers that said that a session or ticket is none.
    pub(crate) unauthorised: u64,
    /// When the last entry was said, by the server's clock, in nanoseconds.
    pub(crate) last_sent: i64,
    /// Longest time from sending a publish to its answer over the same connection.
    pub(crate) answer_max: Duration,
}

impl World {
    pub(crate) fn new(target: Target, rooms: usize, backoff: [Duration; 2]) -> Arc<Self> {
        // Another run against the same server must not meet this one's rooms and ids.
        let run = format!("{:08x}", crate::random::unforeseeable() as u32);
        let rooms: Vec<RoomName> = (0..rooms).filter_map(|room| name(&run, room)).collect();
        let state = State {
            checker: Checker::new(rooms.clone()),
            tally: Tally::default(),
            members: Vec::new(),
            complete: 0,
            generation: 0,
        };
        Arc::new(Self {
            target,
            rooms,
            run,
            began: Instant::now(),
            backoff,
            state: Mutex::new(state),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // All clients run on one thread; if one panicked, what is counted is still counted.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn nanoseconds(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// Waits until this holds, no longer than `most`; false if it never did.
    pub(crate) async fn until(&self, most: Duration, holds: impl Fn(&State) -> bool) -> bool {
        let began = Instant::now();
        loop {
            if holds(&self.state()) {
                return true;
            }
            if began.elapsed() > most {
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// What is published as the `n`th by a publisher.
    pub(crate) fn entry_id(&self, publisher: u32, n: u32) -> (Id, Option<EntryId>) {
        let id = EntryId::new(&format!("{}-{publisher:x}-{n:x}", self.run)).ok();
        (Id(u64::from(publisher) << 32 | u64::from(n)), id)
    }

    /// The same, read back. Ids of others get numbers that this run does not give.
    pub(crate) fn id(&self, id: &EntryId) -> Id {
        let ours = id.as_str().strip_prefix(self.run.as_str());
        let numbers = ours.and_then(|rest| rest.strip_prefix('-')?.split_once('-'));
        let read = |text: &str| u32::from_str_radix(text, 16).ok();
        let ours = numbers.and_then(|(publisher, n)| Some((read(publisher)?, read(n)?)));
        match ours {
            Some((publisher, n)) => Id(u64::from(publisher) << 32 | u64::from(n)),
            None => {
                let mut digest = DefaultHasher::new();
                id.as_str().hash(&mut digest);
                Id(digest.finish() | 1 << 63)
            }
        }
    }
}

/// A digest of what was said, by whom, as what.
pub(crate) fn content(from: &str, kind: &str, payload: &[u8]) -> u64 {
    let mut digest = DefaultHasher::new();
    (from, kind, payload).hash(&mut digest);
    digest.finish()
}

fn name(run: &str, room: usize) -> Option<RoomName> {
    RoomName::new(&format!("torture-{run}-{room}")).ok()
}

impl State {
    /// One more client; gives its number.
    pub(crate) fn enrol(&mut self) -> usize {
        self.members.push(Standing::default());
        self.members.len() - 1
    }

    /// Those of a preparation that is over.
    pub(crate) fn forget_members(&mut self) {
        self.members.clear();
        self.complete = 0;
        self.checker.everybody_leaves();
    }

    pub(crate) fn members(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn complete(&self) -> usize {
        self.complete
    }

    /// A client has everything up to where its rooms were when it came, and an answer to everything that
    /// it said before. `generation` is the one in which its connection, the `connections`th, was made.
    pub(crate) fn is_complete(&mut self, member: usize, generation: u32, connections: u32) {
        let standing = &mut self.members[member];
        if !standing.is_complete {
            standing.is_complete = true;
            self.complete += 1;
        }
        if generation == self.generation && standing.back.is_none() {
            standing.back = Some(Instant::now());
        }
        standing.resumes = connections.saturating_sub(1);
    }

    pub(crate) fn is_incomplete(&mut self, member: usize) {
        if std::mem::take(&mut self.members[member].is_complete) {
            self.complete -= 1;
        }
    }

    /// A fault begins: who is back is counted anew.
    pub(crate) fn fault(&mut self) {
        self.generation += 1;
        for standing in &mut self.members {
            standing.back = None;
        }
    }

    /// How many are back since the last fault.
    pub(crate) fn back(&self) -> usize {
        self.members.iter().filter(|it| it.back.is_some()).count()
    }

    /// How long each took from `ready` on; nothing of those that are not back.
    pub(crate) fn back_after(&self, ready: Instant) -> Vec<Duration> {
        let back = self.members.iter().filter_map(|it| it.back);
        back.map(|at| at.saturating_duration_since(ready)).collect()
    }

    /// Clients that never resumed.
    pub(crate) fn never_resumed(&self) -> usize {
        self.members.iter().filter(|it| it.resumes == 0).count()
    }

    /// A connection ended that its client did not end.
    pub(crate) fn disconnected(&mut self, why: &str) {
        self.tally.disconnects += 1;
        count(&mut self.tally.reasons, why);
    }
}

/// Counts a reason, or `other` if there are too many different ones.
pub(crate) fn count(reasons: &mut BTreeMap<String, u64>, why: &str) {
    let is_known = reasons.contains_key(why);
    let why = if is_known || reasons.len() < REASONS_MAX {
        why
    } else {
        "other"
    };
    *reasons.entry(why.to_owned()).or_default() += 1;
}
