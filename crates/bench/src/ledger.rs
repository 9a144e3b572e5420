//! Who must still get what: counts every delivery and notices each one that is wrong.
//!
//! Each publisher numbers its messages. A member must see every publisher of its room from 0
//! without a gap, so one comparison per delivery proves that nothing is missing or out of order.

use crate::BenchError;
use crate::tag::Tag;

/// How connections are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Connections that join a room and count what they get. Member `i` is in room `i % rooms`.
    pub members: usize,
    /// Rooms the members are spread over.
    pub rooms: usize,
    /// Members of each room that publish, in turn.
    pub publishers: usize,
    /// Further connections, all in one room in which nobody speaks.
    pub idle: usize,
}

impl Layout {
    /// All connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.members + self.idle
    }

    /// Publishers of all rooms.
    #[must_use]
    pub fn all_publishers(&self) -> usize {
        self.rooms * self.publishers
    }

    /// The room of a connection; `None` if it is idle.
    #[must_use]
    pub fn room_of(&self, connection: usize) -> Option<usize> {
        (connection < self.members).then(|| connection % self.rooms)
    }

    /// The connection behind a publisher.
    #[must_use]
    pub fn connection_of(&self, publisher: usize) -> usize {
        let (room, turn) = (publisher / self.publishers, publisher % self.publishers);
        room + turn * self.rooms
    }

    /// Members of a room.
    #[must_use]
    pub fn size_of(&self, room: usize) -> usize {
        self.members / self.rooms + usize::from(room < self.members % self.rooms)
    }

    /// Says what is wrong with the numbers.
    ///
    /// # Errors
    /// [`BenchError::Options`] if a room would be without a member or a publisher.
    pub fn check(&self) -> Result<(), BenchError> {
        let wrong = |why: String| Err(BenchError::Options(why));
        if self.rooms == 0 || self.members < self.rooms {
            return wrong(format!(
                "{} members cannot fill {} rooms: each room needs one at least",
                self.members, self.rooms
            ));
        }
        if self.publishers == 0 || self.publishers > self.members / self.rooms {
            return wrong(format!(
                "{} publishers per room, but its members are {}: publishers are members",
                self.publishers,
                self.members / self.rooms
            ));
        }
        Ok(())
    }
}

/// The book of what was published and what has arrived.
#[derive(Debug)]
pub struct Ledger {
    layout: Layout,
    /// Messages published so far, per publisher.
    published: Vec<u32>,
    /// The next count each member must see, one row of its room's publishers per member.
    expected: Vec<u32>,
    /// Deliveries still to come of the last messages, a ring of `slots` per publisher.
    remaining: Vec<u32>,
    slots: usize,
    in_flight: usize,
    due: u64,
    arrived: u64,
    out_of_order: u64,
    strayed: u64,
    skipped: u64,
    first: Option<String>,
}

