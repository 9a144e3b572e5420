//! Who is in a room on one shard, and what its watchers there have been told.

use std::collections::{BTreeMap, BTreeSet};

use parlour_proto::UserName;

use super::{NO_ROUND, Report, Seen, Told};

/// A view's part, made when somebody here asks or the home counts.
#[derive(Debug, Default)]
pub(crate) struct ViewPresence {
    /// Connections that have asked.
    pub(crate) watchers: BTreeSet<u32>,
    round: u32,
    /// Who is here, while the home counts.
    here: BTreeMap<UserName, Here>,
    /// Those of whom the home may not know the latest.
    changed: BTreeSet<UserName>,
    /// The home is to be told something besides.
    owes: bool,
    /// Somebody asks here, as the home was told.
    told_watches: bool,
    /// A report is on the way.
    on_the_way: bool,
    /// In the shard's list of views to report.
    pub(crate) queued: bool,
    /// What the home has told.
    pub(crate) seen: Option<Seen>,
}

#[derive(Debug, Default)]
struct Here {
    connections: u32,
    is_reported: bool,
}

impl ViewPresence {
    pub(crate) fn watch(&mut self, connection: u32) {
        self.watchers.insert(connection);
        self.owes |= !self.told_watches;
    }

    pub(crate) fn unwatch(&mut self, connection: u32) {
        self.watchers.remove(&connection);
        self.owes |= self.watchers.is_empty();
    }

    pub(crate) fn comes(&mut self, user: &UserName) {
        if self.round == NO_ROUND {
            return;
        }
        let here = self.here.entry(user.clone()).or_default();
        here.connections += 1;
        if here.connections == 1 {
            self.changed.insert(user.clone());
        }
    }

    pub(crate) fn goes(&mut self, user: &UserName) {
        if let Some(here) = self.here.get_mut(user) {
            here.connections -= 1;
            if here.connections == 0 {
                self.changed.insert(user.clone());
            }
        }
    }

    /// Whether these news begin or end a round; the caller then lets everybody who is here come.
    pub(crate) fn turn_to(&mut self, round: u32) -> bool {
        if self.round == round {
            return false;
        }
        self.round = round;
        self.here = BTreeMap::new();
        self.changed = BTreeSet::new();
        // The home waits for the first report, also if nobody is here.
        self.owes |= round != NO_ROUND;
        true
    }

    /// Takes what was told; `false` if it is not for those who ask now.
    pub(crate) fn learn(&mut self, told: &Told) -> bool {
        if !self.told_watches {
            return false;
        }
        match (told, &mut self.seen) {
            (Told::All(all), seen) => {
                *seen = Some(all.clone());
                true
            }
            (
                Told::Change { count, came, went },
                Some(Seen {
                    count: known,
                    users: Some(users),
                }),
            ) => {
                *known = *count;
                users.retain(|user| went.binary_search(user).is_err());
                users.extend(came.iter().cloned());
                users.sort_unstable();
                users.dedup();
                true
            }
            _ => false,
        }
    }

    /// The next report, if there is something to tell and none is on the way.
    pub(crate) fn report(&mut self) -> Option<Report> {
        if self.on_the_way {
            return None;
        }
        let mut changes = Vec::new();
        for user in std::mem::take(&mut self.changed) {
            let Some(here) = self.here.get_mut(&user) else {
                continue;
            };
            let is_here = here.connections > 0;
            if is_here != here.is_reported {
                here.is_reported = is_here;
                changes.push((user.clone(), is_here));
            }
            if !is_here {
                self.here.remove(&user);
            }
        }
        if !std::mem::take(&mut self.owes) && changes.is_empty() {
            return None;
        }
        self.on_the_way = true;
        self.told_watches = !self.watchers.is_empty();
        if !self.told_watches {
            self.seen = None;
        }
        Some(Report {
            watches: self.told_watches,
            round: self.round,
            changes,
        })
    }

    pub(crate) fn report_taken(&mut self) {
        self.on_the_way = false;
    }

    /// Nobody asks, nobody counts, and nothing is to be said.
    pub(crate) fn is_over(&self) -> bool {
        self.watchers.is_empty() && self.round == NO_ROUND && !self.on_the_way && !self.owes
    }
}
