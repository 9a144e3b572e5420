//! One to three shards and their surroundings, driven as a plane drives them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parlour_hub::{
    Answer, Asked, Asks, Attach, Bus, Counts, Framing, Letter, NoStore, NotTold, OwnedTold,
    PublishToken, QuestionToken, Shard, ShardConfig, Since, Store, What, Wire, WireIndex, home_of,
};
use parlour_proto::dialect::{Echo, Events, Feed, Plain, Raw, Routed, V1};
use parlour_proto::{
    Author, ClientId, CloseReason, Command, ConnectionId, Dialect, Draft, EntryId, Frame, Keep,
    Limits, Now, Position, Refusal, RoomKind, RoomKinds, RoomName, ShardId, Timestamp, UserName,
};

use crate::sockets::{Socket, TestSockets};
use crate::speech::{Brittle, Counting, Lengths, Words, take_frames};

/// Speaks [`Words`].
pub(crate) const WORDS: WireIndex = WireIndex(0);
/// Speaks [`Events`].
pub(crate) const EVENTS: WireIndex = WireIndex(1);
/// Speaks [`Brittle`] words.
pub(crate) const BRITTLE: WireIndex = WireIndex(2);
/// Speaks [`V1`].
pub(crate) const FULL: WireIndex = WireIndex(3);
/// Speaks [`Echo`].
pub(crate) const ECHO: WireIndex = WireIndex(4);
/// Speaks [`Plain`].
pub(crate) const PLAIN: WireIndex = WireIndex(5);
/// Speaks [`Feed`].
pub(crate) const FEED: WireIndex = WireIndex(6);
/// Speaks [`Raw`].
pub(crate) const RAW: WireIndex = WireIndex(8);
/// Speaks [`Plain`], and is handled by the application, as nicknames are.
pub(crate) const NAMED_PLAIN: WireIndex = WireIndex(9);
/// Speaks [`Routed`] with the type `wave`, and is handled by the application.
pub(crate) const ROUTED: WireIndex = WireIndex(7);

/// Speaks [`Words`] in frames that are counted.
pub(crate) const COUNTED: WireIndex = WireIndex(10);

/// The hub, its sockets and its clock.
pub(crate) struct World<S = NoStore> {
    seats: Vec<Seat<S>>,
    post: Post,
    now: Duration,
    guests: u32,
}

/// A shard and what its driver keeps for it.
struct Seat<S> {
    shard: Shard<S>,
    sockets: TestSockets,
    /// Something has come since the last turn.
    has_input: bool,
    /// The last turn said that there is more to do.
    has_more: bool,
    turns: usize,
    resumed: Vec<u32>,
    published: Vec<(PublishToken, Result<Position, Refusal>)>,
    /// Ids of the connections that were attached, by their index.
    ids: HashMap<u32, ConnectionId>,
}

/// Letters on the way, in the order in which they were posted, from each shard to each.
#[derive(Default)]
struct Post {
    bags: VecDeque<(ShardId, ShardId, Vec<Letter>)>,
}

struct Postbox<'a> {
    post: &'a mut Post,
    from: ShardId,
}

impl Bus for Postbox<'_> {
    fn post(&mut self, to: ShardId, letters: &mut Vec<Letter>) {
        assert_ne!(to, self.from, "a shard's letters to itself do not travel");
        let letters = std::mem::take(letters);
        self.post.bags.push_back((self.from, to, letters));
    }
}

/// A client, wherever its connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) shard: usize,
    pub(crate) index: u32,
}

/// A world of `shards` shards without rooms on disk.
pub(crate) fn world(shards: u16) -> World {
    world_with(shards, |_| {})
}

/// The same with other limits.
pub(crate) fn world_with(shards: u16, change: impl FnOnce(&mut Limits)) -> World {
    World::with(
        shards,
        Asks::default(),
        change,
        RoomKinds::default(),
        no_store,
    )
}

/// A world of one shard, with rooms in memory of this kind.
pub(crate) fn world_keeping(keep: Keep) -> World {
    let kind = RoomKind {
        keep,
        ..RoomKind::VOLATILE
    };
    let kinds = RoomKinds::default().with("*", kind);
    World::with(1, Asks::default(), |_| {}, kinds, no_store)
}

/// The same with an application that has a policy.
pub(crate) fn world_asking(shards: u16, asks: Asks) -> World {
    World::with(shards, asks, |_| {}, RoomKinds::default(), no_store)
}

