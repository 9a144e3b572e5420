//! The server's wall clock jumps (R10): nothing expires early, nobody is thrown out, no ticket counts twice.
//!
//! Only the server's clock: the machine's own is everybody's. That takes libfaketime in front of the C
//! library's clock; whether it took effect is seen by the times that entries carry.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{BACKOFF, everybody_is_in};
use crate::TortureError;
use crate::audit::audit;
use crate::http::{self, Given, Who};
use crate::line::Line;
use crate::load::{Crowd, LoadOptions};
use crate::options::{self, Common, seconds};
use crate::random::Chance;
use crate::report::Report;
use crate::server::Server;
use crate::world::World;

/// One after the other, in seconds beside the true time.
const JUMPS: [i64; 6] = [3_600, -3_600, 86_400, -86_400, 43_200, 0];
/// So far may the server's clock be from where it was put, in seconds.
const TOLERANCE: i64 = 60;
/// How long it may take until an entry shows the new time.
const SEEN: Duration = Duration::from_secs(5);
/// An age that no jump may make true.
const KEPT: &str = "*=durable,keep=1000000,keep-age=30m";
/// Where distributions put it.
const PLACES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
];

/// Options of `parlour torture clock`.
#[derive(Debug, Clone, clap::Args)]
pub struct ClockOptions {
    /// How long each time holds, in seconds.
    #[arg(long, default_value = "5", value_parser = seconds, value_name = "SECONDS")]
    pub seconds: Duration,
    /// The library that changes the time of one process [default: where the package puts it].
    #[arg(long, value_name = "FILE")]
    pub faketime: Option<PathBuf>,
    /// Who publishes and who reads.
    #[command(flatten)]
    pub load: LoadOptions,
    /// What all scenarios have.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it.
///
/// # Errors
/// When there is no verdict: the server does not start or ends by itself, the options make no sense.
pub fn run(options: &ClockOptions) -> Result<Report, TortureError> {
    options.load.check()?;
    options::run(clock(options))
}

/// The server's time, as an offset in a file that the library reads.
struct Time {
    file: PathBuf,
}

impl Time {
    fn before(server: &mut Server, library: &Path) -> Result<Self, TortureError> {
        let time = Self {
            file: server.directory().join("time"),
        };
        time.set(0)?;
        server.variable("LD_PRELOAD", library);
        server.variable("FAKETIME_TIMESTAMP_FILE", &time.file);
        server.variable("FAKETIME_NO_CACHE", "1");
        // Both of its names: the time since the start of the machine does not jump.
        server.variable("DONT_FAKE_MONOTONIC", "1");
        server.variable("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        server.variable("NO_FAKE_STAT", "1");
        Ok(time)
    }

    fn set(&self, seconds: i64) -> Result<(), TortureError> {
        let text = format!("{seconds:+}\n");
        // In one step: the library may be reading it.
        let new = self.file.with_extension("new");
        let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &self.file));
        written.map_err(TortureError::system("setting the server's time"))
    }
}

async fn clock(options: &ClockOptions) -> Result<Report, TortureError> {
    let seed = options.common.seed();
    let mut chance = Chance::new(seed);
    let report = Report::new("clock", seed, "");
    let given = options.faketime.iter().map(PathBuf::as_path);
    let mut places = given.chain(PLACES.iter().map(Path::new));
    let Some(library) = places.find(|it| it.is_file()) else {
        return Ok(report.not_possible(
            "libfaketime is not here (Debian: apt install faketime), and nothing else changes the \
             wall clock of one process alone; --faketime says where it is",
        ));
    };
    options::open_files();
    let mut server = options.common.prepare(&mut chance)?;
    let time = Time::before(&mut server, library)?;
    server.also(["--rooms", KEPT]);
    server.start().await?;
    let world = World::new(server.target().clone(), options.load.rooms, BACKOFF);
    let mut crowd = Crowd::new();
    crowd.gather(&world, &options.load, seed);
    everybody_is_in(&world).await?;
    crowd.order(|orders| orders.speaks = true);
    let show = options.common.show();
    show.wait("true time", options.seconds, || {}).await;
    let before = world.state().tally.disconnects;
    let (mut seen, mut twice, mut too_short) = (0, 0, 0);
    for offset in JUMPS {
        let ticket = ticket(&world).await?;
        time.set(offset)?;
        let is_open = Line::open_with(&world.target, &ticket, None).await.is_ok();
        too_short += u32::from(!is_open);
        seen += u32::from(shows(&world, offset).await);
        show.wait("another time", options.seconds, || {}).await;
        twice += u32::from(Line::open_with(&world.target, &ticket, None).await.is_ok());
        server.check()?;
    }

    let audited = audit(&world, &crowd, options.common.show()).await?;
    let mut report = report;
    report.url.clone_from(&server.target().authority);
    report.measured("jumps", JUMPS.len() as f64, "");
    report.measured("jumps that took effect", f64::from(seen), "");
    let disconnects = world.state().tally.disconnects - before;
    report.limit("wrongful disconnects", disconnects as f64, 0.0, "");
    report.limit("tickets that counted twice", f64::from(twice), 0.0, "");
    report.limit("tickets that ended early", f64::from(too_short), 0.0, "");
    let notices = world.state().checker.counts().notices;
    report.limit("notices of expired entries", notices as f64, 0.0, "");
    let mut too_little = Vec::new();
    if seen as usize != JUMPS.len() {
        let jumps = JUMPS.len();
        too_little.push(format!(
            "{seen} of {jumps} jumps were seen in the times of entries"
        ));
    }
    let report = report.conclude(&world, &audited, too_little);
    crowd.end().await;
    Ok(report)
}

async fn ticket(world: &Arc<World>) -> Result<String, TortureError> {
    let who = Who::Guest(format!("{}-late", world.run));
    let answer = http::ticket(&world.target, &who).await;
    let answer = answer.map_err(TortureError::system("asking for a ticket"))?;
    let given: Given = serde_json::from_slice(&answer.body)
        .map_err(|_| TortureError::Entrance(format!("POST /ticket answered {}", answer.status)))?;
    Ok(given.otp)
}

/// Whether entries begin to carry that time.
async fn shows(world: &World, offset: i64) -> bool {
    let is_so = |state: &crate::world::State| {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let shown = state.tally.last_sent / 1_000_000_000 - now.as_secs().cast_signed();
        (shown - offset).abs() <= TOLERANCE
    };
    world.until(SEEN, is_so).await
}
