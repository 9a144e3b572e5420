//! The disk fills, and is freed again (R11): a named refusal, and no restart.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{BACKOFF, everybody_is_in};
use crate::TortureError;
use crate::audit::audit;
use crate::checker::Room;
use crate::load::{Crowd, LoadOptions};
use crate::options::{self, Common, seconds};
use crate::publishing::{Publishing, Speech};
use crate::random::Chance;
use crate::report::Report;
use crate::server::ballast;
use crate::world::{State, World};

/// Of these the last one is volatile.
const ROOMS: usize = 5;
const VOLATILE: Room = Room(ROOMS - 1);
/// Each says 20 things of 16 KiB a second.
const PUBLISHERS: usize = 8;
const PAYLOAD_BYTES: usize = 16 * 1024;
const RATE: f64 = 20.0;
/// What is freed: half of the disk.
const BALLAST_SHARE: u64 = 2;
/// Longest time until the disk is full.
const FULL: Duration = Duration::from_secs(120);
/// What a full disk may take to be told, and a freed one to be used.
const ANSWER_MAX: f64 = 1.0;
const SERVICE_MAX: f64 = 5.0;
const SERVICE: Duration = Duration::from_secs(30);
/// Of what the volatile room is told, so much must be acknowledged while the disk is full.
const VOLATILE_MIN: f64 = 0.5;
const ACKS_MIN: u64 = 100;

