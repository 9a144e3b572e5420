//! Power cuts by a seed (R2): a partition on a disk that loses what was not synced.
//!
//! A seed is one data directory's life: rooms are written to, the power goes off after some step, the
//! disk keeps what was synced and of the rest what it likes, and the next start must find every
//! acknowledged entry where it was, whole batches and no halves, and the same epochs. That repeats,
//! also with a cut during the recovery itself. At the end one bit is flipped: every entry is then
//! served as it was written, or reported, and none is served otherwise.

mod dice;
pub(crate) mod disk;
mod flip;
mod life;
mod world;

use crate::partition::State;
use life::Life;

/// One life.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// How often the power goes off.
    pub cuts: u32,
    /// How many bits are flipped at the end, each in the file as it was.
    pub flips: u32,
    /// What is broken on purpose, so that the checks can be seen to see it.
    pub planted: Option<Fault>,
}

/// What can be broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk says that it has synced, and has not.
    NoSync,
}

impl Fault {
    /// All, by name.
    pub const ALL: [(&'static str, Self); 1] = [("store-no-sync", Self::NoSync)];
}

/// What was seen in lives that kept their promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries that were acknowledged.
    pub acks: u64,
    /// Times the power went off while something was being written.
    pub cuts: u64,
    /// Of these: during a recovery.
    pub cuts_in_recovery: u64,
    /// Batches without an answer that were there afterwards, whole.
    pub kept_unanswered: u64,
    /// Batches without an answer that were not.
    pub lost_unanswered: u64,
    /// Entries that were read back and compared.
    pub read: u64,
    /// Flipped bits.
    pub flips: u64,
    /// Of these: reported.
    pub reported: u64,
}

/// A promise that does not hold, and the seed that shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed}: {what}")]
pub struct Violation {
    /// Replays it.
    pub seed: u64,
    /// What does not hold.
    pub what: String,
}

/// Lives one life.
///
/// # Errors
/// The first promise that does not hold.
pub fn run(plan: &Plan) -> Result<Report, Violation> {
    let mut life = Life::new(plan);
    let lived = life.live(plan);
    lived.map_err(|what| Violation {
        seed: plan.seed,
        what,
    })?;
    Ok(life.report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acknowledged_is_lost_whenever_the_power_goes_off() {
        let mut total = Report::default();
        for seed in 0..40 {
            let plan = Plan {
                seed,
                cuts: 8,
                flips: 4,
                planted: None,
            };
            let report = run(&plan).unwrap();
            total.cuts += report.cuts;
            total.acks += report.acks;
            total.kept_unanswered += report.kept_unanswered;
            total.lost_unanswered += report.lost_unanswered;
            total.cuts_in_recovery += report.cuts_in_recovery;
            total.reported += report.reported;
            total.flips += report.flips;
            total.read += report.read;
        }
        println!("{total:?}");
    }

    #[test]
    fn a_disk_that_does_not_sync_is_caught_within_20_seeds() {
        let caught = (0..20).find_map(|seed| {
            let plan = Plan {
                seed,
                cuts: 8,
                flips: 0,
                planted: Some(Fault::NoSync),
            };
            run(&plan).err()
        });
        let violation = caught.expect("a disk that lies is caught");
        println!("{violation}");
    }
}
