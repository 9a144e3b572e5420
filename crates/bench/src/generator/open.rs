//! Opening many connections: tickets, connects and upgrades, a bounded number at a time.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

use crate::BenchError;
use crate::frame::{self, TEXT};
use crate::generator::wire::Wire;
use crate::generator::{Generator, PATIENCE, PROBE_EVERY, room_name};
use crate::handshake::{Handshake, Progress};
use crate::ledger::Layout;
use crate::progress::Show;
use crate::target::Target;
use crate::tickets::Tickets;

/// Connections on their way at once.
const AT_ONCE: usize = 256;
/// Connections from one address of the loopback network, so that ports never run out.
const PER_ADDRESS: usize = 10_000;

impl Generator {
    pub(super) fn open_all(&mut self, target: &Target, show: Show) -> Result<(), BenchError> {
        let total = self.layout.connections();
        let bar = show.count("connecting", total);
        let mut tickets = Tickets::new(target.clone());
        let (mut done, mut last_progress) = (0, Instant::now());
        while done < total {
            while self.opening.len() < AT_ONCE && self.wire.connections.len() < total {
                self.start(target, &mut tickets, total)?;
            }
            self.turn(PROBE_EVERY)?;
            let now_done = self.wire.connections.len() - self.opening.len();
            if now_done > done {
                (done, last_progress) = (now_done, Instant::now());
                bar.set_position(done as u64);
            } else if last_progress.elapsed() > PATIENCE {
                let connection = self.opening.keys().copied().min().unwrap_or(0);
                let why = format!("no answer within {} s", PATIENCE.as_secs());
                return Err(BenchError::Upgrade { connection, why });
            }
        }
        Ok(())
    }

    fn start(
        &mut self,
        target: &Target,
        tickets: &mut Tickets,
        total: usize,
    ) -> Result<(), BenchError> {
        let number = self.wire.connections.len();
        let ticket = tickets.next(total - number)?;
        let failed = || format!("opening connection {number}");
        let stream = connect(target.address, number).map_err(BenchError::system(failed()))?;
        let connection = self
            .wire
            .add(stream)
            .map_err(BenchError::system(failed()))?;
        let handshake = match target.dialect.subprotocol() {
            None => Handshake::new(target, &ticket),
            Some(name) => Handshake::speaking(target, &ticket, name),
        };
        self.opening.insert(connection, handshake);
        Ok(())
    }
}

/// Goes on with one upgrade; when it is through, the connection joins its room.
pub(super) fn advance(
    opening: &mut HashMap<usize, Handshake>,
    wire: &mut Wire,
    layout: Layout,
    connection: usize,
) -> Result<(), BenchError> {
    let Some(handshake) = opening.get_mut(&connection) else {
        return Ok(());
    };
    let first = match handshake.advance(wire.stream(connection)) {
        Ok(Progress::Waiting) => return Ok(()),
        Ok(Progress::Open(first)) => first,
        Err(why) => return Err(BenchError::Upgrade { connection, why }),
    };
    opening.remove(&connection);
    wire.opened(connection, &first)?;
    let room = match layout.room_of(connection) {
        Some(room) => room_name(wire.receiver.run, room),
        None => format!("bench-{:08x}-idle", wire.receiver.run),
    };
    let mut frame = Vec::new();
    frame::push_masked(&mut frame, TEXT, &wire.receiver.dialect.join(&room));
    wire.push(connection, &frame);
    wire.flush()
}

/// Begins to connect; the `number`th connection of all has an address of its share.
pub(crate) fn connect(address: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(source) = source(address.ip(), number) {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

/// The address to connect from, where the usual one would run out of ports.
fn source(server: IpAddr, number: usize) -> Option<IpAddr> {
    let further = u8::try_from(number / PER_ADDRESS)
        .ok()
        .filter(|further| *further > 0)?;
    let loopback = matches!(server, IpAddr::V4(address) if address.is_loopback());
    loopback.then(|| Ipv4Addr::new(127, 0, 0, 1u8.saturating_add(further)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_spread_over_loopback_addresses_only() {
        let loopback = "127.0.0.1".parse().unwrap();
        assert_eq!(source(loopback, PER_ADDRESS - 1), None);
        assert_eq!(
            source(loopback, PER_ADDRESS),
            Some("127.0.0.2".parse().unwrap())
        );
        assert_eq!(source("10.0.0.1".parse().unwrap(), PER_ADDRESS), None);
        assert_eq!(source("::1".parse().unwrap(), PER_ADDRESS), None);
    }
}
