//! Between a shard and the embedder's handlers: questions out, answers and tellings in.

use parlour_hub::{Answer, Asked, NotTold, OwnedTold, What};
use parlour_proto::{Refusal, ShardId};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::hub::{Application, Asking};
use crate::wires;

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
        let of_names = is_of_the_door && Some(wires::uncompressed(asked.wire)) == self.plain;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Reach;
    use parlour_hub::WireIndex;
    use parlour_proto::{CloseReason, ConnectionId, FrameKind, SessionId, UserName};
    use parlour_ws::deflate::Window;
    use std::sync::{Arc, Mutex, OnceLock};

    const PLAIN: WireIndex = WireIndex(3);

    /// Notes whom it was asked of.
    #[derive(Default)]
    struct Noting(Mutex<Vec<u32>>);

    impl Application for Noting {
        fn begin(&self, _: Reach) {}

        fn asked(&self, _: ShardId, asked: Asked) {
            self.0.lock().unwrap().push(asked.connection.index);
        }
    }

    fn asked(index: u32, wire: WireIndex, what: What) -> Asked {
        let generation = 1;
        Asked {
            connection: ConnectionId { index, generation },
            wire,
            who: UserName::guest("kim").unwrap(),
            session: SessionId::NONE,
            what,
        }
    }

    fn rename() -> What {
        let name = "bob".into();
        What::Rename { name }
    }

    fn frame() -> What {
        What::Ask {
            kind: String::new(),
            payload: "x".into(),
            frame: FrameKind::Text,
            room: None,
        }
    }

    #[test]
    fn without_anybody_to_ask_all_are_let_in_and_nothing_is_known() {
        let asking = Asking {
            application: None,
            names: OnceLock::new(),
            plain: Some(PLAIN),
        };
        let ask = |what| asking.ask(ShardId(0), asked(0, PLAIN, what));
        let opened = What::Opened { brought: None };
        assert!(matches!(ask(opened), Some(Answer::Done)));
        assert!(matches!(ask(What::Join(Vec::new())), Some(Answer::Done)));
        let refused = Some(Answer::Refused(Refusal::NotAllowed));
        assert_eq!(format!("{:?}", ask(rename())), format!("{refused:?}"));
        let refused = Some(Answer::Refused(Refusal::UnknownType));
        assert_eq!(format!("{:?}", ask(frame())), format!("{refused:?}"));
        assert!(ask(What::Closed(CloseReason::GoingAway)).is_none());
    }

    #[test]
    fn names_are_asked_of_who_gives_them_and_all_else_of_the_application() {
        let (application, names) = (Arc::new(Noting::default()), Arc::new(Noting::default()));
        let asking = Asking {
            application: Some(Arc::clone(&application) as Arc<dyn Application>),
            names: OnceLock::from(Arc::clone(&names) as Arc<dyn Application>),
            plain: Some(PLAIN),
        };
        let other = WireIndex(0);
        for (index, wire, what) in [
            (1, PLAIN, What::Opened { brought: None }),
            (2, PLAIN, rename()),
            (3, PLAIN, What::Join(Vec::new())),
            (4, PLAIN, What::Closed(CloseReason::GoingAway)),
            (5, other, What::Opened { brought: None }),
            (6, other, frame()),
            (7, other, rename()),
            (8, wires::compressed(PLAIN, Window::Small), rename()),
            (9, wires::compressed(other, Window::Small), rename()),
        ] {
            assert!(asking.ask(ShardId(0), asked(index, wire, what)).is_none());
        }
        assert_eq!(*names.0.lock().unwrap(), [1, 2, 4, 8]);
        assert_eq!(*application.0.lock().unwrap(), [3, 5, 6, 7, 9]);
    }
}
