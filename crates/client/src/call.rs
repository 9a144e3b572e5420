//! What the owner of a client asks of it, and what waits for an answer.

use std::collections::BTreeMap;

use bytes::Bytes;
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

/// Publishes that were sent and have no answer.
pub(crate) struct Publishes {
    /// Makes the ids of this client unlike those of any other.
    prefix: String,
    count: u64,
    in_flight: BTreeMap<u64, InFlight>,
}

struct InFlight {
    room: RoomName,
    reply: Reply<Position>,
    due: Instant,
    /// Sent on a connection that was lost.
    is_lost: bool,
}

impl Publishes {
    pub(crate) fn new() -> Self {
        let prefix = u64::from_ne_bytes(random::bytes());
        Self {
            prefix: format!("{prefix:016x}"),
            count: 0,
            in_flight: BTreeMap::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Another id, for the next publish.
    pub(crate) fn next_id(&mut self) -> EntryId {
        self.count += 1;
        let id = EntryId::new(&format!("{}-{}", self.prefix, self.count));
        id.expect("16 digits, a dash and a number are no more than 64 bytes")
    }

    /// The publish with the id that was made last is on its way.
    pub(crate) fn sent(&mut self, room: RoomName, reply: Reply<Position>, due: Instant) {
        let in_flight = InFlight {
            room,
            reply,
            due,
            is_lost: false,
        };
        self.in_flight.insert(self.count, in_flight);
    }

    /// The answer to one of them. What is none of them is ignored.
    pub(crate) fn answer(&mut self, id: &EntryId, answer: Result<Position, CallError>) {
        if let Some(number) = self.number(id)
            && let Some(in_flight) = self.in_flight.remove(&number)
        {
            // Who does not wait any more does not need it.
            let _ = in_flight.reply.send(answer);
        }
    }

    fn number(&self, id: &EntryId) -> Option<u64> {
        let (prefix, number) = id.as_str().split_once('-')?;
        (prefix == self.prefix).then(|| number.parse().ok())?
    }

    /// The connection that they were sent on is gone.
    pub(crate) fn lose(&mut self, due: Instant) {
        for in_flight in self.in_flight.values_mut() {
            in_flight.is_lost = true;
            in_flight.due = in_flight.due.min(due);
        }
    }

    /// The room's replay is complete, or will not come: what it did not bring is not known.
    pub(crate) fn give_up_lost(&mut self, room: &RoomName) {
        self.fail(|it| it.is_lost && it.room == *room, &CallError::Unknown);
    }

    /// Those whose time is up are not known.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.fail(|it| it.due <= now, &CallError::Unknown);
    }

    pub(crate) fn fail_all(&mut self, error: &CallError) {
        self.fail(|_| true, error);
    }

    /// The earliest time at which one is up.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.in_flight.values().map(|it| it.due).min()
    }

    fn fail(&mut self, which: impl Fn(&InFlight) -> bool, error: &CallError) {
        for (_, in_flight) in self.in_flight.extract_if(.., |_, it| which(it)) {
            let _ = in_flight.reply.send(Err(error.clone()));
        }
    }
}
