//! Publishes of the application on their way through a shard, and questions of the doors.

use std::collections::HashMap;

use parlour_hub::{PublishToken, Shard, Since, Store};
use parlour_proto::{Draft, Position, Refusal, RoomName};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// One publish, and where its answer goes.
pub(crate) struct Publication {
    pub(crate) room: RoomName,
    pub(crate) draft: Draft,
    pub(crate) answer: oneshot::Sender<Result<Position, Refusal>>,
    /// Held until the answer is known.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Where a room of this shard is now.
pub(crate) struct Question {
    pub(crate) room: RoomName,
    pub(crate) answer: oneshot::Sender<Since>,
    /// Held until it is answered.
    pub(crate) permit: OwnedSemaphorePermit,
}

impl Question {
    pub(super) fn answer<S: Store>(self, shard: &Shard<S>) {
        let Self {
            room,
            answer,
            permit,
        } = self;
        drop(permit);
        // Who has gone meanwhile does not want to know.
        let _ = answer.send(shard.since(&room));
    }
}

/// Those that wait for their answer; their permits bound how many.
#[derive(Default)]
pub(super) struct Publications {
    waiting: HashMap<PublishToken, Waiting>,
    last: u64,
}

struct Waiting {
    answer: oneshot::Sender<Result<Position, Refusal>>,
    permit: OwnedSemaphorePermit,
}

impl Publications {
    pub(super) fn begin<S: Store>(&mut self, publication: Publication, shard: &mut Shard<S>) {
        let Publication {
            room,
            draft,
            answer,
            permit,
        } = publication;
        self.last += 1;
        let token = PublishToken(self.last);
        self.waiting.insert(token, Waiting { answer, permit });
        shard.publish(token, &room, draft);
    }

    pub(super) fn finish<S: Store>(&mut self, shard: &mut Shard<S>) {
        for (token, result) in shard.take_published() {
            if let Some(Waiting { answer, permit }) = self.waiting.remove(&token) {
                // First, so that who has the answer can publish again.
                drop(permit);
                // Who has gone meanwhile does not want to know.
                let _ = answer.send(result);
            }
        }
    }
}
