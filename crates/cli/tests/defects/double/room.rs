//! Members, and how what is said comes to them.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::sessions::Collision;
use super::{Fault, Inner, frames, lock};

/// Frames that wait for one member. A faulty double has none to spare.
pub(super) const QUEUE: usize = 2_048;

#[derive(Default)]
pub(super) struct Rooms {
    members: Mutex<BTreeMap<usize, Member>>,
    /// Of members who are gone, and whom a fault keeps.
    graveyard: Graveyard,
    number: AtomicUsize,
    said: AtomicUsize,
    listener: Mutex<Option<SocketAddr>>,
    collision: Collision,
}

type Graveyard = Arc<Mutex<Vec<Receiver<Vec<u8>>>>>;

struct Member {
    room: String,
    queue: SyncSender<Vec<u8>>,
    stream: TcpStream,
    /// Set before it is let go for being too slow.
    is_slow: Arc<AtomicBool>,
}

impl Rooms {
    pub(super) fn set_listener(&self, address: SocketAddr) {
        *lock(&self.listener) = Some(address);
    }

    pub(super) fn listener(&self) -> Option<SocketAddr> {
        *lock(&self.listener)
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.members).len()
    }

    /// Ends everybody, those too whom a fault keeps.
    pub(super) fn forget_all(&self) {
        lock(&self.graveyard).clear();
        lock(&self.members).clear();
    }

    /// Takes a member in; its number.
    pub(super) fn enter(&self, inner: &Inner, stream: &TcpStream, room: String) -> usize {
        let capacity = match inner.fault {
            Some(
                Fault::SlowMemberKills
                | Fault::SlowMemberStallsRoom
                | Fault::SlowMemberStallsServer
                | Fault::GoneMemberStallsSender,
            ) => 1,
            _ => inner.queue_max,
        };
        let (queue, frames) = sync_channel(capacity);
        let number = self.number.fetch_add(1, SeqCst);
        let is_slow = Arc::new(AtomicBool::new(false));
        let (out, own) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
        let patience = (!inner.is(Fault::NoWriteDeadline)).then_some(inner.slow_reader_timeout);
        let graveyard = inner
            .is(Fault::GoneMemberStallsSender)
            .then(|| Arc::clone(&self.graveyard));
        let member = Member {
            room,
            queue,
            stream: own,
            is_slow: Arc::clone(&is_slow),
        };
        if inner.is(Fault::UnlockedMembers) && self.collision.happens() {
            inner.die();
        }
        lock(&self.members).insert(number, member);
        let tells_slow = !inner.is(Fault::SlowIsToldNothing);
        let is_slow = move || tells_slow && is_slow.load(SeqCst);
        thread::spawn(move || write_frames(out, frames, patience, is_slow, graveyard));
        number
    }

    /// Moves a member; false when there would be more rooms than there may be.
    pub(super) fn change(&self, inner: &Inner, number: usize, room: String) -> bool {
        let mut members = lock(&self.members);
        let mut rooms: Vec<_> = members.values().map(|it| it.room.as_str()).collect();
        rooms.sort_unstable();
        rooms.dedup();
        let is_new = !rooms.contains(&room.as_str());
        if is_new && rooms.len() >= inner.rooms_max && !inner.is(Fault::EndlessRooms) {
            return false;
        }
        if let Some(member) = members.get_mut(&number) {
            member.room = room;
        }
        true
    }

    pub(super) fn leave(&self, inner: &Inner, number: usize) {
        if !inner.is(Fault::GoneMemberStallsSender) {
            lock(&self.members).remove(&number);
        }
    }

    /// To one member.
    pub(super) fn tell(&self, number: usize, frame: Vec<u8>) {
        let queue = lock(&self.members).get(&number).map(|it| it.queue.clone());
        if let Some(queue) = queue {
            let _ = queue.send(frame);
        }
    }

    /// To everybody in the member's room.
    pub(super) fn say(&self, inner: &Inner, number: usize, text: &[u8]) {
        let room = lock(&self.members).get(&number).map(|it| it.room.clone());
        if let Some(room) = room {
            self.publish(inner, &room, text);
        }
    }

    pub(super) fn publish(&self, inner: &Inner, room: &str, text: &[u8]) {
        let frame = frames::frame(1, text);
        if inner.is(Fault::UnlockedMembers) && self.collision.happens() {
            inner.die();
        }
        if inner.is(Fault::BurstRemoves) && self.said.fetch_add(1, SeqCst) >= 12 {
            lock(&self.members).values().for_each(Member::cut);
        }
        let mut members = lock(&self.members);
        match inner.fault {
            Some(Fault::SlowMemberStallsServer) => {
                for member in members.values().filter(|it| it.room == room) {
                    let _ = member.queue.send(frame.clone());
                }
            }
            Some(Fault::SlowMemberStallsRoom | Fault::GoneMemberStallsSender) => {
                let there = members.values().filter(|it| it.room == room);
                let queues: Vec<_> = there.map(|it| it.queue.clone()).collect();
                drop(members);
                for queue in queues {
                    let _ = queue.send(frame.clone());
                }
            }
            Some(Fault::SlowMemberKills) => {
                let there = members.values().filter(|it| it.room == room);
                let queues: Vec<_> = there.map(|it| it.queue.clone()).collect();
                drop(members);
                if queues.iter().any(|it| !offer(it, &frame)) {
                    inner.die();
                }
            }
            _ => members.retain(|_, member| {
                let is_kept = member.room != room || member.queue.try_send(frame.clone()).is_ok();
                if !is_kept {
                    // Its writer says the rest, and the reason.
                    member.is_slow.store(true, SeqCst);
                }
                is_kept
            }),
        }
    }
}

impl Member {
    fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Waits a little for a queue of one, so that only who is really slow is called so.
fn offer(queue: &SyncSender<Vec<u8>>, frame: &[u8]) -> bool {
    (0..20_000).any(|_| {
        thread::yield_now();
        queue.try_send(frame.to_vec()).is_ok()
    })
}

/// The only writer of a connection, until its queue or the connection ends.
fn write_frames(
    mut stream: TcpStream,
    waiting: Receiver<Vec<u8>>,
    patience: Option<Duration>,
    is_slow: impl Fn() -> bool,
    graveyard: Option<Graveyard>,
) {
    let _ = stream.set_write_timeout(patience);
    while let Ok(frame) = waiting.recv() {
        if stream.write_all(&frame).is_err() {
            break;
        }
        if frame.first() == Some(&0x88) {
            let _ = stream.shutdown(Shutdown::Write);
        }
    }
    if is_slow() {
        let _ = stream.write_all(&frames::close(1008, "too slow"));
    }
    let _ = stream.shutdown(Shutdown::Both);
    if let Some(graveyard) = graveyard {
        // Whoever sends to it from now on waits: the queue is there, and nobody reads it.
        lock(&graveyard).push(waiting);
    }
}
