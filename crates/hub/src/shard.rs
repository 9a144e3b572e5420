//! One core's share of the hub: the state, and the order of one turn.

mod asks;
mod behind;
mod commands;
mod deadlines;
mod doubts;
mod homes;
#[cfg(any(test, feature = "sim"))]
mod inspect;
mod letters;
mod notices;
mod opening;
mod output;
mod pass;
mod paused;
mod presence;
mod reads;
mod views;
mod volatile;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use parlour_proto::{
    Author, CloseReason, ConnectionId, Draft, Limits, Now, Position, Refusal, RoomKinds, RoomName,
    SessionId, ShardId, UserName,
};

use crate::ask::{Asked, Asks, Brought};
use crate::bus::Bus;
use crate::chance::Chance;
use crate::connection::{Connection, First, State};
use crate::home::{Home, Publisher};
use crate::ids::Digester;
use crate::letter::{History, Letter, Reader};
use crate::life::{Lives, Tick};
use crate::link::Link;
use crate::notice::Line;
use crate::presence::Remains;
use crate::rate::Rate;
use crate::since::Since;
use crate::sockets::Sockets;
use crate::stats::{Counts, Stats};
use crate::store::{Request, Store, Stored};
use crate::table::{Key, Table};
use crate::view::View;
use crate::weights::Weights;
use crate::wire::{Wire, WireIndex};
use opening::Waiter;
use volatile::Volatile;

/// What a shard is made from.
pub struct ShardConfig {
    /// Which one it is.
    pub id: ShardId,
    /// How many there are.
    pub shards: u16,
    /// How its connections can speak.
    pub wires: Arc<[Wire]>,
    /// Its bounds. Those of the whole hub are shared out evenly.
    pub limits: Arc<Limits>,
    /// Which of its rooms are on disk, and how much of them is kept.
    pub kinds: Arc<RoomKinds>,
    /// What the application is asked for.
    pub asks: Asks,
    /// Randomness for epochs and for times to come back; must differ between shards and starts.
    pub seed: u64,
}

/// A new connection.
pub struct Attach {
    /// How it speaks.
    pub wire: WireIndex,
    /// Who it speaks as.
    pub who: UserName,
    /// The session that it ends with.
    pub session: SessionId,
    /// The room that it enters at once.
    pub room: Option<RoomName>,
    /// Where it starts in it.
    pub since: Since,
    /// What the free doors know of him.
    pub author: Author,
    /// The application has opened it in this process: it is not pinged, may read as slowly as it
    /// likes, and may do what it wants without being asked for.
    pub is_local: bool,
    /// It reads for the application itself: nobody sees it among those who are in its rooms.
    pub is_own: bool,
    /// What the application is given with [`What::Opened`](crate::What::Opened).
    pub brought: Option<Brought>,
}

impl Attach {
    /// Somebody without a session, a room and anything special.
    #[must_use]
    pub fn new(wire: WireIndex, who: UserName) -> Self {
        Self {
            wire,
            who,
            session: SessionId::NONE,
            room: None,
            since: Since::Joined,
            author: Author::Named,
            is_local: false,
            is_own: false,
            brought: None,
        }
    }
}

/// The driver's name for one of its publishes; the shard only gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublishToken(pub u64);

/// The driver's name for one of its questions; the shard only gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuestionToken(pub u64);

/// The shard that is the home of `room` when there are so many.
#[must_use]
pub fn home_of(room: &RoomName, shards: u16) -> ShardId {
    let mut hasher = DefaultHasher::new();
    room.as_str().hash(&mut hasher);
    // The remainder is below `shards`.
    ShardId((hasher.finish() % u64::from(shards)) as u16)
}

/// One core's share of the hub. See the [crate's documentation](crate) for who calls what.
///
/// Methods named `handle_*` take what has arrived; [`turn`](Self::turn) does what follows from it.
pub struct Shard<S> {
    id: ShardId,
    shards: u16,
    wires: Arc<[Wire]>,
    limits: Arc<Limits>,
    kinds: Arc<RoomKinds>,
    asks: Asks,
    chance: Chance,
    digester: Digester,
    rate: Option<Rate>,
    now: Now,
    tick: Tick,
    store: S,

    connections: Table<Connection>,
    lives: Lives,
    homes: Table<Home>,
    home_by_room: HashMap<RoomName, Key>,
    views: Table<View>,
    view_by_room: HashMap<RoomName, Key>,
    weights: Weights,

