//! What the table promises of sockets, of pipes.

use std::task::{Context, Poll as Polled, Waker};
use std::time::Duration;

use mio::{Events, Poll};
use parlour_hub::Sockets as _;

use super::super::tests::{ends_behind_three_bytes, has_ended_once, reads_five_bytes_by_four};
use super::*;
use crate::limits::PIPE_BYTES_MAX;
use crate::plane::inbox::{Mail, Mailbox, pair};
use crate::plane::pipe::{Driver, Far, Taken, pipe};
use crate::plane::{Inbox, Transport};

struct World {
    poll: Poll,
    table: Table,
    inbox: Inbox,
    mailbox: Mailbox,
}

impl World {
    fn new() -> Self {
        let poll = Poll::new().unwrap();
        let table = Table::new(poll.registry().try_clone().unwrap());
        let (inbox, mailbox) = pair(poll.registry()).unwrap();
        Self {
            poll,
            table,
            inbox,
            mailbox,
        }
    }

    fn connect(&mut self, index: u32, driver: Driver) -> Far {
        let (near, far) = pipe(self.inbox.clone(), driver);
        self.table.open(index, Transport::Pipe(near)).unwrap();
        far
    }

    /// A pipe of a task that has been looked at once.
    fn settled(&mut self, index: u32) -> Far {
        let far = self.connect(index, Driver::Task);
        assert_eq!(self.table.take_ready(), Some(index));
        far
    }

    /// Waits for mail and hears it; what came of each ring.
    fn hear(&mut self) -> Vec<Option<(u32, bool)>> {
        let mut events = Events::with_capacity(8);
        self.poll
            .poll(&mut events, Some(Duration::from_secs(20)))
            .unwrap();
        assert!(!events.is_empty(), "nobody has rung");
        self.mailbox.begin();
        let mut heard = Vec::new();
        while let Some(mail) = self.mailbox.next() {
            let Mail::Pipe(ring) = mail else {
                panic!("only pipes ring here");
            };
            heard.push(self.table.hear(&ring));
        }
        heard
    }
}

fn send(far: &Far, bytes: &[u8]) -> Polled<Option<usize>> {
    far.poll_send(&mut Context::from_waker(Waker::noop()), bytes)
}

/// Everything that is there, and what stands behind it.
fn take(far: &Far) -> (Vec<u8>, Polled<Taken>) {
    let mut context = Context::from_waker(Waker::noop());
    let mut out = Vec::new();
    loop {
        match far.poll_take(&mut context, &mut out) {
            Polled::Ready(Taken::Bytes(_)) => {}
            end => return (out, end),
        }
    }
}

#[test]
fn a_full_pipe_is_blocked_until_its_ring_is_heard() {
    let mut world = World::new();
    let far = world.settled(3);
    let chunk = vec![b'x'; PIPE_BYTES_MAX + 1];
    assert_eq!(world.table.send(3, &chunk), Sent::Bytes(PIPE_BYTES_MAX));
    assert_eq!(world.table.send(3, b"more"), Sent::Bytes(0));

    assert_eq!(take(&far), (chunk[1..].to_vec(), Polled::Pending));
    // There is room again, but nobody has heard.
    assert_eq!(world.table.send(3, b"more"), Sent::Bytes(0));
    assert_eq!(world.hear(), [Some((3, true))]);
    assert!(world.table.unblock(3));
    assert!(!world.table.unblock(3), "it was blocked once");
    assert_eq!(world.table.send(3, b"more"), Sent::Bytes(4));
    assert_eq!(take(&far).0, b"more");
}

#[test]
fn who_takes_while_the_shard_sends_again_unblocks_it_again() {
    let mut world = World::new();
    let far = world.settled(0);
    let chunk = vec![b'x'; PIPE_BYTES_MAX + 1];
    for _ in 0..3 {
        assert_eq!(world.table.send(0, &chunk), Sent::Bytes(PIPE_BYTES_MAX));
        assert_eq!(take(&far).0.len(), PIPE_BYTES_MAX);
        assert_eq!(world.hear(), [Some((0, true))]);
        assert!(world.table.unblock(0));
    }
}

#[test]
fn a_pipe_whose_far_end_is_gone_ends_once() {
    let mut world = World::new();
    drop(world.settled(0));
    assert_eq!(world.table.send(0, b"x"), Sent::Gone);
    has_ended_once(&mut world.table);
}

#[test]
fn a_blocked_pipe_whose_far_end_goes_is_unblocked_to_see_it() {
    let mut world = World::new();
    let far = world.settled(0);
    world.table.send(0, &vec![b'x'; PIPE_BYTES_MAX + 1]);
    drop(far);
    assert_eq!(world.hear(), [Some((0, true))]);
    assert!(world.table.unblock(0));
    assert_eq!(world.table.send(0, b"x"), Sent::Gone);
}

#[test]
fn a_new_pipe_is_read_at_once_and_again_while_reads_are_full() {
    let mut world = World::new();
    let (near, far) = pipe(world.inbox.clone(), Driver::Task);
    assert_eq!(send(&far, b"hello"), Polled::Ready(Some(5)));
    world.table.open(0, Transport::Pipe(near)).unwrap();
    reads_five_bytes_by_four(&mut world.table);
}

