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
    if client.join(inner.room.clone()).is_err() {
        client.line().fail(); // It would miss what all are told.
    }
    client.begin();
    let (inner, time_max) = (Arc::clone(inner), desk.time_max());
    desk.spawn(async move {
        client.line().told().await;
        for handler in &inner.handlers.on_open {
            let handling = async { handler(client.clone()).await };
            if !run(&client, time_max, handling).await {
                break;
            }
        }
        rest(&inner, &client, time_max).await;
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
    client.begin();
    let (inner, time_max) = (Arc::clone(inner), desk.time_max());
    desk.spawn(async move {
        for handler in &inner.handlers.on_message {
            let handling = async { handler(client.clone(), message.clone()).await };
            if !run(&client, time_max, handling).await {
                break;
            }
        }
        rest(&inner, &client, time_max).await;
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
        desk.spawn(async move { end(&inner, &client, reason, time_max).await });
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

/// Lets the next message be read, or goes on with the end.
async fn rest<T>(inner: &Inner<T>, client: &Client<T>, time_max: Option<Duration>) {
    // At rest first: the next message may come at once.
    let closed = client.rest();
    client.line().answer(Answer::Done);
    if let Some(reason) = closed {
        end(inner, client, reason, time_max).await;
    }
}

async fn end<T>(
    inner: &Inner<T>,
    client: &Client<T>,
    reason: CloseReason,
    time_max: Option<Duration>,
) {
    for handler in &inner.handlers.on_close {
        // One that fails does not keep the others from their own.
        let _ = guarded(time_max, async { handler(client.clone(), reason).await }).await;
    }
    client.has_ended();
}
