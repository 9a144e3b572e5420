//! The connections of a memory measurement: all in one room, and what else they are asked to do.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::BenchError;
use crate::crowd::{Crowd, DIALECT, Happened};
use crate::dialect::Dialect;
use crate::events::{NEW_MESSAGE_HEAD, SEND_MESSAGE_HEAD, SEND_MESSAGE_TAIL};
use crate::generator::PATIENCE;
use crate::handshake::Handshake;
use crate::progress::Show;
use crate::target::Target;
use crate::tickets::Tickets;

/// Sockets that one poll reports at most.
const EVENTS: usize = 1_024;
/// Connections on their way at once.
const AT_ONCE: usize = 256;
const TURN: Duration = Duration::from_millis(20);
/// Text of a large message: the frame around it must stay within 64 KiB.
const LARGE: usize = 64 * 1024 - 512;
/// Rooms that one connection makes and leaves.
const ROOMS_EACH: usize = 500;

/// The connections.
pub(super) struct Crowded {
    crowd: Crowd,
    dialect: Dialect,
    show: Show,
    room: String,
    /// Who they are, where they are told: guests have random names, of which two may be the same.
    names: HashSet<String>,
    /// Numbers every room that was asked for, so that none is asked for twice.
    rooms_made: usize,
}

/// What is awaited of the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// At the events door who has the answer to the upgrade is in the room.
    Opened,
    Joined,
    Entry,
    Message,
    Acknowledged,
    Left,
}

impl Awaited {
    fn begins(self) -> &'static [u8] {
        match self {
            // No frame is that.
            Self::Opened => b"\0",
            Self::Message => NEW_MESSAGE_HEAD,
            Self::Joined => br#"{"t":"joined""#,
            Self::Entry => br#"{"t":"entry""#,
            Self::Acknowledged => br#"{"t":"ack""#,
            Self::Left => br#"{"t":"left""#,
        }
    }
}

#[derive(Deserialize)]
struct Presence {
    count: u64,
}

