//! The one history checker: what readers were told and publishers were promised, against the rules.
//!
//! It is pure. Whoever reads a room reports each entry and each notice in the order in which it came,
//! whoever publishes reports each answer. Rules:
//!
//! 1. An acknowledged entry is in the log at the end, at its position, unless a notice says which went.
//! 2. No id stands at two positions, and no reader is told one position twice.
//! 3. Every reader is told a room's entries in the order of their numbers.
//! 4. One position has one content, for all readers and for the acknowledgement.
//! 5. Between two entries that a reader is told, every missing number has a notice.
//! 6. What was refused for good is not there.
//! 7. What one publisher said stands in the order in which it was said.
//!
//! Time is linear in what is reported: each report is checked on the spot, in constant time. Memory is
//! [`ENTRY_BYTES`] per entry of the logs, however many readers there are, and bounded by
//! [`ENTRIES_MAX`] entries; no reader's own log is kept but its place.

mod log;
#[cfg(test)]
mod tests;
mod violation;

use std::collections::{HashMap, HashSet};
use std::fmt;

use parlour_proto::{Missed, Position, RoomName, Seq};

pub use violation::{Kind, Violation, Violations};

use log::{Log, Placed};

/// Entries that are kept track of, in all rooms together: about 1.3 GiB.
pub const ENTRIES_MAX: usize = 16_000_000;
/// Memory per entry, about: 24 bytes where it stands, and its id's place in a hash table.
pub const ENTRY_BYTES: usize = 80;

/// Entries that may be in a room and nobody was told of yet, where a server is asked to know an id.
const ON_THE_WAY: u64 = 1_000;

/// What a publisher calls an entry, as a number that no two entries of a run share: the publisher in the
/// upper half, and in the lower one how many it had said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u64);

impl Id {
    fn publisher(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.publisher(), self.0 as u32)
    }
}

/// One room, counted from 0 in the order given to [`Checker::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Room(pub usize);

/// One reader: its place in each of its rooms outlives its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reader(usize);

/// The checker of one run.
///
/// ```
/// use parlour_proto::{Epoch, Position, RoomName, Seq};
/// use parlour_torture::checker::{Checker, Id, Kind, Room};
///
/// let den = Room(0);
/// let at = |seq| Position { epoch: Epoch(7), seq: Seq(seq) };
/// let mut checker = Checker::new(vec![RoomName::new("den").unwrap()]);
/// let ann = checker.reader("ann".into());
/// checker.joins(ann, den, at(0));
/// checker.told(ann, den, at(1), Some(Id(1)), 0xabc);
/// checker.acked(den, at(2), Id(2), 0xdef); // a promise
///
/// // At the end everything is read once more; the second entry does not come.
/// let (auditor, _from) = checker.auditor();
/// checker.told(auditor, den, at(1), Some(Id(1)), 0xabc);
/// assert_eq!(checker.finish(auditor).of(Kind::Lost), 1);
/// ```
#[derive(Debug)]
pub struct Checker {
    rooms: Vec<(RoomName, Log)>,
    readers: Vec<Reading>,
    found: Violations,
    counts: Counts,
    entries: usize,
    /// To be judged at the end.
    forgotten: Vec<(Room, Id, Position)>,
    /// Of each publisher, in each room, what the auditor was told last.
    last_said: HashMap<(usize, u32), Id>,
    /// Publishers that sent something again behind what they had sent later.
    out_of_turn: HashSet<u32>,
}

/// What was reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Acknowledgements.
    pub acks: u64,
    /// Entries told to readers, each as often as it was told.
    pub told: u64,
    /// Notices of entries that a reader does not get.
    pub notices: u64,
    /// Notices among them that a room began a new epoch.
    pub new_epochs: u64,
}

#[derive(Debug)]
struct Reading {
    name: String,
    /// Reads everything that is left at the end, so that what it is not told is lost.
    is_auditor: bool,
    places: Vec<(Room, Position)>,
}

impl Reading {
    fn place(&mut self, room: Room) -> Option<&mut Position> {
        let mut places = self.places.iter_mut();
        places.find(|it| it.0 == room).map(|it| &mut it.1)
    }

    fn set(&mut self, room: Room, at: Position) {
        match self.place(room) {
            Some(place) => *place = at,
            None => self.places.push((room, at)),
        }
    }
}

