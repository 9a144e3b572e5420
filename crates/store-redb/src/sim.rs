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

impl Report {
    /// Counts what `other` has seen, too.
    pub fn add(&mut self, other: &Self) {
        self.acks += other.acks;
        self.cuts += other.cuts;
        self.cuts_in_recovery += other.cuts_in_recovery;
        self.kept_unanswered += other.kept_unanswered;
        self.lost_unanswered += other.lost_unanswered;
        self.read += other.read;
        self.flips += other.flips;
        self.reported += other.reported;
    }
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

    fn plan(seed: u64, planted: Option<Fault>) -> Plan {
        Plan {
            seed,
            cuts: 8,
            flips: 4,
            planted,
        }
    }

    /// `cargo xtask sim --store` lives more lives; these are for who runs only the tests.
    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_damaged_served_whenever_the_power_goes_off() {
        let mut total = Report::default();
        for seed in 0..40 {
            total.add(&run(&plan(seed, None)).unwrap());
        }
        // What the promise is about has happened.
        assert!(total.acks > 5_000 && total.read > 5_000, "{total:?}");
        assert!(total.cuts_in_recovery > 10, "{total:?}");
        assert!(
            total.kept_unanswered > 0 && total.lost_unanswered > 50,
            "{total:?}"
        );
        assert!(total.reported > 10, "{total:?}");
    }

    #[test]
    fn a_disk_that_does_not_sync_is_caught_within_20_seeds() {
        let caught = (0..20).find_map(|seed| run(&plan(seed, Some(Fault::NoSync))).err());
        assert!(caught.is_some());
    }

    /// The journal says which of the database's two last commits is the last one, so a flip of that bit
    /// is mended or found, too.
    #[test]
    fn no_bit_of_a_header_changes_anything_unseen() {
        let plan = plan(7, None);
        let mut life = Life::new(&plan);
        life.live(&plan).unwrap();
        let (image, world) = life.end();
        let database = life::DATABASE_FROM as usize;
        let headers = (0..FIRST_PAGE_USED).chain(database..database + HEADER_BYTES);
        let bits = headers.flat_map(|byte| (0..8).map(move |bit| (byte, bit)));
        let unseen = bits.filter(|(byte, bit)| {
            let mut flipped = image.clone();
            flipped.flip(*byte, *bit);
            flip::look(flipped, world).is_err()
        });
        assert_eq!(unseen.collect::<Vec<_>>(), []);
    }

    /// The page that says which file it is has no other to be compared with.
    #[test]
    fn no_bit_of_what_a_file_says_of_itself_changes_anything_unseen() {
        let plan = plan(9, None);
        let mut life = Life::new(&plan);
        life.live(&plan).unwrap();
        let (image, world) = life.end();
        let pages = image.pages_with(b"directoryformat");
        assert!(!pages.is_empty());
        let bytes = pages.into_iter().flat_map(|page| page..page + SAID_BYTES);
        let bits = bytes.flat_map(|byte| (0..8).map(move |bit| (byte, bit)));
        let unseen = bits.filter(|(byte, bit)| {
            let mut flipped = image.clone();
            flipped.flip(*byte, *bit);
            flip::look(flipped, world).is_err()
        });
        assert_eq!(unseen.collect::<Vec<_>>(), []);
    }

    /// Of a page of the table `meta`: keys, values and where they end.
    const SAID_BYTES: usize = 192;
    /// Bytes that say something in the file's first page, and a few more.
    const FIRST_PAGE_USED: usize = 64;
    /// Up to the end of both commits.
    const HEADER_BYTES: usize = 320;

    /// Nothing can tell a last commit that was flipped from one that was cut off. All else is found.
    #[test]
    fn a_flipped_last_record_takes_back_that_commit_and_no_more() {
        let plan = plan(8, None);
        let mut life = Life::new(&plan);
        life.live(&plan).unwrap();
        let (image, world) = life.end();
        let last = flip::last_record(&image).unwrap();
        assert!(!last.is_empty());
        for byte in last {
            let mut flipped = image.clone();
            flipped.flip(byte as usize, (byte % 8) as u32);
            let told = flip::look(flipped, world).unwrap_err();
            let is_shorter = told.contains("its head is") || told.contains("it begins at");
            assert!(is_shorter, "byte {byte}: {told}");
        }
    }

    #[test]
    fn one_seed_is_one_life() {
        assert_eq!(run(&plan(7, None)), run(&plan(7, None)));
    }
}
