//! Many connections of one thread: opened, told apart by their numbers, closed or cut.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::SockRef;

use crate::BenchError;
use crate::frame::{self, CLOSE, MAX_FRAME, PING, PONG, TEXT};
use crate::generator::{self, PATIENCE};
use crate::handshake::{Handshake, Progress, waits};
use crate::target::Target;
use crate::tickets::Asking;

/// The dialect of connections that are in rooms.
pub(crate) const DIALECT: &str = crate::v1::SUBPROTOCOL;
/// Bytes asked for with one read.
const READ: usize = 64 * 1024;
/// Memory that a connection keeps for the start of a frame whose rest has not come yet.
const KEPT_TAIL: usize = 4 * 1024;
/// Code 1000: done.
const DONE: [u8; 2] = 1_000u16.to_be_bytes();

/// What became of a connection.
pub(crate) enum Happened<'a> {
    /// It has the ticket that it asked for, and is gone.
    Ticket(String),
    /// It speaks WebSocket now.
    Opened,
    /// The server said this.
    Text(&'a [u8]),
    /// It is gone, for this reason.
    Ended(&'a str),
}

/// The connections, and one buffer for all of them.
pub(crate) struct Crowd {
    pub(crate) target: Target,
    poll: Poll,
    events: Events,
    members: Vec<Member>,
    /// Connections made so far: each some thousand of them come from another address.
    dialled: usize,
    buffer: Box<[u8]>,
    /// Reads that brought something of a server that speaks WebSocket.
    pub(crate) reads: u64,
}

struct Member {
    stream: Option<TcpStream>,
    stage: Stage,
    /// The start of a frame whose rest has not come yet.
    tail: Vec<u8>,
    unsent: Vec<u8>,
}

enum Stage {
    Asking(Box<Asking>),
    Opening(Box<Handshake>),
    Open,
}

impl Crowd {
    /// Nobody yet. One turn looks at `events` sockets at most.
    pub(crate) fn new(target: Target, events: usize) -> Result<Self, BenchError> {
        Ok(Self {
            target,
            poll: Poll::new().map_err(BenchError::system("making an epoll instance"))?,
            events: Events::with_capacity(events),
            members: Vec::new(),
            dialled: 0,
            buffer: vec![0; MAX_FRAME + READ].into_boxed_slice(),
            reads: 0,
        })
    }

    /// Connections that were started since the last [`Crowd::close`] or [`Crowd::cut`].
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Asks for a ticket, as somebody who has just come does: on a connection for this alone.
    pub(crate) fn ask(&mut self) -> Result<usize, BenchError> {
        let asking = Stage::Asking(Box::new(Asking::new(&self.target)));
        self.start(asking)
    }

    /// Opens a connection; gives its number.
    pub(crate) fn open(&mut self, handshake: Handshake) -> Result<usize, BenchError> {
        self.start(Stage::Opening(Box::new(handshake)))
    }

    fn start(&mut self, stage: Stage) -> Result<usize, BenchError> {
        let number = self.members.len();
        let failed = || format!("opening connection {number}");
        let mut stream = generator::connect(self.target.address, self.dialled)
            .map_err(BenchError::system(failed()))?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, Token(number), both)
            .map_err(BenchError::system(failed()))?;
        self.dialled += 1;
        self.members.push(Member {
            stream: Some(stream),
            stage,
            tail: Vec::new(),
            unsent: Vec::new(),
        });
        Ok(number)
    }

    /// Says `text`; it is sent with the next [`Crowd::flush`].
    pub(crate) fn say(&mut self, number: usize, text: &[&[u8]]) {
        frame::push_masked(self.outgoing(number), TEXT, text);
    }

    /// What goes out with the next flush.
    pub(crate) fn outgoing(&mut self, number: usize) -> &mut Vec<u8> {
        &mut self.members[number].unsent
    }

    /// Sends what the socket takes; the rest goes when it takes more.
    pub(crate) fn flush(&mut self, number: usize) -> Result<(), BenchError> {
        self.members[number].flush(number)
    }

    /// One look at the sockets; tells `each` what happened, and sends what it answers.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        mut each: impl FnMut(usize, Happened<'_>, &mut Vec<u8>) -> Result<(), BenchError>,
    ) -> Result<usize, BenchError> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(0),
            polled => polled.map_err(BenchError::system("polling"))?,
        }
        let mut count = 0;
        for event in &self.events {
            count += 1;
            let number = event.token().0;
            // Who is gone may still be among the events of this turn.
            if let Some(member) = self.members.get_mut(number) {
                self.reads += member.advance(number, &mut self.buffer, &mut each)?;
            }
        }
        Ok(count)
    }

    /// Takes leave of the server in all connections, and waits until it has let go of them.
    pub(crate) fn close(&mut self) -> Result<(), BenchError> {
        for (number, member) in self.members.iter_mut().enumerate() {
            if matches!(member.stage, Stage::Open) && member.stream.is_some() {
                frame::push_masked(&mut member.unsent, CLOSE, &[&DONE]);
                // Who has gone first needs no leave.
                if member.flush(number).is_err() {
                    member.stream = None;
                }
            } else {
                member.stream = None;
            }
        }
        let began = Instant::now();
        while self.members.iter().any(|member| member.stream.is_some()) {
            if began.elapsed() > PATIENCE {
                let left = self.members.iter().filter(|it| it.stream.is_some());
                return Err(BenchError::Unclosed(left.count()));
            }
            self.turn(Duration::from_millis(20), |_, _, _| Ok(()))?;
        }
        self.members = Vec::new();
        Ok(())
    }

    /// Ends all connections as a cut cable does: nothing is said.
    pub(crate) fn cut(&mut self) {
        for member in &self.members {
            if let Some(stream) = &member.stream {
                // A socket that cannot be told so is closed in the usual way.
                let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            }
        }
        self.members = Vec::new();
    }
}

