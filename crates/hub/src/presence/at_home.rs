//! The count of a room's users at its home.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parlour_proto::{ShardId, UserName};

use super::{NO_ROUND, News, Remains, Report, Seen, Told};
use crate::home::{Follower, Home};
use crate::table::Key;

/// Between two frames to the watchers of a room.
const INTERVAL: Duration = Duration::from_secs(1);

/// A home's part: nothing but a number while nobody asks.
#[derive(Debug, Default)]
pub(crate) struct HomePresence {
    last_round: u32,
    counting: Option<Box<Counting>>,
    /// When there is something to tell, as it stands in the shard's list.
    pub(crate) due: Option<Duration>,
}

/// One round.
#[derive(Debug)]
struct Counting {
    round: u32,
    /// In how many views each user is.
    users: BTreeMap<UserName, u16>,
    /// Views that were there when the round began and have not reported yet. Nothing is told before.
    awaited: usize,
    /// Names are told, not only their number.
    named: bool,
    /// Since the last frame.
    came: BTreeSet<UserName>,
    went: BTreeSet<UserName>,
    told_count: usize,
    told_at: Duration,
    /// The first frame was made.
    is_told: bool,
    /// When it ends, if nobody asks until then.
    ends_at: Option<Duration>,
}

/// What a home knows of one of its followers.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Somebody there has asked.
    watches: bool,
    /// News are on the way.
    on_the_way: bool,
    /// The round that it was told to count for.
    told_round: u32,
    awaited: bool,
    /// It was told nothing yet of this round.
    is_new: bool,
    /// It was not told the last frame.
    stale: bool,
    /// Who is there, in this round.
    #[allow(clippy::box_collection, reason = "empty, it is 8 bytes instead of 24")]
    users: Option<Box<BTreeSet<UserName>>>,
}

impl Counting {
    fn add(&mut self, user: &UserName) {
        let views = self.users.entry(user.clone()).or_insert(0);
        *views += 1;
        if *views == 1 && self.keeps_changes() && !self.went.remove(user) {
            self.came.insert(user.clone());
        }
    }

    fn remove(&mut self, user: &UserName) {
        let Some(views) = self.users.get_mut(user) else {
            return;
        };
        *views -= 1;
        if *views == 0 {
            self.users.remove(user);
            if self.keeps_changes() && !self.came.remove(user) {
                self.went.insert(user.clone());
            }
        }
    }

    /// Whether it will be told by name who came and went since the last frame.
    fn keeps_changes(&self) -> bool {
        self.named && self.is_told
    }

    /// One of those that were waited for has reported, or is gone.
    fn awaits_one_less(&mut self, now: Duration) {
        self.awaited -= 1;
        if self.awaited == 0 {
            self.told_at = now;
        }
    }

    /// The first frame tells what is so now. Later ones have their form from what was told before,
    /// also when nobody is left who was told it.
    fn begin_to_tell(&mut self, named_max: usize) {
        if !std::mem::replace(&mut self.is_told, true) {
            self.choose_form(named_max);
            self.forget_changes();
        }
    }

    fn forget_changes(&mut self) {
        self.came.clear();
        self.went.clear();
        self.told_count = self.users.len();
    }

    fn has_changes(&self) -> bool {
        if !self.is_told {
            false
        } else if self.named {
            !(self.came.is_empty() && self.went.is_empty())
        } else {
            self.told_count != self.users.len()
        }
    }

    /// Everything as it was at the last frame: what has changed since comes with the next, for those
    /// who were told this as for all others.
    fn all(&self) -> Arc<Told> {
        let users = || {
            let told = self.users.keys().filter(|user| !self.came.contains(*user));
            let mut told: Vec<_> = told.chain(&self.went).cloned().collect();
            told.sort_unstable();
            told
        };
        Arc::new(Told::All(Seen {
            count: self.told_count,
            users: self.named.then(users),
        }))
    }

    /// Names are told up to `named_max` users, and again when it is down to nine tenths of that: a
    /// room at the border does not go to and fro. Says whether that has changed.
    fn choose_form(&mut self, named_max: usize) -> bool {
        let count = self.users.len();
        let named = count <= named_max && (self.named || count <= named_max - named_max / 10);
        named != std::mem::replace(&mut self.named, named)
    }

