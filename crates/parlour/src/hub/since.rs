//! Questions about a room: where it is before a newcomer is let in, and pages of its log.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parlour_hub::{Attach, History, Since, home_of};
use parlour_proto::{Page, Refusal, RoomName};
use tokio::sync::{Semaphore, oneshot};

use super::Hub;
use crate::occupancy::Full;
use crate::plane::{Mail, Question, Wanted};

/// Questions on their way to a room's shard; over it who asks waits.
const QUESTIONS_MAX: usize = 1_024;

/// What bounds the questions of the doors.
pub(super) fn permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(QUESTIONS_MAX))
}

impl Hub {
    /// Lets somebody who comes with a room miss nothing that is said there from now on, however long he
    /// is on the way to his shard. A door asks this last before it answers 101; who drops the future
    /// leaves nothing behind.
    ///
    /// # Errors
    /// [`Full::GoingAway`].
    pub(crate) async fn begin_in_room(&self, attach: &mut Attach) -> Result<(), Full> {
        if let Some(room) = attach.room.clone() {
            attach.since = self.since(room).await?;
        }
        Ok(())
    }

    async fn since(&self, room: RoomName) -> Result<Since, Full> {
        let (answer, answered) = oneshot::channel();
        self.ask(room, Wanted::Since(answer)).await?;
        // Without an answer the shard has ended.
        answered.await.map_err(|_| Full::GoingAway)
    }

    /// A page of a room's log. A room in memory alone that nobody is in may be forgotten; one on disk is
    /// looked up. Works on any executor.
    ///
    /// # Errors
    /// [`HistoryError`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use parlour::{Draft, Hub, HubConfig, Page, PageFrom, RoomName, Seq};
    /// let (hub, room) = (Hub::start(HubConfig::default())?, RoomName::new("hall")?);
    /// for hour in 1..=3 {
    ///     hub.publish(room.clone(), Draft::message("$clock", &hour.to_string())).await?;
    /// }
    /// let page = Page { from: PageFrom::Before(Seq(3)), limit: 1 };
    /// let history = hub.history(room, page).await?;
    /// assert_eq!((history.entries[0].seq, history.more), (Seq(2), true));
    /// # Ok(()) }
    /// ```
    pub async fn history(&self, room: RoomName, page: Page) -> Result<History, HistoryError> {
        let (answer, answered) = oneshot::channel();
        let asked = self.ask(room, Wanted::Page(page, answer)).await;
        asked.map_err(|_| HistoryError::GoingAway)?;
        match answered.await {
            Ok(page) => page.map_err(HistoryError::Refused),
            Err(_) => Err(HistoryError::GoingAway),
        }
    }

    async fn ask(&self, room: RoomName, wanted: Wanted) -> Result<(), Full> {
        if self.0.is_going_away.load(Ordering::Relaxed) {
            return Err(Full::GoingAway);
        }
        let permits = Arc::clone(&self.0.questions);
        // Held until the shard has answered, whether or not somebody still waits for it.
        let permit = permits.acquire_owned().await;
        let permit = permit.map_err(|_| Full::GoingAway)?;
        // There are `shards` inboxes, a u16.
        let home = home_of(&room, self.0.inboxes.len() as u16);
        self.0.inboxes[usize::from(home.0)].post(Mail::Question(Box::new(Question {
            room,
            wanted,
            permit,
        })));
        Ok(())
    }
}

/// Why [`Hub::history`] has no page.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use parlour::{HistoryError, Hub, HubConfig, Page, PageFrom, Refusal, RoomName, Seq};
/// let hub = Hub::start(HubConfig::default()).unwrap();
/// let page = Page { from: PageFrom::Before(Seq::MAX), limit: 50 };
/// let refused = hub.history(RoomName::general(), page).await.unwrap_err();
/// assert_eq!(refused, HistoryError::Refused(Refusal::NoSuchRoom));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// There is no such room, or its log cannot be read.
    #[error("{0}")]
    Refused(Refusal),
    /// The hub is shutting down or has failed.
    #[error("the hub is going away")]
    GoingAway,
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};
    use std::time::Duration;

    use parlour_hub::WireIndex;
    use parlour_proto::{Draft, UserName};

    use super::*;
    use crate::HubConfig;

    fn newcomer() -> Attach {
        Attach {
            room: Some(RoomName::new("den").unwrap()),
            ..Attach::new(WireIndex(0), UserName::guest("kim").unwrap())
        }
    }

    #[tokio::test]
    async fn a_room_is_asked_for_and_not_made() {
        let hub = Hub::start(HubConfig::default()).unwrap();
        let mut attach = newcomer();
        hub.begin_in_room(&mut attach).await.unwrap();
        assert_eq!(attach.since, Since::Nothing);
        assert_eq!(hub.stats().rooms, 0);
        let room = RoomName::new("den").unwrap();
        let position = hub.publish(room, Draft::message("$app", "x")).await;
        hub.begin_in_room(&mut attach).await.unwrap();
        assert_eq!(attach.since, Since::Position(position.unwrap()));
        attach.room = None;
        attach.since = Since::Joined;
        hub.begin_in_room(&mut attach).await.unwrap();
        assert_eq!(attach.since, Since::Joined);
    }

    #[tokio::test]
    async fn who_does_not_wait_for_the_answer_leaves_nothing_behind() {
        let hub = Hub::start(HubConfig::default()).unwrap();
        for _ in 0..10 * QUESTIONS_MAX {
            let mut attach = newcomer();
            let mut asking = Box::pin(hub.begin_in_room(&mut attach));
            let mut context = Context::from_waker(Waker::noop());
            let _ = asking.as_mut().poll(&mut context);
        }
        let all = hub.0.questions.acquire_many(QUESTIONS_MAX as u32).await;
        drop(all.unwrap());
        assert_eq!(hub.stats().rooms, 0);
    }

    #[tokio::test]
    async fn a_hub_that_goes_away_says_so() {
        let hub = Hub::start(HubConfig::default()).unwrap();
        hub.shutdown(Duration::from_secs(600)).await;
        let asked = hub.begin_in_room(&mut newcomer()).await;
        assert_eq!(asked, Err(Full::GoingAway));
        let hub = Hub::start(HubConfig::default()).unwrap();
        hub.0
            .inboxes
            .iter()
            .for_each(|inbox| inbox.post(Mail::Stop));
        // Until nobody is left to answer.
        while hub.begin_in_room(&mut newcomer()).await.is_ok() {}
    }
}