impl Member {
    /// Goes on as far as the socket allows; gives how many reads brought something.
    fn advance(
        &mut self,
        number: usize,
        buffer: &mut [u8],
        each: &mut impl FnMut(usize, Happened<'_>, &mut Vec<u8>) -> Result<(), BenchError>,
    ) -> Result<u64, BenchError> {
        let Some(stream) = &mut self.stream else {
            return Ok(0);
        };
        match &mut self.stage {
            Stage::Asking(asking) => {
                if let Some(ticket) = asking.advance(stream)? {
                    self.stream = None;
                    each(number, Happened::Ticket(ticket), &mut self.unsent)?;
                }
                return Ok(0);
            }
            Stage::Opening(handshake) => {
                let progress = handshake.advance(stream);
                let failed = |why| BenchError::Upgrade {
                    connection: number,
                    why,
                };
                match progress.map_err(failed)? {
                    Progress::Waiting => return Ok(0),
                    Progress::Open(first) => self.tail = first,
                }
                self.stage = Stage::Open;
                each(number, Happened::Opened, &mut self.unsent)?;
            }
            Stage::Open => {}
        }
        let reads = self.read(number, buffer, each)?;
        match self.flush(number) {
            Err(_) if self.stream.is_none() => Ok(reads),
            flushed => flushed.map(|()| reads),
        }
    }

    /// Reads until the socket is empty, as the poll tells edges; a read that does not fill the
    /// buffer has emptied it.
    fn read(
        &mut self,
        number: usize,
        buffer: &mut [u8],
        each: &mut impl FnMut(usize, Happened<'_>, &mut Vec<u8>) -> Result<(), BenchError>,
    ) -> Result<u64, BenchError> {
        let mut reads = 0;
        while let Some(stream) = &mut self.stream {
            let kept = self.tail.len();
            buffer[..kept].copy_from_slice(&self.tail);
            let read = stream.read(&mut buffer[kept..kept + READ]);
            let whole = kept + *read.as_ref().unwrap_or(&0);
            let taken = take(number, &buffer[..whole], &mut self.unsent, each)?;
            let ended = match (taken, &read) {
                (Taken::Closed(why), _) => Some(why),
                (_, Ok(0)) => Some("without a close frame".into()),
                (_, Err(error)) if !waits(error) => Some(error.to_string()),
                (Taken::Bytes(used), _) => {
                    self.keep(&buffer[used..whole]);
                    None
                }
            };
            if let Some(why) = ended {
                self.stream = None;
                self.unsent = Vec::new();
                each(number, Happened::Ended(&why), &mut self.unsent)?;
                return Ok(reads);
            }
            match read {
                Ok(count) => {
                    reads += 1;
                    if count < READ {
                        break;
                    }
                }
                Err(_) => break,
            }
        }
        Ok(reads)
    }

    fn keep(&mut self, rest: &[u8]) {
        self.tail.clear();
        if rest.is_empty() && self.tail.capacity() > KEPT_TAIL {
            self.tail = Vec::new();
        }
        self.tail.extend_from_slice(rest);
    }

    fn flush(&mut self, number: usize) -> Result<(), BenchError> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let mut sent = 0;
        while sent < self.unsent.len() {
            match stream.write(&self.unsent[sent..]) {
                Ok(count) => sent += count,
                Err(error) if waits(&error) => break,
                Err(error) => {
                    return Err(BenchError::closed(number, error.to_string()));
                }
            }
        }
        self.unsent.drain(..sent);
        Ok(())
    }
}

/// What a look at some bytes came to.
enum Taken {
    /// So many of them were whole frames.
    Bytes(usize),
    /// The server took leave, with these words.
    Closed(String),
}

fn take(
    number: usize,
    bytes: &[u8],
    unsent: &mut Vec<u8>,
    each: &mut impl FnMut(usize, Happened<'_>, &mut Vec<u8>) -> Result<(), BenchError>,
) -> Result<Taken, BenchError> {
    let mut rest = bytes;
    let broken = |why| BenchError::Frame {
        connection: number,
        why,
    };
    while let Some(frame) = frame::split(rest).map_err(broken)? {
        match frame.first {
            TEXT => each(number, Happened::Text(frame.payload), unsent)?,
            PING => frame::push_masked(unsent, PONG, &[frame.payload]),
            CLOSE => {
                return Ok(Taken::Closed(frame::close_reason(frame.payload)));
            }
            _ => {}
        }
        rest = frame.rest;
    }
    Ok(Taken::Bytes(bytes.len() - rest.len()))
}
