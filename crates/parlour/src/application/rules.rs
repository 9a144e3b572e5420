//! Asking the policy.

use std::sync::Arc;
use std::time::Duration;

use parlour_hub::{Answer, Asked, DeniedRoom, What};
use parlour_proto::{Draft, Join, RoomName, UserName};
use tokio::time::Instant;

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
        let responder = self.responder(at);
        self.spawn(async move {
            let answer = answering.await;
            responder.answer(answer);
        });
        None
    }

    /// Whether `who` may be in this room, without a connection.
    pub(super) async fn may_join(&self, who: &UserName, room: &RoomName) -> Result<(), Denied> {
        match &self.policy {
            Some(policy) if policy.is_asked_to_join() => {
                let asking = async { policy.join(who, room).await };
                said(guarded(self.time_max, asking).await)
            }
            _ => Ok(()),
        }
    }

    /// Whether `who` may publish this without a connection. Whoever has one has been let into the
    /// room before, so that is asked here too.
    pub(super) async fn may_publish(
        &self,
        who: &UserName,
        room: &RoomName,
        draft: &Draft,
    ) -> Result<(), Denied> {
        let Some(policy) = &self.policy else {
            return Ok(());
        };
        self.may_join(who, room).await?;
        if policy.is_asked_to_publish() {
            let asking = async { policy.publish(who, room, draft).await };
            said(guarded(self.time_max, asking).await)?;
        }
        Ok(())
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

/// Every room is refused in the policy's own words. All of a frame have `time_max` together.
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
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    let start = Instant::now();
    for join in rooms {
        let time_max = time_max.map(|time_max| time_max.saturating_sub(start.elapsed()));
        let asking = async { policy.join(&who, &join.room).await };
        match said(guarded(time_max, asking).await) {
            Ok(()) => allowed.push(join),
            Err(why) => denied.push(DeniedRoom {
                room: join.room,
                code: Denied::CODE.into(),
                message: why.to_string(),
            }),
        }
    }
    Answer::Joins {
        rooms: allowed,
        denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    /// Never knows who may be in `hell`.
    struct Pondering;

    impl Policy for Pondering {
        async fn join(&self, _: &UserName, room: &RoomName) -> Result<(), Denied> {
            match room.as_str().starts_with("hell") {
                true => std::future::pending().await,
                false => Ok(()),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_rooms_of_a_frame_have_one_time_together() {
        let join = |name: String| Join::next(RoomName::new(&name).unwrap());
        let mut rooms: Vec<Join> = (0..50).map(|n| join(format!("hell{n}"))).collect();
        rooms.insert(0, join("den".to_owned()));
        let start = Instant::now();
        let (ann, time_max) = (UserName::guest("ann").unwrap(), Duration::from_secs(30));
        let answer = joins(Arc::new(Pondering), ann, rooms, Some(time_max)).await;
        let Answer::Joins { rooms, denied } = answer else {
            panic!("{answer:?}");
        };
        assert_eq!((rooms.len(), denied.len()), (1, 50));
        // A clock of tokio's counts whole milliseconds.
        assert!(start.elapsed() < time_max + Duration::from_secs(1));
    }
}
