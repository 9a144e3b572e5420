//! Who is in a room: counted only while somebody, on whatever shard, has asked for it.
//!
//! ```text
//!  members come and go ─▶ view: users here ── Report ──▶ home: users of all views
//!                                ▲                          │ at most once a second
//!  watchers ◀── frames ── view: what was told ◀── News ─────┘
//! ```
//!
//! In each direction at most one letter is on the way between a home and a view; what changes
//! meanwhile goes with the next. So nothing queues up, and a slow shard is told the newest state.
//! A *round* is one life of the count at the home: it ends when nobody has asked for a while, so that
//! who comes and goes does not make everybody be counted again. When a round begins, views go through
//! their members in bounded steps and report them in bounded pieces; nothing is told before all views
//! are through. What a round leaves behind is freed in bounded steps too.

mod at_home;
mod at_view;

use std::sync::Arc;

use parlour_proto::UserName;

pub(crate) use at_home::{Census, HomePresence, Times};
pub(crate) use at_view::{ViewPresence, Walk};

/// What a round leaves behind: each step frees one thing.
pub(crate) type Remains = Box<dyn Iterator<Item = ()> + Send>;

/// Nobody counts.
pub(crate) const NO_ROUND: u32 = 0;

/// What a view tells its home.
#[derive(Debug)]
pub(crate) struct Report {
    /// Somebody here has asked.
    pub(crate) watches: bool,
    /// The round that `changes` belong to.
    pub(crate) round: u32,
    /// Users who are here now (`true`) or no longer, since the last report of this round; at most
    /// [`PRESENCE_MEMBERS_MAX`](parlour_proto::PRESENCE_MEMBERS_MAX).
    pub(crate) changes: Vec<(UserName, bool)>,
    /// All members there are counted, and all that has changed up to now is reported.
    pub(crate) is_whole: bool,
}

/// What a home tells a view.
#[derive(Debug)]
pub(crate) struct News {
    /// The round to count for, or [`NO_ROUND`].
    pub(crate) round: u32,
    /// For the watchers there.
    pub(crate) told: Option<Arc<Told>>,
}

/// One step of what watchers know.
#[derive(Debug)]
pub(crate) enum Told {
    /// Everything; users are in order, and only counted where there are too many.
    All(Seen),
    /// What has changed since the last; both lists are in order.
    Change {
        count: usize,
        came: Vec<UserName>,
        went: Vec<UserName>,
    },
}

/// What a watcher knows who has been told everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) count: usize,
    pub(crate) users: Option<Vec<UserName>>,
}