fn no_store(_: u16) -> NoStore {
    NoStore::default()
}

/// The name of a room that has its home on `home`.
pub(crate) fn room_at(home: u16, shards: u16) -> String {
    let mut names = (0..).map(|n| format!("room{n}"));
    let is_there = |name: &String| home_of(&RoomName::new(name).unwrap(), shards) == ShardId(home);
    names.find(is_there).unwrap()
}

impl<S: Store> World<S> {
    /// A world in which all rooms are durable.
    pub(crate) fn new(
        shards: u16,
        change: impl FnOnce(&mut Limits),
        store: impl Fn(u16) -> S,
    ) -> Self {
        let kinds = RoomKinds::default().with("*", RoomKind::DURABLE);
        Self::with(shards, Asks::default(), change, kinds, store)
    }

    fn with(
        shards: u16,
        asks: Asks,
        change: impl FnOnce(&mut Limits),
        kinds: RoomKinds,
        store: impl Fn(u16) -> S,
    ) -> Self {
        let kinds = Arc::new(kinds);
        // Tests say much at once, and the same again; those of the rate and of repeats set one.
        let mut limits = Limits {
            messages_per_second: 0,
            ids_per_room_max: 0,
            ..Limits::default()
        };
        change(&mut limits);
        let limits = Arc::new(limits);
        let framing: Arc<dyn Framing> = Arc::new(Lengths);
        let dialects: [Arc<dyn Dialect>; 10] = [
            Arc::new(Words),
            Arc::new(Events),
            Arc::new(Brittle),
            Arc::new(V1),
            Arc::new(Echo),
            Arc::new(Plain),
            Arc::new(Feed),
            Arc::new(Routed::new("test.routed").asks("wave").tells("waved")),
            Arc::new(Raw::new("test.raw")),
            Arc::new(Plain),
        ];
        let wires: Arc<[Wire]> = dialects
            .into_iter()
            .zip(0..)
            .map(|(dialect, place)| Wire {
                is_handled: [ROUTED, NAMED_PLAIN].contains(&WireIndex(place)),
                dialect,
                framing: Arc::clone(&framing),
            })
            .chain([Wire {
                dialect: Arc::new(Words),
                framing: Arc::new(Counting),
                is_handled: false,
            }])
            .collect();
        let seat = |id| Seat {
            shard: Shard::new(
                ShardConfig {
                    id: ShardId(id),
                    shards,
                    wires: Arc::clone(&wires),
                    limits: Arc::clone(&limits),
                    kinds: Arc::clone(&kinds),
                    asks,
                    seed: u64::from(id),
                },
                store(id),
            ),
            sockets: TestSockets::default(),
            has_input: false,
            has_more: false,
            turns: 0,
            resumed: Vec::new(),
            published: Vec::new(),
            ids: HashMap::new(),
        };
        Self {
            seats: (0..shards).map(seat).collect(),
            post: Post::default(),
            now: Duration::ZERO,
            guests: 0,
        }
    }

    /// Says that it speaks `parlour.v1`, and reads what it is greeted with.
    pub(crate) fn full(&mut self, shard: usize) -> Peer {
        let peer = self.connect(shard, FULL, None);
        self.run();
        assert_eq!(self.heard(peer).len(), 1, "a hello");
        peer
    }

    // What clients do.

    /// Connects to a shard, speaking `wire`, entering `room` if there is one.
    pub(crate) fn connect(&mut self, shard: usize, wire: WireIndex, room: Option<&str>) -> Peer {
        self.guests += 1;
        self.connect_as(shard, wire, &self.guests.to_string(), room)
    }

    /// The same as the guest of this name.
    pub(crate) fn connect_as(
        &mut self,
        shard: usize,
        wire: WireIndex,
        guest: &str,
        room: Option<&str>,
    ) -> Peer {
        let author = match wire {
            PLAIN | NAMED_PLAIN => Author::Plain(ClientId::of_name(guest)),
            _ => Author::Named,
        };
        let attach = Attach {
            room: room.map(|room| RoomName::new(room).unwrap()),
            author,
            ..Attach::new(wire, UserName::guest(guest).unwrap())
        };
        self.attach(shard, attach)
    }

