//! Publishing from inside the process, without a connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parlour_hub::home_of;
use parlour_proto::{Draft, Position, Refusal, RoomName};
use tokio::sync::{Semaphore, oneshot};

use super::Hub;
use crate::plane::{Mail, Publication};

/// Publishes of the application that wait for their answer, each with 4 KiB of payload; larger ones
/// count more. Over it: [`PublishError::Busy`].
const PUBLISHES_MAX: u32 = 1_024;
const BYTES_PER_PERMIT: usize = 4 * 1024;
/// What a busy hub asks to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why [`Hub::publish`] published nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use parlour::{Draft, Hub, HubConfig, PublishError, RoomName};
/// let hub = Hub::start(HubConfig::default())?;
/// let endless = Draft::message("app", &"x".repeat(1 << 20));
/// let refused = hub.publish(RoomName::general(), endless).await;
/// assert!(matches!(refused, Err(PublishError::TooLarge(_))));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Too many publishes wait for their answer; publish again after this time.
    #[error("too many publishes are under way; try again in {}s", .retry_after.as_secs())]
    Busy {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The draft or its room is refused; [`Refusal::may_pass_later`] says whether to try again.
    #[error("{0}")]
    Refused(Refusal),
    /// The payload is larger than `Limits::message_bytes_max`: the caller's mistake.
    #[error("a payload may have at most {0} bytes")]
    TooLarge(usize),
    /// The hub is shutting down or has failed. If that happened meanwhile, the entry may be there.
    #[error("the hub is going away")]
    GoingAway,
}

/// What bounds the publishes of the application.
pub(super) fn permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(PUBLISHES_MAX as usize))
}

fn permits_for(draft: &Draft) -> u32 {
    let more = draft.payload.len() / BYTES_PER_PERMIT;
    u32::try_from(more).map_or(PUBLISHES_MAX, |more| (more + 1).min(PUBLISHES_MAX))
}

impl Hub {
    /// Publishes an entry that no connection has sent, and gives its place once it is final. Nobody
    /// need be in the room. `from` is shown as it is: a name that no user and no guest can have keeps
    /// it from being taken for one.
    ///
    /// Who drops the future before its end does not know whether the entry is published; nothing
    /// else is left of it. Works on any executor.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then, but as it says.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use parlour::{Draft, Hub, HubConfig, RoomName};
    /// let hub = Hub::start(HubConfig::default()).unwrap();
    /// let room = RoomName::new("hall").unwrap();
    /// let draft = Draft::message("$clock", "it is noon");
    /// assert_eq!(hub.publish(room, draft).await.unwrap().seq.0, 1);
    /// # }
    /// ```
    pub async fn publish(&self, room: RoomName, draft: Draft) -> Result<Position, PublishError> {
        let most = self.0.limits.message_bytes_max;
        if draft.payload.len() > most {
            return Err(PublishError::TooLarge(most));
        }
        draft.check().map_err(PublishError::Refused)?;
        if self.0.is_going_away.load(Ordering::Relaxed) {
            return Err(PublishError::GoingAway);
        }
        let permits = Arc::clone(&self.0.publishes);
        // Held until the room has answered, whether or not somebody still waits for it.
        let permit = permits
            .try_acquire_many_owned(permits_for(&draft))
            .map_err(|_| PublishError::Busy {
                retry_after: RETRY_AFTER,
            })?;
        let (answer, answered) = oneshot::channel();
        // There are `shards` inboxes, a u16.
        let home = home_of(&room, self.0.inboxes.len() as u16);
        self.0.inboxes[usize::from(home.0)].post(Mail::Publish(Box::new(Publication {
            room,
            draft,
            answer,
            permit,
        })));
        match answered.await {
            Ok(result) => result.map_err(PublishError::Refused),
            // The shard has ended.
            Err(_) => Err(PublishError::GoingAway),
        }
    }
}

#[cfg(test)]
mod tests;
