//! The end, within its time whatever hangs.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parlour::{Hub, UnderWay};
use parlour_store_redb::Stores;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::store;

/// The most of a stop's time that requests of HTTP get when the clients are gone.
const HTTP_GRACE_MAX: Duration = Duration::from_secs(1);

/// How the server ends.
pub(crate) struct Goodbye {
    hub: Hub,
    stores: Option<Stores>,
    time: Duration,
    begun: watch::Sender<bool>,
}

impl Goodbye {
    /// Takes at most `time` when it comes to it.
    pub(crate) fn new(hub: Hub, stores: Option<Stores>, time: Duration) -> Self {
        let (begun, _) = watch::channel(false);
        // A disk that hangs must not hold up the end: this one is never dropped, and so nobody is who
        // waits for the threads behind it.
        Box::leak(Box::new(stores.clone()));
        Self {
            hub,
            stores,
            time,
            begun,
        }
    }

    /// Ends when the end begins, or when this is dropped.
    pub(crate) fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut begun = self.begun.subscribe();
        async move { drop(begun.wait_for(|begun| *begun).await) }
    }

    /// Ends the listener, then the clients, then what is left of HTTP and the rooms on disk. Returns how
    /// many clients were cut.
    pub(crate) async fn say(self, http: JoinHandle<UnderWay>) -> usize {
        let deadline = Instant::now() + self.time;
        self.begun.send_replace(true);
        let hub = self.hub.clone();
        let cut = Arc::new(OnceLock::new());
        let counted = Arc::clone(&cut);
        let in_order = async move {
            // Whoever is told to go must not find an open door.
            let under_way = http.await;
            let grace = HTTP_GRACE_MAX.min(self.time / 5);
            let time = (deadline - grace).saturating_duration_since(Instant::now());
            let _ = counted.set(self.hub.shutdown(time).await);
            let http = async {
                if let Ok(under_way) = under_way {
                    under_way.finish(grace).await;
                }
            };
            let rooms = async {
                if let Some(stores) = self.stores {
                    store::close(stores).await;
                }
            };
            tokio::join!(http, rooms);
        };
        // The hub waits for its threads. On a thread of its own that holds up nobody, not even the
        // clock below.
        let handle = Handle::current();
        let in_order = tokio::task::spawn_blocking(move || handle.block_on(in_order));
        if timeout_at(deadline, in_order).await.is_err() {
            tracing::warn!(
                "the time to stop is over; what was not closed in order is recovered at the next start"
            );
        }
        cut.get().copied().unwrap_or_else(|| hub.connections())
    }
}