    /// What a door asks before it lets somebody into `room`.
    pub(crate) fn since(&mut self, room: &str) -> Since {
        let room = RoomName::new(room).unwrap();
        let home = home_of(&room, u16::try_from(self.seats.len()).unwrap());
        let shard = &mut self.seats[usize::from(home.0)].shard;
        shard.since(QuestionToken(0), &room);
        let [(_, since)] = shard.take_sinces()[..] else {
            panic!("it is not known at once");
        };
        since
    }

    /// Connects, in `room` since then.
    pub(crate) fn connect_since(
        &mut self,
        shard: usize,
        wire: WireIndex,
        room: &str,
        since: Since,
    ) -> Peer {
        self.guests += 1;
        let guest = self.guests.to_string();
        let author = match wire {
            PLAIN => Author::Plain(ClientId::of_name(&guest)),
            _ => Author::Named,
        };
        let attach = Attach {
            room: Some(RoomName::new(room).unwrap()),
            since,
            author,
            ..Attach::new(wire, UserName::guest(&guest).unwrap())
        };
        self.attach(shard, attach)
    }

    /// Connects as it says.
    pub(crate) fn attach(&mut self, shard: usize, attach: Attach) -> Peer {
        let now = self.now();
        let seat = self.wake(shard);
        let id = seat.shard.attach(now, attach);
        let index = id.index;
        seat.ids.insert(index, id);
        let socket = Socket::open();
        seat.sockets.sockets.insert(index, socket);
        Peer { shard, index }
    }

    /// Connects and comes to rest, so that the peer is in `room` and has heard so.
    pub(crate) fn member(&mut self, shard: usize, room: &str) -> Peer {
        let peer = self.connect(shard, WORDS, Some(room));
        self.run();
        let heard = self.heard(peer);
        assert!(
            heard[0].starts_with(&format!("joined {room} ")),
            "{heard:?}"
        );
        peer
    }

    /// Says something that the hub must be willing to take, without giving it a turn.
    pub(crate) fn say(&mut self, peer: Peer, text: &str) {
        assert!(self.try_say(peer, text), "{peer:?} is held back");
    }

    /// The same, if the hub is willing.
    pub(crate) fn try_say(&mut self, peer: Peer, text: &str) -> bool {
        let shard = &mut self.wake(peer.shard).shard;
        let takes = shard.takes_frames(peer.index);
        if takes {
            shard.handle_heard(peer.index);
            shard.handle_frame(peer.index, Frame::Text(text));
        }
        takes
    }

    /// Sends bytes that the hub gives back.
    pub(crate) fn echo(&mut self, peer: Peer, bytes: &[u8]) {
        let shard = &mut self.wake(peer.shard).shard;
        shard.handle_frame(peer.index, Frame::Binary(bytes));
    }

    /// Makes room for what the client will read, so that a test can count the hub's memory alone.
    pub(crate) fn reserve(&mut self, peer: Peer, bytes: usize) {
        self.socket(peer).taken.reserve(bytes);
    }

    pub(crate) fn ping(&mut self, peer: Peer, payload: &[u8]) {
        let shard = &mut self.wake(peer.shard).shard;
        shard.handle_heard(peer.index);
        shard.handle_ping(peer.index, payload);
    }

    /// Some bytes come that are no whole frame.
    pub(crate) fn stir(&mut self, peer: Peer) {
        self.wake(peer.shard).shard.handle_heard(peer.index);
    }

    pub(crate) fn send_close(&mut self, peer: Peer, code: Option<u16>) {
        let shard = &mut self.wake(peer.shard).shard;
        shard.handle_close(peer.index, code);
    }

    /// Its socket ends. The driver says so between turns; the shard's deadline must ask for the next
    /// one if there is something to do.
    pub(crate) fn hang_up(&mut self, peer: Peer) {
        let seat = &mut self.seats[peer.shard];
        seat.shard.handle_gone(peer.index);
        seat.sockets.sockets.remove(&peer.index);
    }

    /// Its socket is gone; the next send finds out.
    pub(crate) fn vanish(&mut self, peer: Peer) {
        self.socket(peer).vanished = true;
    }

    /// It takes no byte any more.
    pub(crate) fn block(&mut self, peer: Peer) {
        self.socket(peer).capacity = 0;
    }