impl Checker {
    /// Of these rooms, about which nothing is known yet.
    #[must_use]
    pub fn new(rooms: Vec<RoomName>) -> Self {
        let rooms = rooms.into_iter().map(|name| (name, Log::default()));
        Self {
            rooms: rooms.collect(),
            readers: Vec::new(),
            found: Violations::default(),
            counts: Counts::default(),
            entries: 0,
            forgotten: Vec::new(),
            last_said: HashMap::new(),
            out_of_turn: HashSet::new(),
        }
    }

    /// One more reader, called `name` where it is told what was wrong.
    pub fn reader(&mut self, name: String) -> Reader {
        self.one_more(name, false)
    }

    fn one_more(&mut self, name: String, is_auditor: bool) -> Reader {
        self.readers.push(Reading {
            name,
            is_auditor,
            places: Vec::new(),
        });
        Reader(self.readers.len() - 1)
    }

    /// The reader that reads all that is left, from the first position that anybody had. Gives where it
    /// is to begin in each room of which anything is known.
    pub fn auditor(&mut self) -> (Reader, Vec<(Room, Position)>) {
        let reader = self.one_more("the audit".into(), true);
        let mut from = Vec::new();
        for (index, (_, log)) in self.rooms.iter().enumerate() {
            if let Some(epoch) = log.first_epoch() {
                let (room, seq) = (Room(index), Seq(0));
                from.push((room, Position { epoch, seq }));
            }
        }
        self.readers[reader.0].places.clone_from(&from);
        (reader, from)
    }

    /// The room of that name.
    #[must_use]
    pub fn room(&self, name: &RoomName) -> Option<Room> {
        self.rooms.iter().position(|it| it.0 == *name).map(Room)
    }

    /// Where a reader is: the position to come back with.
    #[must_use]
    pub fn place(&self, Reader(reader): Reader, room: Room) -> Option<Position> {
        let mut places = self.readers[reader].places.iter();
        places.find(|it| it.0 == room).map(|it| it.1)
    }

    /// A reader is in a room from after `at` on; what was before is not its concern.
    pub fn joins(&mut self, Reader(reader): Reader, room: Room, at: Position) {
        self.rooms[room.0].1.epoch_index(at.epoch);
        self.readers[reader].set(room, at);
    }

    /// A reader is in a room no longer, of its own will.
    pub fn leaves(&mut self, Reader(reader): Reader, room: Room) {
        self.readers[reader].places.retain(|it| it.0 != room);
    }

    /// All readers so far are in no room any longer, of their own will.
    pub fn everybody_leaves(&mut self) {
        for reading in &mut self.readers {
            reading.places.clear();
        }
    }

    /// A reader was told an entry. `content` is a digest of who said it, its type and its payload.
    pub fn told(
        &mut self,
        Reader(reader): Reader,
        room: Room,
        at: Position,
        id: Option<Id>,
        content: u64,
    ) {
        self.counts.told += 1;
        let reading = &mut self.readers[reader];
        let is_auditor = reading.is_auditor;
        match reading.place(room) {
            None => {
                let violation = self.violation(Kind::Hole, reader, room, at, id);
                self.found
                    .add(violation.because("in a room that it had not joined"));
            }
            Some(place) if place.epoch != at.epoch => {
                let was = *place;
                *place = at;
                let violation = self.violation(Kind::Hole, reader, room, at, id);
                let why = format!("another epoch than {}, without a notice", was.epoch);
                self.found.add(violation.because(why));
            }
            Some(place) if at.seq <= place.seq => {
                let last = place.seq;
                self.behind(reader, room, at, id, last);
            }
            Some(place) => {
                let (last, is_next) = (place.seq, at.seq == place.seq.next());
                *place = at;
                if !is_next {
                    let violation = self.violation(Kind::Hole, reader, room, at, id);
                    let why = format!("after {}, and no notice of what is between", last.0);
                    self.found.add(violation.because(why));
                }
            }
        }
        self.stands(Some(reader), room, at, id, content);
        if is_auditor {
            self.rooms[room.0].1.kept(at);
            self.in_turn(room, at, id);
        }
    }

