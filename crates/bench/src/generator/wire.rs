//! The sockets: bytes in, bytes out.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::BenchError;
use crate::frame::{self, MAX_FRAME, PONG};
use crate::generator::receiver::Receiver;
use crate::handshake::waits;

/// Bytes asked for with one read.
const READ: usize = 64 * 1024;
/// Bytes that may wait for one connection's socket.
const MAX_UNSENT: usize = 4 * 1024 * 1024;

pub(crate) struct Connection {
    stream: TcpStream,
    /// The start of a frame whose rest has not come yet.
    tail: Vec<u8>,
}

#[derive(Default)]
struct Outbox {
    bytes: Vec<u8>,
    /// The socket is full, and the poll tells when it no longer is.
    full: bool,
}

pub(crate) struct Wire {
    pub(crate) receiver: Receiver,
    pub(crate) connections: Vec<Connection>,
    registry: Registry,
    buffer: Box<[u8]>,
    outboxes: HashMap<usize, Outbox>,
    /// Connections whose outbox has something and whose socket is not known to be full.
    unflushed: Vec<usize>,
}

impl Wire {
    pub(crate) fn new(registry: Registry, receiver: Receiver) -> Self {
        Self {
            receiver,
            connections: Vec::new(),
            registry,
            buffer: vec![0; MAX_FRAME + READ].into_boxed_slice(),
            outboxes: HashMap::new(),
            unflushed: Vec::new(),
        }
    }

    /// Adds a socket that is just connecting; gives its number.
    pub(crate) fn add(&mut self, mut stream: TcpStream) -> io::Result<usize> {
        let connection = self.connections.len();
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry
            .register(&mut stream, Token(connection), both)?;
        self.connections.push(Connection {
            stream,
            tail: Vec::new(),
        });
        Ok(connection)
    }

    pub(crate) fn stream(&mut self, connection: usize) -> &mut TcpStream {
        &mut self.connections[connection].stream
    }

    /// A connection is open: from now on only its input is of interest.
    pub(crate) fn opened(&mut self, connection: usize, first: &[u8]) -> Result<(), BenchError> {
        self.watch(connection, Interest::READABLE)?;
        let used = self.receiver.take(connection, first)?;
        self.connections[connection]
            .tail
            .extend_from_slice(&first[used..]);
        Ok(())
    }

    /// Reads what there is. The poll reports edges, so a socket is read until it is empty; a
    /// read that does not fill the buffer has emptied it.
    pub(crate) fn read(&mut self, index: usize) -> Result<(), BenchError> {
        loop {
            let connection = &mut self.connections[index];
            let kept = connection.tail.len();
            self.buffer[..kept].copy_from_slice(&connection.tail);
            let count = match connection.stream.read(&mut self.buffer[kept..kept + READ]) {
                Ok(0) => return Err(BenchError::closed(index, "without a close frame")),
                Ok(count) => count,
                Err(error) if waits(&error) => return Ok(()),
                Err(error) => return Err(BenchError::closed(index, error.to_string())),
            };
            let bytes = &self.buffer[..kept + count];
            let used = self.receiver.take(index, bytes)?;
            connection.tail.clear();
            connection.tail.extend_from_slice(&bytes[used..]);
            if count < READ {
                return Ok(());
            }
        }
    }

    /// Puts a frame into a connection's outbox; [`Wire::flush`] sends it.
    pub(crate) fn push(&mut self, connection: usize, frame: &[u8]) {
        let outbox = self.outboxes.entry(connection).or_default();
        if outbox.bytes.is_empty() {
            self.unflushed.push(connection);
        }
        outbox.bytes.extend_from_slice(frame);
    }

    /// Sends what is in the outboxes, in one write each.
    pub(crate) fn flush(&mut self) -> Result<(), BenchError> {
        while let Some(connection) = self.unflushed.pop() {
            self.flush_one(connection)?;
        }
        Ok(())
    }

    /// Sends what is in one outbox.
    pub(crate) fn flush_one(&mut self, connection: usize) -> Result<(), BenchError> {
        let Some(outbox) = self.outboxes.get_mut(&connection) else {
            return Ok(());
        };
        let stream = &mut self.connections[connection].stream;
        let mut sent = 0;
        while sent < outbox.bytes.len() {
            match stream.write(&outbox.bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if waits(&error) => break,
                Err(error) => return Err(BenchError::closed(connection, error.to_string())),
            }
        }
        outbox.bytes.drain(..sent);
        let full = !outbox.bytes.is_empty();
        if outbox.bytes.len() > MAX_UNSENT {
            return Err(BenchError::Options(format!(
                "the server reads connection {connection} too slowly: 4 MiB of messages wait to be \
                 sent; use a lower --rate or more --publishers"
            )));
        }
        if std::mem::replace(&mut outbox.full, full) == full {
            return Ok(());
        }
        let writable = if full { Some(Interest::WRITABLE) } else { None };
        self.watch(
            connection,
            writable.map_or(Interest::READABLE, |w| Interest::READABLE | w),
        )
    }

    pub(crate) fn answer_pings(&mut self) -> Result<(), BenchError> {
        if self.receiver.pings.is_empty() {
            return Ok(());
        }
        let mut pong = Vec::new();
        for (connection, said) in std::mem::take(&mut self.receiver.pings) {
            pong.clear();
            frame::push_masked(&mut pong, PONG, &[&said]);
            self.push(connection, &pong);
        }
        self.flush()
    }

    fn watch(&mut self, connection: usize, interest: Interest) -> Result<(), BenchError> {
        let stream = &mut self.connections[connection].stream;
        self.registry
            .reregister(stream, Token(connection), interest)
            .map_err(BenchError::system("watching a socket"))
    }
}