    /// It takes `count` bytes more (`usize::MAX`: any number).
    pub(crate) fn unblock(&mut self, peer: Peer, count: usize) {
        let seat = self.wake(peer.shard);
        let socket = seat.sockets.sockets.get_mut(&peer.index).unwrap();
        socket.capacity = count;
        if std::mem::take(&mut socket.blocked) {
            seat.shard.handle_writable(peer.index, &mut seat.sockets);
        }
    }

    /// The application publishes, as its number `token`.
    pub(crate) fn publish_inside(&mut self, token: u64, room: &str, id: &str) {
        let room = RoomName::new(room).unwrap();
        let home = home_of(&room, u16::try_from(self.seats.len()).unwrap());
        let draft = Draft::message("$app", "x").with_id(EntryId::new(id).unwrap());
        let shard = &mut self.wake(usize::from(home.0)).shard;
        shard.publish(PublishToken(token), &room, draft);
    }

    /// The answers to the application since the last look, in the order of its numbers: those of
    /// the entries, or why there is none.
    pub(crate) fn published(&mut self) -> Vec<(u64, Result<u64, Refusal>)> {
        let seats = self.seats.iter_mut();
        let answers = seats.flat_map(|seat| std::mem::take(&mut seat.published));
        let mut answers: Vec<_> = answers
            .map(|(token, result)| (token.0, result.map(|position| position.seq.0)))
            .collect();
        answers.sort_by_key(|(token, _)| *token);
        answers
    }

    // What the application does.

    /// What it is asked on a shard since the last look.
    pub(crate) fn asked(&mut self, shard: usize) -> Vec<What> {
        let asked = self.seats[shard].shard.take_asked();
        asked.into_iter().map(|Asked { what, .. }| what).collect()
    }

    pub(crate) fn answer(&mut self, peer: Peer, answer: Answer) {
        let id = self.id(peer);
        self.wake(peer.shard).shard.answer(id, answer);
    }

    pub(crate) fn command(&mut self, peer: Peer, command: Command<'static>) {
        let id = self.id(peer);
        self.wake(peer.shard).shard.command(id, command);
    }

    pub(crate) fn rename(&mut self, peer: Peer, name: &str) {
        let id = self.id(peer);
        let who = UserName::guest(name).unwrap();
        self.wake(peer.shard).shard.rename(id, &who);
    }

    pub(crate) fn tell(&mut self, peer: Peer, told: &OwnedTold) -> Result<(), NotTold> {
        let id = self.id(peer);
        self.wake(peer.shard).shard.tell_one(id, told)
    }

    /// The id of the last connection that had this index.
    pub(crate) fn id(&self, peer: Peer) -> ConnectionId {
        self.seats[peer.shard].ids[&peer.index]
    }

    // What can be seen.

    /// The whole frames that came to a client since the last look.
    pub(crate) fn heard(&mut self, peer: Peer) -> Vec<String> {
        take_frames(&mut self.socket(peer).taken)
    }

    /// Those of its frames that are entries.
    pub(crate) fn entries(&mut self, peer: Peer) -> Vec<String> {
        let mut heard = self.heard(peer);
        heard.retain(|frame| frame.starts_with("entry "));
        heard
    }

    /// Bytes of a frame that came only in part.
    pub(crate) fn half_heard(&mut self, peer: Peer) -> usize {
        self.socket(peer).taken.len()
    }

    pub(crate) fn is_finished(&mut self, peer: Peer) -> bool {
        self.socket(peer).finished
    }

    pub(crate) fn was_cut(&self, peer: Peer) -> bool {
        self.seats[peer.shard].sockets.cut.contains(&peer.index)
    }

    pub(crate) fn shard(&mut self, shard: usize) -> &mut Shard<S> {
        &mut self.seats[shard].shard
    }

