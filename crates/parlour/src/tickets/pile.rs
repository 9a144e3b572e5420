//! What is out: found by its secret's hash, and dropped in the order in which it ends.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::secret::has_form;

/// What is kept instead of a secret: who reads it cannot come in with it, and looking it up takes a
/// time that says nothing about other secrets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Hash([u8; 32]);

impl Hash {
    /// `None` if the text cannot be a secret.
    pub(super) fn of(secret: &str) -> Option<Self> {
        has_form(secret).then(|| Self(Sha256::digest(secret.as_bytes()).into()))
    }
}

/// Both maps hold the same tickets.
pub(super) struct Pile<T> {
    by_hash: HashMap<Hash, Ticket<T>>,
    by_age: BTreeMap<Age, Hash>,
    /// Ever put.
    put: u64,
}

pub(super) struct Ticket<T> {
    pub(super) value: T,
    age: Age,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    deadline: Duration,
    number: u64,
}

impl<T> Ticket<T> {
    pub(super) fn is_live(&self, now: Duration) -> bool {
        now < self.age.deadline
    }
}

impl<T> Default for Pile<T> {
    fn default() -> Self {
        Self {
            by_hash: HashMap::new(),
            by_age: BTreeMap::new(),
            put: 0,
        }
    }
}

impl<T> Pile<T> {
    pub(super) fn len(&self) -> usize {
        self.by_hash.len()
    }

    pub(super) fn get(&self, hash: &Hash) -> Option<&Ticket<T>> {
        self.by_hash.get(hash)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Hash, &T)> {
        self.by_hash
            .iter()
            .map(|(hash, ticket)| (hash, &ticket.value))
    }

    /// Whole seconds until the first of them has ended, at least one.
    pub(super) fn retry_after(&self, now: Duration) -> Duration {
        let first = self.by_age.first_key_value();
        let wait = first.map_or(Duration::ZERO, |(age, _)| age.deadline.saturating_sub(now));
        Duration::from_secs(wait.as_secs() + 1)
    }

    pub(super) fn first_ended(&self, now: Duration) -> Option<Hash> {
        let (age, hash) = self.by_age.first_key_value()?;
        (age.deadline <= now).then_some(*hash)
    }

    pub(super) fn put(&mut self, hash: Hash, value: T, deadline: Duration) {
        self.put += 1;
        let number = self.put;
        let age = Age { deadline, number };
        self.by_hash.insert(hash, Ticket { value, age });
        self.by_age.insert(age, hash);
    }

    pub(super) fn remove(&mut self, hash: &Hash) -> Option<Ticket<T>> {
        let ticket = self.by_hash.remove(hash)?;
        self.by_age.remove(&ticket.age);
        Some(ticket)
    }
}
