//! The process is stopped for a while and goes on (R10): nobody may be thrown out for it.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use super::{BACKOFF, everybody_is_in};
use crate::TortureError;
use crate::audit::audit;
use crate::load::{Crowd, LoadOptions};
use crate::options::{self, Common, Remote, seconds};
use crate::random::Chance;
use crate::report::Report;
use crate::server::send_signal;
use crate::world::World;

/// A shorter stop is within the patience that servers have by default.
const STOP_MIN: Duration = Duration::from_secs(60);
/// Before the stop, and after it: also longer than it takes to notice what was due meanwhile.
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(5);
/// Longest wait for the first answer after the stop.
const ANSWER: Duration = Duration::from_secs(30);

/// Options of `parlour torture pause`.
#[derive(Debug, Clone, clap::Args)]
pub struct PauseOptions {
    /// How long the server is stopped.
    #[arg(long, default_value = "60", value_parser = seconds, value_name = "SECONDS")]
    pub seconds: Duration,
    /// Who publishes and who reads.
    #[command(flatten)]
    pub load: LoadOptions,
    /// A server that is there.
    #[command(flatten)]
    pub remote: Remote,
    /// What all scenarios have.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it.
///
/// # Errors
/// When there is no verdict: the server does not start or ends by itself, the options make no sense.
pub fn run(options: &PauseOptions) -> Result<Report, TortureError> {
    options.load.check()?;
    if options.remote.url.is_some() && options.remote.pid.is_none() {
        let why = "--url: say with --pid which process is to be stopped";
        return Err(TortureError::Options(why.into()));
    }
    options::run(pause(options))
}

/// Goes on also where the run ends early.
struct Stopped(u32);

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to go on.
        let _ = send_signal(self.0, Signal::CONT);
    }
}

async fn pause(options: &PauseOptions) -> Result<Report, TortureError> {
    let seed = options.common.seed();
    let mut chance = Chance::new(seed);
    options::open_files();
    let mut place = options.common.place(&options.remote, &mut chance).await?;
    let world = World::new(place.target.clone(), options.load.rooms, BACKOFF);
    let mut crowd = Crowd::new();
    crowd.gather(&world, &options.load, seed);
    everybody_is_in(&world).await?;
    crowd.order(|orders| orders.speaks = true);
    let show = options.common.show();
    show.wait("before", BEFORE, || {}).await;

    let pid = place.pid.unwrap_or_default();
    let before = world.state().tally.disconnects;
    send_signal(pid, Signal::STOP)?;
    let stopped = Stopped(pid);
    show.wait("stopped", options.seconds, || {}).await;
    let acks = world.state().checker.counts().acks;
    drop(stopped);
    let goes_on = Instant::now();
    let answers = world
        .until(ANSWER, |state| state.checker.counts().acks > acks)
        .await;
    let first_answer = goes_on.elapsed();
    show.wait("after", AFTER, || {}).await;
    if let Some(server) = &mut place.server {
        server.check()?;
    }

    let audited = audit(&world, &crowd, options.common.show()).await?;
    let mut report = Report::new("pause", seed, place.target.authority.clone());
    report.measured("clients", world.state().members() as f64, "");
    report.measured("stopped for", options.seconds.as_secs_f64(), "s");
    report.measured(
        "first answer after it",
        first_answer.as_secs_f64() * 1e3,
        "ms",
    );
    let disconnects = world.state().tally.disconnects - before;
    report.limit("wrongful disconnects", disconnects as f64, 0.0, "");
    for (why, count) in &world.state().tally.reasons {
        report.violated(format!("{count} connections ended: {why}"));
    }
    let mut too_little = Vec::new();
    if !answers {
        report.violated("no answer came after the stop");
    }
    if options.seconds < STOP_MIN {
        let least = STOP_MIN.as_secs();
        too_little.push(format!("the server was stopped for less than {least} s"));
    }
    let report = report.conclude(&world, &audited, too_little);
    crowd.end().await;
    Ok(report)
}
