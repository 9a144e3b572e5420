//! Between a shard and the embedder's handlers: questions out, answers and tellings in.

use parlour_hub::{Answer, Asked, NotTold, OwnedTold, What};
use parlour_proto::{Refusal, ShardId};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::hub::{Application, Asking};

/// Something for one connection, and where it is said what became of it.
pub(crate) struct Telling {
    pub(crate) told: OwnedTold,
    pub(crate) answer: oneshot::Sender<Result<(), NotTold>>,
    /// Held until it lies in the connection's output.
    pub(crate) _permit: OwnedSemaphorePermit,
}

impl Asking {
    /// Hands on a question, or answers it where there is nobody who could.
    pub(super) fn ask(&self, shard: ShardId, asked: Asked) -> Option<Answer> {
        match self.whose(&asked) {
            Some(application) => {
                application.asked(shard, asked);
                None
            }
            None => by_nobody(&asked.what),
        }
    }

    fn whose(&self, asked: &Asked) -> Option<&dyn Application> {
        let is_of_the_door = matches!(
            asked.what,
            What::Opened { .. } | What::Closed(_) | What::Rename { .. }
        );
        let of_names = is_of_the_door && Some(asked.wire) == self.plain;
        let whose = if of_names {
            self.names.get()
        } else {
            self.application.as_ref()
        };
        whose.map(|application| &**application)
    }
}

/// Who has no handlers lets everybody in, gives out no names and knows no types.
fn by_nobody(what: &What) -> Option<Answer> {
    match what {
        What::Closed(_) => None,
        What::Rename { .. } => Some(Answer::Refused(Refusal::NotAllowed)),
        What::Ask { .. } => Some(Answer::Refused(Refusal::UnknownType)),
        What::Opened { .. } | What::Join(_) | What::Enter(_) | What::Publish { .. } => {
            Some(Answer::Done)
        }
    }
}
