//! A connection without a socket: a bounded buffer each way, between a shard and code on a runtime.
//!
//! The [`Near`] end lies in the shard's table of sockets and behaves like one of them: it takes bytes
//! or is blocked, is read, finished and cut. The [`Far`] end is polled. What the far end does becomes
//! one [`Ring`] in the shard's mail until the shard has heard it; what the near end does wakes the
//! far end's task.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{Inbox, Mail};
use crate::limits::PIPE_BYTES_MAX;

/// Bytes that a drained buffer keeps for the next ones.
const SPARE_BYTES: usize = 4 * 1024;

/// The shard's end. Dropping it ends the pipe; what it has sent can still be taken.
pub(crate) struct Near(Arc<Shared>);

/// The other end. Dropping it is the end that a peer's socket would have.
pub(crate) struct Far(Arc<Shared>);

/// Mail: something has happened at the far end of a pipe. It names the pipe itself and not only its
/// place, which may have a new owner.
pub(crate) struct Ring(Arc<Shared>);

/// Who is at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    /// A task that takes at once what is sent and does nothing else. The pipe is at rest only when
    /// it waits for more.
    Task,
    /// Somebody who looks when it suits him. A finished pipe does not wait for his end.
    Nobody,
    /// A test, which is looked after by itself.
    #[cfg(feature = "testing")]
    Test,
}

struct Shared {
    state: Mutex<State>,
    inbox: Inbox,
    driver: Driver,
}

#[derive(Default)]
struct State {
    /// Where the shard finds it, as soon as it is there.
    index: Option<u32>,
    to_shard: Vec<u8>,
    from_shard: Vec<u8>,
    /// A ring is on its way.
    is_rung: bool,
    /// The near end was refused something.
    is_blocked: bool,
    near: Side,
    far: Side,
    /// Waits for bytes, or for the near end's end.
    reader: Option<Waker>,
    /// Waits for room.
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Side {
    #[default]
    Open,
    /// Sends nothing more.
    Finished,
    Gone,
    /// Gone, and nobody is to wait for what was sent.
    Cut,
}

/// What the shard reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// So many bytes; whether there is more to see.
    Bytes(usize, bool),
    Nothing,
    End,
}

/// What the far end finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// So many bytes were added.
    Bytes(usize),
    /// The shard sends nothing more.
    End,
    /// The shard has cut the connection.
    Cut,
}

/// Both ends of a pipe to the shard with this inbox.
pub(crate) fn pipe(inbox: Inbox, driver: Driver) -> (Near, Far) {
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        inbox,
        driver,
    });
    (Near(Arc::clone(&shared)), Far(shared))
}

impl Near {
    /// From here on the far end can ring.
    pub(super) fn open(&self, index: u32) {
        self.0.lock().index = Some(index);
    }

    /// How many bytes were taken; `None` when the far end is gone.
    pub(super) fn send(&self, bytes: &[u8]) -> Option<usize> {
        let mut state = self.0.lock();
        if state.far == Side::Gone {
            return None;
        }
        let len = bytes.len().min(PIPE_BYTES_MAX - state.from_shard.len());
        state.from_shard.extend_from_slice(&bytes[..len]);
        state.is_blocked = len < bytes.len();
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        Some(len)
    }

    pub(super) fn read(&self, scratch: &mut [u8]) -> Read {
        let mut state = self.0.lock();
        if state.near == Side::Finished && self.0.driver == Driver::Nobody {
            return Read::End;
        }
        let len = scratch.len().min(state.to_shard.len());
        if len == 0 {
            return if state.far == Side::Open {
                Read::Nothing
            } else {
                Read::End
            };
        }
        scratch[..len].copy_from_slice(&state.to_shard[..len]);
        take_first(&mut state.to_shard, len);
        let more = !state.to_shard.is_empty() || state.far != Side::Open;
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        Read::Bytes(len, more)
    }

    /// Everything is sent.
    pub(super) fn finish(&self) {
        self.0.end_near(Side::Finished);
    }

    /// The far end is to stop at once.
    pub(super) fn cut(&self) {
        self.0.end_near(Side::Cut);
    }

    /// Whether `ring` is of this pipe.
    pub(super) fn is_of(&self, ring: &Ring) -> bool {
        Arc::ptr_eq(&self.0, &ring.0)
    }

    /// Whether the far end's task has nothing to do: for tests that wait for rest.
    #[cfg(feature = "testing")]
    pub(super) fn is_at_rest(&self) -> bool {
        let state = self.0.lock();
        self.0.driver != Driver::Task || state.reader.is_some() || state.far == Side::Gone
    }
}

