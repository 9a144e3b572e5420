//! `kill -9` at random moments, with publishes in flight (R1).

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::{Instant, sleep};

use super::{BACKOFF, everybody_is_in};
use crate::TortureError;
use crate::audit::audit;
use crate::checker::Room;
use crate::load::{Crowd, LoadOptions};
use crate::options::{self, Common, seconds};
use crate::publishing::{Publishing, Speech};
use crate::random::Chance;
use crate::report::Report;
use crate::server::Server;
use crate::world::World;

/// A run with fewer kills that cut publishes off, or fewer acknowledgements, says nothing.
const KILLS_MIN: u64 = 20;
const ACKS_MIN: u64 = 100_000;
/// From the start of the process until it serves, and from then until a client is complete.
const READY_MAX: f64 = 1.0;
const COMPLETE_MAX: f64 = 3.0;
/// Longest wait for clients to be back.
const BACK: Duration = Duration::from_secs(30);
/// One kill in so many comes while clients are still on their way back.
const EARLY: u64 = 8;
const EARLY_MAX: Duration = Duration::from_millis(300);
/// Longest time for the entries that are to be there beforehand.
const PRELOAD: Duration = Duration::from_secs(1_800);
/// Numbers of publishers from here on are those that only preload.
const PRELOADERS: u32 = 1_000_000;

