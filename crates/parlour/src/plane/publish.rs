//! Publishes of the application on their way through a shard, and questions of the doors.

use std::collections::HashMap;

use parlour_hub::{History, PublishToken, QuestionToken, Shard, Since, Store};
use parlour_proto::{Draft, Page, Position, Refusal, RoomName};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// One publish, and where its answer goes.
pub(crate) struct Publication {
    pub(crate) room: RoomName,
    pub(crate) draft: Draft,
    pub(crate) answer: oneshot::Sender<Result<Position, Refusal>>,
    /// Held until the answer is known.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Something that somebody wants to know of a room of this shard.
pub(crate) struct Question {
    pub(crate) room: RoomName,
    pub(crate) wanted: Wanted,
    /// Held until it is answered.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// What that is, and where the answer goes.
pub(crate) enum Wanted {
    /// Where the room is now.
    Since(oneshot::Sender<Since>),
    /// A page of its log.
    Page(Page, oneshot::Sender<Result<History, Refusal>>),
}

/// Those that wait for their answer; their permits bound how many.
#[derive(Default)]
pub(super) struct Questions {
    waiting: HashMap<QuestionToken, (Answer, OwnedSemaphorePermit)>,
    last: u64,
}

enum Answer {
    Since(oneshot::Sender<Since>),
    Page(oneshot::Sender<Result<History, Refusal>>),
}

impl Questions {
    pub(super) fn begin<S: Store>(&mut self, question: Question, shard: &mut Shard<S>) {
        let Question {
            room,
            wanted,
            permit,
        } = question;
        self.last += 1;
        let token = QuestionToken(self.last);
        let answer = match wanted {
            Wanted::Since(answer) => {
                shard.since(token, &room);
                Answer::Since(answer)
            }
            Wanted::Page(page, answer) => {
                shard.history(token, &room, page);
                Answer::Page(answer)
            }
        };
        self.waiting.insert(token, (answer, permit));
    }

    /// Who has gone meanwhile does not want to know.
    pub(super) fn finish<S: Store>(&mut self, shard: &mut Shard<S>) {
        for (token, since) in shard.take_sinces() {
            if let Some((Answer::Since(answer), permit)) = self.waiting.remove(&token) {
                drop(permit);
                let _ = answer.send(since);
            }
        }
        for (token, page) in shard.take_pages() {
            if let Some((Answer::Page(answer), permit)) = self.waiting.remove(&token) {
                drop(permit);
                let _ = answer.send(page);
            }
        }
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