    links: Vec<Link>,
    local: VecDeque<Letter>,
    requests: Vec<Request>,
    answers: Vec<Stored>,
    reads: HashMap<u64, reads::PendingRead>,
    next_read: u64,
    /// What was numbered in rooms in memory alone.
    volatile: Volatile,
    /// What waits for rooms that are looked up in the store.
    waiting: HashMap<Key, VecDeque<Waiter>>,
    sinces: Vec<(QuestionToken, Since)>,
    pages: Vec<(QuestionToken, Result<History, Refusal>)>,

    /// Homes with entries that a follower may be sent.
    to_feed: VecDeque<Key>,
    /// Rings with a pass to begin.
    to_pass: VecDeque<(Key, u8)>,
    /// Rings with a pass under way that did not end in one step.
    passing: VecDeque<(Key, u8)>,
    /// Connections with private output to send.
    to_flush: VecDeque<ConnectionId>,
    /// Connections that are behind the ring of one of their rooms.
    behind: VecDeque<ConnectionId>,
    /// How many of those wait for credit.
    behind_without_credit: usize,
    /// Connections that are not read until there is credit, the longest waiting first.
    waiting_for_credit: VecDeque<ConnectionId>,
    resumed: Vec<u32>,
    /// Views without members.
    empty_views: Vec<Key>,
    /// Homes without followers, each once, in the order in which the last one left.
    empty_homes: BTreeSet<(Duration, Key)>,
    /// Views with something to report of who is there.
    to_report: VecDeque<Key>,
    /// Views with members to be counted.
    to_count: VecDeque<Key>,
    /// What rounds of presence have left behind.
    remains: VecDeque<Remains>,
    /// Users who may still be reported in this turn.
    report_budget: usize,
    /// Watchers who are to be shown what a home has told.
    to_show: VecDeque<presence::Showing>,
    /// Homes with something to tell of who is there, each once.
    presence_due: BTreeSet<(Duration, Key)>,
    /// When to look at durable homes with something that the store has not answered, each once.
    watched: BTreeSet<(Duration, Key)>,
    /// Notices that wait for credit, or for the end of the turn.
    notices: Line,
    /// Whom a turn closes gives back what he holds when its driver hands on what the application is told
    /// of that. So nobody else is told of it in the same turn.
    is_in_turn: bool,
    going_away: Option<CloseReason>,
    /// Those who are here are closed when nothing is left to pass on, or at this time.
    close_all_by: Option<Duration>,
    /// Answers to the publishes of the driver.
    published: Vec<(PublishToken, Result<Position, Refusal>)>,

    /// What the application is asked.
    asked: Vec<Asked>,

    scratch: Vec<u8>,
    counts: Counts,
    stats: Arc<Stats>,
}

impl<S: Store> Shard<S> {
    /// A shard without rooms and connections.
    pub fn new(config: ShardConfig, store: S) -> Self {
        let ShardConfig {
            id,
            shards,
            wires,
            limits,
            kinds,
            asks,
            seed,
        } = config;
        let rate = Rate::of(&limits);
        let mut chance = Chance(seed);
        Self {
            id,
            shards,
            wires,
            limits,
            kinds,
            asks,
            digester: Digester(chance.secret()),
            chance,
            rate,
            now: Now {
                monotonic: Duration::ZERO,
                wall: parlour_proto::Timestamp::from_unix_nanoseconds(0),
            },
            tick: Tick::default(),
            store,
            connections: Table::new(),
            lives: Lives::default(),
            homes: Table::new(),
            home_by_room: HashMap::new(),
            views: Table::new(),
            view_by_room: HashMap::new(),
            weights: Weights::default(),
            links: (0..shards).map(|_| Link::default()).collect(),
            local: VecDeque::new(),
            requests: Vec::new(),
            answers: Vec::new(),
            reads: HashMap::new(),
            next_read: 0,
            volatile: Volatile::default(),
            waiting: HashMap::new(),
            sinces: Vec::new(),
            pages: Vec::new(),
            to_feed: VecDeque::new(),
            to_pass: VecDeque::new(),
            passing: VecDeque::new(),
            to_flush: VecDeque::new(),
            behind: VecDeque::new(),
            behind_without_credit: 0,
            waiting_for_credit: VecDeque::new(),
            resumed: Vec::new(),
            empty_views: Vec::new(),
            empty_homes: BTreeSet::new(),
            to_report: VecDeque::new(),
            to_count: VecDeque::new(),
            remains: VecDeque::new(),
            report_budget: 0,
            to_show: VecDeque::new(),
            presence_due: BTreeSet::new(),
            watched: BTreeSet::new(),
            notices: Line::default(),
            is_in_turn: false,
            going_away: None,
            close_all_by: None,
            published: Vec::new(),
            asked: Vec::new(),
            scratch: Vec::new(),
            counts: Counts::default(),
            stats: Arc::default(),
        }
    }