    /// The frame for those who were told all before it.
    fn next(&mut self, named_max: usize) -> Option<Arc<Told>> {
        if !self.has_changes() {
            return None;
        }
        if self.choose_form(named_max) || !self.named {
            self.forget_changes();
            return Some(self.all());
        }
        let told = Told::Change {
            count: self.users.len(),
            came: self.came.iter().cloned().collect(),
            went: self.went.iter().cloned().collect(),
        };
        self.forget_changes();
        Some(Arc::new(told))
    }
}

/// When something happens, and how long a round that nobody needs goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) now: Duration,
    pub(crate) kept: Duration,
}

impl HomePresence {
    fn round(&self) -> u32 {
        self.counting.as_ref().map_or(NO_ROUND, |c| c.round)
    }

    /// Begins a round if there is somebody who asks, and lets it end later if there is nobody any
    /// more. Without followers there is nothing that it has counted.
    fn begin_or_end(&mut self, followers: &mut [Follower], end: Duration) {
        let asked = followers.iter().any(|follower| follower.census.watches);
        match &mut self.counting {
            Some(counting) if asked => counting.ends_at = None,
            Some(_) if followers.is_empty() => self.counting = None,
            Some(counting) => {
                counting.ends_at.get_or_insert(end);
            }
            None if asked => self.begin(followers),
            None => {}
        }
    }

    fn begin(&mut self, followers: &mut [Follower]) {
        for Follower { census, .. } in followers.iter_mut() {
            (census.awaited, census.is_new, census.stale) = (true, true, false);
        }
        self.last_round += 1;
        self.counting = Some(Box::new(Counting {
            round: self.last_round,
            users: BTreeMap::new(),
            awaited: followers.len(),
            named: true,
            came: BTreeSet::new(),
            went: BTreeSet::new(),
            told_count: 0,
            told_at: Duration::ZERO,
            is_told: false,
            ends_at: None,
        }));
    }

    /// Ends a round for which nobody has asked long enough, and gives back what it leaves behind.
    fn end_if_over(&mut self, followers: &mut [Follower], now: Duration) -> Vec<Remains> {
        let is_over = |counting: &mut Box<Counting>| counting.ends_at.is_some_and(|at| at <= now);
        let Some(counting) = self.counting.take_if(is_over) else {
            return Vec::new();
        };
        let Counting {
            users, came, went, ..
        } = *counting;
        let changes = came.into_iter().chain(went).map(drop);
        let counted = users.into_iter().map(drop).chain(changes);
        let mut remains: Vec<Remains> = vec![Box::new(counted)];
        for Follower { census, .. } in followers.iter_mut() {
            census.awaited = false;
            let users = census.users.take().into_iter();
            remains.push(Box::new(
                users.flat_map(|users| (*users).into_iter().map(drop)),
            ));
        }
        remains
    }
}

impl Home {
    /// A view has reported; an old one may have been given up meanwhile.
    pub(crate) fn take_report(
        &mut self,
        (shard, view): (ShardId, Key),
        report: Report,
        times: Times,
    ) {
        let Report {
            watches,
            round,
            changes,
            is_whole,
        } = report;
        let Some(Follower { census, .. }) = self.follower_mut(shard, view) else {
            return;
        };
        census.is_new |= watches && !census.watches;
        census.watches = watches;
        let end = times.now.saturating_add(times.kept);
        self.presence.begin_or_end(&mut self.followers, end);
        let Some(counting) = &mut self.presence.counting else {
            return;
        };
        let follower = self
            .followers
            .iter_mut()
            .find(|f| (f.shard, f.view) == (shard, view));
        let Some(Follower { census, .. }) = follower else {
            return;
        };
        if round != counting.round {
            return;
        }
        for (user, is_here) in changes {
            let users = census.users.get_or_insert_default();
            if is_here && users.insert(user.clone()) {
                counting.add(&user);
            } else if !is_here && users.remove(&user) {
                counting.remove(&user);
            }
        }
        if is_whole && std::mem::take(&mut census.awaited) {
            counting.awaits_one_less(times.now);
        }
    }

