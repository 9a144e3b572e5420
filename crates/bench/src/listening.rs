//! What the yardsticks stand on: one thread, one epoll instance, a listener, and numbered sockets.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

use crate::BenchError;
use crate::pin;

/// Sockets that one poll reports at most.
const EVENTS: usize = 1_024;
const LISTENER: Token = Token(usize::MAX);

/// A listener, and the numbers of the sockets that came to it.
pub(crate) struct Listening {
    poll: Poll,
    listener: TcpListener,
    /// Numbers below this were given out.
    given: usize,
    free: Vec<usize>,
}

/// Where a poll puts what it reports.
pub(crate) fn events() -> Events {
    Events::with_capacity(EVENTS)
}

/// Whether this event is for [`Listening::accept`], and not of a socket.
pub(crate) fn is_newcomer(event: &Event) -> bool {
    event.token() == LISTENER
}

/// Listens, says `listening on http://ADDRESS` on standard output, and serves for ever.
pub(crate) fn run<S>(
    address: SocketAddr,
    bind: impl FnOnce(Listening) -> S,
    serve: impl FnOnce(&mut S) -> io::Result<Infallible>,
) -> Result<Infallible, BenchError> {
    pin::allow_files(0)?;
    let listening =
        Listening::bind(address).map_err(BenchError::system(format!("listening on {address}")))?;
    let own = listening
        .address()
        .map_err(BenchError::system("reading the own address"))?;
    println!("listening on http://{own}");
    serve(&mut bind(listening)).map_err(BenchError::system("serving"))
}

impl Listening {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            given: 0,
            free: Vec::new(),
        })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Waits for sockets; a signal is no reason to stop.
    pub(crate) fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        loop {
            match self.poll.poll(events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                polled => return polled,
            }
        }
    }

    /// The next socket that waits, and the number that its events will have: a free one, or the next
    /// after all that were given.
    pub(crate) fn accept(&mut self, interest: Interest) -> Option<(usize, TcpStream)> {
        loop {
            let (mut stream, _) = self.listener.accept().ok()?;
            let number = self.free.last().copied().unwrap_or(self.given);
            let registry = self.poll.registry();
            let registered = stream
                .set_nodelay(true)
                .and_then(|()| registry.register(&mut stream, Token(number), interest));
            // Who cannot be registered is closed, and his number goes to the next.
            if registered.is_ok() {
                if self.free.pop().is_none() {
                    self.given += 1;
                }
                return Some((number, stream));
            }
        }
    }

    /// The number may be given again.
    pub(crate) fn give_back(&mut self, number: usize) {
        self.free.push(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_again_before_a_new_one() {
        let mut listening = Listening::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listening.address().unwrap();
        let _peers: Vec<_> = (0..3)
            .map(|_| std::net::TcpStream::connect(address).unwrap())
            .collect();
        let mut events = events();
        let mut accepted = Vec::new();
        while accepted.len() < 2 {
            if let Some(socket) = listening.accept(Interest::READABLE) {
                accepted.push(socket);
            } else {
                listening.wait(&mut events).unwrap();
                assert!(events.iter().any(is_newcomer));
            }
        }
        assert_eq!((accepted[0].0, accepted[1].0), (0, 1));
        listening.give_back(0);
        drop(accepted.swap_remove(0));
        let again = loop {
            if let Some(socket) = listening.accept(Interest::READABLE) {
                break socket;
            }
            listening.wait(&mut events).unwrap();
        };
        assert_eq!(again.0, 0);
    }
}
