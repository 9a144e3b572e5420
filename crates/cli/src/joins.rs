//! Rooms that are asked for while other things go on, also while there is no connection.

use std::future::{Future, poll_fn};
use std::task::Poll;

use parlour_client::{CallError, Client, Join, RoomName};
use tokio::task::JoinSet;

/// What became of a join.
pub(crate) type Joined = (RoomName, Result<(), CallError>);

/// Joins that have no answer yet.
#[derive(Default)]
pub(crate) struct Joins(JoinSet<Joined>);

impl Joins {
    /// Asks for a room. What is asked of the client after this is done after it.
    pub(crate) async fn begin(&mut self, client: &Client, join: Join) {
        let client = client.clone();
        let room = join.room.clone();
        let mut joining = Box::pin(async move { (room, client.join(join).await.map(drop)) });
        // So that it has its place in the client's queue before anything else gets one.
        let answered = poll_fn(|context| Poll::Ready(joining.as_mut().poll(context))).await;
        match answered {
            Poll::Ready(joined) => drop(self.0.spawn(async move { joined })),
            Poll::Pending => drop(self.0.spawn(joining)),
        }
    }

    /// Whether all have their answers.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next answer. Nothing is lost if it is dropped.
    pub(crate) async fn next(&mut self) -> Joined {
        match self.0.join_next().await {
            Some(Ok(joined)) => joined,
            // None is under way: they are never aborted, and do not panic.
            _ => std::future::pending().await,
        }
    }
}
