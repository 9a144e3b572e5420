//! The clients of a storm: each knows its room and how far it has read, and loses its connection.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Deserialize;

use super::StormOptions;
use crate::BenchError;
use crate::crowd::{Crowd, DIALECT, Happened};
use crate::frame::{self, TEXT};
use crate::generator::PATIENCE;
use crate::handshake::Handshake;
use crate::report::latencies;
use crate::target::Target;

/// Sockets that one poll reports at most.
const EVENTS: usize = 512;
const TURN: Duration = Duration::from_millis(10);

/// All of them.
pub(super) struct Guests {
    crowd: Crowd,
    /// Who says what is missed; in no room but while it does.
    speaker: Crowd,
    run: u32,
    rooms: usize,
    in_flight: usize,
    guests: Vec<Guest>,
    /// The first time round there is nothing to come back to.
    first_time: bool,
    /// Nanoseconds from the moment in which all wanted to be back until each was complete.
    pub(super) complete: Histogram<u64>,
}

/// What one knows.
#[derive(Default)]
struct Guest {
    epoch: String,
    seq: u64,
    /// Complete at this number, as the server has said.
    head: Option<u64>,
}

/// The fields of the frames that matter here.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
    #[serde(borrow)]
    epoch: Option<Cow<'a, str>>,
    seq: Option<u64>,
    head: Option<u64>,
}

impl Guests {
    pub(super) fn new(target: &Target, options: &StormOptions) -> Result<Self, BenchError> {
        let crowd = || Crowd::new(target.clone(), EVENTS);
        Ok(Self {
            crowd: crowd()?,
            speaker: crowd()?,
            run: RandomState::new().build_hasher().finish() as u32,
            rooms: options.rooms,
            in_flight: options.in_flight,
            guests: (0..options.clients).map(|_| Guest::default()).collect(),
            first_time: true,
            complete: latencies(),
        })
    }

    /// All come, each with a ticket that it asks for, and are complete when this returns; gives the
    /// entries that they were sent. `each_turn` is told how many are complete.
    pub(super) fn come(
        &mut self,
        mut each_turn: impl FnMut(usize) -> Result<(), BenchError>,
    ) -> Result<u64, BenchError> {
        let count = self.guests.len();
        self.complete.reset();
        let (mut set_out, mut complete, mut entries) = (0, 0, 0);
        let mut who = Vec::new();
        let (began, mut last) = (Instant::now(), Instant::now());
        while complete < count {
            while set_out < count && set_out - complete < self.in_flight {
                who.push(set_out);
                self.crowd.ask()?;
                set_out += 1;
            }
            let (mut given, before) = (Vec::new(), (complete, entries));
            let (run, rooms, first_time) = (self.run, self.rooms, self.first_time);
            let (guests, book) = (&mut self.guests, &mut self.complete);
            self.crowd.turn(TURN, |number, happened, out| {
                match happened {
                    Happened::Ticket(ticket) => given.push((who[number], ticket)),
                    Happened::Opened => {
                        let guest = &guests[who[number]];
                        let join = guest.join(&room(run, who[number] % rooms), first_time);
                        frame::push_masked(out, TEXT, &[join.as_bytes()]);
                    }
                    Happened::Text(text) => {
                        let guest = &mut guests[who[number]];
                        let was = guest.is_complete();
                        entries += guest.hear(number, text, first_time)?;
                        if !was && guest.is_complete() {
                            complete += 1;
                            book.saturating_record(began.elapsed().as_nanos() as u64);
                        }
                    }
                    Happened::Ended(why) => return Err(BenchError::closed(number, why)),
                }
                Ok(())
            })?;
            if (complete, entries) != before || !given.is_empty() {
                last = Instant::now();
            } else if last.elapsed() > PATIENCE {
                return Err(BenchError::Join {
                    missing: count - complete,
                    members: count,
                    seconds: PATIENCE.as_secs(),
                });
            }
            for (guest, ticket) in given {
                who.push(guest);
                let handshake = Handshake::speaking(&self.crowd.target, &ticket, DIALECT);
                self.crowd.open(handshake)?;
            }
            each_turn(complete)?;
        }
        self.first_time = false;
        Ok(entries)
    }

