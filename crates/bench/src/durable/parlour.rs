//! Publishers that speak `parlour.v1`, in rooms of their own.

use std::borrow::Cow;
use std::io::Write;
use std::net::TcpStream as Blocking;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Poll};
use serde::Deserialize;

use crate::BenchError;
use crate::durable::driver::Publishers;
use crate::durable::pipe::Pipe;
use crate::frame::{self, PING, PONG, TEXT};
use crate::generator::PATIENCE;
use crate::handshake::{Handshake, Progress};
use crate::progress::Show;
use crate::target::Target;
use crate::tickets::Tickets;

const DIALECT: &str = "parlour.v1";
/// Rooms in one `join`, at most (docs/protocol.md).
const ROOMS_PER_JOIN: usize = 1_000;
const TURN: Duration = Duration::from_millis(50);

/// Connections, each in rooms that it publishes to in turn.
pub(crate) struct ParlourPublishers {
    poll: Poll,
    events: Events,
    lines: Vec<Line>,
    text: Vec<u8>,
    frame: Vec<u8>,
}

struct Line {
    pipe: Pipe<TcpStream>,
    /// `{"t":"publish","room":"…","id":"`, one per room.
    heads: Vec<Vec<u8>>,
    next_room: usize,
    joined: usize,
}

impl ParlourPublishers {
    /// Connects one publisher per element of `rooms`, which are the rooms it is in; all are in
    /// their rooms when this returns.
    pub(crate) fn connect(
        target: &Target,
        prefix: &str,
        rooms: &[Vec<usize>],
        text: &[u8],
        show: Show,
    ) -> Result<Self, BenchError> {
        let poll = Poll::new().map_err(BenchError::system("making an epoll instance"))?;
        let mut tail = br#"","payload":""#.to_vec();
        tail.extend_from_slice(text);
        tail.extend_from_slice(br#""}"#);
        let mut all = Self {
            poll,
            events: Events::with_capacity(rooms.len().max(16)),
            lines: Vec::new(),
            text: tail,
            frame: Vec::new(),
        };
        let mut tickets = Tickets::new(target.clone());
        for (number, rooms) in rooms.iter().enumerate() {
            let ticket = tickets.next(1)?;
            all.open(target, &ticket, number)?;
            all.ask_to_join(number, prefix, rooms);
        }
        all.await_rooms(show)?;
        Ok(all)
    }

    fn open(&mut self, target: &Target, ticket: &str, number: usize) -> Result<(), BenchError> {
        let stream = Blocking::connect(target.address)
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .and_then(|stream| stream.set_nonblocking(true).map(|()| stream))
            .map_err(BenchError::system("connecting to the server"))?;
        let mut pipe = Pipe::new(self.poll.registry(), number, TcpStream::from_std(stream))?;
        let mut handshake = Handshake::speaking(target, ticket, DIALECT);
        let began = Instant::now();
        let first = loop {
            let failed = |why| BenchError::Upgrade {
                connection: number,
                why,
            };
            match handshake.advance(pipe.stream()).map_err(failed)? {
                Progress::Open(first) => break first,
                Progress::Waiting if began.elapsed() > PATIENCE => {
                    return Err(failed(format!("no answer within {} s", PATIENCE.as_secs())));
                }
                Progress::Waiting => super::poll(&mut self.poll, &mut self.events, TURN)?,
            }
        };
        pipe.came_before(&first);
        self.lines.push(Line {
            pipe,
            heads: Vec::new(),
            next_room: 0,
            joined: 0,
        });
        Ok(())
    }

    fn ask_to_join(&mut self, number: usize, prefix: &str, rooms: &[usize]) {
        let line = &mut self.lines[number];
        let names: Vec<String> = (rooms.iter())
            .map(|room| format!("{prefix}-{room}"))
            .collect();
        for names in names.chunks(ROOMS_PER_JOIN) {
            let rooms: Vec<String> = (names.iter())
                .map(|name| format!(r#"{{"room":"{name}"}}"#))
                .collect();
            let join = format!(r#"{{"t":"join","rooms":[{}]}}"#, rooms.join(","));
            frame::push_masked(line.pipe.outgoing(), TEXT, &[join.as_bytes()]);
        }
        line.heads = (names.iter())
            .map(|name| format!(r#"{{"t":"publish","room":"{name}","id":""#).into_bytes())
            .collect();
    }

    fn await_rooms(&mut self, show: Show) -> Result<(), BenchError> {
        let wanted = self.lines.iter().map(|line| line.heads.len()).sum();
        let bar = show.count("joining", wanted);
        let (mut joined, mut last_progress) = (0, Instant::now());
        self.read_all(&mut Vec::new())?;
        while joined < wanted {
            self.flush()?;
            self.answers(TURN, &mut Vec::new())?;
            let now_joined = self.lines.iter().map(|line| line.joined).sum();
            if now_joined > joined {
                (joined, last_progress) = (now_joined, Instant::now());
                bar.set_position(joined as u64);
            } else if last_progress.elapsed() > PATIENCE {
                return Err(BenchError::Join {
                    missing: wanted - joined,
                    members: wanted,
                    seconds: PATIENCE.as_secs(),
                });
            }
        }
        Ok(())
    }

    fn read_all(&mut self, answered: &mut Vec<u64>) -> Result<(), BenchError> {
        (0..self.lines.len()).try_for_each(|number| self.lines[number].read(number, answered))
    }
}

impl Line {
    fn read(&mut self, number: usize, answered: &mut Vec<u64>) -> Result<(), BenchError> {
        let mut pongs = Vec::new();
        let joined = &mut self.joined;
        self.pipe.read(|bytes| {
            let mut rest = bytes;
            let broken = |why| BenchError::Frame {
                connection: number,
                why,
            };
            while let Some(frame) = frame::split(rest).map_err(broken)? {
                match frame.first {
                    TEXT => match Said::of(frame.payload, number)? {
                        Said::Acknowledged(id) => answered.push(id),
                        Said::Joined => *joined += 1,
                        Said::Nothing => {}
                    },
                    PING => frame::push_masked(&mut pongs, PONG, &[frame.payload]),
                    frame::CLOSE => {
                        let reason = frame::close_reason(frame.payload);
                        return Err(BenchError::closed(number, reason));
                    }
                    _ => {}
                }
                rest = frame.rest;
            }
            Ok(bytes.len() - rest.len())
        })?;
        self.pipe.outgoing().extend_from_slice(&pongs);
        self.pipe.flush()
    }
}

/// What matters here of a frame.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Acknowledged(u64),
    Joined,
    Nothing,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

impl Said {
    fn of(payload: &[u8], connection: usize) -> Result<Self, BenchError> {
        // Most frames, and the long ones: not worth a parser.
        if payload.starts_with(br#"{"t":"entry""#) {
            return Ok(Self::Nothing);
        }
        let refused = || BenchError::refused(connection, payload);
        let frame: Frame<'_> = serde_json::from_slice(payload).map_err(|_| refused())?;
        match &*frame.t {
            "ack" => {
                let id = frame.id.as_deref().and_then(|id| id.parse().ok());
                Ok(Self::Acknowledged(id.ok_or_else(refused)?))
            }
            "joined" => Ok(Self::Joined),
            "error" => Err(refused()),
            _ => Ok(Self::Nothing),
        }
    }
}

impl Publishers for ParlourPublishers {
    fn count(&self) -> usize {
        self.lines.len()
    }

    fn publish(&mut self, publisher: usize, id: u64) -> Result<(), BenchError> {
        let line = &mut self.lines[publisher];
        self.frame.clear();
        self.frame.extend_from_slice(&line.heads[line.next_room]);
        line.next_room = (line.next_room + 1) % line.heads.len();
        // Writing to memory does not fail.
        let _ = write!(self.frame, "{id}");
        frame::push_masked(line.pipe.outgoing(), TEXT, &[&self.frame, &self.text]);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BenchError> {
        self.lines.iter_mut().try_for_each(|line| line.pipe.flush())
    }

    fn answers(&mut self, wait: Duration, answered: &mut Vec<u64>) -> Result<(), BenchError> {
        super::poll(&mut self.poll, &mut self.events, wait)?;
        for event in &self.events {
            let number = event.token().0;
            let line = &mut self.lines[number];
            if event.is_writable() {
                line.pipe.flush()?;
            }
            if super::has_input(event) {
                line.read(number, answered)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_are_found_among_other_frames() {
        let said = |text: &str| Said::of(text.as_bytes(), 0);
        let ack = r#"{"t":"ack","room":"den","id":"17","epoch":"9f3c5d20a1b4e687","seq":13}"#;
        assert_eq!(said(ack).unwrap(), Said::Acknowledged(17));
        let entry = r#"{"t":"entry","room":"den","id":"17","payload":"x"}"#;
        assert_eq!(said(entry).unwrap(), Said::Nothing);
        let joined = r#"{"t":"joined","room":"den","epoch":"9f","seq":0,"head":0}"#;
        assert_eq!(said(joined).unwrap(), Said::Joined);
        assert_eq!(
            said(r#"{"t":"new in later versions"}"#).unwrap(),
            Said::Nothing
        );
    }

    #[test]
    fn a_refusal_ends_the_run_in_the_servers_words() {
        let refusal = br#"{"t":"error","code":"disk_full","message":"the disk is full","id":"3"}"#;
        let error = Said::of(refusal, 2).unwrap_err().to_string();
        assert!(error.contains("disk_full"), "{error}");
        assert!(Said::of(br#"{"t":"ack","id":"not mine"}"#, 0).is_err());
        assert!(Said::of(b"no JSON", 0).is_err());
    }
}
