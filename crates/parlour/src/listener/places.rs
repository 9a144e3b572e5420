//! The places: how many connections are served at once. Who has arrived and has none waits unread,
//! in the kernel's buffers, where it costs hardly anything.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::source::{Share, Source};

/// Places beside the others, for what may not wait behind them: see [`Urgent`](super::urgent::Urgent).
const URGENT_MAX: usize = 8;

#[derive(Clone)]
pub(super) struct Places(Arc<Inner>);

struct Inner {
    all: Line,
    urgent: Arc<Semaphore>,
    share: Share,
    /// Of each source that has connections which wait or are served.
    sources: Mutex<HashMap<Source, Own>>,
}

/// One source's share, and how many wait for a seat of it or have one.
struct Own {
    line: Line,
    users: usize,
}

/// Who waits for the same places, in the order in which they came.
#[derive(Clone)]
struct Line {
    free: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// The right to be served. Dropping it lets the next one in.
pub(super) struct Place {
    wanted: Wanted,
    _permit: Option<OwnedSemaphorePermit>,
    _seat: Option<Seat>,
}

/// A seat of one source's share, or somebody who waits for it.
struct Seat {
    places: Places,
    source: Source,
    line: Line,
    permit: Option<OwnedSemaphorePermit>,
}

/// Whether somebody waits for this place.
#[derive(Clone)]
pub(super) struct Wanted([Option<Line>; 2]);

impl Places {
    /// So many in all. One address may have a quarter of them, all of loopback three quarters: the
    /// rest of its connections wait and do not hold up others.
    pub(super) fn new(all: usize) -> Self {
        let share = Share {
            loopback: (all / 4 * 3).max(1),
            address: (all / 4).max(1),
        };
        Self(Arc::new(Inner {
            all: Line::new(all),
            urgent: Arc::new(Semaphore::new(URGENT_MAX)),
            share,
            sources: Mutex::default(),
        }))
    }

    /// Waits for a place for a connection of `source`; `None` has no share but the whole.
    pub(super) async fn enter(&self, source: Option<Source>, is_urgent: bool) -> Place {
        if !is_urgent {
            return self.wait(source).await;
        }
        // In a box: few are, and thousands wait.
        Box::pin(self.enter_aside(source)).await
    }

    async fn enter_aside(&self, source: Option<Source>) -> Place {
        let urgent = Arc::clone(&self.0.urgent);
        tokio::select! {
            biased;
            permit = urgent.acquire_owned() => Place {
                wanted: Wanted([None, None]),
                _permit: permit.ok(),
                _seat: None,
            },
            place = self.wait(source) => place,
        }
    }

    async fn wait(&self, source: Option<Source>) -> Place {
        let seat = match source {
            Some(source) => Some(self.sit_down(source).await),
            None => None,
        };
        let permit = self.0.all.wait().await;
        let own = seat.as_ref().map(|seat| seat.line.clone());
        Place {
            wanted: Wanted([Some(self.0.all.clone()), own]),
            _permit: permit,
            _seat: seat,
        }
    }

    async fn sit_down(&self, source: Source) -> Seat {
        let mut seat = self.join(source);
        seat.permit = seat.line.wait().await;
        seat
    }

    fn join(&self, source: Source) -> Seat {
        let share = self.0.share.of(source);
        let mut sources = self.lock();
        let own = sources.entry(source).or_insert_with(|| Own {
            line: Line::new(share),
            users: 0,
        });
        own.users += 1;
        Seat {
            places: self.clone(),
            source,
            line: own.line.clone(),
            permit: None,
        }
    }

    /// Nothing in here panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, HashMap<Source, Own>> {
        (self.0.sources.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn new(places: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(places)),
            waiting: Arc::default(),
        }
    }

    /// The semaphore is never closed, so there is always a permit to wait for.
    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(permit);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        Arc::clone(&self.free).acquire_owned().await.ok()
    }
}

struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Place {
    pub(super) fn wanted(&self) -> Wanted {
        self.wanted.clone()
    }
}

impl Wanted {
    /// Says it as of now.
    pub(super) fn is_true(&self) -> bool {
        let is_waited_for = |line: &Line| line.waiting.load(Ordering::Relaxed) > 0;
        self.0.iter().flatten().any(is_waited_for)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut sources = self.places.lock();
        if let Some(own) = sources.get_mut(&self.source) {
            own.users -= 1;
            if own.users == 0 {
                sources.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn source(text: &str) -> Option<Source> {
        Some(Source::of(Some(text.parse().unwrap())))
    }

    /// What is there without waiting.
    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(future).poll(&mut context) {
            Poll::Ready(it) => Some(it),
            Poll::Pending => None,
        }
    }

    #[test]
    fn no_source_holds_up_the_others_and_none_is_kept_in_mind() {
        const ALL: usize = 40;
        let places = Places::new(ALL);
        for (mine, other, share) in [
            ("127.0.0.1", "192.0.2.1", 30),
            ("192.0.2.1", "127.0.0.1", 10),
            ("2001:db8::1", "192.0.2.1", 10),
        ] {
            let (mine, other) = (source(mine), source(other));
            let mut held: Vec<Place> = (0..share)
                .map(|_| now(places.enter(mine, false)).unwrap())
                .collect();
            assert!(now(places.enter(mine, false)).is_none());
            assert!(now(places.enter(other, false)).is_some());
            held.pop();
            assert!(now(places.enter(mine, false)).is_some());
        }
        assert!(places.lock().is_empty());
        assert_eq!(places.0.all.free.available_permits(), ALL);
    }

    #[test]
    fn what_is_urgent_has_places_beside_and_then_waits_like_all() {
        let places = Places::new(4);
        let held: Vec<Place> = (0..4)
            .map(|_| now(places.enter(None, false)).unwrap())
            .collect();
        let mine = source("127.0.0.1");
        assert!(now(places.enter(mine, false)).is_none());
        let urgent: Vec<Place> = (0..URGENT_MAX)
            .map(|_| now(places.enter(mine, true)).unwrap())
            .collect();
        assert!(now(places.enter(mine, true)).is_none());
        drop(held);
        assert!(now(places.enter(mine, true)).is_some());
        drop(urgent);
        assert_eq!(places.0.urgent.available_permits(), URGENT_MAX);
    }

    #[test]
    fn who_has_a_place_knows_whether_it_is_waited_for() {
        let places = Places::new(4);
        let mine = source("192.0.2.1");
        let place = now(places.enter(mine, false)).unwrap();
        let wanted = place.wanted();
        assert!(!wanted.is_true());
        let mut context = Context::from_waker(Waker::noop());
        let mut next = Box::pin(places.enter(mine, false));
        assert!(next.as_mut().poll(&mut context).is_pending());
        assert!(wanted.is_true());
        // Nobody waits any more, whether it went away or got the place.
        drop(next);
        assert!(!wanted.is_true());
        let mut next = Box::pin(places.enter(mine, false));
        assert!(next.as_mut().poll(&mut context).is_pending());
        drop(place);
        assert!(next.as_mut().poll(&mut context).is_ready());
        assert!(!wanted.is_true());
    }
}
