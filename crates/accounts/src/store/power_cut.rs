//! The power goes off at every step of a disk that keeps what was synced, and of the rest whatever
//! it likes. What was answered must be there afterwards, and nothing half done.

use std::path::Path;

use parlour::UserName;

use super::disk::{Disk, Step};
use super::{Store, StoreError};
use crate::BookError;
use crate::name::NameKey;
use crate::rows::{Millis, SessionRow, UserRow};

/// What the disk keeps of the steps that were not synced.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Nothing,
    All,
    /// Any, by a seed; of some writes only the first half.
    Some(u64),
}

impl Disk {
    fn after_the_cut(&self, kept: Kept) -> Self {
        let plates = self.0.lock().unwrap();
        let mut image = plates.synced.clone();
        for (index, step) in plates.since.iter().enumerate() {
            let dice = match kept {
                Kept::Nothing => 0,
                Kept::All => 2,
                Kept::Some(seed) => scattered(seed, index) % 3,
            };
            match (dice, step) {
                (0, _) => {}
                (1, Step::Write(at, bytes)) => {
                    Step::Write(*at, bytes[..bytes.len() / 2].to_vec()).apply(&mut image);
                }
                _ => step.apply(&mut image),
            }
        }
        let disk = Self::with_power(usize::MAX);
        disk.0.lock().unwrap().now = image;
        disk
    }

    fn taken(&self) -> usize {
        self.0.lock().unwrap().taken
    }
}

/// SplitMix64 of both.
fn scattered(seed: u64, index: usize) -> u64 {
    let mut z = (seed ^ (index as u64) << 32).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn key(index: u64) -> NameKey {
    NameKey::of(&UserName::user(&format!("user {index}")).unwrap())
}

/// User and session, both or none.
fn add(store: &Store, index: u64) -> Result<u64, StoreError> {
    let user = UserRow {
        name: format!("user {index}"),
        password: "x".repeat(100),
        given: index,
        made: Millis(0),
        changed: Millis(0),
    };
    let session = SessionRow {
        hash: [u8::try_from(index).unwrap(); 32],
        user: key(index).as_str().into(),
        made: Millis(0),
        used: Millis(0),
    };
    store.change(|change| {
        change.put_user(&key(index), &user)?;
        let id = change.next_number()?;
        change.put_session(id, &session)?;
        Ok(id)
    })
}

fn remove(store: &Store, index: u64, session: u64) -> Result<(), StoreError> {
    store.change(|change| {
        change.remove_user(&key(index))?;
        change.remove_session(session)
    })
}

/// What was answered before the power went.
#[derive(Default)]
struct Answered {
    opened: bool,
    added: Vec<(u64, u64)>,
    removed: Vec<u64>,
    /// Begun, and not answered.
    unsure: Option<u64>,
}

const USERS: u64 = 6;

fn life(disk: Disk) -> Answered {
    let mut answered = Answered::default();
    let Ok(store) = Store::on(disk, Path::new("disk")) else {
        return answered;
    };
    answered.opened = true;
    for index in 0..USERS {
        answered.unsure = Some(index);
        let Ok(session) = add(&store, index) else {
            return answered;
        };
        answered.added.push((index, session));
        if index % 3 == 2 {
            answered.unsure = Some(index - 1);
            let (gone, session) = answered.added[usize::try_from(index - 1).unwrap()];
            if remove(&store, gone, session).is_err() {
                return answered;
            }
            answered.removed.push(gone);
        }
        answered.unsure = None;
    }
    answered
}

fn check(answered: &Answered, store: &Store, what: &str) {
    let users: Vec<NameKey> = (store.users(None, 100).unwrap().into_iter())
        .map(|(key, _)| key)
        .collect();
    let (sessions, stale) = store.sessions().unwrap();
    assert!(stale.is_empty(), "{what}: sessions of nobody");
    for index in 0..USERS {
        let is_there = users.contains(&key(index));
        let has_session = sessions
            .iter()
            .any(|(_, row, _)| row.user == key(index).as_str());
        assert_eq!(is_there, has_session, "{what}: half of user {index}");
        if answered.unsure != Some(index) {
            let is_added = answered.added.iter().any(|(added, _)| *added == index);
            let is_due = is_added && !answered.removed.contains(&index);
            assert_eq!(is_there, is_due, "{what}: user {index}");
        }
    }
    let next = add(store, 99).unwrap();
    let ids = answered.added.iter().map(|(_, session)| *session);
    assert!(
        ids.max().is_none_or(|last| next > last),
        "{what}: an id again"
    );
}

#[test]
fn what_was_answered_is_there_whenever_the_power_goes_off() {
    let whole = Disk::with_power(usize::MAX);
    let answered = life(whole.clone());
    assert_eq!((answered.added.len(), answered.removed.len()), (6, 2));
    let steps = whole.taken();
    assert!(steps > 50, "{steps}");

    for power in 0..steps {
        let disk = Disk::with_power(power);
        let answered = life(disk.clone());
        for kept in [Kept::Nothing, Kept::All, Kept::Some(1), Kept::Some(2)] {
            let what = format!("power for {power} of {steps} steps, {kept:?}");
            match Store::on(disk.after_the_cut(kept), Path::new("disk")) {
                Ok(store) => check(&answered, &store, &what),
                // A file that was never whole may be thrown away: nothing was answered.
                Err(BookError::Damaged { .. }) if !answered.opened => {}
                Err(error) => panic!("{what}: {error}"),
            }
        }
    }
}
