//! How connections hear that it ends: first that nothing new begins, then that it is over.

use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Stopping,
    Over,
}

/// Who says it. Dropped early it has said that nothing new begins.
pub(super) struct Stop(watch::Sender<Phase>);

/// Who hears it.
#[derive(Clone)]
pub(super) struct Stopped(watch::Receiver<Phase>);

pub(super) fn pair() -> (Stop, Stopped) {
    let (stop, stopped) = watch::channel(Phase::Serving);
    (Stop(stop), Stopped(stopped))
}

impl Stop {
    pub(super) fn stop(&self) {
        self.0.send_replace(Phase::Stopping);
    }

    pub(super) fn end(&self) {
        self.0.send_replace(Phase::Over);
    }
}

impl Stopped {
    /// Waits until nothing new may begin.
    pub(super) async fn stopping(&mut self) {
        // Nobody is left who could say it: that says it too.
        let _ = self.0.wait_for(|phase| *phase >= Phase::Stopping).await;
    }

    /// Waits until it is over; for ever, if nobody says so.
    pub(super) async fn over(&mut self) {
        if self
            .0
            .wait_for(|phase| *phase == Phase::Over)
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }
}
