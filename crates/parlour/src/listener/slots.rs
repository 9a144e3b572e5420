//! The slots of HTTP connections: so many in all, and of these so many per source. Who has one waits
//! for a place to be served in.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ListenerLimits;
use super::places::{Place, Places};
use crate::proxies::{self, Network};
use crate::source::{Share, Shares, Source};

#[derive(Clone)]
pub(super) struct Slots {
    free: Arc<Semaphore>,
    all: u32,
    share: Share,
    /// They speak for many, whom the listener cannot tell apart: no share is theirs.
    proxies: Arc<[Network]>,
    shares: Arc<Mutex<Shares>>,
    places: Places,
}

/// One connection's slot. Dropping it frees it.
pub(super) struct Slot {
    shares: Arc<Mutex<Shares>>,
    /// Whose share it is of; `None` for a proxy's.
    source: Option<Source>,
    places: Places,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Slots {
    pub(super) fn new(limits: &ListenerLimits, proxies: &[Network]) -> Self {
        let all = u32::try_from(limits.http_connections_max).unwrap_or(u32::MAX);
        Self {
            free: Arc::new(Semaphore::new(all as usize)),
            all,
            share: limits.share(),
            proxies: proxies.into(),
            shares: Arc::default(),
            places: Places::new(limits.http_served_max),
        }
    }

    /// Waits for a free one. The semaphore is never closed, so there is always one to wait for.
    pub(super) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Gives the slot to a connection from `peer`, unless `peer` has its share.
    pub(super) fn fill(&self, permit: Option<OwnedSemaphorePermit>, peer: IpAddr) -> Option<Slot> {
        let is_proxy = proxies::contain(&self.proxies, peer);
        let source = (!is_proxy).then(|| Source::of(Some(peer)));
        let is_free = |source| lock(&self.shares).take(source, self.share);
        source.is_none_or(is_free).then(|| Slot {
            shares: Arc::clone(&self.shares),
            source,
            places: self.places.clone(),
            _permit: permit,
        })
    }

    /// Waits until all are free, but no longer than `grace`.
    pub(super) async fn all_free(&self, grace: Duration) {
        let _ = tokio::time::timeout(grace, self.free.acquire_many(self.all)).await;
    }
}

impl Slot {
    /// Waits for a place to be served in, in the order in which they ask.
    pub(super) async fn place(&self, is_urgent: bool) -> Place {
        self.places.enter(self.source, is_urgent).await
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(source) = self.source {
            lock(&self.shares).give_back(source);
        }
    }
}

/// Nothing in here panics between two changes that belong together.
fn lock(shares: &Mutex<Shares>) -> MutexGuard<'_, Shares> {
    shares.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_source_gets_all_slots() {
        let limits = ListenerLimits {
            http_connections_max: 40,
            http_connections_per_address: 7,
            ..ListenerLimits::default()
        };
        let slots = Slots::new(&limits, &[]);
        for (mine, other, max) in [
            ("127.0.0.1", "192.0.2.1", 30),
            ("192.0.2.1", "127.0.0.1", 7),
        ] {
            let (mine, other) = (mine.parse().unwrap(), other.parse().unwrap());
            let mut filled = Vec::new();
            for _ in 0..max {
                filled.push(slots.fill(slots.free().await, mine).unwrap());
            }
            assert!(slots.fill(slots.free().await, mine).is_none());
            assert!(slots.fill(slots.free().await, other).is_some());
            filled.pop();
            assert!(slots.fill(slots.free().await, mine).is_some());
        }
        assert_eq!(slots.free.available_permits(), 40);
    }

    #[tokio::test]
    async fn a_proxy_that_speaks_for_many_has_no_share_but_the_whole() {
        let limits = ListenerLimits {
            http_connections_max: 40,
            http_connections_per_address: 7,
            ..ListenerLimits::default()
        };
        for proxy in ["192.0.2.1", "127.0.0.1", "::ffff:192.0.2.1"] {
            let net = proxy.parse().unwrap();
            let slots = Slots::new(&limits, &[net]);
            let mut filled = Vec::new();
            for _ in 0..40 {
                let permit = slots.free().await;
                filled.push(slots.fill(permit, proxy.parse().unwrap()).unwrap());
            }
            assert_eq!(slots.free.available_permits(), 0);
            filled.truncate(20);
            let other = "192.0.2.2".parse().unwrap();
            for _ in 0..7 {
                filled.push(slots.fill(slots.free().await, other).unwrap());
            }
            assert!(slots.fill(slots.free().await, other).is_none(), "{proxy}");
        }
    }
}