    /// The counters of all shards.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for seat in &self.seats {
            seat.shard.stats().add_to(&mut counts);
        }
        counts
    }

    /// Turns of all shards so far.
    pub(crate) fn turns(&self) -> usize {
        self.seats.iter().map(|seat| seat.turns).sum()
    }

    /// Peers of a shard that may be read again since the last look.
    pub(crate) fn resumed(&mut self, shard: usize) -> Vec<u32> {
        std::mem::take(&mut self.seats[shard].resumed)
    }

    // What the driver does.

    pub(crate) fn now_at(&self) -> Duration {
        self.now
    }

    fn now(&self) -> Now {
        let wall = i64::try_from(self.now.as_nanos()).unwrap();
        Now {
            monotonic: self.now,
            wall: Timestamp::from_unix_nanoseconds(wall),
        }
    }

    /// Something comes for this shard.
    fn wake(&mut self, shard: usize) -> &mut Seat<S> {
        let now = self.now();
        let seat = &mut self.seats[shard];
        if !std::mem::replace(&mut seat.has_input, true) {
            seat.shard.wake(now);
        }
        seat
    }

    fn socket(&mut self, peer: Peer) -> &mut Socket {
        let sockets = &mut self.seats[peer.shard].sockets.sockets;
        sockets.get_mut(&peer.index).expect("an open socket")
    }

    /// Closes everything.
    pub(crate) fn close_all(&mut self, reason: CloseReason) {
        for shard in 0..self.seats.len() {
            self.wake(shard).shard.close_all(reason);
        }
    }

    pub(crate) fn close(&mut self, peer: Peer, reason: CloseReason) {
        self.wake(peer.shard).shard.close(peer.index, reason);
    }

    /// The store has something to say: shards poll it in a turn.
    pub(crate) fn poll_stores(&mut self) {
        self.wake_all();
        self.run();
    }

    /// Gives every shard a reason for its next turn.
    pub(crate) fn wake_all(&mut self) {
        for shard in 0..self.seats.len() {
            self.wake(shard);
        }
    }

    /// Delivers letters and gives turns until no shard has anything to do now. Only shards that
    /// have a reason get a turn: input, letters, "there is more", or their deadline.
    pub(crate) fn run(&mut self) {
        let mut left = 100_000;
        while self.step() {
            left -= 1;
            assert!(left > 0, "the world does not come to rest");
        }
    }

    /// Letters are delivered, and each shard that has a reason gets one turn.
    pub(crate) fn step(&mut self) -> bool {
        self.deliver();
        let mut moved = false;
        for shard in 0..self.seats.len() {
            moved |= self.turn_if_due(shard);
        }
        moved || !self.post.bags.is_empty()
    }

    /// Letters that are on the way are delivered, and nothing else.
    pub(crate) fn deliver(&mut self) {
        while let Some((from, to, mut letters)) = self.post.bags.pop_front() {
            let seat = self.wake(usize::from(to.0));
            seat.shard.handle_letters(from, &mut letters);
            assert!(letters.is_empty(), "letters are drained");
        }
    }

    fn turn_if_due(&mut self, shard: usize) -> bool {
        let now = self.now();
        let seat = &mut self.seats[shard];
        let is_due = seat.shard.deadline().is_some_and(|at| at <= now.monotonic);
        if !(seat.has_input || seat.has_more || is_due) {
            return false;
        }
        seat.has_input = false;
        seat.turns += 1;
        let mut bus = Postbox {
            post: &mut self.post,
            from: ShardId(u16::try_from(shard).unwrap()),
        };
        seat.has_more = seat.shard.turn(now, &mut seat.sockets, &mut bus);
        seat.resumed.append(&mut seat.shard.take_resumed());
        seat.published.append(&mut seat.shard.take_published());
        let mut gone = std::mem::take(&mut seat.sockets.gone);
        gone.dedup();
        for index in gone {
            seat.shard.handle_gone(index);
        }
        true
    }

    /// Lets time pass. Shards get their turns at their deadlines, and no other.
    pub(crate) fn pass_time(&mut self, span: Duration) {
        self.run();
        let until = self.now + span;
        while let Some(next) = self.next_deadline().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.run();
            assert!(
                self.next_deadline().is_none_or(|again| again > next),
                "a deadline that was met is not set again"
            );
        }
        self.now = until;
    }

    /// Lets time pass until then, without giving anybody a turn.
    pub(crate) fn pass_time_to(&mut self, until: Duration) {
        self.now = self.now.max(until);
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let deadlines = self.seats.iter().filter_map(|seat| seat.shard.deadline());
        deadlines.min()
    }
}

/// The position that a `joined` frame tells: its epoch and number.
pub(crate) fn position(joined: &str) -> (String, u64) {
    let words: Vec<_> = joined.split(' ').collect();
    match words[..] {
        ["joined", _, seq, epoch] => (epoch.to_owned(), seq.parse().unwrap()),
        _ => panic!("no joined: {joined}"),
    }
}

/// Seconds.
pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