    /// Takes a new connection. Its index addresses it from now on; indices are small numbers that
    /// are given out again after [`handle_gone`](Self::handle_gone).
    pub fn attach(&mut self, now: Now, attach: Attach) -> ConnectionId {
        self.set_now(now);
        let Attach {
            wire,
            who,
            session,
            room,
            since,
            author,
            is_local,
            is_own,
            brought,
        } = attach;
        let mut connection = Connection::new(wire, who, session);
        connection.is_local = is_local;
        connection.is_own = is_own;
        if author != Author::Named {
            connection.rare().author = author;
        }
        if let Some(room) = room.clone().filter(|_| since != Since::Joined) {
            connection.rare().first = Some(Box::new(First { room, since }));
        }
        let key = self.connections.insert(connection);
        self.lives.begin(
            key.index,
            self.tick,
            self.tick.after(self.limits.ping_interval),
        );
        self.counts.attached += 1;
        self.greet(key.index);
        match self.going_away {
            Some(reason) => self.close(key.index, reason),
            None => self.open(key.index, room, brought),
        }
        id_of(key)
    }

    /// Says what time it is, before what has arrived is handed over: signs of life, progress of
    /// output and entries are dated with it. A shard may have slept since its last turn.
    pub fn wake(&mut self, now: Now) {
        self.set_now(now);
    }

    /// Some bytes came from the peer: a sign of life.
    pub fn handle_heard(&mut self, index: u32) {
        if let Some(connection) = self.connections.at_mut(index) {
            connection.pinged = false;
            self.lives.hear(index, self.tick);
        }
    }

    /// The connection's socket is gone; its index may be given out again.
    pub fn handle_gone(&mut self, index: u32) {
        let Some(key) = self.connections.key_at(index) else {
            return;
        };
        self.leave_all(index);
        self.end_asking(index, CloseReason::Requested(None));
        self.lives.end(index);
        self.connections.remove(key);
        // There may be no reason for a turn that would say so.
        self.publish_counts();
    }

    /// Closes a connection: its close frame goes out behind what was already under way.
    pub fn close(&mut self, index: u32, reason: CloseReason) {
        self.begin_close(index, reason);
    }

    /// Closes the connections of a session that has ended.
    pub fn close_session(&mut self, session: SessionId) {
        self.close_those(|connection| connection.session == session);
    }

    /// Closes the connections of somebody who has no account any more, or a new password.
    pub fn close_user(&mut self, who: &UserName) {
        self.close_those(|connection| connection.who == *who);
    }

    fn close_those(&mut self, are_meant: impl Fn(&Connection) -> bool) {
        for index in self.connections.indices() {
            if self.connections.at(index).is_some_and(&are_meant) {
                self.close(index, CloseReason::SignedOut);
            }
        }
    }

    /// Publishes to a room that has its [home](home_of) on this shard, for the application that the
    /// hub is a part of; nobody need be in the room. The draft must have passed
    /// [`Draft::check`]. The answer comes out of [`take_published`](Self::take_published), and how
    /// many may wait for theirs is the driver's to bound.
    pub fn publish(&mut self, token: PublishToken, room: &RoomName, draft: Draft) {
        debug_assert_eq!(home_of(room, self.shards), self.id);
        self.handle_publish(room, draft, Publisher::Driver(token));
    }

    /// What became of [`publish`](Self::publish)es since the last call: the place of the entry, once
    /// it is final, or [`Refusal::OutcomeUnknown`] if the store does not say so within 5 s.
    pub fn take_published(&mut self) -> Vec<(PublishToken, Result<Position, Refusal>)> {
        std::mem::take(&mut self.published)
    }

    /// Whether the connection is on its way out, so that its input is to be thrown away.
    #[must_use]
    pub fn is_closing(&self, index: u32) -> bool {
        self.connections
            .at(index)
            .is_none_or(|connection| connection.state != State::Open)
    }

    /// How it speaks; `None` if it is not there any more.
    #[must_use]
    pub fn wire_of(&self, index: u32) -> Option<WireIndex> {
        self.connections.at(index).map(|connection| connection.wire)
    }

    /// Which one it is.
    #[must_use]
    pub fn id(&self) -> ShardId {
        self.id
    }

