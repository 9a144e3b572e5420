//! The slow-path record of a connection: everything a pass does not touch.

use parlour_proto::{Author, CloseReason, Command, Position, RoomName, SessionId, UserName};

use crate::grow;
use crate::life::Tick;
use crate::presence::NO_ROUND;
use crate::rate::Spent;
use crate::since::Since;
use crate::table::Key;
use crate::wire::WireIndex;

/// One attached connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) wire: WireIndex,
    pub(crate) who: UserName,
    pub(crate) session: SessionId,
    pub(crate) state: State,
    pub(crate) rooms: Vec<Membership>,
    pub(crate) private: Private,
    /// The view in whose ring a frame was begun and is not finished.
    pub(crate) begun: Option<Key>,
    /// What few connections have.
    pub(crate) rare: Option<Box<Rare>>,
    /// The socket took less than it was given; it will be writable.
    pub(crate) blocked: bool,
    /// Last progress of waiting output.
    pub(crate) progress: Tick,
    /// What it has spent of its rate.
    pub(crate) spent: Spent,
    /// Publishes without an answer yet.
    pub(crate) unanswered: u16,
    pub(crate) bad_frames: u8,
    /// Frames in a row that were over its rate.
    pub(crate) limited: u8,
    /// It is not read now.
    pub(crate) paused: Option<Paused>,
    /// In the shard's lists of connections with private output, and behind.
    pub(crate) in_flush: bool,
    pub(crate) in_behind: bool,
    /// A read for this connection is on the way; one at a time bounds its private output.
    pub(crate) reading: bool,
    /// One of its rooms has a state of presence that it could not be shown.
    pub(crate) presence_pending: bool,
    /// Pinged, and nothing heard since.
    pub(crate) pinged: bool,
    /// The application has a question of it.
    pub(crate) is_asking: bool,
    /// It is not pinged, may read as slowly as it likes, and is not asked for.
    pub(crate) is_local: bool,
    /// It reads for the application itself.
    pub(crate) is_own: bool,
}

/// What few connections have, in a box so that the others stay small.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    /// The latest ping that waits for room in the output.
    pub(crate) pong: Option<Box<[u8]>>,
    /// What the free doors know of who it is.
    pub(crate) author: Author,
    /// What the application is asked of it.
    pub(crate) asking: Option<Asking>,
    /// The application is told when it ends.
    pub(crate) is_handled: bool,
    /// The room that it comes with and is not in yet.
    pub(crate) first: Option<Box<First>>,
}

/// The room that a connection comes with, and since when it is to be in it.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) room: RoomName,
    pub(crate) since: Since,
}

/// What a connection waits for.
#[derive(Debug)]
pub(crate) enum Asking {
    /// To be let in, and into this room.
    Opening(Option<RoomName>),
    /// What the application does with its frame.
    Frame,
    /// Whether this may be carried out.
    Policy(Command<'static>),
}

impl Rare {
    fn is_empty(&self) -> bool {
        let Self {
            pong,
            author,
            asking,
            is_handled,
            first,
        } = self;
        let is_waited_for = pong.is_some() || asking.is_some() || first.is_some();
        !is_waited_for && !is_handled && *author == Author::Named
    }
}

/// Publishes of one connection without an answer; over it the connection is not read.
pub(crate) const UNANSWERED_MAX: u16 = 64;

/// Frames in a row over the rate; over it the connection is not read until it may send again.
pub(crate) const LIMITED_MAX: u8 = 64;

/// Why a connection is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paused {
    /// Its private buffer is full, or too many of its publishes are unanswered.
    Own,
    /// A link has no credit; it is in the list of those who wait for it.
    Credit,
    /// It has sent too much, and went on; its deadline resumes it.
    Rate,
    /// The application has a question of it.
    Asked,
}

/// One connection's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Commands are taken.
    Open,
    /// The close frame is in the private buffer; nothing follows it.
    Closing { reason: CloseReason },
    /// The close frame is with the peer, or there is no peer; the driver will say when it is gone.
    Finished,
}

