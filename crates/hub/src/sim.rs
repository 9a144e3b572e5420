//! A seeded world around the hub: shards, a bus with delays, sockets that block, a store that
//! commits late and sometimes refuses, clients that stall, vanish and return. Time is a number.
//!
//! ```
//! use parlour_hub::sim::{Plan, run};
//! let report = run(&Plan { steps: 300, ..Plan::seeded(7) }).unwrap();
//! assert!(report.entries_heard > 0);
//! ```
//!
//! What must hold is checked by the clients themselves ([`Violation`]): one order per room for
//! everybody, no hole without a notice, nothing acknowledged is missing, who is in a room is known to
//! who asked, a notice is told once and in order, the application is asked one thing at a time, every refusal and every close has its reason, memory within its bounds.
//! A violation names its seed; the same seed gives the same world.

mod application;
mod asked;
mod bus;
mod client;
mod noticed;
mod random;
mod sockets;
mod speech;
mod store;
mod truth;
mod watched;
mod world;

use std::fmt;

/// What kind of world to make.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Everything that is random in it.
    pub seed: u64,
    /// How long it lives, in steps of its clients.
    pub steps: u32,
    /// A fault to plant, to see that the checkers catch it.
    pub planted: Option<Fault>,
}

impl Plan {
    /// A world of the usual length without a planted fault.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            steps: 1_500,
            planted: None,
        }
    }
}

/// A fault that is planted between the parts, never in the hub itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One shard is told two entries in each other's place.
    Order,
    /// Readers that fell behind are not told what they missed.
    Gap,
    /// The shards work with bounds eight times too large.
    Bound,
    /// Some of those who went are not told of.
    Presence,
    /// Some notices of who went are lost.
    Notice,
}

impl Fault {
    /// All faults, with the names under which they are planted.
    pub const ALL: [(&'static str, Self); 5] = [
        ("order", Self::Order),
        ("gap", Self::Gap),
        ("bound", Self::Bound),
        ("presence", Self::Presence),
        ("notice", Self::Notice),
    ];
}

/// What a world saw in its life.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Publishes that were acknowledged.
    pub acks: u64,
    /// Entries that clients were told.
    pub entries_heard: u64,
    /// Gaps that clients were told.
    pub gaps_heard: u64,
    /// Resumes that began after a position.
    pub resumes: u64,
    /// Publishes that the store refused.
    pub refused: u64,
    /// Connections that the hub closed for being slow.
    pub slow_closes: u64,
    /// Sends that a socket took only in part.
    pub blocked_sends: u64,
}

/// The same, with what only the worlds' own tests look at.
#[derive(Clone, Copy, Debug, Default)]
struct Doings {
    report: Report,
    /// Rooms that clients left by asking.
    left: u64,
    /// Frames that told everything of who is in a room.
    snapshots: u64,
    /// Frames that told what changed.
    changes: u64,
    /// Frames that were refused for their rate.
    limited: u64,
    /// Notices before a close.
    closings: u64,
    /// Questions that the application has answered.
    answers: u64,
    /// Entries that told of another name.
    renames: u64,
    /// Notices of who came and went.
    notices: u64,
    /// What the application did not allow.
    not_allowed: u64,
    /// Connections that came with a room.
    newcomers: u64,
    /// Publishes whose outcome was unknown for long.
    doubted: u64,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed of the world in which it happened.
    pub seed: u64,
    /// The fault that was planted, if one was.
    pub planted: Option<Fault>,
    /// The step at which it was seen.
    pub step: u32,
    /// Which promise, and how.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            planted,
            step,
            what,
        } = self;
        write!(
            f,
            "seed {seed}, step {step}: {what} (replay: cargo xtask sim --seed {seed}"
        )?;
        let known = Fault::ALL
            .iter()
            .find(|(_, fault)| Some(*fault) == *planted);
        if let Some((name, _)) = known {
            write!(f, " --break {name}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Violation {}

/// Lets a world live and checks it.
///
/// # Errors
/// The first promise that was broken.
pub fn run(plan: &Plan) -> Result<Report, Violation> {
    live(plan).map(|doings| doings.report)
}

fn live(plan: &Plan) -> Result<Doings, Violation> {
    world::World::new(plan).live()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promise_holds_in_seeded_worlds() {
        let (mut total, mut doings) = (Report::default(), Doings::default());
        for seed in 0..150 {
            let seen = live(&Plan::seeded(seed)).unwrap_or_else(|violation| panic!("{violation}"));
            let report = seen.report;
            doings.left += seen.left;
            doings.snapshots += seen.snapshots;
            doings.changes += seen.changes;
            doings.limited += seen.limited;
            doings.closings += seen.closings;
            doings.answers += seen.answers;
            doings.renames += seen.renames;
            doings.notices += seen.notices;
            doings.not_allowed += seen.not_allowed;
            doings.newcomers += seen.newcomers;
            doings.doubted += seen.doubted;
            total.gaps_heard += report.gaps_heard;
            total.resumes += report.resumes;
            total.refused += report.refused;
            total.slow_closes += report.slow_closes;
            total.blocked_sends += report.blocked_sends;
        }
        // Worlds in which nothing happens would prove nothing.
        assert!(total.gaps_heard > 100, "{total:?}");
        assert!(total.resumes > 100, "{total:?}");
        assert!(total.refused > 10, "{total:?}");
        assert!(total.slow_closes > 10, "{total:?}");
        assert!(total.blocked_sends > 1_000, "{total:?}");
        assert!(doings.left > 1_000, "{doings:?}");
        assert!(doings.snapshots > 1_000, "{doings:?}");
        assert!(doings.changes > 1_000, "{doings:?}");
        assert!(doings.limited > 100, "{doings:?}");
        assert!(doings.closings > 100, "{doings:?}");
        assert!(doings.answers > 1_000, "{doings:?}");
        assert!(doings.renames > 100, "{doings:?}");
        assert!(doings.notices > 1_000, "{doings:?}");
        assert!(doings.not_allowed > 100, "{doings:?}");
        assert!(doings.newcomers > 1_000, "{doings:?}");
        assert!(doings.doubted > 100, "{doings:?}");
    }

    fn seed_that_catches(fault: Fault) -> Option<u64> {
        (0..100).find(|seed| {
            run(&Plan {
                planted: Some(fault),
                ..Plan::seeded(*seed)
            })
            .is_err()
        })
    }

    #[test]
    fn a_planted_disorder_is_caught_within_100_seeds() {
        assert!(seed_that_catches(Fault::Order).is_some());
    }

    #[test]
    fn a_planted_silent_gap_is_caught_within_100_seeds() {
        assert!(seed_that_catches(Fault::Gap).is_some());
    }

    #[test]
    fn a_planted_missing_bound_is_caught_within_100_seeds() {
        assert!(seed_that_catches(Fault::Bound).is_some());
    }

    #[test]
    fn a_planted_silent_departure_is_caught_within_100_seeds() {
        assert!(seed_that_catches(Fault::Presence).is_some());
    }

    #[test]
    fn a_planted_lost_notice_is_caught_within_100_seeds() {
        assert!(seed_that_catches(Fault::Notice).is_some());
    }

    #[test]
    fn a_seed_replays_to_the_same_end() {
        let fault = Plan {
            planted: Some(Fault::Order),
            ..Plan::seeded(0)
        };
        let plan = (0..100)
            .map(|seed| Plan { seed, ..fault })
            .find(|plan| run(plan).is_err());
        let plan = plan.expect("some seed catches the fault");
        assert_eq!(run(&plan).unwrap_err(), run(&plan).unwrap_err());
    }
}