/// Options of `parlour torture disk-full`.
#[derive(Debug, Clone, clap::Args)]
pub struct DiskFullOptions {
    /// Size of the disk, in MiB.
    #[arg(long, default_value_t = 96, value_name = "MIB")]
    pub disk: u64,
    /// How long it stays full, in seconds.
    #[arg(long, default_value = "5", value_parser = seconds, value_name = "SECONDS")]
    pub seconds: Duration,
    /// What all scenarios have.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it.
///
/// # Errors
/// When there is no verdict: the server does not start or ends by itself, the options make no sense.
pub fn run(options: &DiskFullOptions) -> Result<Report, TortureError> {
    if !(16..=65_536).contains(&options.disk) {
        return Err(TortureError::Options(
            "--disk: it must be 16 to 65536 MiB".into(),
        ));
    }
    options::run(disk_full(options))
}

/// A small file system in memory; gone with this.
struct Disk {
    directory: TempDir,
    is_mounted: bool,
}

impl Disk {
    fn mount(mebibytes: u64) -> Result<Self, TortureError> {
        let directory = TempDir::with_prefix("parlour-torture-disk-")
            .map_err(TortureError::system("making a temporary directory"))?;
        let mut disk = Self {
            directory,
            is_mounted: false,
        };
        let size = std::ffi::CString::new(format!("size={mebibytes}m,mode=0700"))
            .map_err(|error| TortureError::Options(error.to_string()))?;
        let path = disk.directory.path();
        mount("tmpfs", path, "tmpfs", MountFlags::empty(), size.as_c_str())
            .map_err(|errno| TortureError::system("mounting a tmpfs of that size")(errno.into()))?;
        disk.is_mounted = true;
        Ok(disk)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn ballast(&self) -> PathBuf {
        self.directory.path().join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            // Also where the server still has files there open.
            let _ = unmount(self.directory.path(), UnmountFlags::DETACH);
        }
    }
}

async fn disk_full(options: &DiskFullOptions) -> Result<Report, TortureError> {
    let seed = options.common.seed();
    let mut chance = Chance::new(seed);
    let report = |url: &str| Report::new("disk-full", seed, url);
    let disk = match Disk::mount(options.disk) {
        Ok(disk) => disk,
        Err(error) => {
            let why = format!("{error}; it takes the right to mount (root, or CAP_SYS_ADMIN)");
            return Ok(report("").not_possible(why));
        }
    };
    options::open_files();
    // Dropped before the disk is, and so ended first.
    let mut server = options.common.prepare(&mut chance)?;
    server.data_in(disk.data());
    let world = World::new(server.target().clone(), ROOMS, BACKOFF);
    let volatile = format!("{}=volatile", world.rooms[VOLATILE.0].as_str());
    server.also(["--rooms", &volatile, "--rooms", "*=durable"]);
    let half = (options.disk << 20) / BALLAST_SHARE;
    ballast(&disk.ballast(), half).map_err(TortureError::system("filling half of the disk"))?;
    server.start().await?;

    let mut crowd = Crowd::new();
    gather(&world, &mut crowd, seed);
    everybody_is_in(&world).await?;
    crowd.order(|orders| orders.speaks = true);
    let show = options.common.show();
    let is_full = |state: &State| state.tally.refused.contains_key("disk_full");
    let was_full = world.until(FULL, is_full).await;
    let before = durable_acks(&world.state());
    world.state().tally.answer_max = Duration::ZERO;
    let volatile = world.state().checker.acks_of(VOLATILE);
    show.wait("full", options.seconds, || {}).await;
    let volatile = world.state().checker.acks_of(VOLATILE) - volatile;
    let answer_max = world.state().tally.answer_max;

    let freed = std::fs::remove_file(disk.ballast());
    freed.map_err(TortureError::system("freeing half of the disk"))?;
    let (freed, acks) = (Instant::now(), durable_acks(&world.state()));
    world
        .until(SERVICE, |state| durable_acks(state) > acks)
        .await;
    let service = freed.elapsed();
    server.check()?;

    let audited = audit(&world, &crowd, options.common.show()).await?;
    let mut report = report(&server.target().authority);
    report.measured("acknowledged before", before as f64, "");
    report.measured("volatile meanwhile", volatile as f64, "");
    let others = |state: &State| -> u64 {
        let refused = state.tally.refused.iter();
        refused
            .filter(|it| it.0 != "disk_full")
            .map(|it| it.1)
            .sum()
    };
    let others = others(&world.state());
    report.limit(
        "answer while full, max",
        answer_max.as_secs_f64(),
        ANSWER_MAX,
        "s",
    );
    report.limit(
        "service after it is freed",
        service.as_secs_f64(),
        SERVICE_MAX,
        "s",
    );
    report.limit("other refusals", others as f64, 0.0, "");
    let missing = 1.0 - volatile as f64 / (RATE * options.seconds.as_secs_f64());
    report.limit(
        "volatile ones not served, share",
        missing,
        1.0 - VOLATILE_MIN,
        "",
    );
    let mut too_little = Vec::new();
    if !was_full {
        let seconds = FULL.as_secs();
        too_little.push(format!(
            "nothing was refused as disk_full within {seconds} s"
        ));
    }
    if before < ACKS_MIN {
        too_little.push(format!(
            "{before} acknowledgements before; {ACKS_MIN} are needed"
        ));
    }
    let report = report.conclude(&world, &audited, too_little);
    crowd.end().await;
    drop(server);
    Ok(report)
}

fn gather(world: &Arc<World>, crowd: &mut Crowd, seed: u64) {
    let durable = LoadOptions {
        publishers: PUBLISHERS,
        rate: RATE,
        subscribers: 2 * VOLATILE.0,
        rooms: VOLATILE.0,
        payload: PAYLOAD_BYTES,
    };
    crowd.gather(world, &durable, seed);
    let speech = Speech {
        every: Duration::from_secs_f64(1.0 / RATE),
        payload_bytes: 64,
        count_max: u32::MAX,
    };
    let publishing = Publishing::new(PUBLISHERS as u32, VOLATILE, speech);
    let member = crowd.guest(world, "volatile".into(), vec![VOLATILE], seed);
    crowd.add(member.publishes(publishing));
}

fn durable_acks(state: &State) -> u64 {
    (0..VOLATILE.0)
        .map(|room| state.checker.acks_of(Room(room)))
        .sum()
}