impl Crowded {
    pub(super) fn new(target: &Target, dialect: Dialect, show: Show) -> Result<Self, BenchError> {
        let run = RandomState::new().build_hasher().finish() as u32;
        Ok(Self {
            crowd: Crowd::new(target.clone(), EVENTS)?,
            dialect,
            show,
            room: format!("bench-{run:08x}"),
            names: HashSet::new(),
            rooms_made: 0,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.crowd.len()
    }

    /// Opens connections until there are `total`; all are in the room when this returns.
    pub(super) fn fill(&mut self, total: usize) -> Result<(), BenchError> {
        self.fill_with(total, self.dialect)
    }

    fn fill_with(&mut self, total: usize, dialect: Dialect) -> Result<(), BenchError> {
        let awaited = match dialect {
            Dialect::Events => Awaited::Opened,
            Dialect::V1 => Awaited::Joined,
        };
        let missing = total.saturating_sub(self.crowd.len());
        let bar = self.show.count("joining", missing);
        let mut tickets = Tickets::new(self.crowd.target.clone());
        let (mut joined, mut started, mut last) = (0, 0, Instant::now());
        while joined < missing {
            while started < missing && started - joined < AT_ONCE {
                let ticket = tickets.next(missing - started)?;
                let target = &self.crowd.target;
                let handshake =
                    Handshake::into_room(target, &ticket, dialect.subprotocol(), &self.room);
                self.crowd.open(handshake)?;
                started += 1;
            }
            let before = joined;
            self.crowd.turn(TURN, |number, happened, _| {
                joined += seen(number, &happened, awaited)?;
                self.names.extend(name_in(&happened));
                Ok(())
            })?;
            if joined > before {
                last = Instant::now();
                bar.set_position(joined as u64);
            } else if last.elapsed() > PATIENCE {
                return Err(late(missing - joined, missing));
            }
        }
        Ok(())
    }

    /// All take leave.
    pub(super) fn leave(&mut self) -> Result<(), BenchError> {
        self.names = HashSet::new();
        self.crowd.close()
    }

    pub(super) fn answer_pings(&mut self) -> Result<(), BenchError> {
        let quiet = |number, happened: Happened<'_>, _: &mut Vec<u8>| match happened {
            Happened::Ended(why) => Err(BenchError::closed(number, why)),
            _ => Ok(()),
        };
        while self.crowd.turn(Duration::ZERO, quiet)? > 0 {}
        Ok(())
    }

    /// Publishes large messages, each by another connection when all have the one before; gives
    /// the bytes of a message's text.
    pub(super) fn burst(&mut self, messages: usize) -> Result<usize, BenchError> {
        let v1 = format!(r#"{{"t":"publish","room":"{}","payload":""#, self.room);
        let (head, tail, awaited) = match self.dialect {
            Dialect::Events => (SEND_MESSAGE_HEAD, SEND_MESSAGE_TAIL, Awaited::Message),
            Dialect::V1 => (v1.as_bytes(), &br#""}"#[..], Awaited::Entry),
        };
        let text = vec![b'.'; LARGE];
        let bar = self.show.count("bursting", messages);
        for message in 0..messages {
            let number = message % self.crowd.len();
            self.crowd.say(number, &[head, &text, tail]);
            self.crowd.flush(number)?;
            self.wait(awaited, self.crowd.len(), Show::nothing())?;
            bar.inc(1);
        }
        Ok(LARGE)
    }

    /// Lets every connection join so many rooms beside its own.
    pub(super) fn join_further(&mut self, rooms: usize) -> Result<(), BenchError> {
        let join = self.join(self.rooms_made, rooms);
        self.rooms_made += rooms;
        let count = self.crowd.len();
        for number in 0..count {
            self.crowd.say(number, &[join.as_bytes()]);
            self.crowd.flush(number)?;
        }
        self.wait(Awaited::Joined, count * rooms, self.show)
    }

    /// Makes rooms in which something was said and nobody is any more.
    pub(super) fn make_empty_rooms(&mut self, rooms: usize) -> Result<(), BenchError> {
        let connections = rooms.div_ceil(ROOMS_EACH);
        let first = self.crowd.len();
        self.fill_with(first + connections, Dialect::V1)?;
        let mut own: Vec<(usize, usize, usize)> = Vec::new();
        for index in 0..connections {
            let count = ROOMS_EACH.min(rooms - index * ROOMS_EACH);
            own.push((first + index, self.rooms_made, count));
            self.rooms_made += count;
        }
        for &(number, from, count) in &own {
            let join = self.join(from, count);
            self.crowd.say(number, &[join.as_bytes()]);
            self.crowd.flush(number)?;
        }
        self.wait(Awaited::Joined, rooms, self.show)?;
        for &(number, from, count) in &own {
            for room in from..from + count {
                let publish = format!(
                    r#"{{"t":"publish","room":"{}-{room}","id":"1","payload":"hello"}}"#,
                    self.room
                );
                self.crowd.say(number, &[publish.as_bytes()]);
            }
            self.crowd.flush(number)?;
        }
        self.wait(Awaited::Acknowledged, rooms, self.show)?;
        for &(number, from, count) in &own {
            let names: Vec<String> = (from..from + count)
                .map(|room| format!(r#""{}-{room}""#, self.room))
                .collect();
            let leave = format!(r#"{{"t":"leave","rooms":[{}]}}"#, names.join(","));
            self.crowd.say(number, &[leave.as_bytes()]);
            self.crowd.flush(number)?;
        }
        self.wait(Awaited::Left, rooms, self.show)?;
        self.leave()
    }

    fn join(&self, from: usize, count: usize) -> String {
        let rooms: Vec<String> = (from..from + count)
            .map(|room| format!(r#"{{"room":"{}-{room}"}}"#, self.room))
            .collect();
        format!(r#"{{"t":"join","rooms":[{}]}}"#, rooms.join(","))
    }

    /// Waits until the server has said that so often.
    fn wait(&mut self, awaited: Awaited, count: usize, show: Show) -> Result<(), BenchError> {
        let bar = show.count("waiting", count);
        let (mut came, mut last) = (0, Instant::now());
        while came < count {
            let before = came;
            self.crowd.turn(TURN, |number, happened, _| {
                came += seen(number, &happened, awaited)?;
                Ok(())
            })?;
            if came > before {
                last = Instant::now();
                bar.set_position(came as u64);
            } else if last.elapsed() > PATIENCE {
                return Err(late(count - came, count));
            }
        }
        Ok(())
    }

    /// Asks the server how many users are in the room, who asks not included; it must be all.
    pub(super) fn counted_by_server(&mut self) -> Result<u64, BenchError> {
        let members = self.crowd.len() as u64;
        let ticket = Tickets::new(self.crowd.target.clone()).next(1)?;
        let handshake = Handshake::speaking(&self.crowd.target, &ticket, DIALECT);
        let watcher = self.crowd.open(handshake)?;
        let join = format!(
            r#"{{"t":"join","rooms":[{{"room":"{}","presence":true}}]}}"#,
            self.room
        );
        let (mut counted, began) = (0, Instant::now());
        loop {
            let expected = match self.dialect {
                Dialect::Events => members + 1 - same_names(members)..=members + 1,
                Dialect::V1 => self.names.len() as u64..=self.names.len() as u64,
            };
            if expected.contains(&counted) && counted > 0 {
                return Ok(counted - 1);
            }
            if began.elapsed() > PATIENCE {
                return Err(BenchError::Unequal(format!(
                    "the server counts {counted} users in the room, and there are {}",
                    expected.end()
                )));
            }
            self.crowd.turn(TURN, |number, happened, out| {
                self.names.extend(name_in(&happened));
                match happened {
                    Happened::Opened if number == watcher => {
                        crate::frame::push_masked(out, crate::frame::TEXT, &[join.as_bytes()]);
                    }
                    Happened::Text(text) if text.starts_with(br#"{"t":"presence"#) => {
                        let presence: Presence = serde_json::from_slice(text)
                            .map_err(|_| BenchError::refused(number, text))?;
                        counted = presence.count;
                    }
                    Happened::Ended(why) => return Err(BenchError::closed(number, why)),
                    _ => {}
                }
                Ok(())
            })?;
        }
    }
}

#[derive(Deserialize)]
struct Hello {
    user: String,
}

/// Who a connection is, if it is told.
fn name_in(happened: &Happened<'_>) -> Option<String> {
    let Happened::Text(text) = happened else {
        return None;
    };
    let is_hello = text.starts_with(br#"{"t":"hello""#);
    let hello: Hello = is_hello.then(|| serde_json::from_slice(text).ok())??;
    Some(hello.user)
}

/// How many of so many guests may have the name of another one: six random digits of 32.
fn same_names(guests: u64) -> u64 {
    3 + guests * guests / (1 << 30)
}

/// 1 if it is what is awaited; a refusal is an error.
fn seen(number: usize, happened: &Happened<'_>, awaited: Awaited) -> Result<usize, BenchError> {
    let is_refusal = |text: &[u8]| {
        text.starts_with(br#"{"t":"error""#) || text.starts_with(br#"{"type":"error""#)
    };
    match happened {
        Happened::Opened if awaited == Awaited::Opened => Ok(1),
        Happened::Text(text) if text.starts_with(awaited.begins()) => Ok(1),
        Happened::Text(text) if is_refusal(text) => Err(BenchError::refused(number, text)),
        Happened::Ended(why) => Err(BenchError::closed(number, *why)),
        _ => Ok(0),
    }
}

fn late(missing: usize, members: usize) -> BenchError {
    BenchError::Join {
        missing,
        members,
        seconds: PATIENCE.as_secs(),
    }
}