/// Options of `parlour torture kill`.
#[derive(Debug, Clone, clap::Args)]
pub struct KillOptions {
    /// How often the server is killed.
    #[arg(long, default_value_t = 100)]
    pub kills: u32,
    /// Longest time between two kills, in seconds; each is a random share of it.
    #[arg(long, default_value = "4", value_parser = seconds, value_name = "SECONDS")]
    pub uptime: Duration,
    /// Entries that are in the rooms before the first kill, in all.
    #[arg(long, default_value_t = 0, value_name = "ENTRIES")]
    pub preload: u32,
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
pub fn run(options: &KillOptions) -> Result<Report, TortureError> {
    options.load.check()?;
    options::run(kill(options))
}

/// What is measured at each restart.
#[derive(Default)]
struct Restarts {
    kills: u64,
    /// Kills among them that left publishes without an answer.
    in_flight: u64,
    ready: Vec<Duration>,
    complete: Vec<Duration>,
    /// Clients that were not back in time.
    never_back: u64,
}

async fn kill(options: &KillOptions) -> Result<Report, TortureError> {
    let seed = options.common.seed();
    let mut chance = Chance::new(seed);
    let mut server = options.common.prepare(&mut chance)?;
    options::open_files();
    let first = server.start().await?;
    let world = World::new(server.target().clone(), options.load.rooms, BACKOFF);
    if options.preload > 0 {
        preload(&world, options, seed).await?;
    }
    let mut crowd = Crowd::new();
    crowd.gather(&world, &options.load, seed);
    everybody_is_in(&world).await?;
    crowd.order(|orders| orders.speaks = true);

    let bar = options.common.show().count("kill -9", options.kills.into());
    let mut restarts = Restarts::default();
    restarts.ready.push(first);
    let (mut cut_off, mut is_settled) = (0, true);
    for number in 1..=options.kills {
        let most = if is_settled {
            options.uptime
        } else {
            EARLY_MAX
        };
        wait(chance.between(Duration::ZERO, most), &world, &bar).await;
        is_settled = number == options.kills || !chance.next().is_multiple_of(EARLY);
        restart(&mut server, &world, &mut restarts, is_settled).await?;
        let before = std::mem::replace(&mut cut_off, world.state().tally.cut_off);
        restarts.in_flight += u64::from(cut_off > before);
        bar.inc(1);
        if world.state().checker.is_full() {
            return Err(TortureError::TooMuch);
        }
    }
    bar.set_message("");
    // Life goes on for a while after the last one, too.
    wait(options.uptime.min(Duration::from_secs(1)), &world, &bar).await;
    bar.finish_and_clear();
    server.check()?;

    let audited = audit(&world, &crowd, options.common.show()).await?;
    let report = Report::new("kill", seed, server.target().authority.clone());
    let report = conclude(report, &world, &audited, &mut restarts);
    crowd.end().await;
    Ok(report)
}

/// Lets time go by, and shows what comes in.
async fn wait(time: Duration, world: &World, bar: &ProgressBar) {
    let until = Instant::now() + time;
    while let Some(left) = until
        .checked_duration_since(Instant::now())
        .filter(|it| !it.is_zero())
    {
        sleep(left.min(Duration::from_millis(250))).await;
        let state = world.state();
        let (acks, violations) = (state.checker.counts().acks, state.checker.found().total());
        bar.set_message(format!("{acks} acknowledged, {violations} violations"));
    }
}

/// One kill, and the way back: all of it, or only to where the server serves.
async fn restart(
    server: &mut Server,
    world: &Arc<World>,
    restarts: &mut Restarts,
    is_settled: bool,
) -> Result<(), TortureError> {
    world.state().fault();
    server.kill().await?;
    restarts.kills += 1;
    restarts.ready.push(server.start().await?);
    let ready = Instant::now();
    if !is_settled {
        return Ok(());
    }
    let is_back = |state: &crate::world::State| state.back() == state.members();
    world.until(BACK, is_back).await;
    let state = world.state();
    restarts.never_back += (state.members() - state.back()) as u64;
    restarts.complete.extend(state.back_after(ready));
    Ok(())
}

fn conclude(
    mut report: Report,
    world: &World,
    audited: &crate::audit::Audited,
    restarts: &mut Restarts,
) -> Report {
    let state = world.state();
    let (acks, never) = (state.checker.counts().acks, state.never_resumed());
    report.measured("clients", state.members() as f64, "");
    report.measured("forgotten", state.tally.forgotten as f64, "");
    drop(state);
    let mut too_little = Vec::new();
    if restarts.in_flight < KILLS_MIN {
        let kills = restarts.in_flight;
        too_little.push(format!(
            "{kills} kills with publishes in flight; {KILLS_MIN} are needed"
        ));
    }
    if acks < ACKS_MIN {
        too_little.push(format!("{acks} acknowledgements; {ACKS_MIN} are needed"));
    }
    if never > 0 {
        too_little.push(format!(
            "{never} clients never came back with their positions"
        ));
    }
    report.measured("kills", restarts.kills as f64, "");
    report.measured("kills in flight", restarts.in_flight as f64, "");
    report.times(["ready p50", "ready p99", "ready max"], &mut restarts.ready);
    report.times(
        ["complete p50", "complete p99", "complete max"],
        &mut restarts.complete,
    );
    let seconds = |times: &[Duration], share| crate::report::quantile(times, share).as_secs_f64();
    report.limit(
        "ready after a start, max",
        seconds(&restarts.ready, 1.0),
        READY_MAX,
        "s",
    );
    let p99 = seconds(&restarts.complete, 0.99);
    report.limit("complete after ready, p99", p99, COMPLETE_MAX, "s");
    report.limit("clients not back", restarts.never_back as f64, 0.0, "");
    report.conclude(world, audited, too_little)
}

/// Fills the rooms before anybody else is in them, as fast as the server takes it.
async fn preload(world: &Arc<World>, options: &KillOptions, seed: u64) -> Result<(), TortureError> {
    let rooms = options.load.rooms as u32;
    let mut crowd = Crowd::new();
    let mut total = 0;
    for room in 0..rooms {
        let speech = Speech {
            every: Duration::ZERO,
            payload_bytes: options.load.payload,
            count_max: options.preload / rooms + u32::from(room < options.preload % rooms),
        };
        total += u64::from(speech.count_max);
        let room_of = Room(room as usize);
        let publishing = Publishing::new(PRELOADERS + room, room_of, speech);
        let member = crowd.guest(world, format!("preload-{room}"), vec![room_of], seed);
        crowd.add(member.publishes(publishing));
    }
    crowd.order(|orders| orders.speaks = true);
    let bar = options.common.show().count("filling", total);
    let began = Instant::now();
    while world.state().checker.counts().acks < total {
        if began.elapsed() > PRELOAD {
            let seconds = PRELOAD.as_secs();
            return Err(TortureError::Entrance(format!(
                "{total} entries were not acknowledged within {seconds} s; ask for a smaller --preload"
            )));
        }
        bar.set_position(world.state().checker.counts().acks);
        sleep(Duration::from_millis(20)).await;
    }
    bar.finish_and_clear();
    crowd.end().await;
    world.state().forget_members();
    Ok(())
}
