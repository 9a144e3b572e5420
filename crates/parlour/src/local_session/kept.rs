//! What a session was told while it waited for an answer, until somebody asks for it.
//!
//! Over its bound, entries are not kept: they become one exact gap per room, told when what was kept
//! has been taken. News of who is in a room becomes one piece per room.

use std::collections::{HashMap, VecDeque};

use parlour_proto::told::{Said, Told};
use parlour_proto::{Epoch, Missed, RoomName, Seq};

use crate::limits::{SESSION_BYTES_MAX, SESSION_EVENTS_MAX};

#[derive(Default)]
pub(super) struct Kept {
    told: VecDeque<Told>,
    /// Of the payloads and the lists of users in `told`.
    bytes: usize,
    missed: HashMap<RoomName, Lost>,
}

/// Entries of one room that were not kept.
#[derive(Clone, Copy)]
struct Lost {
    epoch: Epoch,
    first: Seq,
    last: Seq,
}

impl Kept {
    pub(super) fn is_full(&self) -> bool {
        self.told.len() >= SESSION_EVENTS_MAX || self.bytes >= SESSION_BYTES_MAX
    }

    /// Keeps it, or what can be said of it in less room.
    pub(super) fn keep(&mut self, told: Told) {
        match told {
            Told::Entry(said) => self.keep_entry(said),
            Told::Gap { room, missed } => self.keep_gap(room, missed),
            told @ (Told::Presence { .. } | Told::PresenceChange { .. }) if self.is_full() => {
                self.keep_news(told);
            }
            told => {
                if let Some(room) = told.room().cloned() {
                    self.tell_lost(&room);
                }
                self.push(told);
            }
        }
    }

    /// The next; the gaps come when there is nothing before them.
    pub(super) fn take(&mut self) -> Option<Told> {
        if self.told.is_empty() {
            let rooms: Vec<RoomName> = self.missed.keys().cloned().collect();
            rooms.iter().for_each(|room| self.tell_lost(room));
        }
        let told = self.told.pop_front()?;
        self.bytes -= bytes_of(&told);
        Some(told)
    }

    fn push(&mut self, told: Told) {
        self.bytes += bytes_of(&told);
        self.told.push_back(told);
    }

    fn keep_entry(&mut self, said: Said) {
        let seq = said.position.seq;
        if let Some(lost) = self.missed.get_mut(&said.room) {
            lost.last = seq;
        } else if self.is_full() {
            let lost = Lost {
                epoch: said.position.epoch,
                first: seq,
                last: seq,
            };
            self.missed.insert(said.room, lost);
        } else {
            self.push(Told::Entry(said));
        }
    }

    /// What the hub could not tell either belongs to the same gap.
    fn keep_gap(&mut self, room: RoomName, missed: Missed) {
        if let (Some(lost), Missed::Entries { last, .. }) = (self.missed.get_mut(&room), missed) {
            lost.last = last;
            return;
        }
        self.tell_lost(&room);
        self.told.push_back(Told::Gap { room, missed });
    }

    fn tell_lost(&mut self, room: &RoomName) {
        if let Some((room, Lost { epoch, first, last })) = self.missed.remove_entry(room) {
            let missed = Missed::Entries { epoch, first, last };
            self.told.push_back(Told::Gap { room, missed });
        }
    }

    fn keep_news(&mut self, news: Told) {
        let is_older = |told: &&mut Told| {
            matches!(told, Told::Presence { .. } | Told::PresenceChange { .. })
                && told.room() == news.room()
        };
        match self.told.iter_mut().rev().find(is_older) {
            Some(older) => {
                self.bytes -= bytes_of(older);
                join(older, news);
                self.bytes += bytes_of(older);
            }
            None => self.push(news),
        }
    }
}

/// What it holds that may be large.
fn bytes_of(told: &Told) -> usize {
    let of_users = |users: &[String]| -> usize { users.iter().map(String::len).sum() };
    match told {
        Told::Entry(said) => said.payload.len(),
        Told::Presence { users, .. } => users.as_deref().map_or(0, of_users),
        Told::PresenceChange { came, went, .. } => of_users(came) + of_users(went),
        _ => 0,
    }
}

/// Makes `older` what both say together.
fn join(older: &mut Told, newer: Told) {
    let Told::PresenceChange {
        room,
        count: now,
        came,
        went,
    } = newer
    else {
        *older = newer;
        return;
    };
    match older {
        Told::Presence { count, users, .. } => {
            *count = now;
            if let Some(users) = users {
                users.retain(|user| !went.contains(user));
                users.extend(came);
                users.sort_unstable();
            }
        }
        Told::PresenceChange {
            count,
            came: came_before,
            went: went_before,
            ..
        } => {
            *count = now;
            let back: Vec<String> = extract(went_before, &came);
            let gone: Vec<String> = extract(came_before, &went);
            came_before.extend(came.into_iter().filter(|user| !back.contains(user)));
            went_before.extend(went.into_iter().filter(|user| !gone.contains(user)));
        }
        _ => {
            *older = Told::PresenceChange {
                room,
                count: now,
                came,
                went,
            }
        }
    }
}

