//! The doors' own tickets: each lets one connection in (docs/seeds.md, E14), and every source of them has
//! its share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlour_proto::{SessionId, UserName};

use super::TicketSecret;
use super::pile::{Hash, Pile, Ticket};
use crate::doors::TicketCounts;
use crate::source::{Share, Shares, Source};

/// Why there is no ticket now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TicketError {
    /// Its client may come back after the first of them has ended.
    #[error("too many tickets are waiting to be used; try again in {}s", .retry_after.as_secs())]
    TooMany { retry_after: Duration },
    /// As above, for those of guests.
    #[error(
        "guests have as many tickets as they may have among them; try again in {}s",
        .retry_after.as_secs()
    )]
    TooManyOfGuests { retry_after: Duration },
    /// As above, for those of one address.
    #[error(
        "your address has as many tickets as it may have; use them, or try again in {}s",
        .retry_after.as_secs()
    )]
    TooManyOfSource { retry_after: Duration },
    #[error("the operating system gave no random bytes; try again later")]
    NoRandom,
    /// While the ticket was made.
    #[error("the session has ended")]
    SessionEnded,
}

/// Who a ticket lets in, and the session that it ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) who: UserName,
    /// [`SessionId::NONE`] for guests.
    pub(crate) session: SessionId,
}

impl Holder {
    pub(crate) fn guest(who: UserName) -> Self {
        let session = SessionId::NONE;
        Self { who, session }
    }

    pub(crate) fn is_guest(&self) -> bool {
        self.session == SessionId::NONE
    }
}

/// All tickets that are out. Time comes in as an argument, from one clock that never goes back.
pub(crate) struct DoorTickets {
    lifetime: Duration,
    outstanding_max: usize,
    /// Less than there are in all, so that guests cannot shut users out.
    guests_max: usize,
    share: Share,
    out: Mutex<Outstanding>,
}

#[derive(Default)]
struct Outstanding {
    pile: Pile<Held>,
    by_source: Shares,
    of_guests: usize,
    counts: TicketCounts,
}

struct Held {
    holder: Holder,
    source: Source,
}

impl DoorTickets {
    /// Of `outstanding_max` tickets at once, one source may have its `share`, and guests three
    /// quarters among them.
    pub(crate) fn new(lifetime: Duration, outstanding_max: usize, share: Share) -> Self {
        Self {
            lifetime,
            outstanding_max,
            guests_max: outstanding_max - outstanding_max / 4,
            share,
            out: Mutex::default(),
        }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Makes a ticket that lets `holder` in, from `now` until just before `now` plus the lifetime.
    /// It counts as one of those of `source`.
    pub(crate) fn issue(
        &self,
        holder: Holder,
        source: Source,
        now: Duration,
    ) -> Result<TicketSecret, TicketError> {
        let secret = TicketSecret::random().ok_or(TicketError::NoRandom)?;

        let mut out = self.lock();
        out.drop_ended(now);
        if out.pile.len() >= self.outstanding_max {
            let retry_after = out.pile.retry_after(now);
            out.counts.refused += 1;
            return Err(TicketError::TooMany { retry_after });
        }
        // By then all that they, or it, have now have ended.
        let retry_after = self.lifetime;
        if holder.is_guest() && out.of_guests >= self.guests_max {
            out.counts.refused += 1;
            return Err(TicketError::TooManyOfGuests { retry_after });
        }
        if !out.by_source.take(source, self.share) {
            out.counts.refused += 1;
            return Err(TicketError::TooManyOfSource { retry_after });
        }
        out.put(
            secret.hash(),
            Held { holder, source },
            now.saturating_add(self.lifetime),
        );
        Ok(secret)
    }

    /// Whom the ticket would let in now; it stays.
    pub(crate) fn holder(&self, secret: &str, now: Duration) -> Option<Holder> {
        let hash = Hash::of(secret)?;
        let out = self.lock();
        let ticket = out.pile.get(&hash).filter(|ticket| ticket.is_live(now))?;
        Some(ticket.value.holder.clone())
    }

    /// Uses the ticket up. Of several that try, one gets in (docs/seeds.md, D23).
    pub(crate) fn spend(&self, secret: &str, now: Duration) -> Option<Holder> {
        let hash = Hash::of(secret)?;
        let mut out = self.lock();
        let ticket = out.remove(&hash)?;
        if !ticket.is_live(now) {
            out.counts.expired += 1;
            return None;
        }
        out.counts.spent += 1;
        Some(ticket.value.holder)
    }

    /// Takes back all tickets of a session.
    pub(crate) fn end_session(&self, session: SessionId) {
        self.lock().remove_all(|holder| holder.session == session);
    }

    /// Takes back all tickets of a user; guests of any name keep theirs.
    pub(crate) fn end_user(&self, who: &UserName) {
        self.lock().remove_all(|holder| holder.who == *who);
    }

    /// What became of all tickets until `now`.
    pub(crate) fn counts(&self, now: Duration) -> TicketCounts {
        let mut out = self.lock();
        while out.drop_first_ended(now) {}
        TicketCounts {
            outstanding: out.pile.len() as u64,
            ..out.counts
        }
    }

    /// Nothing in here panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, Outstanding> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outstanding {
    fn put(&mut self, hash: Hash, held: Held, deadline: Duration) {
        self.counts.issued += 1;
        self.of_guests += usize::from(held.holder.is_guest());
        self.pile.put(hash, held, deadline);
    }

    fn remove(&mut self, hash: &Hash) -> Option<Ticket<Held>> {
        let ticket = self.pile.remove(hash)?;
        self.by_source.give_back(ticket.value.source);
        self.of_guests -= usize::from(ticket.value.holder.is_guest());
        Some(ticket)
    }

    /// Looks at every ticket: there are never many, and sessions rarely end.
    fn remove_all(&mut self, ends: impl Fn(&Holder) -> bool) {
        let ending: Vec<Hash> = self
            .pile
            .iter()
            .filter(|(_, held)| !held.holder.is_guest() && ends(&held.holder))
            .map(|(hash, _)| *hash)
            .collect();
        for hash in ending {
            self.remove(&hash);
            self.counts.revoked += 1;
        }
    }

    /// Bounded work per ticket made, and twice as fast as tickets come, so no timer is needed.
    fn drop_ended(&mut self, now: Duration) {
        const AT_ONCE_MAX: usize = 16;
        for _ in 0..AT_ONCE_MAX {
            if !self.drop_first_ended(now) {
                return;
            }
        }
    }

    fn drop_first_ended(&mut self, now: Duration) -> bool {
        let Some(hash) = self.pile.first_ended(now) else {
            return false;
        };
        self.counts.expired += 1;
        self.remove(&hash).is_some()
    }
}

#[cfg(test)]
mod tests;