    /// Answers pings for so long.
    pub(super) fn rest(&mut self, time: Duration) -> Result<(), BenchError> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.crowd
                .turn(TURN, |number, happened, _| match happened {
                    Happened::Ended(why) => Err(BenchError::closed(number, why)),
                    _ => Ok(()),
                })?;
        }
        Ok(())
    }

    /// All connections are gone, and the server has not been told.
    pub(super) fn cut(&mut self) {
        self.crowd.cut();
        for guest in &mut self.guests {
            guest.head = None;
        }
    }

    /// Says so many things in every room; all of it is acknowledged when this returns.
    pub(super) fn say(&mut self, messages: usize) -> Result<(), BenchError> {
        let rooms: Vec<String> = (0..self.rooms).map(|it| room(self.run, it)).collect();
        // As many rooms as one connection may be in, and as many publishes of each.
        for names in rooms.chunks(500) {
            let ticket = crate::tickets::Tickets::new(self.speaker.target.clone()).next(1)?;
            let handshake = Handshake::speaking(&self.speaker.target, &ticket, DIALECT);
            self.speaker.open(handshake)?;
            let mut frames = Vec::new();
            let joins: Vec<String> = names
                .iter()
                .map(|name| format!(r#"{{"room":"{name}"}}"#))
                .collect();
            let join = format!(r#"{{"t":"join","rooms":[{}]}}"#, joins.join(","));
            frame::push_masked(&mut frames, TEXT, &[join.as_bytes()]);
            for message in 0..messages {
                for name in names {
                    let publish = format!(
                        r#"{{"t":"publish","room":"{name}","id":"{message}","payload":"while you were away"}}"#
                    );
                    frame::push_masked(&mut frames, TEXT, &[publish.as_bytes()]);
                }
            }
            let (due, mut acknowledged, mut last) = (names.len() * messages, 0, Instant::now());
            while acknowledged < due {
                let before = acknowledged;
                self.speaker.turn(TURN, |number, happened, out| {
                    match happened {
                        Happened::Opened => out.append(&mut frames),
                        Happened::Text(text) if text.starts_with(br#"{"t":"ack""#) => {
                            acknowledged += 1;
                        }
                        Happened::Text(text) if text.starts_with(br#"{"t":"error""#) => {
                            return Err(BenchError::refused(number, text));
                        }
                        Happened::Ended(why) => return Err(BenchError::closed(number, why)),
                        _ => {}
                    }
                    Ok(())
                })?;
                if acknowledged > before {
                    last = Instant::now();
                } else if last.elapsed() > PATIENCE {
                    return Err(BenchError::Unanswered {
                        publishes: due - acknowledged,
                        seconds: PATIENCE.as_secs(),
                    });
                }
            }
            self.speaker.close()?;
        }
        Ok(())
    }
}

fn room(run: u32, number: usize) -> String {
    format!("bench-{run:08x}-{number}")
}

impl Guest {
    fn join(&self, room: &str, first_time: bool) -> String {
        if first_time {
            return format!(r#"{{"t":"join","rooms":[{{"room":"{room}"}}]}}"#);
        }
        format!(
            r#"{{"t":"join","rooms":[{{"room":"{room}","from":{{"epoch":"{}","seq":{}}}}}]}}"#,
            self.epoch, self.seq
        )
    }

    fn is_complete(&self) -> bool {
        self.head.is_some_and(|head| self.seq >= head)
    }

    /// Takes note of a frame; gives 1 if it was an entry.
    fn hear(
        &mut self,
        connection: usize,
        text: &[u8],
        first_time: bool,
    ) -> Result<u64, BenchError> {
        let frame: Frame<'_> =
            serde_json::from_slice(text).map_err(|_| BenchError::refused(connection, text))?;
        let epoch = frame.epoch.as_deref().unwrap_or_default();
        match (&*frame.t, frame.seq, frame.head) {
            ("joined", Some(seq), Some(head)) => {
                if first_time {
                    (self.epoch, self.seq) = (epoch.to_owned(), seq);
                } else if (epoch, seq) != (&*self.epoch, self.seq) {
                    return Err(broken(connection, &self.epoch, self.seq, text));
                }
                self.head = Some(head);
                Ok(0)
            }
            ("entry", Some(seq), _) => {
                if epoch != self.epoch || seq != self.seq + 1 {
                    return Err(broken(connection, &self.epoch, self.seq, text));
                }
                self.seq = seq;
                Ok(1)
            }
            ("gap" | "error", _, _) => Err(BenchError::refused(connection, text)),
            _ => Ok(0),
        }
    }
}

fn broken(connection: usize, epoch: &str, seq: u64, text: &[u8]) -> BenchError {
    let text = String::from_utf8_lossy(&text[..text.len().min(160)]);
    BenchError::Delivery {
        missing: 0,
        out_of_order: 1,
        strayed: 0,
        first: format!("connection {connection} is at {seq} of epoch {epoch} and was sent {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64) -> String {
        format!(
            r#"{{"t":"entry","room":"r","epoch":"9f3c5d20a1b4e687","seq":{seq},"from":"a","type":"message","payload":"x","sent":"s"}}"#
        )
    }

    fn joined(seq: u64, head: u64) -> String {
        format!(
            r#"{{"t":"joined","room":"r","epoch":"9f3c5d20a1b4e687","seq":{seq},"head":{head}}}"#
        )
    }

    #[test]
    fn who_is_back_is_complete_with_the_last_entry_that_it_missed() {
        let mut guest = Guest::default();
        guest.hear(0, joined(4, 4).as_bytes(), true).unwrap();
        assert!(guest.is_complete());
        let position = r#""from":{"epoch":"9f3c5d20a1b4e687","seq":4}"#;
        assert!(guest.join("r", false).contains(position));
        guest.head = None;
        guest.hear(0, joined(4, 6).as_bytes(), false).unwrap();
        assert!(!guest.is_complete());
        assert_eq!(guest.hear(0, entry(5).as_bytes(), false).unwrap(), 1);
        assert!(!guest.is_complete());
        guest.hear(0, entry(6).as_bytes(), false).unwrap();
        assert!(guest.is_complete());
    }

    #[test]
    fn a_hole_a_double_and_another_place_are_faults() {
        let guest = || Guest {
            epoch: "9f3c5d20a1b4e687".into(),
            seq: 4,
            head: None,
        };
        for frame in [
            entry(6),
            entry(4),
            joined(5, 9),
            joined(4, 4).replace("9f3c", "0000"),
        ] {
            assert!(guest().hear(0, frame.as_bytes(), false).is_err(), "{frame}");
        }
        let gap = r#"{"t":"gap","room":"r","reason":"trimmed","epoch":"9f","first":5,"last":8}"#;
        assert!(guest().hear(0, gap.as_bytes(), false).is_err());
    }
}