    /// What one publisher said stands in the order in which it was said.
    fn in_turn(&mut self, room: Room, at: Position, id: Option<Id>) {
        let Some(id) = id else {
            return;
        };
        // What is there twice is told as that.
        if self.rooms[room.0].1.place_of(id) != Some(at) {
            return;
        }
        let last = self.last_said.insert((room.0, id.publisher()), id);
        if let Some(last) = last.filter(|last| *last > id)
            && !self.out_of_turn.contains(&id.publisher())
        {
            let why = format!("behind {last}, which was said later");
            self.wrong(Kind::Reordered, room, Some(at), Some(id), why);
        }
    }

    /// A publisher sends something once more behind what it has sent later, so its order is its own doing.
    pub fn said_out_of_turn(&mut self, id: Id) {
        self.out_of_turn.insert(id.publisher());
    }

    /// An entry that does not come after the last one: the same again, or an older one.
    fn behind(&mut self, reader: usize, room: Room, at: Position, id: Option<Id>, last: Seq) {
        let kind = if at.seq == last || self.rooms[room.0].1.knows(at) {
            Kind::Twice
        } else {
            Kind::Reordered
        };
        let violation = self.violation(kind, reader, room, at, id);
        self.found
            .add(violation.because(format!("it had been told up to {}", last.0)));
    }

    /// A reader was told which entries it does not get.
    pub fn notice(&mut self, Reader(reader): Reader, room: Room, missed: Missed) {
        self.counts.notices += 1;
        let place = self.place(Reader(reader), room);
        let (fits, now) = match missed {
            Missed::Entries { epoch, first, last } => {
                let fits = place
                    .is_some_and(|it| it.epoch == epoch && it.seq.next() == first && first <= last);
                (fits, Position { epoch, seq: last })
            }
            Missed::Epoch { was, now } => {
                self.counts.new_epochs += 1;
                (place == Some(was) && was.epoch != now.epoch, now)
            }
        };
        if !fits {
            let violation = self.violation(Kind::WrongNotice, reader, room, now, None);
            let why = format!("{missed:?}, but it was at {place:?}");
            self.found.add(violation.because(why));
        }
        let is_auditor = self.readers[reader].is_auditor;
        self.readers[reader].set(room, now);
        let log = &mut self.rooms[room.0].1;
        log.epoch_index(now.epoch);
        if let (true, Missed::Entries { epoch, last, .. }) = (is_auditor, missed) {
            log.trimmed(epoch, last);
        }
    }

    /// The server says that a reader's place is none that it gave: what it had told is gone.
    pub fn disowned(&mut self, Reader(reader): Reader, room: Room) {
        if let Some(at) = self.place(Reader(reader), room) {
            let violation = self.violation(Kind::Lost, reader, room, at, None);
            self.found.add(
                violation.because("told to it, and then the server did not know the position"),
            );
        }
        self.leaves(Reader(reader), room);
    }

    /// A publisher was told that its entry has this position.
    pub fn acked(&mut self, room: Room, at: Position, id: Id, content: u64) {
        self.counts.acks += 1;
        if self.stands(None, room, at, Some(id), content) {
            self.rooms[room.0].1.acked(at);
        }
    }

    /// A publisher was told that its entry is not published, and does not send it again.
    pub fn refused(&mut self, room: Room, id: Id) {
        self.rooms[room.0].1.refused.insert(id);
    }

    /// A publisher was told that it is not known whether its entry was published after `since`, by a
    /// server that knows the ids of a room's last `ids` entries.
    pub fn forgotten(&mut self, room: Room, id: Id, since: Position, ids: u64) {
        if let Some(head) = self.head(room)
            && head.epoch == since.epoch
            && head.seq.0 + ON_THE_WAY < since.seq.0 + ids
        {
            self.forgotten.push((room, id, since));
        }
    }

    /// Something else that a rule of the protocol forbids.
    pub fn wrong(
        &mut self,
        kind: Kind,
        room: Room,
        at: Option<Position>,
        id: Option<Id>,
        why: String,
    ) {
        let room = self.rooms[room.0].0.as_str();
        self.found
            .add(Violation::new(kind, room, at, id).because(why));
    }

