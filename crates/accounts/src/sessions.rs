//! The open sessions, in memory: found by secret and by id, oldest first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use parlour::UserName;

use crate::name::NameKey;
use crate::rows::{Millis, SessionRow};
use crate::secret::SecretHash;

/// One open session.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) hash: SecretHash,
    pub(crate) key: NameKey,
    pub(crate) user: UserName,
    pub(crate) made: Millis,
    pub(crate) used: Millis,
    /// The last use that the file knows.
    pub(crate) used_stored: Millis,
}

impl Live {
    pub(crate) fn row(&self) -> SessionRow {
        SessionRow {
            hash: self.hash,
            user: self.key.as_str().into(),
            made: self.made,
            used: self.used,
        }
    }
}

/// All open sessions. A larger id is a younger session.
#[derive(Debug)]
pub(crate) struct Sessions {
    by_id: BTreeMap<u64, Live>,
    by_hash: HashMap<SecretHash, u64>,
    by_user: HashMap<NameKey, BTreeSet<u64>>,
    /// How long one stays open after its last use.
    time: Duration,
}

impl Sessions {
    pub(crate) fn new(time: Duration) -> Self {
        Self {
            by_id: BTreeMap::new(),
            by_hash: HashMap::new(),
            by_user: HashMap::new(),
            time,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn insert(&mut self, id: u64, live: Live) {
        self.by_hash.insert(live.hash, id);
        self.by_user.entry(live.key.clone()).or_default().insert(id);
        self.by_id.insert(id, live);
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let Some(live) = self.by_id.remove(&id) else {
            return false;
        };
        self.by_hash.remove(&live.hash);
        if let Some(ids) = self.by_user.get_mut(&live.key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_user.remove(&live.key);
            }
        }
        true
    }

    #[cfg(test)]
    pub(crate) fn get(&self, id: u64) -> Option<&Live> {
        self.by_id.get(&id)
    }

    /// The open session with this secret, which is used with this.
    pub(crate) fn use_secret(&mut self, hash: &SecretHash, now: Millis) -> Option<(u64, &Live)> {
        let id = *self.by_hash.get(hash)?;
        let live = self.by_id.get_mut(&id)?;
        if now.since(live.used) >= self.time {
            return None;
        }
        live.used = live.used.max(now);
        Some((id, live))
    }

    pub(crate) fn is_open(&self, id: u64, now: Millis) -> bool {
        let live = self.by_id.get(&id);
        live.is_some_and(|live| now.since(live.used) < self.time)
    }

    pub(crate) fn of_user(&self, key: &NameKey) -> Vec<u64> {
        let ids = self.by_user.get(key);
        ids.map_or_else(Vec::new, |ids| ids.iter().copied().collect())
    }

    /// How many of them are open.
    pub(crate) fn count_of_user(&self, key: &NameKey, now: Millis) -> usize {
        let ids = self.by_user.get(key).into_iter().flatten();
        ids.filter(|id| self.is_open(**id, now)).count()
    }

    /// Who goes, oldest first, so that a new session of this user is within both bounds.
    pub(crate) fn in_the_way(
        &self,
        key: &NameKey,
        per_user_max: usize,
        total_max: usize,
    ) -> Vec<u64> {
        let own = self.by_user.get(key);
        let too_many = (own.map_or(0, BTreeSet::len) + 1).saturating_sub(per_user_max);
        let mut going: Vec<u64> = own.into_iter().flatten().copied().take(too_many).collect();
        let too_many = (self.len() - going.len() + 1).saturating_sub(total_max);
        let others = self.by_id.keys().filter(|id| !going.contains(id));
        let others: Vec<u64> = others.copied().take(too_many).collect();
        going.extend(others);
        going
    }

    pub(crate) fn expired(&self, now: Millis, most: usize) -> Vec<u64> {
        let all = self.by_id.iter();
        let expired = all.filter(|(_, live)| now.since(live.used) >= self.time);
        expired.map(|(id, _)| *id).take(most).collect()
    }

    /// Those whose last use the file does not know.
    pub(crate) fn unstored(&self, most: usize) -> Vec<(u64, SessionRow)> {
        let all = self.by_id.iter();
        let unstored = all.filter(|(_, live)| live.used > live.used_stored);
        unstored
            .map(|(id, live)| (*id, live.row()))
            .take(most)
            .collect()
    }

    pub(crate) fn stored(&mut self, id: u64, used: Millis) {
        if let Some(live) = self.by_id.get_mut(&id) {
            live.used_stored = used;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_millis(100);

    fn sessions(of: &[(u64, &str)]) -> Sessions {
        let mut sessions = Sessions::new(TIME);
        for (id, name) in of {
            let user = UserName::user(name).unwrap();
            let live = Live {
                hash: [u8::try_from(*id).unwrap(); 32],
                key: NameKey::of(&user),
                user,
                made: Millis(0),
                used: Millis(0),
                used_stored: Millis(0),
            };
            sessions.insert(*id, live);
        }
        sessions
    }

    fn key(name: &str) -> NameKey {
        NameKey::of(&UserName::user(name).unwrap())
    }

    #[test]
    fn the_oldest_of_a_user_is_in_the_way_of_his_next_one() {
        let sessions = sessions(&[(1, "bob"), (2, "ann"), (3, "ann"), (4, "bob")]);
        assert_eq!(sessions.in_the_way(&key("ann"), 3, 9), [0_u64; 0]);
        assert_eq!(sessions.in_the_way(&key("ann"), 2, 9), [2]);
        assert_eq!(sessions.in_the_way(&key("ann"), 1, 9), [2, 3]);
        assert_eq!(sessions.in_the_way(&key("eve"), 1, 9), [0_u64; 0]);
    }

    #[test]
    fn the_oldest_of_all_is_in_the_way_of_one_too_many() {
        let sessions = sessions(&[(1, "bob"), (2, "ann"), (3, "ann"), (4, "bob")]);
        assert_eq!(sessions.in_the_way(&key("eve"), 9, 4), [1]);
        assert_eq!(sessions.in_the_way(&key("ann"), 2, 4), [2]);
        assert_eq!(sessions.in_the_way(&key("ann"), 2, 2), [2, 1, 3]);
    }

    #[test]
    fn a_use_makes_it_last() {
        let mut sessions = sessions(&[(1, "ann")]);
        assert!(sessions.is_open(1, Millis(99)));
        assert!(!sessions.is_open(1, Millis(100)));
        assert!(sessions.use_secret(&[1; 32], Millis(99)).is_some());
        assert!(sessions.is_open(1, Millis(198)));
        assert!(sessions.use_secret(&[1; 32], Millis(199)).is_none());
        assert_eq!(sessions.expired(Millis(199), 9), [1]);
    }

    #[test]
    fn a_clock_that_is_turned_back_ends_nothing() {
        let mut sessions = sessions(&[(1, "ann")]);
        sessions.use_secret(&[1; 32], Millis(50)).unwrap();
        sessions.use_secret(&[1; 32], Millis(10)).unwrap();
        assert!(sessions.is_open(1, Millis(149)));
    }

    #[test]
    fn the_file_is_told_of_uses_once() {
        let mut sessions = sessions(&[(1, "ann"), (2, "ann")]);
        sessions.use_secret(&[1; 32], Millis(50)).unwrap();
        let unstored = sessions.unstored(9);
        assert_eq!(unstored.len(), 1);
        assert_eq!((unstored[0].0, unstored[0].1.used), (1, Millis(50)));
        sessions.stored(1, Millis(50));
        assert!(sessions.unstored(9).is_empty());
    }

    #[test]
    fn what_is_removed_leaves_nothing() {
        let mut sessions = sessions(&[(1, "ann"), (2, "bob")]);
        assert!(sessions.remove(1));
        assert!(!sessions.remove(1));
        assert!(sessions.use_secret(&[1; 32], Millis(0)).is_none());
        assert_eq!(sessions.of_user(&key("ann")), [0_u64; 0]);
        sessions.remove(2);
        assert!(sessions.by_user.is_empty() && sessions.by_hash.is_empty());
    }
}
