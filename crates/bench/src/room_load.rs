//! One room under load, step by step, so that several can be driven by one thread side by side.
//!
//! The members speak `parlour.v1`, whose entries are numbered: what is missing, doubled or out of
//! order shows in the number, and the number says when the message was due.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::BenchError;
use crate::crowd::{Crowd, DIALECT, Happened};
use crate::frame::{self, TEXT};
use crate::generator::{Load, PATIENCE, Schedule};
use crate::handshake::Handshake;
use crate::progress::Show;
use crate::report::latencies;
use crate::target::Target;
use crate::tickets::Tickets;

const TURN: Duration = Duration::from_millis(20);
/// Publishes of one connection that a server reads on with while they have no answer.
pub(crate) const WINDOW: usize = 64;

/// What a connection is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is in the room; the first of these publishes.
    Member,
    /// It only takes a place.
    Filler,
}

/// How a room is opened.
pub(crate) struct Opening<'a> {
    pub(crate) name: &'a str,
    /// In the order in which they come.
    pub(crate) roles: &'a [Role],
    /// Connections on their way at once: with 1 the server has placed each before the next comes.
    pub(crate) at_once: usize,
    /// Bytes of a message's text.
    pub(crate) payload: usize,
    /// Sockets that one step looks at.
    pub(crate) events: usize,
}

/// What a phase measured.
#[derive(Debug, Clone)]
pub(crate) struct RoomSample {
    pub(crate) deliveries: u64,
    pub(crate) reads: u64,
    pub(crate) elapsed: Duration,
    /// Nanoseconds from when a message was due until its delivery.
    pub(crate) latency: Histogram<u64>,
}

impl RoomSample {
    pub(crate) fn per_second(&self) -> f64 {
        self.deliveries as f64 / self.elapsed.as_secs_f64()
    }

    pub(crate) fn frames_per_read(&self) -> f64 {
        self.deliveries as f64 / self.reads.max(1) as f64
    }

    pub(crate) fn p99_ms(&self) -> f64 {
        self.latency.value_at_quantile(0.99) as f64 / 1e6
    }
}

/// The room.
pub(crate) struct RoomLoad {
    crowd: Crowd,
    publisher: usize,
    /// A publish, as it is sent.
    publish: Vec<u8>,
    book: Book,
    schedule: Option<Schedule>,
    began: u64,
    last_arrival: u64,
}

/// What was published and what has come of it.
struct Book {
    clock: Instant,
    /// Bytes of an entry in front of its number.
    head: usize,
    /// By connection: the number that it must see next; nobody's is 0.
    next: Vec<u64>,
    members: usize,
    /// The number before the first message of this phase, and for each of them when it was due
    /// and how many have yet to see it.
    base: u64,
    due: Vec<u64>,
    remaining: Vec<u32>,
    in_flight: usize,
    deliveries: u64,
    /// Reads that brought some of them, and whose the last one was.
    reads: u64,
    last_read: Option<usize>,
    latency: Histogram<u64>,
}

