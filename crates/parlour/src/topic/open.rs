//! The topics of a hub that are open: what its end waits for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// What the topics of a hub have at most to deliver what was accepted, before its end goes on.
const END_TIME_MAX: Duration = Duration::from_secs(1);

/// All topics of one hub.
#[derive(Clone)]
pub(crate) struct Topics(Arc<watch::Sender<Open>>);

#[derive(Clone, Copy, Default)]
struct Open {
    topics: usize,
    is_ending: bool,
}

/// One open topic.
pub(super) struct OpenTopic(watch::Receiver<Open>, Topics);

impl Default for Topics {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Open::default())))
    }
}

impl Topics {
    pub(super) fn open(&self) -> OpenTopic {
        self.0.send_modify(|open| open.topics += 1);
        OpenTopic(self.0.subscribe(), self.clone())
    }

    /// Closes all of them, and waits until they have delivered what was accepted: at most half of
    /// `deadline`, and not for one whose handler is stuck.
    pub(crate) async fn end(&self, deadline: Duration) {
        self.0.send_modify(|open| open.is_ending = true);
        let mut open = self.0.subscribe();
        let ended = open.wait_for(|open| open.topics == 0);
        let _ = tokio::time::timeout(END_TIME_MAX.min(deadline / 2), ended).await;
    }
}

impl OpenTopic {
    /// Waits until the hub begins to end.
    pub(super) async fn is_ending(&mut self) {
        // The sender is held here.
        let _ = self.0.wait_for(|open| open.is_ending).await;
    }
}

impl Drop for OpenTopic {
    fn drop(&mut self) {
        self.1.0.send_modify(|open| open.topics -= 1);
    }
}