/// A connection's place in one room.
#[derive(Debug)]
pub(crate) struct Membership {
    /// Index of the room's view, which is there as long as it has members.
    pub(crate) view: u32,
    pub(crate) ring: u8,
    pub(crate) watch: Watch,
    /// Place in the ring's members.
    pub(crate) member: u32,
    /// Where it stands while it is not live, which is the rare case: see [`stand`](Self::stand).
    not_live: Option<Box<Stand>>,
    /// The last round of presence in which it was counted.
    pub(crate) counted: u32,
}

impl Membership {
    /// The member at `member` of the ring at `ring`.
    pub(crate) fn new(view: u32, ring: u8, member: u32, stand: Stand) -> Self {
        let mut membership = Self {
            view,
            ring,
            watch: Watch::No,
            member,
            not_live: None,
            counted: NO_ROUND,
        };
        membership.set_stand(stand);
        membership
    }

    /// How far it is.
    pub(crate) fn stand(&self) -> Stand {
        self.not_live.as_deref().copied().unwrap_or(Stand::Live)
    }

    pub(crate) fn set_stand(&mut self, stand: Stand) {
        match (&mut self.not_live, stand) {
            (not_live, Stand::Live) => *not_live = None,
            (Some(there), stand) => **there = stand,
            (not_live, stand) => *not_live = Some(Box::new(stand)),
        }
    }

    /// Whether the client has heard that it is in the room.
    pub(crate) fn is_in(&self) -> bool {
        match self.stand() {
            Stand::Live => true,
            Stand::Behind { told, .. } | Stand::Reading { told, .. } => told,
            Stand::Waiting
            | Stand::WaitingAfter { .. }
            | Stand::WaitingSince { .. }
            | Stand::WaitingForAll
            | Stand::Coming { .. } => false,
        }
    }
}

/// Whether a membership asked who is in the room, and knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// It did not ask.
    No,
    /// It is to be shown the newest state.
    Pending,
    /// It has everything that was told up to this step, by [`ViewPresence::step`]. That is the view's
    /// or the one before, for a step is shown to all before there is another: a byte tells which.
    ///
    /// [`ViewPresence::step`]: crate::presence::ViewPresence::step
    Shown { step: u8 },
}

/// How far a membership is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// The view does not know its room yet; then start with the next entry.
    Waiting,
    /// As above; then start here.
    WaitingAfter { after: Position },
    /// As above; in another epoch with its first entry.
    WaitingSince { after: Position },
    /// As above; then start with the room's first entry.
    WaitingForAll,
    /// It starts here when the notice of its coming has come.
    Coming { after: Position },
    /// Served from the ring.
    Live,
    /// Older than the ring: must read from the room's home. `told`: the join was confirmed.
    Behind { after: Position, told: bool },
    /// Such a read is on the way.
    Reading { after: Position, told: bool },
}

/// Acks, errors, pongs, notices and replays of one connection, made when needed. Bounded by
/// `Limits::private_bytes_max`: while it is full the connection is not read.
#[derive(Debug, Default)]
pub(crate) struct Private(Option<Box<Output>>);

#[derive(Debug)]
struct Output {
    bytes: Vec<u8>,
    sent: usize,
}

/// An ack and a short entry behind it: room for both at once is one allocation less.
const OUTPUT_AT_FIRST: usize = 512;

impl Default for Output {
    fn default() -> Self {
        Self {
            bytes: Vec::with_capacity(OUTPUT_AT_FIRST),
            sent: 0,
        }
    }
}

impl Private {
    pub(crate) fn waiting(&self) -> &[u8] {
        let waiting = self.0.as_ref().map(|output| &output.bytes[output.sent..]);
        waiting.unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    /// Where to append whole frames.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.0.get_or_insert_default().bytes
    }

    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn is_held_empty(&self) -> bool {
        self.0.is_some() && self.is_empty()
    }

