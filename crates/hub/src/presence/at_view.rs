//! Who is in a room on one shard, and what its watchers there have been told.

use std::collections::{BTreeMap, BTreeSet};

use parlour_proto::UserName;

use super::{NO_ROUND, Remains, Report, Seen, Told};

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
    /// Members who are still to be counted for this round.
    pub(crate) walk: Option<Walk>,
    /// The home waits for the first report of this round that is whole.
    owes_whole: bool,
    /// The home is to be told whether somebody asks here.
    owes: bool,
    /// Somebody asks here, as the home was told.
    told_watches: bool,
    /// A report is on the way.
    on_the_way: bool,
    /// In the shard's list of views to report.
    pub(crate) queued: bool,
    /// What the home has told.
    pub(crate) seen: Option<Seen>,
    /// How often the home has told something, wrapping.
    pub(crate) step: u8,
}

/// A way through the members of a view's rings, from the last to the first. Members only ever move
/// to the front, so that none who is ahead of it gets behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// Rings that are left, the one that it is in not among them.
    pub(crate) rings: usize,
    /// Members that are left of the ring that it is in.
    pub(crate) members: usize,
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

    /// Somebody is here. `counted` is the round in which his membership was counted.
    pub(crate) fn comes(&mut self, user: &UserName, counted: &mut u32) {
        if std::mem::replace(counted, self.round) == self.round || self.round == NO_ROUND {
            return;
        }
        let here = self.here.entry(user.clone()).or_default();
        here.connections += 1;
        if here.connections == 1 {
            self.changed.insert(user.clone());
        }
    }

    /// Somebody is here no longer, whose membership was `counted` in that round.
    pub(crate) fn goes(&mut self, user: &UserName, counted: u32) {
        if counted == self.round
            && let Some(here) = self.here.get_mut(user)
        {
            here.connections -= 1;
            if here.connections == 0 {
                self.changed.insert(user.clone());
            }
        }
    }

    /// Ends the round, and begins another if there is one; gives back what the old one leaves behind.
    pub(crate) fn turn_to(&mut self, round: u32, rings: usize) -> Option<Remains> {
        if self.round == round {
            return None;
        }
        self.round = round;
        self.walk = (round != NO_ROUND).then_some(Walk { rings, members: 0 });
        // The home waits for it also if nobody is here.
        self.owes_whole = round != NO_ROUND;
        Some(self.remains())
    }

    /// Everything that was counted.
    pub(crate) fn remains(&mut self) -> Remains {
        let here = std::mem::take(&mut self.here).into_iter().map(drop);
        let changed = std::mem::take(&mut self.changed).into_iter().map(drop);
        Box::new(here.chain(changed))
    }

    /// Takes what was told; `false` if it is not for those who ask now.
    pub(crate) fn learn(&mut self, told: &Told) -> bool {
        if !self.told_watches {
            return false;
        }
        let is_learnt = match (told, &mut self.seen) {
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
        };
        self.step = self.step.wrapping_add(u8::from(is_learnt));
        is_learnt
    }

    /// The next report, if there is something to tell and none is on the way. It looks at no more
    /// users than `budget`, which it lowers.
    pub(crate) fn report(&mut self, budget: &mut usize) -> Option<Report> {
        if self.on_the_way {
            return None;
        }
        let mut changes = Vec::new();
        while *budget > 0
            && let Some(user) = self.changed.pop_first()
        {
            *budget -= 1;
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
        let is_whole = self.walk.is_none() && self.changed.is_empty();
        let owes = self.owes || is_whole && self.owes_whole;
        if !owes && changes.is_empty() {
            return None;
        }
        self.owes = false;
        self.owes_whole &= !is_whole;
        self.on_the_way = true;
        self.told_watches = !self.watchers.is_empty();
        if !self.told_watches {
            self.seen = None;
        }
        Some(Report {
            watches: self.told_watches,
            round: self.round,
            changes,
            is_whole,
        })
    }

    /// Whether [`report`](Self::report) would get on with something.
    pub(crate) fn has_more(&self) -> bool {
        !self.on_the_way && !self.changed.is_empty()
    }

    pub(crate) fn report_taken(&mut self) {
        self.on_the_way = false;
    }

    /// Nobody asks, nobody counts, and nothing is to be said.
    pub(crate) fn is_over(&self) -> bool {
        self.watchers.is_empty() && self.round == NO_ROUND && !self.on_the_way && !self.owes
    }
}
