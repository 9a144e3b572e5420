use super::*;
use mio::{Events, Poll};
use std::net::TcpListener;

pub(super) struct World {
    poll: Poll,
    pub(super) table: Table,
    listener: TcpListener,
}

impl World {
    pub(super) fn new() -> Self {
        let poll = Poll::new().unwrap();
        let table = Table::new(poll.registry().try_clone().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            poll,
            table,
            listener,
        }
    }

    /// A socket in the table, and its peer.
    fn connect(&mut self, index: u32) -> TcpStream {
        let (stream, peer) = self.pair();
        stream.set_nonblocking(true).unwrap();
        self.table
            .open(index, Transport::Socket(stream, None))
            .unwrap();
        peer
    }

    /// Both ends of a connection.
    pub(super) fn pair(&self) -> (TcpStream, TcpStream) {
        let peer = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        let (stream, _) = self.listener.accept().unwrap();
        (stream, peer)
    }

    /// Waits until epoll says that `index` is writable.
    pub(super) fn wait_writable(&mut self, index: u32) {
        let mut events = Events::with_capacity(8);
        loop {
            self.poll
                .poll(&mut events, Some(Duration::from_secs(20)))
                .unwrap();
            assert!(!events.is_empty(), "the socket never became writable");
            let token = Token(index as usize);
            if events
                .iter()
                .any(|event| event.token() == token && event.is_writable())
            {
                return;
            }
        }
    }
}

#[test]
fn a_full_socket_is_blocked_until_it_is_seen_writable() {
    let mut world = World::new();
    let mut peer = world.connect(3);
    world.wait_writable(3); // The edge of its registration.
    let chunk = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    while let Sent::Bytes(len @ 1..) = world.table.send(3, &chunk) {
        sent += len;
        if len < chunk.len() {
            break;
        }
    }
    assert_eq!(world.table.send(3, b"more"), Sent::Bytes(0));

    let mut drained = vec![0; sent];
    peer.read_exact(&mut drained).unwrap();
    // There is room again, but nobody has looked: no system call is made.
    assert_eq!(world.table.send(3, b"more"), Sent::Bytes(0));
    world.wait_writable(3);
    assert!(world.table.unblock(3));
    assert!(!world.table.unblock(3), "it was blocked once");
    assert_eq!(world.table.send(3, b"more"), Sent::Bytes(4));
    let mut more = [0; 4];
    peer.read_exact(&mut more).unwrap();
    assert_eq!(&more, b"more");
}

#[test]
fn a_socket_whose_peer_is_gone_ends_once() {
    let mut world = World::new();
    let peer = world.connect(0);
    SockRef::from(&peer)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(peer);
    while world.table.send(0, b"x") != Sent::Gone {}
    has_ended_once(&mut world.table);
}

/// The one who is at 0.
pub(super) fn has_ended_once(table: &mut Table) {
    assert_eq!(table.send(0, b"x"), Sent::Gone);
    table.cut(0);
    table.end(0);
    assert_eq!(table.take_ready(), None, "it is not read any more");
    assert_eq!(table.take_gone(), Some(0));
    assert_eq!(table.take_gone(), None);
    assert_eq!(table.send(0, b"x"), Sent::Gone);
}

#[test]
fn a_new_socket_is_read_at_once_and_again_while_reads_are_full() {
    let mut world = World::new();
    let mut peer = world.connect(0);
    peer.write_all(b"hello").unwrap();
    reads_five_bytes_by_four(&mut world.table);
}

/// Of the one who is at 0.
pub(super) fn reads_five_bytes_by_four(table: &mut Table) {
    let mut scratch = [0; 4];
    assert_eq!(table.take_ready(), Some(0));
    assert_eq!(table.read(0, &mut scratch), Got::Bytes(4));
    assert_eq!(table.take_ready(), Some(0), "there may be more");
    assert_eq!(table.read(0, &mut scratch), Got::Bytes(1));
    assert!(!table.has_work(), "there is no more");
    assert_eq!(table.read(0, &mut scratch), Got::Nothing);
}

#[test]
fn the_last_words_of_a_peer_are_read_before_its_end() {
    let mut world = World::new();
    let mut peer = world.connect(0);
    peer.write_all(b"bye").unwrap();
    drop(peer);
    world.table.take_ready().unwrap();
    world.table.make_ready(0, true);
    ends_behind_three_bytes(&mut world.table);
}

/// Of the one who is at 0.
pub(super) fn ends_behind_three_bytes(table: &mut Table) {
    let mut scratch = [0; 64];
    assert_eq!(table.take_ready(), Some(0));
    assert_eq!(table.read(0, &mut scratch), Got::Bytes(3));
    assert_eq!(table.take_ready(), Some(0), "the end is still to be seen");
    assert_eq!(table.read(0, &mut scratch), Got::End);
}

#[test]
fn a_held_socket_is_not_read_until_it_is_resumed() {
    let mut world = World::new();
    let _peer = world.connect(0);
    world.table.take_ready().unwrap();
    world.table.hold(0);
    world.table.make_ready(0, false);
    assert!(!world.table.has_work());
    world.table.resume(0);
    assert_eq!(world.table.take_ready(), Some(0));
}

#[test]
fn a_finished_socket_says_so_and_is_read_to_its_end() {
    let mut world = World::new();
    let mut peer = world.connect(0);
    world.table.take_ready().unwrap();
    world.table.hold(0);
    assert_eq!(world.table.send(0, b"bye"), Sent::Bytes(3));
    world.table.finish(0);
    let mut words = Vec::new();
    peer.read_to_end(&mut words).unwrap();
    assert_eq!(words, b"bye");
    drop(peer);
    assert_eq!(world.table.take_ready(), Some(0));
    assert_eq!(world.table.read(0, &mut [0; 8]), Got::End);
}

#[test]
fn an_index_that_is_given_out_again_has_a_clean_slot() {
    let mut world = World::new();
    let first = world.connect(0);
    world.table.hold(0);
    world.table.end(0);
    world.table.take_gone().unwrap();
    drop(first);
    let _second = world.connect(0);
    let turns = [world.table.take_ready(), world.table.take_ready()];
    assert_eq!(
        turns,
        [Some(0), None],
        "one turn for the second owner, none for the first"
    );
    assert!(!world.table.has_work());
    assert_eq!(world.table.send(0, b"x"), Sent::Bytes(1));
}
