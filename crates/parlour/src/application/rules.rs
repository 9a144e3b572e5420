//! Asking the policy.

use std::sync::Arc;
use std::time::Duration;

use parlour_hub::{Answer, Asked, What};
use parlour_proto::{Command, Draft, Join, RoomName, UserName};

use super::Desk;
use super::run::{Fell, guarded};
use crate::accounts::BoxFuture;
use crate::hub::Whereabouts;
use crate::policy::{AnyPolicy, Denied};

impl Desk {
    /// Takes what is for the policy; the rest comes back.
    pub(super) fn ask_policy(&self, at: Whereabouts, asked: Asked) -> Option<Asked> {
        let Some(policy) = self.policy.clone() else {
            return Some(asked);
        };
        let (who, time_max) = (asked.who.clone(), self.time_max);
        let answering: BoxFuture<'static, Answer> = match asked.what {
            What::Join(rooms) => Box::pin(joins(policy, who, rooms, time_max)),
            What::Enter(room) => {
                let asking = async move { policy.join(&who, &room).await };
                Box::pin(one(guarded(time_max, asking)))
            }
            What::Publish { room, draft } => {
                let asking = async move { policy.publish(&who, &room, &draft).await };
                Box::pin(one(guarded(time_max, asking)))
            }
            what => return Some(Asked { what, ..asked }),
        };
        let question = self.question(at);
        self.spawn(async move {
            let answer = answering.await;
            question.answer(answer);
        });
        None
    }

    /// Whether `who` may publish this without a connection.
    pub(super) async fn may_publish(
        &self,
        who: &UserName,
        room: &RoomName,
        draft: &Draft,
    ) -> Result<(), Denied> {
        match self.policy.as_ref().filter(|it| it.is_asked_to_publish()) {
            None => Ok(()),
            Some(policy) => {
                let asking = async { policy.publish(who, room, draft).await };
                said(guarded(self.time_max, asking).await)
            }
        }
    }
}

/// Who fails to answer has not allowed it.
fn said(asked: Result<Result<(), Denied>, Fell>) -> Result<(), Denied> {
    asked.unwrap_or_else(|_| Err(Denied::no_answer()))
}

async fn one(asking: impl Future<Output = Result<Result<(), Denied>, Fell>>) -> Answer {
    match said(asking.await) {
        Ok(()) => Answer::Done,
        Err(denied) => refused(&denied),
    }
}

fn refused(denied: &Denied) -> Answer {
    Answer::Failed {
        code: Denied::CODE.into(),
        message: denied.to_string(),
    }
}

/// One room is refused in the policy's own words, of several only by name.
async fn joins(
    policy: Arc<dyn AnyPolicy>,
    who: UserName,
    rooms: Vec<Join>,
    time_max: Option<Duration>,
) -> Answer {
    if let [only] = &rooms[..] {
        let asking = async { policy.join(&who, &only.room).await };
        return one(guarded(time_max, asking)).await;
    }
    let asked = rooms.len();
    let mut allowed = Vec::new();
    for join in rooms {
        let asking = async { policy.join(&who, &join.room).await };
        if said(guarded(time_max, asking).await).is_ok() {
            allowed.push(join);
        }
    }
    if allowed.len() == asked {
        return Answer::Done;
    }
    Answer::Go(Command::Join { rooms: allowed })
}
