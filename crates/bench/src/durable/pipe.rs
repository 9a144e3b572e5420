//! One socket that never blocks: bytes in until there are none, bytes out as far as it takes them.

use std::io::{Read, Write};

use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::BenchError;
use crate::handshake::waits;

/// Bytes asked for with one read.
const READ: usize = 64 * 1024;

/// A socket and what waits on both sides of it.
pub(crate) struct Pipe<S> {
    number: usize,
    stream: S,
    /// Read and not yet understood: the beginning of something.
    pending: Vec<u8>,
    unsent: Vec<u8>,
}

impl<S: Read + Write + Source> Pipe<S> {
    /// Watches a socket, which edges are told of.
    pub(crate) fn new(
        registry: &Registry,
        number: usize,
        mut stream: S,
    ) -> Result<Self, BenchError> {
        registry
            .register(
                &mut stream,
                Token(number),
                Interest::READABLE | Interest::WRITABLE,
            )
            .map_err(BenchError::system("watching a socket"))?;
        Ok(Self {
            number,
            stream,
            pending: Vec::new(),
            unsent: Vec::new(),
        })
    }

    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// What goes out with the next flush.
    pub(crate) fn outgoing(&mut self) -> &mut Vec<u8> {
        &mut self.unsent
    }

    /// Bytes that came before the pipe did.
    pub(crate) fn came_before(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Sends what the socket takes; the rest goes when it takes more.
    pub(crate) fn flush(&mut self) -> Result<(), BenchError> {
        let mut sent = 0;
        while sent < self.unsent.len() {
            match self.stream.write(&self.unsent[sent..]) {
                Ok(count) => sent += count,
                Err(error) if waits(&error) => break,
                Err(error) => return Err(self.closed(&error.to_string())),
            }
        }
        self.unsent.drain(..sent);
        Ok(())
    }

    /// Reads all there is and shows it to `take`, which says how much of it it has understood.
    pub(crate) fn read(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<usize, BenchError>,
    ) -> Result<(), BenchError> {
        loop {
            let kept = self.pending.len();
            self.pending.resize(kept + READ, 0);
            let read = self.stream.read(&mut self.pending[kept..]);
            let count = *read.as_ref().unwrap_or(&0);
            self.pending.truncate(kept + count);
            let used = take(&self.pending)?;
            self.pending.drain(..used);
            match read {
                Ok(0) => return Err(self.closed("without a word")),
                Ok(_) => {}
                Err(error) if waits(&error) => return Ok(()),
                Err(error) => return Err(self.closed(&error.to_string())),
            }
        }
    }

    fn closed(&self, why: &str) -> BenchError {
        BenchError::closed(self.number, why)
    }
}
