//! What the owner of a client asks of it, and what waits for an answer.

use bytes::Bytes;
use parlour_proto::told::Said;
use parlour_proto::{EntryId, EntryKind, Join, Position, RoomName};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::CallError;
use crate::event::Joined;
use crate::random;

/// Where an answer goes. Who does not wait any more has dropped the other end.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, CallError>>;

/// One thing to be done.
pub(crate) enum Call {
    Join(Join, Reply<Joined>),
    Leave(RoomName, Reply<()>),
    Publish(ToPublish, Reply<Position>),
    Rename(String, Reply<String>),
}

impl Call {
    /// Whether nobody waits for it any more: then it is not begun.
    pub(crate) fn is_given_up(&self) -> bool {
        match self {
            Self::Join(_, reply) => reply.is_closed(),
            Self::Leave(_, reply) => reply.is_closed(),
            Self::Publish(_, reply) => reply.is_closed(),
            Self::Rename(_, reply) => reply.is_closed(),
        }
    }
}

/// What is to be published, already checked.
pub(crate) struct ToPublish {
    pub(crate) room: RoomName,
    pub(crate) kind: EntryKind,
    pub(crate) payload: Bytes,
}

impl ToPublish {
    /// # Errors
    /// A payload that would break its frame.
    pub(crate) fn new(room: RoomName, kind: EntryKind, payload: Bytes) -> Result<Self, CallError> {
        let is_good = if kind == EntryKind::MESSAGE {
            serde_json::from_slice::<String>(&payload).is_ok()
        } else {
            serde_json::from_slice::<&serde_json::value::RawValue>(&payload).is_ok()
        };
        if !is_good {
            return Err(CallError::BadPayload);
        }
        Ok(Self {
            room,
            kind,
            payload,
        })
    }
}

/// Publishes that were sent and have no answer, in the order in which they were.
#[derive(Default)]
pub(crate) struct Publishes(Vec<InFlight>);

pub(crate) struct InFlight {
    pub(crate) id: EntryId,
    pub(crate) room: RoomName,
    /// Who said it.
    pub(crate) from: String,
    pub(crate) reply: Reply<Position>,
    pub(crate) due: Instant,
    /// Sent on a connection that was lost.
    pub(crate) is_lost: bool,
}

/// An id that nobody can foresee: who knew it could publish under it what looks like ours.
pub(crate) fn new_id() -> EntryId {
    let id = format!("{:032x}", u128::from_ne_bytes(random::bytes()));
    EntryId::new(&id).expect("32 digits are no more than 64 bytes")
}

impl Publishes {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// One more is on its way. There are never more than a few dozen.
    pub(crate) fn sent(&mut self, publish: InFlight) {
        self.0.push(publish);
    }

    /// The server's answer to one of them. What is none of them is ignored.
    pub(crate) fn answer(&mut self, id: &EntryId, answer: &Result<Position, CallError>) {
        self.settle(|it| it.id == *id, answer);
    }

    /// An entry that was told: if it is one whose answer was lost, this is its place. Others can give
    /// their entries any id, but neither our name nor, before it was said, our id.
    pub(crate) fn found(&mut self, said: &Said) {
        let Some(id) = &said.id else { return };
        let is_it = |it: &InFlight| {
            it.is_lost && it.id == *id && it.room == said.room && *it.from == *said.from
        };
        self.settle(is_it, &Ok(said.position));
    }

    /// The connection that they were sent on is gone.
    pub(crate) fn lose(&mut self, due: Instant) {
        for in_flight in &mut self.0 {
            in_flight.is_lost = true;
            in_flight.due = in_flight.due.min(due);
        }
    }

    /// The room's replay is complete, or will not come: what it did not bring is not known.
    pub(crate) fn give_up_lost(&mut self, room: &RoomName) {
        let unknown = Err(CallError::Unknown);
        self.settle(|it| it.is_lost && it.room == *room, &unknown);
    }

    /// Those whose time is up are not known.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.settle(|it| it.due <= now, &Err(CallError::Unknown));
    }

    pub(crate) fn fail_all(&mut self, error: &CallError) {
        self.settle(|_| true, &Err(error.clone()));
    }

    /// The earliest time at which one is up.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.iter().map(|it| it.due).min()
    }

    fn settle(&mut self, which: impl Fn(&InFlight) -> bool, answer: &Result<Position, CallError>) {
        for in_flight in self.0.extract_if(.., |it| which(it)) {
            // Who does not wait any more does not need it.
            let _ = in_flight.reply.send(answer.clone());
        }
    }
}
