//! Tickets: single-use, short-lived secrets (docs/seeds.md, 2.14). The doors have their own, with
//! shares for where they come from; [`Tickets`] is for everybody.

mod doors;
mod pile;
mod secret;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use doors::{DoorTickets, Holder, TicketError};
pub use secret::TicketSecret;

use pile::{Hash, Pile};

/// Tickets of your own: each is a secret that is good once and for a short time, and stands for
/// whatever its holder is to get: a name, a file, an invitation.
///
/// There are never more than were asked for, secrets are kept as hashes only, and nothing runs beside
/// this: what has ended is swept when the next ticket is issued, and all of it goes when this is
/// dropped.
///
/// ```
/// use parlour::Tickets;
/// use std::time::Duration;
///
/// let invitations = Tickets::new(Duration::from_secs(60), 1_000);
/// let secret = invitations.issue("the den")?;
/// assert_eq!(invitations.holder(secret.expose()), Some("the den")); // looking keeps it
/// assert_eq!(invitations.spend(secret.expose()), Some("the den"));
/// assert_eq!(invitations.spend(secret.expose()), None, "a ticket is good once");
/// # Ok::<(), parlour::IssueError>(())
/// ```
pub struct Tickets<T> {
    lifetime: Duration,
    outstanding_max: usize,
    start: Instant,
    out: Mutex<Pile<T>>,
}

/// Why [`Tickets::issue`] gave no ticket.
///
/// ```
/// use parlour::{IssueError, Tickets};
/// let none = Tickets::new(std::time::Duration::from_secs(5), 0);
/// assert!(matches!(none.issue("ann"), Err(IssueError::Full { .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// As many tickets are out as there may be; the first of them ends after this time.
    #[error("too many tickets are waiting to be used; try again in {}s", .retry_after.as_secs())]
    Full {
        /// How long to wait: whole seconds, at least one.
        retry_after: Duration,
    },
    /// The operating system is out of something.
    #[error("the operating system gave no random bytes; try again later")]
    NoRandom,
}

impl<T> Tickets<T> {
    /// Tickets that are good for exactly `lifetime`, of which at most `outstanding_max` are neither
    /// spent nor ended. A lifetime of zero makes tickets that nobody can spend.
    #[must_use]
    pub fn new(lifetime: Duration, outstanding_max: usize) -> Self {
        Self {
            lifetime,
            outstanding_max,
            start: Instant::now(),
            out: Mutex::default(),
        }
    }