impl Ledger {
    /// An empty book. `layout` has been checked.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self {
            layout,
            published: vec![0; layout.all_publishers()],
            expected: vec![0; layout.members * layout.publishers],
            remaining: Vec::new(),
            slots: 0,
            in_flight: 0,
            due: 0,
            arrived: 0,
            out_of_order: 0,
            strayed: 0,
            skipped: 0,
            first: None,
        }
    }

    /// From now on follows each of up to `most` messages in flight (0: only sums).
    ///
    /// Only to be called while nothing is in flight.
    pub fn follow(&mut self, most: usize) {
        self.slots = if most == 0 {
            0
        } else {
            most.next_power_of_two()
        };
        self.remaining.clear();
        self.remaining.resize(self.slots * self.published.len(), 0);
        self.in_flight = 0;
    }

    /// Enters one more message of `publisher`; gives its count.
    pub fn publish(&mut self, publisher: usize) -> u32 {
        let count = self.published[publisher];
        self.published[publisher] = count.wrapping_add(1);
        let size = self.layout.size_of(publisher / self.layout.publishers);
        self.due += size as u64;
        if self.slots > 0 {
            self.remaining[publisher * self.slots + count as usize % self.slots] = size as u32;
            self.in_flight += 1;
        }
        count
    }

    /// Enters a delivery. Runs once per delivery: one comparison when all is well.
    #[inline]
    pub fn arrive(&mut self, connection: usize, tag: &Tag) {
        let publishers = self.layout.publishers;
        let publisher = tag.publisher as usize;
        // One publisher and one room need no division, and are the case that is measured most.
        let (room, turn) = match publishers {
            1 => (publisher, 0),
            _ => (publisher / publishers, publisher % publishers),
        };
        let home = if self.layout.rooms == 1 {
            0
        } else {
            connection % self.layout.rooms
        };
        if connection >= self.layout.members || room != home {
            return self.stray(connection, tag);
        }
        let expected = &mut self.expected[connection * publishers + turn];
        if *expected != tag.count {
            return self.wrong_order(connection, turn, tag);
        }
        *expected = expected.wrapping_add(1);
        self.arrived += 1;
        if self.slots > 0 {
            let left =
                &mut self.remaining[publisher * self.slots + tag.count as usize % self.slots];
            *left -= 1;
            self.in_flight -= usize::from(*left == 0);
        }
    }

    #[cold]
    fn stray(&mut self, connection: usize, tag: &Tag) {
        self.strayed += 1;
        self.first.get_or_insert_with(|| {
            format!(
                "connection {connection} got a message of publisher {}",
                tag.publisher
            )
        });
    }

    #[cold]
    fn wrong_order(&mut self, connection: usize, turn: usize, tag: &Tag) {
        let expected = &mut self.expected[connection * self.layout.publishers + turn];
        self.first.get_or_insert_with(|| {
            format!(
                "connection {connection} got message {} of publisher {} and not {expected}",
                tag.count, tag.publisher
            )
        });
        if tag.count > *expected {
            self.skipped += u64::from(tag.count - *expected);
            *expected = tag.count.wrapping_add(1);
            self.arrived += 1;
        } else {
            self.out_of_order += 1;
            // It was counted as skipped when a later one came before it.
            self.skipped = self.skipped.saturating_sub(1);
        }
    }

    /// Messages that not every member of their room has yet. Meaningful while messages are followed.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Deliveries that have come.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Whether everything that was published has reached everyone.
    #[must_use]
    pub fn quiet(&self) -> bool {
        self.arrived == self.due
    }

    /// Whether a delivery was wrong.
    #[must_use]
    pub fn broken(&self) -> bool {
        self.first.is_some()
    }

    /// The fault as an error; deliveries that are still due count as missing if `late`.
    #[must_use]
    pub fn fault(&self, late: bool) -> BenchError {
        let missing = if late {
            self.due - self.arrived
        } else {
            self.skipped
        };
        let first = self.first.clone().unwrap_or_else(|| self.first_missing());
        let (out_of_order, strayed) = (self.out_of_order, self.strayed);
        BenchError::Delivery {
            missing,
            out_of_order,
            strayed,
            first,
        }
    }

    fn first_missing(&self) -> String {
        let publishers = self.layout.publishers;
        for (index, &expected) in self.expected.iter().enumerate() {
            let (connection, turn) = (index / publishers, index % publishers);
            let publisher = connection % self.layout.rooms * publishers + turn;
            if expected != self.published[publisher] {
                return format!(
                    "connection {connection} has {expected} of the {} messages of publisher \
                     {publisher}, and nothing more comes",
                    self.published[publisher]
                );
            }
        }
        "nothing is missing".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        members: 5,
        rooms: 2,
        publishers: 2,
        idle: 1,
    };

    fn tag(publisher: u32, count: u32) -> Tag {
        Tag {
            sent: 0,
            run: 0,
            publisher,
            count,
        }
    }

    fn faults(ledger: &Ledger, late: bool) -> (u64, u64, u64) {
        match ledger.fault(late) {
            BenchError::Delivery {
                missing,
                out_of_order,
                strayed,
                ..
            } => (missing, out_of_order, strayed),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn members_are_spread_evenly_and_publishers_are_members_of_their_room() {
        assert_eq!([0, 1].map(|room| LAYOUT.size_of(room)), [3, 2]);
        for publisher in 0..LAYOUT.all_publishers() {
            let connection = LAYOUT.connection_of(publisher);
            assert_eq!(
                LAYOUT.room_of(connection),
                Some(publisher / LAYOUT.publishers)
            );
        }
        assert_eq!(LAYOUT.room_of(5), None);
    }

    #[test]
    fn layouts_without_members_or_publishers_are_refused() {
        LAYOUT.check().unwrap();
        for wrong in [
            Layout { rooms: 0, ..LAYOUT },
            Layout { rooms: 6, ..LAYOUT },
            Layout {
                publishers: 0,
                ..LAYOUT
            },
            Layout {
                publishers: 3,
                ..LAYOUT
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_message_is_in_flight_until_every_member_has_it() {
        let mut ledger = Ledger::new(LAYOUT);
        ledger.follow(2);
        assert_eq!((ledger.publish(0), ledger.publish(3)), (0, 0));
        assert_eq!(ledger.in_flight(), 2);
        for connection in [0, 2] {
            ledger.arrive(connection, &tag(0, 0));
        }
        for connection in [1, 3] {
            ledger.arrive(connection, &tag(3, 0));
        }
        assert_eq!((ledger.in_flight(), ledger.quiet()), (1, false));
        ledger.arrive(4, &tag(0, 0));
        assert_eq!(
            (ledger.in_flight(), ledger.quiet(), ledger.broken()),
            (0, true, false)
        );
    }

    #[test]
    fn a_gap_is_missing_and_a_late_one_is_out_of_order() {
        let mut ledger = Ledger::new(LAYOUT);
        for _ in 0..3 {
            ledger.publish(0);
        }
        ledger.arrive(0, &tag(0, 0));
        ledger.arrive(0, &tag(0, 2));
        assert_eq!(faults(&ledger, false), (1, 0, 0));
        ledger.arrive(0, &tag(0, 1));
        assert_eq!(faults(&ledger, false), (0, 1, 0));
    }

    #[test]
    fn doubled_and_strayed_deliveries_are_faults() {
        let mut ledger = Ledger::new(LAYOUT);
        ledger.publish(0);
        ledger.arrive(0, &tag(0, 0));
        assert!(!ledger.broken());
        ledger.arrive(0, &tag(0, 0));
        ledger.arrive(1, &tag(0, 0));
        ledger.arrive(5, &tag(0, 0));
        ledger.arrive(0, &tag(u32::MAX, 0));
        assert_eq!(faults(&ledger, false), (0, 1, 3));
    }

    #[test]
    fn what_never_comes_is_named() {
        let mut ledger = Ledger::new(LAYOUT);
        ledger.publish(2);
        ledger.arrive(1, &tag(2, 0));
        assert_eq!(faults(&ledger, true), (1, 0, 0));
        let fault = ledger.fault(true).to_string();
        assert!(
            fault.contains("connection 3 has 0 of the 1 messages of publisher 2"),
            "{fault}"
        );
    }
}
