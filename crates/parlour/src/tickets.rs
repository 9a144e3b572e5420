//! Tickets: single-use, short-lived secrets that each let one connection in (contract E14).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parlour_proto::{SessionId, UserName};
use sha2::{Digest, Sha256};

use crate::doors::TicketCounts;
use crate::source::{Share, Shares, Source};

const SECRET_BYTES: usize = 32;
/// Digits of a secret in base64url without padding.
const SECRET_DIGITS: usize = 43;

/// A ticket's secret. Shown once, to whom it is for; [`Debug`](fmt::Debug) hides it.
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

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
pub(crate) struct Tickets {
    lifetime: Duration,
    outstanding_max: usize,
    /// Less than there are in all, so that guests cannot shut users out.
    guests_max: usize,
    share: Share,
    out: Mutex<Outstanding>,
}

/// Both maps hold the same tickets.
#[derive(Default)]
struct Outstanding {
    by_hash: HashMap<Hash, Ticket>,
    /// In the order in which they end.
    by_age: BTreeMap<Age, Hash>,
    by_source: Shares,
    of_guests: usize,
    counts: TicketCounts,
}

/// What is kept instead of the secret: who reads it cannot come in with it, and looking it up
/// takes a time that says nothing about other secrets.
type Hash = [u8; 32];

struct Ticket {
    holder: Holder,
    source: Source,
    age: Age,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    deadline: Duration,
    number: u64,
}

impl Tickets {
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
    ) -> Result<Secret, TicketError> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| TicketError::NoRandom)?;
        let secret = Secret(URL_SAFE_NO_PAD.encode(bytes));

        let mut out = self.lock();
        out.drop_ended(now);
        if out.by_hash.len() >= self.outstanding_max {
            let first = out.by_age.first_key_value();
            let wait = first.map_or(self.lifetime, |(age, _)| age.deadline.saturating_sub(now));
            let retry_after = Duration::from_secs(wait.as_secs() + 1);
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
        out.put(hash(secret.expose()), holder, source, now + self.lifetime);
        Ok(secret)
    }

    /// Whom the ticket would let in now; it stays.
    pub(crate) fn holder(&self, secret: &str, now: Duration) -> Option<Holder> {
        if !has_form(secret) {
            return None;
        }
        let out = self.lock();
        let ticket = out.by_hash.get(&hash(secret))?;
        ticket.is_live(now).then(|| ticket.holder.clone())
    }

    /// Uses the ticket up. Of several that try, one gets in (contract D23).
    pub(crate) fn spend(&self, secret: &str, now: Duration) -> Option<Holder> {
        if !has_form(secret) {
            return None;
        }
        let mut out = self.lock();
        let ticket = out.remove(&hash(secret))?;
        if !ticket.is_live(now) {
            out.counts.expired += 1;
            return None;
        }
        out.counts.spent += 1;
        Some(ticket.holder)
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
            outstanding: out.by_hash.len() as u64,
            ..out.counts
        }
    }

    /// Nothing in here panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, Outstanding> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    fn is_live(&self, now: Duration) -> bool {
        now < self.age.deadline
    }
}

impl Outstanding {
    fn put(&mut self, hash: Hash, holder: Holder, source: Source, deadline: Duration) {
        self.counts.issued += 1;
        self.of_guests += usize::from(holder.is_guest());
        let age = Age {
            deadline,
            number: self.counts.issued,
        };
        self.by_hash.insert(
            hash,
            Ticket {
                holder,
                source,
                age,
            },
        );
        self.by_age.insert(age, hash);
    }

    fn remove(&mut self, hash: &Hash) -> Option<Ticket> {
        let ticket = self.by_hash.remove(hash)?;
        self.by_age.remove(&ticket.age);
        self.by_source.give_back(ticket.source);
        self.of_guests -= usize::from(ticket.holder.is_guest());
        Some(ticket)
    }

    /// Looks at every ticket: there are never many, and sessions rarely end.
    fn remove_all(&mut self, ends: impl Fn(&Holder) -> bool) {
        let ending: Vec<Hash> = self
            .by_hash
            .iter()
            .filter(|(_, ticket)| !ticket.holder.is_guest() && ends(&ticket.holder))
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
        let first = self.by_age.first_key_value();
        let Some((_, hash)) = first.filter(|(age, _)| age.deadline <= now) else {
            return false;
        };
        let hash = *hash;
        self.counts.expired += 1;
        self.remove(&hash).is_some()
    }
}

fn has_form(secret: &str) -> bool {
    secret.len() == SECRET_DIGITS
}

fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests;
