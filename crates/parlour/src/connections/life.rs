//! A raw connection from its opening to its end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parlour_hub::{Answer, Brought};
use parlour_proto::{CloseReason, FrameKind, SessionId, UserName};

use super::{Client, Inner, Message};
use crate::application::{ConnectionId, Desk, guarded};
use crate::hub::Whereabouts;

/// It is in the list and in the room of all before any handler runs, and not read before all have.
pub(super) fn open<T: Send + Sync + 'static>(
    inner: &Arc<Inner<T>>,
    desk: &Desk,
    at: Whereabouts,
    (who, session): (UserName, SessionId),
    brought: Option<Brought>,
) {
    let line = desk.line(at);
    let value = brought.and_then(|brought| brought.downcast::<T>().ok());
    let Some(value) = value else {
        // No door has let it in: it did not see the set-up.
        line.fail();
        return line.answer(Answer::Done);
    };
    let client = Client::new(line, who, session, *value);
    inner.lock().insert(client.id(), client.clone());
    client.line().begin_in(inner.room.clone());
    let work = Work::begin(&client);
    let (inner, time_max) = (Arc::clone(inner), desk.time_max());
    desk.spawn(async move {
        client.line().told().await;
        for handler in &inner.handlers.on_open {
            let handling = async { handler(client.clone()).await };
            if !run(&client, time_max, handling).await {
                break;
            }
        }
        work.done(&inner, time_max).await;
    });
}

/// Every handler in turn, until one ends the connection.
pub(super) fn message<T: Send + Sync + 'static>(
    inner: &Arc<Inner<T>>,
    desk: &Desk,
    at: Whereabouts,
    payload: Bytes,
    frame: FrameKind,
) {
    let client = client_at(inner, at).filter(|_| !inner.handlers.on_message.is_empty());
    let (Some(client), Some(message)) = (client, Message::received(payload, frame)) else {
        return desk.line(at).answer(Answer::Done);
    };
    let work = Work::begin(&client);
    let (inner, time_max) = (Arc::clone(inner), desk.time_max());
    desk.spawn(async move {
        for handler in &inner.handlers.on_message {
            let handling = async { handler(client.clone(), message.clone()).await };
            if !run(&client, time_max, handling).await {
                break;
            }
        }
        work.done(&inner, time_max).await;
    });
}

/// It is no longer in the list; `on_close` follows the handler that still runs.
pub(super) fn close<T: Send + Sync + 'static>(
    inner: &Arc<Inner<T>>,
    desk: &Desk,
    at: Whereabouts,
    reason: CloseReason,
) {
    let Some(client) = inner.lock().remove(&ConnectionId::of(at)) else {
        return;
    };
    if client.ends(reason) {
        let (inner, time_max) = (Arc::clone(inner), desk.time_max());
        let ending = Ending(client);
        desk.spawn(async move { end(&inner, ending, reason, time_max).await });
    }
}

fn client_at<T>(inner: &Inner<T>, at: Whereabouts) -> Option<Client<T>> {
    inner.lock().get(&ConnectionId::of(at)).cloned()
}

/// Whether the connection goes on.
async fn run<T>(
    client: &Client<T>,
    time_max: Option<Duration>,
    handling: impl Future<Output = bool>,
) -> bool {
    let goes_on = guarded(time_max, handling).await.unwrap_or(false);
    if !goes_on {
        client.line().fail();
    }
    goes_on
}

/// The handlers of one message at work. If their task is dropped, as with its runtime, the connection
/// ends with 1011.
struct Work<T> {
    client: Client<T>,
    is_done: bool,
}

impl<T> Work<T> {
    fn begin(client: &Client<T>) -> Self {
        client.begin();
        Self {
            client: client.clone(),
            is_done: false,
        }
    }

    /// Lets the next message be read, or goes on with the end.
    async fn done(mut self, inner: &Inner<T>, time_max: Option<Duration>) {
        self.is_done = true;
        // At rest first: the next message may come at once.
        let closed = self.client.rest();
        self.client.line().answer(Answer::Done);
        if let Some(reason) = closed {
            let ending = Ending(self.client.clone());
            end(inner, ending, reason, time_max).await;
        }
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        tracing::error!("the handlers of a connection were dropped: is their runtime gone?");
        self.client.line().fail();
        if self.client.rest().is_some() {
            drop(Ending(self.client.clone()));
        }
    }
}

/// A connection that has ended. Nobody waits for that any more once this is dropped.
struct Ending<T>(Client<T>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        self.0.has_ended();
    }
}

async fn end<T>(
    inner: &Inner<T>,
    ending: Ending<T>,
    reason: CloseReason,
    time_max: Option<Duration>,
) {
    for handler in &inner.handlers.on_close {
        let client = ending.0.clone();
        // One that fails does not keep the others from their own.
        let _ = guarded(time_max, async { handler(client, reason).await }).await;
    }
}