impl RoomLoad {
    /// Opens the connections; all members are in the room when this returns.
    pub(crate) fn open(
        target: &Target,
        opening: &Opening<'_>,
        show: Show,
    ) -> Result<Self, BenchError> {
        let mut crowd = Crowd::new(target.clone(), opening.events)?;
        let total = opening.roles.len();
        let bar = show.count("joining", total);
        let mut tickets = Tickets::new(target.clone());
        let mut book = Book::new(opening, total);
        let (mut done, mut last) = (0, Instant::now());
        while done < total {
            while crowd.len() < total && crowd.len() - done < opening.at_once {
                // Those of the batch are used at once; one by one they would grow old.
                let ticket = tickets.next(opening.at_once.min(total - crowd.len()))?;
                let handshake = match opening.roles[crowd.len()] {
                    Role::Member => {
                        Handshake::into_room(target, &ticket, Some(DIALECT), opening.name)
                    }
                    Role::Filler => Handshake::speaking(target, &ticket, DIALECT),
                };
                crowd.open(handshake)?;
            }
            let before = done;
            crowd.turn(TURN, |number, happened, _| {
                match happened {
                    Happened::Opened if opening.roles[number] == Role::Filler => done += 1,
                    Happened::Text(text) if text.starts_with(br#"{"t":"joined""#) => {
                        book.next[number] = seq_behind(text, br#","seq":"#)
                            .ok_or_else(|| BenchError::refused(number, text))?
                            + 1;
                        done += 1;
                    }
                    Happened::Text(text) if text.starts_with(br#"{"t":"error""#) => {
                        return Err(BenchError::refused(number, text));
                    }
                    Happened::Ended(why) => return Err(BenchError::closed(number, why)),
                    _ => {}
                }
                Ok(())
            })?;
            if done > before {
                last = Instant::now();
                bar.set_position(done as u64);
            } else if last.elapsed() > PATIENCE {
                return Err(BenchError::Join {
                    missing: total - done,
                    members: total,
                    seconds: PATIENCE.as_secs(),
                });
            }
        }
        let publisher = opening.roles.iter().position(|role| *role == Role::Member);
        let mut publish = Vec::new();
        let head = format!(r#"{{"t":"publish","room":"{}","payload":""#, opening.name);
        let text = vec![b'.'; opening.payload];
        frame::push_masked(&mut publish, TEXT, &[head.as_bytes(), &text, br#""}"#]);
        Ok(Self {
            crowd,
            publisher: publisher.unwrap_or(0),
            publish,
            book,
            schedule: None,
            began: 0,
            last_arrival: 0,
        })
    }

    /// Begins a phase; nothing is on its way.
    pub(crate) fn begin(&mut self, load: Load, duration: Duration) {
        let now = self.book.now();
        self.schedule = Some(Schedule::new(load, now, duration));
        (self.began, self.last_arrival) = (now, now);
        self.book.begin(self.publisher);
    }

    /// Publishes what is due and looks at some sockets once; true when the phase is over and
    /// everything has arrived.
    pub(crate) fn step(&mut self) -> Result<bool, BenchError> {
        let now = self.book.now();
        if let Some(schedule) = &mut self.schedule {
            let mut published = false;
            while let Some(due) = schedule.next(now, self.book.in_flight) {
                self.book.publish(due);
                let out = self.crowd.outgoing(self.publisher);
                out.extend_from_slice(&self.publish);
                published = true;
            }
            if published {
                self.crowd.flush(self.publisher)?;
            }
        }
        let before = self.book.deliveries;
        let book = &mut self.book;
        book.last_read = None;
        self.crowd
            .turn(Duration::ZERO, |number, happened, _| match happened {
                Happened::Text(text) => book.hear(number, text),
                Happened::Ended(why) => Err(BenchError::closed(number, why)),
                _ => Ok(()),
            })?;
        let now = self.book.now();
        if self.book.deliveries != before || self.book.in_flight == 0 {
            self.last_arrival = now;
        } else if now - self.last_arrival > PATIENCE.as_nanos() as u64 {
            return Err(self.book.missing());
        }
        let over = self.schedule.as_ref().is_none_or(|it| it.over(now));
        Ok(over && self.book.in_flight == 0)
    }

    /// Runs a phase alone.
    pub(crate) fn run(&mut self, load: Load, duration: Duration) -> Result<RoomSample, BenchError> {
        self.begin(load, duration);
        while !self.step()? {}
        Ok(self.sample())
    }

    /// What the phase measured so far.
    pub(crate) fn sample(&self) -> RoomSample {
        RoomSample {
            deliveries: self.book.deliveries,
            reads: self.book.reads,
            elapsed: Duration::from_nanos(self.last_arrival - self.began),
            latency: self.book.latency.clone(),
        }
    }

    /// Takes leave of the server.
    pub(crate) fn close(mut self) -> Result<(), BenchError> {
        self.crowd.close()
    }
}

impl Book {
    fn new(opening: &Opening<'_>, total: usize) -> Self {
        let head = format!(
            r#"{{"t":"entry","room":"{}","epoch":"","seq":"#,
            opening.name
        );
        let members = opening.roles.iter().filter(|it| **it == Role::Member);
        Self {
            clock: Instant::now(),
            head: head.len() + EPOCH,
            next: vec![0; total],
            members: members.count(),
            base: 0,
            due: Vec::new(),
            remaining: Vec::new(),
            in_flight: 0,
            deliveries: 0,
            reads: 0,
            last_read: None,
            latency: latencies(),
        }
    }

    fn now(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    fn begin(&mut self, publisher: usize) {
        self.base = self.next[publisher];
        self.due.clear();
        self.remaining.clear();
        (self.deliveries, self.reads) = (0, 0);
        self.latency.reset();
    }

    fn publish(&mut self, due: u64) {
        self.due.push(due);
        self.remaining.push(self.members as u32);
        self.in_flight += 1;
    }

    fn hear(&mut self, number: usize, text: &[u8]) -> Result<(), BenchError> {
        if !text.starts_with(br#"{"t":"entry""#) {
            return match text.starts_with(br#"{"t":"error""#) {
                true => Err(BenchError::refused(number, text)),
                false => Ok(()),
            };
        }
        let expected = self.next[number];
        let seq = text.get(self.head..).and_then(leading_number);
        let message = expected.checked_sub(self.base).map(|it| it as usize);
        let slot = message.and_then(|it| self.remaining.get_mut(it));
        let (Some(message), Some(slot), true) = (message, slot, seq == Some(expected)) else {
            let text = String::from_utf8_lossy(&text[..text.len().min(160)]);
            return Err(BenchError::Delivery {
                missing: 0,
                out_of_order: 1,
                strayed: 0,
                first: format!("connection {number} awaits entry {expected} and got {text}"),
            });
        };
        *slot -= 1;
        self.in_flight -= usize::from(*slot == 0);
        self.next[number] = expected + 1;
        self.deliveries += 1;
        // In one turn a connection is read once.
        self.reads += u64::from(self.last_read != Some(number));
        self.last_read = Some(number);
        let due = self.due[message];
        self.latency
            .saturating_record(self.now().saturating_sub(due));
        Ok(())
    }

    fn missing(&self) -> BenchError {
        let missing: u64 = self.remaining.iter().map(|it| u64::from(*it)).sum();
        let last = self.base + self.due.len() as u64;
        let behind = self.next.iter().position(|it| (1..last).contains(it));
        let first = behind.map(|number| {
            format!(
                "connection {number} awaits entry {} of {}, and nothing more comes",
                self.next[number],
                last - 1
            )
        });
        BenchError::Delivery {
            missing,
            out_of_order: 0,
            strayed: 0,
            first: first.unwrap_or_default(),
        }
    }
}

/// Digits of an epoch.
const EPOCH: usize = 16;

/// The number right behind `key`.
fn seq_behind(text: &[u8], key: &[u8]) -> Option<u64> {
    let at = text.windows(key.len()).position(|it| it == key)? + key.len();
    leading_number(&text[at..])
}

fn leading_number(text: &[u8]) -> Option<u64> {
    let count = text.iter().take_while(|it| it.is_ascii_digit()).count();
    std::str::from_utf8(&text[..count]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Book {
        let opening = Opening {
            name: "den",
            roles: &[Role::Member, Role::Filler, Role::Member],
            at_once: 1,
            payload: 10,
            events: 1,
        };
        let mut book = Book::new(&opening, 3);
        (book.next[0], book.next[2]) = (8, 8);
        book.begin(0);
        book
    }

    fn entry(seq: u64) -> String {
        format!(
            r#"{{"t":"entry","room":"den","epoch":"9f3c5d20a1b4e687","seq":{seq},"from":"x","type":"message","payload":"..","sent":"s"}}"#
        )
    }

    #[test]
    fn a_message_is_in_flight_until_all_members_have_it_and_counts_from_when_it_was_due() {
        let mut book = book();
        book.publish(5);
        book.publish(6);
        for (number, seq, in_flight) in [(0, 8, 2), (2, 8, 1), (2, 9, 1), (0, 9, 0)] {
            book.hear(number, entry(seq).as_bytes()).unwrap();
            assert_eq!(book.in_flight, in_flight);
        }
        assert_eq!((book.deliveries, book.latency.len()), (4, 4));
        assert_eq!(book.reads, 3, "two came to one member one behind the other");
        book.hear(0, br#"{"t":"ack","room":"den","seq":9}"#)
            .unwrap();
    }

    #[test]
    fn holes_doubles_strays_and_refusals_are_faults() {
        let heard = |number: usize, text: &str| {
            let mut book = book();
            book.publish(5);
            book.publish(6);
            book.hear(number, text.as_bytes()).map(|()| book)
        };
        assert!(heard(0, &entry(9)).is_err(), "a hole");
        assert!(heard(0, &entry(7)).is_err(), "an old one");
        assert!(heard(1, &entry(8)).is_err(), "nobody of the room");
        assert!(heard(0, r#"{"t":"error","code":"rate_limited"}"#).is_err());
        let mut book = heard(0, &entry(8)).unwrap();
        assert!(book.hear(0, entry(8).as_bytes()).is_err(), "twice");
        let missing = book.missing().to_string();
        assert!(missing.contains("3 missing"), "{missing}");
        assert!(
            missing.contains("connection 0 awaits entry 9 of 9"),
            "{missing}"
        );
    }

    #[test]
    fn numbers_are_read_where_they_stand() {
        let joined =
            br#"{"t":"joined","room":"den","epoch":"9f3c5d20a1b4e687","seq":12,"head":40}"#;
        assert_eq!(seq_behind(joined, br#","seq":"#), Some(12));
        assert_eq!(seq_behind(b"{}", br#","seq":"#), None);
        assert_eq!(leading_number(b"x"), None);
    }
}
