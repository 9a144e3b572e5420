//! What the owner of a client asks of it.

use bytes::Bytes;
use parlour_proto::{EntryId, EntryKind, Join, RoomName};
use tokio::sync::oneshot;

use crate::error::CallError;
use crate::event::Joined;
use crate::random;
use crate::receipt::Waiter;

/// Where an answer goes. Who does not wait any more has dropped the other end.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, CallError>>;

/// One thing to be done.
pub(crate) enum Call {
    Join(Join, Reply<Joined>),
    Leave(RoomName, Reply<()>),
    Publish(ToPublish, Waiter),
    Rename(String, Reply<String>),
}

impl Call {
    /// Whether nobody waits for it any more: then it is not begun.
    pub(crate) fn is_given_up(&self) -> bool {
        match self {
            Self::Join(_, reply) => reply.is_closed(),
            Self::Leave(_, reply) => reply.is_closed(),
            Self::Publish(_, waiter) => waiter.is_given_up(),
            Self::Rename(_, reply) => reply.is_closed(),
        }
    }

    /// Tells who waits that it is not done.
    pub(crate) fn refuse(self, error: CallError) {
        match self {
            Self::Join(_, reply) => drop(reply.send(Err(error))),
            Self::Leave(_, reply) => drop(reply.send(Err(error))),
            Self::Publish(_, waiter) => waiter.refuse(error),
            Self::Rename(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

/// What is to be published, already checked.
#[derive(Clone)]
pub(crate) struct ToPublish {
    pub(crate) room: RoomName,
    pub(crate) id: EntryId,
    pub(crate) kind: EntryKind,
    pub(crate) payload: Bytes,
}

impl ToPublish {
    /// Under a fresh id, if none is given.
    ///
    /// # Errors
    /// A payload that would break its frame.
    pub(crate) fn new(
        room: RoomName,
        kind: EntryKind,
        payload: Bytes,
        id: Option<EntryId>,
    ) -> Result<Self, CallError> {
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
            id: id.unwrap_or_else(new_id),
            kind,
            payload,
        })
    }
}

/// An id that nobody can foresee: who knew it could publish under it what looks like ours.
fn new_id() -> EntryId {
    let id = format!("{:032x}", u128::from_ne_bytes(random::bytes()));
    EntryId::new(&id).expect("32 digits are no more than 64 bytes")
}