    /// Connections that are attached, closing ones included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The counters, for others to read.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Connections for which [`takes_frames`](Self::takes_frames) said no, and which may be read
    /// again now.
    pub fn take_resumed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.resumed)
    }

    /// The time, as `Now::monotonic`, at which [`turn`](Self::turn) must be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        if self.has_work() {
            return Some(self.now.monotonic);
        }
        let forget = self
            .empty_homes
            .first()
            .map(|(since, _)| since.saturating_add(self.limits.empty_room_kept));
        let presence = self.presence_due.first().map(|(due, _)| *due);
        let all = [self.lives.deadline(), forget, presence, self.doubt_due()];
        all.into_iter().flatten().min()
    }

    /// Takes the letters that `from` has posted.
    pub fn handle_letters(&mut self, from: ShardId, letters: &mut Vec<Letter>) {
        for letter in letters.drain(..) {
            self.deliver(from, letter);
        }
    }

    /// One bounded step of work: what is numbered becomes final, what is final is told, some
    /// members are sent to, what is due is done. `true`: there is more to do at once.
    pub fn turn(&mut self, now: Now, sockets: &mut impl Sockets, bus: &mut impl Bus) -> bool {
        self.set_now(now);
        self.send_notices();
        self.is_in_turn = true;
        self.check_deadlines(sockets);
        self.close_empty_views();
        self.count_some();
        self.settle();
        // Behind what the store has said meanwhile.
        self.doubt_late();
        self.read_for_those_behind();
        self.settle();
        self.show_some();
        // Private output first: an ack stands before the entry that it acknowledges.
        self.flush_private(sockets);
        self.pass_some(sockets);
        self.hear_own();
        self.close_behind_last_passes();
        self.keep_within_bounds();
        self.resume_with_credit();
        self.is_in_turn = false;
        self.post(bus);
        self.publish_counts();
        self.has_work()
    }

    /// Whether a turn would get on with something at once. What waits for another shard does not
    /// count: its answer comes as a letter.
    fn has_work(&self) -> bool {
        let lists = !self.has_pass() && self.to_flush.is_empty() && self.to_show.is_empty();
        let counts = self.to_report.is_empty() && self.to_count.is_empty();
        !(lists && counts && self.remains.is_empty())
            || self.links.iter().any(|link| !link.out.is_empty())
            || self.behind.len() > self.behind_without_credit
            || self.has_view_to_close()
            || self.has_notice_to_send()
            || self.close_all_by.is_some()
    }

    fn set_now(&mut self, now: Now) {
        self.now = now;
        self.tick = Tick::at(now.monotonic);
    }

    /// Delivers this shard's letters to itself until there are none: commits what was numbered,
    /// tells what is final. Each round answers commands, of which credit allows only so many.
    fn settle(&mut self) {
        loop {
            self.commit();
            self.feed_followers();
            self.report_presence();
            self.tell_presence();
            self.report_answered();
            let me = usize::from(self.id.0);
            let own = &mut self.links[me].out;
            if !own.is_empty() {
                self.local.extend(own.drain(..));
            }
            let is_numbered = !self.requests.is_empty() || !self.volatile.is_empty();
            if self.local.is_empty() && !is_numbered {
                return;
            }
            while let Some(letter) = self.local.pop_front() {
                self.deliver(self.id, letter);
            }
        }
    }

    /// What a pass has to say to homes on this very shard is not worth a turn of its own.
    fn hear_own(&mut self) {
        if !self.links[usize::from(self.id.0)].out.is_empty() {
            self.settle();
        }
    }

    fn link(&mut self, to: ShardId) -> &mut Link {
        &mut self.links[usize::from(to.0)]
    }

    fn report_answered(&mut self) {
        self.links.iter_mut().for_each(Link::report);
    }

    fn post(&mut self, bus: &mut impl Bus) {
        for (index, link) in self.links.iter_mut().enumerate() {
            if index != usize::from(self.id.0) && !link.out.is_empty() {
                // There are `shards` links, a u16.
                bus.post(ShardId(index as u16), &mut link.out);
            }
        }
    }

    fn publish_counts(&mut self) {
        self.counts.connections = self.connections.len() as u64;
        self.counts.rooms = self.homes.len() as u64;
        self.counts.log_bytes = self.weights.total() as u64;
        self.stats.publish(&self.counts);
    }

    /// The present tenant of an id's place, if it is still the same.
    fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.get_mut(Key {
            index: id.index,
            generation: id.generation,
        })
    }

    fn id_at(&self, index: u32) -> Option<ConnectionId> {
        self.connections.key_at(index).map(id_of)
    }

    fn reader(&self, index: u32, view: Key) -> Option<Reader> {
        Some(Reader {
            connection: self.id_at(index)?,
            view,
        })
    }
}

fn id_of(key: Key) -> ConnectionId {
    ConnectionId {
        index: key.index,
        generation: key.generation,
    }
}