    /// How long each of them is good.
    ///
    /// ```
    /// use parlour::Tickets;
    /// use std::time::Duration;
    /// let tickets = Tickets::<u32>::new(Duration::from_secs(5), 100);
    /// assert_eq!(tickets.lifetime(), Duration::from_secs(5));
    /// ```
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// How many are out: issued, and neither spent nor ended.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        let mut out = self.lock();
        drop_ended(&mut out, self.now(), usize::MAX);
        out.len()
    }

    /// Makes a ticket for `holder`.
    ///
    /// # Errors
    /// [`IssueError`]; nothing has changed then.
    pub fn issue(&self, holder: T) -> Result<TicketSecret, IssueError> {
        self.issue_at(holder, self.now())
    }

    /// Uses a ticket up and gives its holder back. Of several that try at once, one gets it. `None`:
    /// the ticket is unknown, used or too old, and nobody is told which.
    pub fn spend(&self, secret: &str) -> Option<T> {
        self.spend_at(secret, self.now())
    }

    /// Takes back all tickets whose holder is to have none any more; how many those were.
    ///
    /// ```
    /// use parlour::Tickets;
    /// let tickets = Tickets::new(std::time::Duration::from_secs(5), 100);
    /// let secret = tickets.issue("ann").unwrap();
    /// assert_eq!(tickets.take_back(|holder| *holder == "ann"), 1);
    /// assert_eq!(tickets.spend(secret.expose()), None);
    /// ```
    pub fn take_back(&self, is_taken: impl Fn(&T) -> bool) -> usize {
        let mut out = self.lock();
        let taken = out.iter().filter(|(_, holder)| is_taken(holder));
        let taken: Vec<Hash> = taken.map(|(hash, _)| *hash).collect();
        taken.iter().filter_map(|hash| out.remove(hash)).count()
    }

    fn issue_at(&self, holder: T, now: Duration) -> Result<TicketSecret, IssueError> {
        let secret = TicketSecret::random().ok_or(IssueError::NoRandom)?;
        let mut out = self.lock();
        drop_ended(&mut out, now, SWEPT_AT_ONCE_MAX);
        if out.len() >= self.outstanding_max {
            let retry_after = out.retry_after(now);
            return Err(IssueError::Full { retry_after });
        }
        out.put(secret.hash(), holder, now.saturating_add(self.lifetime));
        Ok(secret)
    }

    fn spend_at(&self, secret: &str, now: Duration) -> Option<T> {
        let hash = Hash::of(secret)?;
        let ticket = self.lock().remove(&hash)?;
        ticket.is_live(now).then_some(ticket.value)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Nothing in here panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, Pile<T>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Tickets<T> {
    /// Whom a ticket is for; it stays good.
    pub fn holder(&self, secret: &str) -> Option<T> {
        let hash = Hash::of(secret)?;
        let out = self.lock();
        let ticket = out.get(&hash)?;
        ticket.is_live(self.now()).then(|| ticket.value.clone())
    }
}

/// Sweeping a bounded number with each ticket made, and more than one, needs no timer.
const SWEPT_AT_ONCE_MAX: usize = 16;

fn drop_ended<T>(out: &mut Pile<T>, now: Duration, most: usize) {
    for _ in 0..most {
        let Some(hash) = out.first_ended(now) else {
            return;
        };
        out.remove(&hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Barrier};

    const LIFETIME: Duration = Duration::from_secs(5);

    #[test]
    fn a_ticket_of_the_library_ends_after_exactly_its_lifetime() {
        let tickets = Tickets::new(LIFETIME, 10);
        let issued = Duration::from_secs(100);
        let last = issued + LIFETIME - Duration::from_nanos(1);
        let secret = tickets.issue_at("ann", issued).unwrap();
        assert_eq!(tickets.spend_at(secret.expose(), last), Some("ann"));
        let secret = tickets.issue_at("ann", issued).unwrap();
        assert_eq!(tickets.spend_at(secret.expose(), issued + LIFETIME), None);
    }

    #[test]
    fn one_of_many_that_race_for_a_ticket_gets_its_holder() {
        let tickets = Arc::new(Tickets::new(Duration::MAX, 1));
        let secret = Arc::new(tickets.issue(7).unwrap());
        let barrier = Arc::new(Barrier::new(8));
        let racers = (0..8).map(|_| {
            let (tickets, secret) = (Arc::clone(&tickets), Arc::clone(&secret));
            let barrier = Arc::clone(&barrier);
            std::thread::spawn(move || {
                barrier.wait();
                tickets.spend(secret.expose())
            })
        });
        let racers: Vec<_> = racers.collect();
        let won = racers.into_iter().filter_map(|racer| racer.join().unwrap());
        assert_eq!(won.collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn tickets_are_bounded_and_what_has_ended_makes_room_without_a_sweeping_task() {
        let tickets = Tickets::new(LIFETIME, 2);
        let at = Duration::from_secs;
        tickets.issue_at("a", at(0)).unwrap();
        tickets.issue_at("b", at(1)).unwrap();
        let full = tickets.issue_at("c", at(4)).unwrap_err();
        let retry_after = at(2);
        assert_eq!(full, IssueError::Full { retry_after });
        tickets.issue_at("c", at(4) + retry_after).unwrap();
    }

    #[test]
    fn tickets_go_with_who_made_them() {
        let held = Arc::new(());
        let tickets = Tickets::new(Duration::MAX, 10);
        tickets.issue(Arc::clone(&held)).unwrap();
        drop(tickets);
        assert_eq!(Arc::strong_count(&held), 1, "nothing sweeps after the end");
    }

    #[test]
    fn tickets_of_one_holder_can_be_taken_back() {
        let tickets = Tickets::new(Duration::MAX, 10);
        let [ann, bob, _] = ["ann", "bob", "ann"].map(|name| tickets.issue(name).unwrap());
        assert_eq!(tickets.take_back(|holder| *holder == "ann"), 2);
        assert_eq!(tickets.spend(ann.expose()), None);
        assert_eq!(tickets.spend(bob.expose()), Some("bob"));
        assert_eq!(tickets.outstanding(), 0);
    }

    #[test]
    fn what_cannot_be_a_secret_is_none() {
        let tickets = Tickets::<()>::new(Duration::MAX, 10);
        for text in ["", "short", &"x".repeat(44)] {
            assert_eq!(tickets.spend(text), None, "{text:?}");
        }
    }
}