    /// Nothing was appended after all: no buffer is held for it.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() {
            self.0 = None;
        }
    }

    /// So many bytes were sent. An idle connection holds no buffer, and one that is never quite
    /// drained no more than twice what waits.
    pub(crate) fn advance(&mut self, sent: usize) {
        let Some(output) = &mut self.0 else { return };
        output.sent += sent;
        if output.sent == output.bytes.len() {
            self.0 = None;
        } else if output.sent > output.bytes.len() / 2 {
            output.bytes.drain(..output.sent);
            output.sent = 0;
        }
    }

    /// Puts the rest of a begun frame before everything else. Nothing of this buffer can have been
    /// sent in part: a begun frame comes first.
    pub(crate) fn put_first(&mut self, rest: &[u8]) {
        let output = self.0.get_or_insert_default();
        output.bytes.splice(..output.sent, rest.iter().copied());
        output.sent = 0;
    }
}

impl Connection {
    pub(crate) fn new(wire: WireIndex, who: UserName, session: SessionId) -> Self {
        Self {
            wire,
            who,
            session,
            state: State::Open,
            rooms: Vec::new(),
            private: Private::default(),
            begun: None,
            rare: None,
            blocked: false,
            progress: Tick::default(),
            spent: Spent::default(),
            unanswered: 0,
            bad_frames: 0,
            limited: 0,
            in_flush: false,
            paused: None,
            in_behind: false,
            reading: false,
            presence_pending: false,
            pinged: false,
            is_asking: false,
            is_local: false,
            is_own: false,
        }
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// What the free doors know of who it is.
    pub(crate) fn author(&self) -> Author {
        self.rare.as_ref().map_or(Author::Named, |rare| rare.author)
    }

    /// Since when it is to be in `room`, if that is the one that it comes with; asked once.
    pub(crate) fn take_since(&mut self, room: &RoomName) -> Since {
        let Some(rare) = &mut self.rare else {
            return Since::Joined;
        };
        let first = rare.first.take_if(|first| first.room == *room);
        if first.is_some() && rare.is_empty() {
            self.rare = None;
        }
        first.map_or(Since::Joined, |first| first.since)
    }

    /// Makes room for so many rooms more, if they would not find it anyway. It is in `most` at most.
    pub(crate) fn expect_rooms(&mut self, more: usize, most: usize) {
        let there = self.rooms.len();
        let more = more.min(most.saturating_sub(there));
        if more > grow::spare(there) {
            self.rooms.reserve_exact(more);
        }
    }

    /// The place of the room with this view, which must be there, if the connection is in it.
    pub(crate) fn slot_of(&self, view: Key) -> Option<usize> {
        self.rooms
            .iter()
            .position(|membership| membership.view == view.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_stays_small() {
        let sizes = (size_of::<Connection>(), size_of::<Membership>());
        assert!(sizes.0 <= 112 && sizes.1 <= 24, "{sizes:?}");
    }

    #[test]
    fn private_output_gives_its_memory_back_and_lets_a_begun_frame_first() {
        let mut private = Private::default();
        private.out().extend_from_slice(b"abc");
        private.advance(1);
        assert_eq!(private.waiting(), b"bc");
        private.advance(2);
        assert!(private.is_empty());
        assert!(private.0.is_none(), "an empty buffer is held");
        private.out();
        private.rest();
        assert!(private.0.is_none(), "an empty buffer is held");
        private.out().extend_from_slice(b"next");
        private.put_first(b"rest ");
        assert_eq!(private.waiting(), b"rest next");
    }

    #[test]
    fn private_output_that_is_never_quite_drained_does_not_grow() {
        let mut private = Private::default();
        private.out().extend_from_slice(&[0; 100]);
        for _ in 0..1_000 {
            private.out().extend_from_slice(&[0; 50]);
            private.advance(50);
        }
        assert_eq!(private.waiting().len(), 100);
        let held = private.out().capacity();
        assert!(held < 1_000, "{held} bytes are held for 100");
    }
}
