//! A router at work.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parlour_hub::{Answer, Asked, OwnedTold, What};
use parlour_proto::dialect::{Dialect, Routed};
use parlour_proto::{FrameKind, Refusal};

use super::{AnyHandler, ClientEvent, Connection, EventError, Handled};
use crate::application::{Desk, Fell, Line, Serving, guarded};
use crate::hub::Whereabouts;

/// The handlers of one door, by the types of events.
pub(crate) struct Routes {
    dialect: Arc<Routed>,
    handlers: BTreeMap<String, Arc<AnyHandler>>,
}

impl Routes {
    pub(super) fn new(
        name: &'static str,
        handlers: BTreeMap<String, Arc<AnyHandler>>,
        tells: &[String],
    ) -> Self {
        let dialect = handlers.keys().fold(Routed::new(name), |dialect, kind| {
            dialect.asks(kind.clone())
        });
        let dialect = tells
            .iter()
            .fold(dialect, |dialect, kind| dialect.tells(kind.clone()));
        Self {
            dialect: Arc::new(dialect),
            handlers,
        }
    }
}

impl Serving for Routes {
    fn dialect(&self) -> Arc<dyn Dialect> {
        self.dialect.clone()
    }

    fn asked(self: Arc<Self>, desk: &Desk, at: Whereabouts, asked: Asked) {
        let Asked {
            who, session, what, ..
        } = asked;
        let What::Ask {
            kind,
            payload,
            room,
            ..
        } = what
        else {
            return desk.line(at).answer(Answer::Done); // A router asks for nothing else.
        };
        let Some(handler) = self.handlers.get(&kind).cloned() else {
            return desk.line(at).answer(Answer::Refused(Refusal::UnknownType));
        };
        let responder = desk.responder(at);
        let connection = Connection::new(responder.line().clone(), who, session);
        let event = ClientEvent::new(kind, payload, room, connection);
        let handling = guarded(desk.time_max(), async move { handler(event).await });
        desk.spawn(async move {
            let answer = answer(responder.line(), handling.await).await;
            responder.answer(answer);
        });
    }
}

/// What the client is told stands before whatever its next frame causes.
async fn answer(line: &Line, handled: Result<Handled, Fell>) -> Answer {
    match handled {
        Ok(Ok(None)) => Answer::Done,
        Ok(Ok(Some((kind, payload)))) => match line.tell(reply(kind, payload)).await {
            Ok(()) => Answer::Done,
            Err(error) => failed(error.into()),
        },
        Ok(Err(error)) => failed(error),
        Err(Fell::TimedOut) => failed(EventError::new(
            "timed_out",
            "this event took longer to handle than it may",
        )),
        Err(Fell::Panicked) => {
            line.fail();
            Answer::Done
        }
    }
}

fn reply(kind: &'static str, payload: Bytes) -> OwnedTold {
    OwnedTold {
        kind: kind.into(),
        payload,
        frame: FrameKind::Text,
    }
}

fn failed(error: EventError) -> Answer {
    match error.into_parts() {
        Ok(refusal) => Answer::Refused(refusal),
        Err((code, message)) => Answer::Failed { code, message },
    }
}