    /// One position has one content. False if it has another one.
    fn stands(
        &mut self,
        reader: Option<usize>,
        room: Room,
        at: Position,
        id: Option<Id>,
        content: u64,
    ) -> bool {
        let left = ENTRIES_MAX.saturating_sub(self.entries);
        let (name, log) = &mut self.rooms[room.0];
        let who = reader.map_or("the acknowledgement", |it| &self.readers[it].name);
        let violation = |kind| Violation::new(kind, name.as_str(), Some(at), id).of(who);
        match log.place(at, id, content, left) {
            Placed::New(count) => {
                self.entries += count;
                true
            }
            Placed::Known => true,
            Placed::Differs => {
                let kind = if reader.is_some() {
                    Kind::Different
                } else {
                    Kind::WrongAck
                };
                self.found.add(
                    violation(kind).because("something else was told at this position before"),
                );
                false
            }
            Placed::Elsewhere(first, count) => {
                self.entries += count;
                let why = format!("the same id stands at {} {}", first.epoch, first.seq.0);
                self.found.add(violation(Kind::Twice).because(why));
                true
            }
            Placed::TooFar => {
                self.found
                    .add(violation(Kind::Hole).because("no number so high was given in this run"));
                false
            }
        }
    }

    fn violation(
        &self,
        kind: Kind,
        reader: usize,
        room: Room,
        at: Position,
        id: Option<Id>,
    ) -> Violation {
        let name = self.rooms[room.0].0.as_str();
        Violation::new(kind, name, Some(at), id).of(&self.readers[reader].name)
    }

    /// Whether there is room for more entries; without it the run must end.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.entries >= ENTRIES_MAX
    }

    /// What was reported so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Acknowledgements of one room so far.
    #[must_use]
    pub fn acks_of(&self, room: Room) -> u64 {
        self.rooms[room.0].1.acks
    }

    /// Different entries that were told or acknowledged so far.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Readers whose place is not where the room ended, as the auditor found it.
    #[must_use]
    pub fn incomplete(&self, auditor: Reader) -> usize {
        let count = |reading: &&Reading| self.lacks(reading, auditor).is_some();
        self.readers.iter().filter(count).count()
    }

    /// Readers of a room that are not as far as this.
    #[must_use]
    pub fn short_of(&self, room: Room, goal: Position) -> usize {
        let is_behind = |at: &Position| at.epoch != goal.epoch || at.seq < goal.seq;
        let places = self.readers.iter().flat_map(|it| &it.places);
        places.filter(|it| it.0 == room && is_behind(&it.1)).count()
    }

    /// The first room in which a reader is not where the auditor is.
    fn lacks(&self, reading: &Reading, auditor: Reader) -> Option<(Room, Position, Position)> {
        let mut places = reading.places.iter();
        places.find_map(|(room, at)| {
            let end = self.place(auditor, *room)?;
            (at.epoch != end.epoch || at.seq < end.seq).then_some((*room, *at, end))
        })
    }

    /// The end: what was acknowledged and is gone, who is not complete, what was refused and is there.
    pub fn finish(mut self, auditor: Reader) -> Violations {
        for (name, log) in &self.rooms {
            for (at, id) in log.lost() {
                let violation = Violation::new(Kind::Lost, name.as_str(), Some(at), id);
                self.found
                    .add(violation.because("acknowledged, and not in the log at the end"));
            }
            for id in &log.refused {
                if let Some(at) = log.place_of(*id) {
                    let violation =
                        Violation::new(Kind::Refused, name.as_str(), Some(at), Some(*id));
                    self.found
                        .add(violation.because("it was refused, and is there"));
                }
            }
        }
        for (room, id, since) in std::mem::take(&mut self.forgotten) {
            // In a new epoch nothing of the old one is known; perhaps nobody had been told of it then.
            if self
                .head(room)
                .is_some_and(|head| head.epoch == since.epoch)
            {
                let why = format!("not many entries after {}", since.seq.0);
                self.wrong(Kind::Forgotten, room, None, Some(id), why);
            }
        }
        for reading in &self.readers {
            if let Some((room, at, end)) = self.lacks(reading, auditor) {
                let name = self.rooms[room.0].0.as_str();
                let why = format!("the room's last entry is {} {}", end.epoch, end.seq.0);
                let violation = Violation::new(Kind::Incomplete, name, Some(at), None);
                self.found.add(violation.of(&reading.name).because(why));
            }
        }
        self.found
    }

    /// What is wrong so far; rules that need the end are not among it.
    #[must_use]
    pub fn found(&self) -> &Violations {
        &self.found
    }

    /// The last position of a room that anybody was told.
    #[must_use]
    pub fn head(&self, room: Room) -> Option<Position> {
        self.rooms[room.0].1.head()
    }
}