/// Takes those of `users` that are in `these` out of it.
fn extract(users: &mut Vec<String>, these: &[String]) -> Vec<String> {
    let (taken, left) = std::mem::take(users)
        .into_iter()
        .partition(|user| these.contains(user));
    *users = left;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_proto::{EntryKind, Position, Timestamp};

    fn room(name: &str) -> RoomName {
        RoomName::new(name).unwrap()
    }

    fn entry(name: &str, seq: u64) -> Told {
        Told::Entry(Said {
            room: room(name),
            position: Position {
                epoch: Epoch(1),
                seq: Seq(seq),
            },
            id: None,
            from: "ann".into(),
            kind: EntryKind::MESSAGE,
            payload: "\"x\"".into(),
            sent: Timestamp::from_unix_nanoseconds(0),
        })
    }

    fn gap(name: &str, first: u64, last: u64) -> Told {
        Told::Gap {
            room: room(name),
            missed: Missed::Entries {
                epoch: Epoch(1),
                first: Seq(first),
                last: Seq(last),
            },
        }
    }

    fn full() -> Kept {
        let mut kept = Kept::default();
        (1..=SESSION_EVENTS_MAX as u64).for_each(|seq| kept.keep(entry("den", seq)));
        assert!(kept.is_full());
        kept
    }

    #[test]
    fn over_the_bound_entries_become_one_exact_gap_for_each_room() {
        let mut kept = full();
        let most = SESSION_EVENTS_MAX as u64;
        kept.keep(entry("den", most + 1));
        kept.keep(entry("hall", 7));
        kept.keep(gap("den", most + 2, most + 9));
        kept.keep(entry("den", most + 10));
        for seq in 1..=most {
            assert_eq!(kept.take(), Some(entry("den", seq)));
        }
        let mut gaps = [kept.take().unwrap(), kept.take().unwrap()];
        gaps.sort_by_key(|told| told.room().map(|room| room.as_str().to_owned()));
        assert_eq!(gaps, [gap("den", most + 1, most + 10), gap("hall", 7, 7)]);
        assert_eq!(kept.take(), None);
        kept.keep(entry("den", most + 11));
        assert_eq!(kept.take(), Some(entry("den", most + 11)));
    }

    #[test]
    fn lists_of_users_count_and_become_one_for_each_room_too() {
        let user = "u".repeat(64);
        let users = vec![user; SESSION_BYTES_MAX / 64];
        let presence = Told::Presence {
            room: room("den"),
            count: users.len() as u64,
            users: Some(users),
        };
        let mut kept = Kept::default();
        kept.keep(presence.clone());
        assert!(kept.is_full());
        kept.keep(presence.clone());
        kept.keep(entry("den", 1));
        assert_eq!(kept.take(), Some(presence));
        assert_eq!(kept.take(), Some(gap("den", 1, 1)));
        assert_eq!((kept.take(), kept.bytes), (None, 0));
    }

    #[test]
    fn what_was_lost_of_a_room_is_told_before_it_is_left() {
        let mut kept = full();
        let most = SESSION_EVENTS_MAX as u64;
        let left = Told::Left { room: room("den") };
        kept.keep(entry("den", most + 1));
        kept.keep(left.clone());
        let all: Vec<Told> = std::iter::from_fn(|| kept.take()).collect();
        assert_eq!(all[all.len() - 2..], [gap("den", most + 1, most + 1), left]);
    }

    #[test]
    fn news_over_the_bound_become_one_for_each_room() {
        let change = |count, came: &[&str], went: &[&str]| Told::PresenceChange {
            room: room("den"),
            count,
            came: came.iter().map(|&user| user.to_owned()).collect(),
            went: went.iter().map(|&user| user.to_owned()).collect(),
        };
        let mut kept = full();
        kept.keep(change(2, &["ann", "bob"], &["cid"]));
        kept.keep(change(2, &["cid", "dan"], &["ann", "eve"]));
        let last = std::iter::from_fn(|| kept.take()).last();
        assert_eq!(last, Some(change(2, &["bob", "dan"], &["eve"])));

        let users = |users: &[&str]| Told::Presence {
            room: room("den"),
            count: users.len() as u64,
            users: Some(users.iter().map(|&user| user.to_owned()).collect()),
        };
        let mut kept = full();
        kept.keep(change(1, &["zoe"], &[]));
        kept.keep(users(&["bob", "zoe"]));
        kept.keep(change(2, &["ann"], &["zoe"]));
        let last = std::iter::from_fn(|| kept.take()).last();
        assert_eq!(last, Some(users(&["ann", "bob"])));
    }
}
