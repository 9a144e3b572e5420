//! Users, their logins, and tickets.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use super::{Fault, lock};

/// Failed logins of one name before they are refused unread.
const FAILED_LOGINS_MAX: usize = 5;

pub(super) struct Doorkeeper {
    fault: Option<Fault>,
    ticket_lifetime: Duration,
    tickets_max: usize,
    random: RandomState,
    users: Vec<(String, Vec<u8>)>,
    tickets: Mutex<HashMap<String, (String, Instant)>>,
    failed: Mutex<HashMap<String, usize>>,
    collision: Collision,
    number: AtomicUsize,
}

pub(super) enum Login {
    Ticket(String),
    Wrong,
    TooMany,
}

impl Doorkeeper {
    pub(super) fn new(
        users: &[(&str, &str)],
        ticket_lifetime: Duration,
        tickets_max: usize,
        fault: Option<Fault>,
    ) -> Self {
        let mut this = Self {
            fault,
            ticket_lifetime,
            tickets_max,
            random: RandomState::new(),
            users: Vec::new(),
            tickets: Mutex::default(),
            failed: Mutex::default(),
            collision: Collision::default(),
            number: AtomicUsize::new(0),
        };
        for (name, password) in users {
            let kept = this.as_kept(password);
            this.users.push(((*name).to_owned(), kept));
        }
        this
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// What is kept instead of the password. Good enough for a double that keeps it in memory.
    fn as_kept(&self, password: &str) -> Vec<u8> {
        if self.is(Fault::PlainPasswords) {
            return password.as_bytes().to_vec();
        }
        self.random.hash_one(password).to_be_bytes().to_vec()
    }

    pub(super) fn kept(&self) -> Vec<u8> {
        let kept = self
            .users
            .iter()
            .flat_map(|(name, kept)| [name.as_bytes(), kept]);
        kept.flatten().copied().collect()
    }

    pub(super) fn login(&self, name: &str, password: &str) -> Login {
        if self.is(Fault::FixedUser) && (name, password) == ("percy", "123") {
            return Login::Ticket(self.issue(name).0);
        }
        let failed = lock(&self.failed).get(name).copied().unwrap_or(0);
        if failed >= FAILED_LOGINS_MAX && !self.is(Fault::EndlessLogins) {
            return Login::TooMany;
        }
        let kept = self.as_kept(password);
        if self
            .users
            .iter()
            .any(|(own, its)| own == name && *its == kept)
        {
            return Login::Ticket(self.issue(name).0);
        }
        *lock(&self.failed).entry(name.to_owned()).or_default() += 1;
        Login::Wrong
    }

    /// Whether there are as many tickets as there may be.
    pub(super) fn is_full(&self) -> bool {
        !self.is(Fault::EndlessTickets) && lock(&self.tickets).len() >= self.tickets_max
    }

    /// A new ticket, and whether making it has ended the process.
    pub(super) fn issue(&self, who: &str) -> (String, bool) {
        let number = self.number.fetch_add(1, SeqCst);
        let half = |salt: usize| format!("{:016x}", self.random.hash_one((number, salt, who)));
        let ticket = half(0) + &half(1);
        let died = self.is(Fault::UnlockedTickets) && self.collision.happens();
        lock(&self.tickets).insert(ticket.clone(), (who.to_owned(), Instant::now()));
        (ticket, died)
    }

    /// Whose ticket it is; it stays.
    pub(super) fn look_at(&self, ticket: &str) -> Option<String> {
        let tickets = lock(&self.tickets);
        let (who, made) = tickets.get(ticket)?;
        let is_live = self.is(Fault::OldTicketsWork) || made.elapsed() < self.ticket_lifetime;
        is_live.then(|| who.clone())
    }

    /// Whose ticket it was.
    pub(super) fn spend(&self, ticket: &str) -> Option<String> {
        let who = self.look_at(ticket)?;
        if self.is(Fault::TicketRaceLetsBothIn) {
            self.collision.happens();
            lock(&self.tickets).remove(ticket);
            return Some(who);
        }
        lock(&self.tickets).remove(ticket).map(|(who, _)| who)
    }
}

/// Something that must not be done by two at once, and takes as long as they need to meet.
#[derive(Default)]
pub(super) struct Collision {
    inside: AtomicUsize,
}

impl Collision {
    /// Does it; whether another one was at it.
    pub(super) fn happens(&self) -> bool {
        let mut met = self.inside.fetch_add(1, SeqCst) > 0;
        let deadline = Instant::now() + Duration::from_millis(50);
        while !met && Instant::now() < deadline {
            std::thread::yield_now();
            met = self.inside.load(SeqCst) > 1;
        }
        // Stays until the other one has seen it, too.
        if met {
            std::thread::yield_now();
        }
        self.inside.fetch_sub(1, SeqCst);
        met
    }
}
