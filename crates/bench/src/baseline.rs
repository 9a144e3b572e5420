//! The yardstick: a server that does nothing but send.
//!
//! One thread, one epoll instance, a dense array of sockets per room, and for each message a loop
//! of one `send()` per member. It parses no JSON, has no limits, no heartbeats, no names and no
//! history. What a real server costs beyond this is what its features cost; nobody who sends each
//! member its own bytes over its own TCP connection gets much below it.
//!
//! It speaks just enough for the generator, in both dialects: `POST /ticket`, the upgrade, joining
//! one room, publishing, and at `parlour.v1` the acknowledgement, which goes out in the same `send()`
//! as the entry. `GET /debug` counts its sends. **It is no chat server**: it trusts its clients.
//!
//! [`Mode::Coalesced`] is also the *plain epoll shard*, a room without cursors: one pass over all members, in
//! the order in which they came, with what had been read when the pass began.

mod http;
mod room;

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::Interest;
use mio::net::TcpStream;

use crate::BenchError;
use crate::dialect::{Dialect, Heard, Said};
use crate::frame::{self, CLOSE, MAX_FRAME, Masked, PING, PONG, TEXT};
use crate::handshake::waits;
use crate::listening::{self, Listening};
use http::Request;
use room::{Backlogs, Room};

/// Bytes asked for with one read.
const READ: usize = 64 * 1024;

/// How messages that wait at the same time are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Each message in one `send()` per member.
    Plain,
    /// All messages of a room that were read in one turn of the loop in one `send()` per member.
    Coalesced,
}

/// Options of the hidden command that runs this server.
#[derive(Debug, Clone, clap::Args)]
pub struct RawServerOptions {
    /// How messages that wait at the same time are sent.
    #[arg(long, value_enum, default_value = "plain")]
    pub mode: Mode,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub addr: SocketAddr,
}

/// Listens, says `listening on http://ADDRESS` on standard output, and serves for ever.
///
/// # Errors
/// When it cannot listen, or epoll fails.
pub fn run(options: &RawServerOptions) -> Result<Infallible, BenchError> {
    let server = |listening| RawServer::new(listening, options.mode);
    listening::run(options.addr, server, RawServer::serve)
}

/// The raw server.
pub struct RawServer {
    listening: Listening,
    mode: Mode,
    connections: Vec<Option<Connection>>,
    names: HashMap<Vec<u8>, usize>,
    rooms: Vec<Room>,
    /// Rooms with messages that wait for the end of the turn.
    waiting: Vec<usize>,
    backlogs: Backlogs,
    buffer: Box<[u8]>,
}

struct Connection {
    place: Place,
    /// What it speaks, once it is upgraded.
    upgraded: Option<Dialect>,
    tail: Vec<u8>,
}

/// Where a connection's socket is.
enum Place {
    Alone(TcpStream),
    Member { room: usize, slot: usize },
}

/// What becomes of a connection after its input was handled.
#[derive(PartialEq)]
enum Next {
    Stays,
    Ends,
}

impl RawServer {
    /// Listens on `address`.
    ///
    /// # Errors
    /// When the address is taken or the system refuses.
    pub fn bind(address: SocketAddr, mode: Mode) -> io::Result<Self> {
        Ok(Self::new(Listening::bind(address)?, mode))
    }