impl Drop for Near {
    fn drop(&mut self) {
        self.0.end_near(Side::Gone);
    }
}

impl Ring {
    /// Hears it: where the pipe is, and whether it takes bytes that it has refused. What happens
    /// from here on rings again.
    pub(super) fn hear(&self) -> Option<(u32, bool)> {
        let mut state = self.0.lock();
        state.is_rung = false;
        let has_room = state.from_shard.len() < PIPE_BYTES_MAX || state.far == Side::Gone;
        let is_free = state.is_blocked && has_room;
        state.is_blocked &= !is_free;
        Some((state.index?, is_free))
    }
}

impl Far {
    /// Sends as much as there is room for; `None` when the shard takes nothing more.
    pub(crate) fn poll_send(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Option<usize>> {
        let mut state = self.0.lock();
        if state.near == Side::Gone || state.near == Side::Cut {
            return Poll::Ready(None);
        }
        let len = bytes.len().min(PIPE_BYTES_MAX - state.to_shard.len());
        if len == 0 && !bytes.is_empty() {
            register(&mut state.writer, context);
            return Poll::Pending;
        }
        state.to_shard.extend_from_slice(&bytes[..len]);
        self.0.ring(state);
        Poll::Ready(Some(len))
    }

    /// Room for bytes to send; `None` when the shard takes nothing more.
    pub(crate) fn poll_room(&self, context: &mut Context<'_>) -> Poll<Option<usize>> {
        let mut state = self.0.lock();
        if state.near == Side::Gone || state.near == Side::Cut {
            return Poll::Ready(None);
        }
        match PIPE_BYTES_MAX - state.to_shard.len() {
            0 => {
                register(&mut state.writer, context);
                Poll::Pending
            }
            room => Poll::Ready(Some(room)),
        }
    }

    /// Adds everything that was sent to `out`.
    pub(crate) fn poll_take(&self, context: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<Taken> {
        let mut state = self.0.lock();
        if state.from_shard.is_empty() {
            return match state.near {
                Side::Open => {
                    register(&mut state.reader, context);
                    Poll::Pending
                }
                Side::Finished | Side::Gone => Poll::Ready(Taken::End),
                Side::Cut => Poll::Ready(Taken::Cut),
            };
        }
        let len = state.from_shard.len();
        if out.is_empty() {
            std::mem::swap(out, &mut state.from_shard);
            state.from_shard.clear();
        } else {
            out.append(&mut state.from_shard);
        }
        if state.from_shard.capacity() > SPARE_BYTES {
            state.from_shard = Vec::new();
        }
        if state.is_blocked {
            self.0.ring(state);
        }
        Poll::Ready(Taken::Bytes(len))
    }

    /// Whether the shard has cut the connection; if not, its task is woken when that happens.
    pub(crate) fn poll_is_cut(&self, context: &mut Context<'_>) -> bool {
        let mut state = self.0.lock();
        register(&mut state.reader, context);
        state.near == Side::Cut
    }

    /// Whether the shard is done with the connection.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.0.lock().near, Side::Gone | Side::Cut)
    }

    /// Sends nothing more.
    pub(crate) fn finish(&self) {
        self.0.end_far(Side::Finished);
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.0.end_far(Side::Gone);
    }
}

impl Shared {
    /// Nothing in here panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let is_needed = state.index.is_some() && !state.is_rung;
        state.is_rung |= is_needed;
        drop(state);
        if is_needed {
            self.inbox.post(Mail::Pipe(Ring(Arc::clone(self))));
        }
    }

    /// A side that is further on stays there.
    fn end_near(&self, side: Side) {
        let mut state = self.lock();
        if state.near == Side::Open || (state.near == Side::Finished && side == Side::Cut) {
            state.near = side;
        } else if state.near == Side::Finished && side == Side::Gone {
            state.near = Side::Gone;
        }
        let (reader, writer) = (state.reader.take(), state.writer.take());
        drop(state);
        wake(reader);
        wake(writer);
    }

    fn end_far(self: &Arc<Self>, side: Side) {
        let mut state = self.lock();
        if state.far != Side::Gone {
            state.far = side;
        }
        if side == Side::Gone {
            state.from_shard = Vec::new();
        }
        self.ring(state);
    }
}

fn register(waker: &mut Option<Waker>, context: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(context.waker()),
        None => *waker = Some(context.waker().clone()),
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Takes the first `len` bytes away. A drained buffer gives its memory back.
fn take_first(bytes: &mut Vec<u8>, len: usize) {
    bytes.drain(..len);
    if bytes.is_empty() && bytes.capacity() > SPARE_BYTES {
        *bytes = Vec::new();
    }
}