    /// A view has taken its news.
    pub(crate) fn take_news_taken(&mut self, shard: ShardId, view: Key) {
        if let Some(Follower { census, .. }) = self.follower_mut(shard, view) {
            census.on_the_way = false;
        }
    }

    /// The users of a view that is given up are there no longer.
    pub(crate) fn end_census(&mut self, census: &Census, times: Times) {
        if let Some(counting) = &mut self.presence.counting {
            let users = census.users.iter().flat_map(|users| users.iter());
            users.for_each(|user| counting.remove(user));
            if census.awaited {
                counting.awaits_one_less(times.now);
            }
        }
        let end = times.now.saturating_add(times.kept);
        self.presence.begin_or_end(&mut self.followers, end);
    }

    /// When there is something to tell, or to end.
    pub(crate) fn presence_due(&self, now: Duration) -> Option<Duration> {
        let round = self.presence.round();
        let counting = self.presence.counting.as_ref();
        let complete = counting.filter(|counting| counting.awaited == 0);
        let mut free = self
            .followers
            .iter()
            .map(|f| &f.census)
            .filter(|census| !census.on_the_way);
        let at_once = free.clone().any(|census| {
            census.told_round != round || complete.is_some() && census.watches && census.is_new
        });
        if at_once {
            return Some(now);
        }
        let counting = counting?;
        if counting.ends_at.is_some() {
            // Nobody asks.
            return counting.ends_at;
        }
        let later = counting.has_changes() || free.any(Census::waits);
        (counting.awaited == 0 && later).then(|| counting.told_at + INTERVAL)
    }

    /// Ends a round that nobody needs any more; what it leaves behind is the caller's to free.
    pub(crate) fn end_round(&mut self, now: Duration) -> Vec<Remains> {
        self.presence.end_if_over(&mut self.followers, now)
    }

    /// The news that are due, by the place of their follower.
    pub(crate) fn news(&mut self, now: Duration, named_max: usize) -> Vec<(usize, News)> {
        let round = self.presence.round();
        let mut counting = self.presence.counting.as_mut();
        counting = counting.filter(|counting| counting.awaited == 0);
        if let Some(counting) = &mut counting {
            counting.begin_to_tell(named_max);
        }
        let any_stale = self.followers.iter().any(|f| f.census.waits());
        let is_time = counting.as_ref().is_some_and(|counting| {
            counting.told_at + INTERVAL <= now && (counting.has_changes() || any_stale)
        });
        let (mut all, mut change) = (None, None);
        if let Some(counting) = counting {
            if is_time {
                change = counting.next(named_max);
                counting.told_at = now;
            }
            all = Some(|| counting.all());
        }
        let mut news = Vec::new();
        for (place, Follower { census, .. }) in self.followers.iter_mut().enumerate() {
            let told = match &all {
                Some(all) => census.next(is_time, change.as_ref(), all),
                None => None,
            };
            if !census.on_the_way && (told.is_some() || census.told_round != round) {
                census.on_the_way = true;
                census.told_round = round;
                news.push((place, News { round, told }));
            }
        }
        news
    }

    fn follower_mut(&mut self, shard: ShardId, view: Key) -> Option<&mut Follower> {
        self.followers
            .iter_mut()
            .find(|f| (f.shard, f.view) == (shard, view))
    }
}

impl Census {
    /// That of a new follower.
    pub(crate) fn new() -> Self {
        Self {
            is_new: true,
            ..Self::default()
        }
    }

    /// It missed a frame, and can be told again.
    fn waits(&self) -> bool {
        self.watches && self.stale && !self.on_the_way
    }

    /// What this follower's watchers are told now. A new one is told at once, the others once a
    /// second, and who cannot be told now is told everything later.
    fn next(
        &mut self,
        is_time: bool,
        change: Option<&Arc<Told>>,
        all: &impl Fn() -> Arc<Told>,
    ) -> Option<Arc<Told>> {
        if !self.watches {
            return None;
        }
        if self.on_the_way {
            self.stale |= change.is_some();
            return None;
        }
        if self.is_new || is_time && self.stale {
            (self.is_new, self.stale) = (false, false);
            return Some(all());
        }
        change.cloned()
    }
}