    fn new(listening: Listening, mode: Mode) -> Self {
        Self {
            listening,
            mode,
            connections: Vec::new(),
            names: HashMap::new(),
            rooms: Vec::new(),
            waiting: Vec::new(),
            backlogs: Backlogs::default(),
            buffer: vec![0; MAX_FRAME + READ].into_boxed_slice(),
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listening.address()
    }

    /// Serves until epoll fails.
    ///
    /// # Errors
    /// What epoll said. Trouble with one connection only ends that connection.
    pub fn serve(&mut self) -> io::Result<Infallible> {
        let mut events = listening::events();
        loop {
            self.listening.wait(&mut events)?;
            for event in &events {
                if listening::is_newcomer(event) {
                    self.accept();
                    continue;
                }
                let number = event.token().0;
                if event.is_writable() {
                    self.drain(number);
                }
                if self.read(number) == Next::Ends {
                    self.end(number);
                }
            }
            self.flush_rooms();
        }
    }

    fn accept(&mut self) {
        while let Some((number, stream)) = self.listening.accept(Interest::READABLE) {
            let connection = Connection {
                place: Place::Alone(stream),
                upgraded: None,
                tail: Vec::new(),
            };
            if number == self.connections.len() {
                self.connections.push(None);
            }
            self.connections[number] = Some(connection);
        }
    }

    /// Reads until the socket is empty: the poll reports edges.
    fn read(&mut self, number: usize) -> Next {
        loop {
            let Some(Some(connection)) = self.connections.get_mut(number) else {
                return Next::Stays;
            };
            let kept = connection.tail.len();
            self.buffer[..kept].copy_from_slice(&connection.tail);
            let space = &mut self.buffer[kept..kept + READ];
            let mut stream = match &connection.place {
                Place::Alone(stream) => stream,
                Place::Member { room, slot } => self.rooms[*room].stream(*slot),
            };
            let count = match stream.read(space) {
                Ok(0) => return Next::Ends,
                Ok(count) => count,
                Err(error) if waits(&error) => return Next::Stays,
                Err(_) => return Next::Ends,
            };
            connection.tail.clear();
            let whole = kept + count;
            // The rooms may send while the input is looked at: the buffer changes hands.
            let mut buffer = std::mem::take(&mut self.buffer);
            let taken = self.take(number, &mut buffer[..whole]);
            self.buffer = buffer;
            let Some(used) = taken.filter(|used| whole - used <= MAX_FRAME) else {
                return Next::Ends;
            };
            if let Some(Some(connection)) = self.connections.get_mut(number) {
                connection.tail.extend_from_slice(&self.buffer[used..whole]);
            }
            if count < READ {
                return Next::Stays;
            }
        }
    }

    /// Handles all whole requests or frames; gives the bytes they were, `None` to end it.
    fn take(&mut self, number: usize, bytes: &mut [u8]) -> Option<usize> {
        let mut used = 0;
        loop {
            let rest = &mut bytes[used..];
            let connection = self.connections[number].as_mut()?;
            if let Some(dialect) = connection.upgraded {
                let Some(Masked {
                    first,
                    payload,
                    length,
                }) = frame::split_masked(rest).ok()?
                else {
                    return Some(used);
                };
                match first {
                    TEXT => self.text(number, dialect, payload),
                    PING => self.reply(number, |out| frame::push_plain(out, PONG, &[payload])),
                    CLOSE => return None,
                    _ => {}
                }
                used += length;
            } else {
                let Some((request, length)) = Request::read(rest) else {
                    return Some(used);
                };
                if let Request::Upgrade { dialect, .. } = request {
                    connection.upgraded = Some(dialect);
                }
                used += length;
                let sends = self.backlogs.sends();
                self.reply(number, |out| request.answer(sends, out));
            }
        }
    }

    fn text(&mut self, number: usize, dialect: Dialect, payload: &[u8]) {
        match dialect.hear(payload) {
            Some(Heard::Publish(said)) => self.publish(number, said),
            Some(Heard::Join(name)) => self.change_room(number, dialect, name),
            None => {}
        }
    }

    fn publish(&mut self, number: usize, said: Said<'_>) {
        let Some(Connection {
            place: Place::Member { room, slot },
            ..
        }) = self.connections[number]
        else {
            return;
        };
        let first = self.rooms[room].append(slot, said);
        if self.mode == Mode::Plain || self.rooms[room].is_full() {
            self.rooms[room].flush(&mut self.backlogs, self.listening.registry());
        } else if first {
            self.waiting.push(room);
        }
    }

    /// The end of a turn: what was appended is sent.
    fn flush_rooms(&mut self) {
        while let Some(room) = self.waiting.pop() {
            self.rooms[room].flush(&mut self.backlogs, self.listening.registry());
        }
    }

    fn change_room(&mut self, number: usize, dialect: Dialect, name: &[u8]) {
        let room = match self.names.get(name) {
            Some(room) => *room,
            None => {
                self.names.insert(name.to_vec(), self.rooms.len());
                self.rooms.push(Room::new(dialect, name));
                self.rooms.len() - 1
            }
        };
        let Some(stream) = self.leave(number) else {
            return;
        };
        let slot = self.rooms[room].add(number, stream);
        if let Some(connection) = &mut self.connections[number] {
            connection.place = Place::Member { room, slot };
        }
    }

    /// Takes a connection's socket out of its place, which is open afterwards.
    fn leave(&mut self, number: usize) -> Option<TcpStream> {
        let connection = self.connections[number].as_mut()?;
        let elsewhere = Place::Member {
            room: usize::MAX,
            slot: usize::MAX,
        };
        match std::mem::replace(&mut connection.place, elsewhere) {
            Place::Alone(stream) => Some(stream),
            Place::Member { room, slot } => {
                let (stream, moved) = self.rooms[room].remove(slot);
                if let Some(moved) = moved
                    && let Some(Some(connection)) = self.connections.get_mut(moved)
                {
                    connection.place = Place::Member { room, slot };
                }
                Some(stream)
            }
        }
    }

    /// Sends an answer to one connection, behind what waits for it.
    fn reply(&mut self, number: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let mut answer = Vec::new();
        write(&mut answer);
        let Some(Some(connection)) = self.connections.get_mut(number) else {
            return;
        };
        let stream = match &mut connection.place {
            Place::Alone(stream) => stream,
            Place::Member { room, slot } => self.rooms[*room].stream_mut(*slot),
        };
        let sent = if self.backlogs.has(number) {
            0
        } else {
            stream.write(&answer).unwrap_or(0)
        };
        self.backlogs.add(number, &answer[sent..]);
        self.backlogs
            .watch(number, stream, self.listening.registry());
    }

    /// A socket can take bytes again.
    fn drain(&mut self, number: usize) {
        let Some(Some(connection)) = self.connections.get_mut(number) else {
            return;
        };
        let stream = match &mut connection.place {
            Place::Alone(stream) => stream,
            Place::Member { room, slot } => self.rooms[*room].stream_mut(*slot),
        };
        self.backlogs
            .drain(number, stream, self.listening.registry());
    }

    fn end(&mut self, number: usize) {
        if let Some(mut stream) = self.leave(number) {
            // Closing the socket takes it out of the poll in any case.
            let _ = self.listening.registry().deregister(&mut stream);
        }
        self.backlogs.forget(number);
        self.connections[number] = None;
        self.listening.give_back(number);
    }
}