#[test]
fn many_writes_are_one_ring_until_it_is_heard() {
    let mut world = World::new();
    let far = world.settled(7);
    for _ in 0..1_000 {
        assert_eq!(send(&far, b"x"), Polled::Ready(Some(1)));
    }
    assert_eq!(world.hear(), [Some((7, false))]);
    assert_eq!(send(&far, b"x"), Polled::Ready(Some(1)));
    assert_eq!(world.hear(), [Some((7, false))]);
    assert_eq!(world.table.take_ready(), Some(7));
    assert_eq!(world.table.read(7, &mut [0; 2_000]), Got::Bytes(1_001));
}

#[test]
fn who_sends_more_than_a_pipe_holds_waits_for_the_shard() {
    let mut world = World::new();
    let far = world.settled(0);
    let chunk = vec![b'x'; PIPE_BYTES_MAX + 1];
    assert_eq!(send(&far, &chunk), Polled::Ready(Some(PIPE_BYTES_MAX)));
    assert_eq!(send(&far, b"x"), Polled::Pending);
    assert_eq!(world.hear(), [Some((0, false))]);
    world.table.read(0, &mut [0; 10]);
    assert_eq!(send(&far, b"y"), Polled::Ready(Some(1)));
}

#[test]
fn the_last_words_of_a_far_end_are_read_before_its_end() {
    let mut world = World::new();
    let far = world.settled(0);
    assert_eq!(send(&far, b"bye"), Polled::Ready(Some(3)));
    drop(far);
    world.hear();
    ends_behind_three_bytes(&mut world.table);
}

#[test]
fn a_held_pipe_is_not_read_until_it_is_resumed() {
    let mut world = World::new();
    let far = world.settled(0);
    world.table.hold(0);
    assert_eq!(send(&far, b"x"), Polled::Ready(Some(1)));
    assert_eq!(world.hear(), [Some((0, false))]);
    assert!(!world.table.has_work());
    world.table.resume(0);
    assert_eq!(world.table.take_ready(), Some(0));
}

#[test]
fn a_finished_pipe_says_so_and_is_read_to_its_end() {
    let mut world = World::new();
    let far = world.settled(0);
    world.table.hold(0);
    assert_eq!(world.table.send(0, b"bye"), Sent::Bytes(3));
    world.table.finish(0);
    assert_eq!(take(&far), (b"bye".to_vec(), Polled::Ready(Taken::End)));
    assert_eq!(world.table.take_ready(), Some(0));
    assert_eq!(world.table.read(0, &mut [0; 8]), Got::Nothing);
    drop(far);
    world.hear();
    assert_eq!(world.table.take_ready(), Some(0));
    assert_eq!(world.table.read(0, &mut [0; 8]), Got::End);
}

#[test]
fn a_finished_pipe_that_nobody_drives_ends_at_once_and_keeps_its_words() {
    let mut world = World::new();
    let far = world.connect(0, Driver::Nobody);
    world.table.take_ready().unwrap();
    assert_eq!(world.table.send(0, b"bye"), Sent::Bytes(3));
    world.table.finish(0);
    assert_eq!(world.table.take_ready(), Some(0));
    assert_eq!(world.table.read(0, &mut [0; 8]), Got::End);
    world.table.end(0);
    assert_eq!(world.table.take_gone(), Some(0));
    assert_eq!(take(&far), (b"bye".to_vec(), Polled::Ready(Taken::End)));
}

#[test]
fn a_cut_pipe_takes_nothing_more_and_says_that_it_was_cut() {
    let mut world = World::new();
    let far = world.settled(0);
    world.table.cut(0);
    assert_eq!(world.table.take_gone(), Some(0));
    assert_eq!(send(&far, b"x"), Polled::Ready(None));
    assert_eq!(take(&far), (Vec::new(), Polled::Ready(Taken::Cut)));
}

#[test]
fn a_ring_of_a_former_owner_means_nothing_to_the_next_one() {
    let mut world = World::new();
    let first = world.settled(0);
    assert_eq!(send(&first, b"x"), Polled::Ready(Some(1)));
    world.table.end(0);
    world.table.take_gone().unwrap();
    let _second = world.settled(0);
    assert_eq!(world.hear(), [None]);
    assert!(!world.table.has_work());
}

#[test]
fn a_pipe_and_a_socket_may_follow_each_other_at_one_index() {
    let mut world = World::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for _ in 0..2 {
        let far = world.settled(0);
        assert_eq!(world.table.send(0, b"x"), Sent::Bytes(1));
        assert_eq!(take(&far).0, b"x");
        world.table.end(0);
        assert_eq!(world.table.take_gone(), Some(0));

        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let socket = Transport::Socket(stream, None);
        world.table.open(0, socket).unwrap();
        assert_eq!(world.table.take_ready(), Some(0));
        assert_eq!(world.table.send(0, b"x"), Sent::Bytes(1));
        world.table.end(0);
        assert_eq!(world.table.take_gone(), Some(0));
        drop(peer);
    }
}
