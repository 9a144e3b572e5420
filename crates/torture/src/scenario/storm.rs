//! Everybody at once (R6): the server dies under many signed-in clients, and all of them come back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::everybody_is_in;
use crate::TortureError;
use crate::audit::{Audited, audit};
use crate::checker::Room;
use crate::http::{self, Given, Who};
use crate::load::{Crowd, LoadOptions};
use crate::options::{self, Common, seconds};
use crate::progress::Show;
use crate::random::Chance;
use crate::report::Report;
use crate::server::{Server, private_bytes};
use crate::world::World;

const CLIENTS: usize = 10_000;
/// Fewer are no storm.
const CLIENTS_MIN: usize = 10_000;
/// Open files that this process needs beside its clients, and the server beside its connections.
const FILES_BESIDE: u64 = 600;
/// From the restart's readiness until the last one is complete.
const BACK_MAX: Duration = Duration::from_secs(30);
/// How long is waited for the last one at most.
const BACK: Duration = Duration::from_secs(90);
/// Memory on the way back, beside what it was before.
const MEMORY_MAX: f64 = 1.3;
/// Connections that may end once more on the way back.
const SECOND_SHARE: f64 = 0.001;
/// As docs/protocol.md has it: after about a second, then ever more slowly.
const BACKOFF: [Duration; 2] = [Duration::from_millis(1_500), Duration::from_secs(5)];
const SAMPLE_EVERY: Duration = Duration::from_millis(200);
const ASK_EVERY: Duration = Duration::from_millis(100);
/// Passwords that are checked at once; each costs the server 19 MiB.
const LOGINS_AT_ONCE: usize = 2;
const PASSWORD: &str = "a password of this run alone";

/// Options of `parlour torture storm`.
#[derive(Debug, Clone, clap::Args)]
pub struct StormOptions {
    /// Clients that are signed in [default: 10000, or as many as the limit of open files permits].
    #[arg(long, value_name = "CLIENTS")]
    pub clients: Option<usize>,
    /// Users that they are: each signs in once, and its clients share the session, as tabs do.
    #[arg(long, default_value_t = 100)]
    pub users: usize,
    /// Rooms that they are spread over; in each one guest says something once a second.
    #[arg(long, default_value_t = 20)]
    pub rooms: usize,
    /// How long all is quiet before, in seconds: there the memory is measured that is usual.
    #[arg(long, default_value = "10", value_parser = seconds, value_name = "SECONDS")]
    pub steady: Duration,
    /// What all scenarios have.
    #[command(flatten)]
    pub common: Common,
}

impl StormOptions {
    fn clients(&self) -> Result<usize, TortureError> {
        let permitted = options::open_files().saturating_sub(FILES_BESIDE) as usize;
        match self.clients {
            Some(0) => Err(TortureError::Options("--clients: at least one".into())),
            Some(clients) if clients > permitted => Err(TortureError::Options(format!(
                "--clients {clients}: the limit of open files permits {permitted}; raise it (`ulimit -Hn`)"
            ))),
            Some(clients) => Ok(clients),
            None => Ok(CLIENTS.min(permitted)),
        }
    }

    fn load(&self) -> Result<LoadOptions, TortureError> {
        if !(1..=10_000).contains(&self.users) {
            return Err(TortureError::Options(
                "--users: it must be 1 to 10000".into(),
            ));
        }
        let load = LoadOptions {
            publishers: self.rooms,
            rate: 1.0,
            subscribers: 0,
            rooms: self.rooms,
            payload: 64,
        };
        load.check()?;
        Ok(load)
    }
}

/// Runs it.
///
/// # Errors
/// When there is no verdict: the server does not start or ends by itself, the options make no sense.
pub fn run(options: &StormOptions) -> Result<Report, TortureError> {
    let load = options.load()?;
    let clients = options.clients()?;
    options::run(storm(options, load, clients))
}

/// What was seen of the way back.
struct Seen {
    steady: u64,
    peak: u64,
    after: u64,
    came_in: Duration,
    ready: Duration,
    back: Vec<Duration>,
    never_back: usize,
    disconnects: u64,
    unauthorised: u64,
}

async fn storm(
    options: &StormOptions,
    load: LoadOptions,
    clients: usize,
) -> Result<Report, TortureError> {
    let seed = options.common.seed();
    let show = options.common.show();
    let mut chance = Chance::new(seed);
    let mut server = prepared(options, clients, &mut chance)?;
    let users = options.users.min(clients);
    add_users(&server, users, show)?;
    server.start().await?;
    let sessions = sign_in(&server, users, show).await?;
    // What checking passwords took would hide what the clients take. Sessions outlive it.
    server.kill().await?;
    server.start().await?;

    let world = World::new(server.target().clone(), options.rooms, BACKOFF);
    let mut crowd = Crowd::new();
    crowd.gather(&world, &load, seed);
    for client in 0..clients {
        let who = Who::Session(sessions[client % sessions.len()].clone());
        let rooms = vec![Room(client % options.rooms)];
        let member = crowd.client(&world, who, format!("client-{client}"), rooms, seed);
        crowd.add(member);
    }
    let began = Instant::now();
    everybody_is_in(&world).await?;
    let came_in = began.elapsed();
    crowd.order(|orders| orders.speaks = true);
    let health = Health::default();
    let asking = health.watch(&world);
    let seen = kill_and_return(options, &world, &mut server, came_in).await?;
    asking.abort();

    let audited = audit(&world, &crowd, options.common.show()).await?;
    server.check()?;
    let report = Report::new("storm", seed, server.target().authority.clone());
    let report = conclude(report, &world, &audited, seen, &health, clients);
    crowd.end().await;
    Ok(report)
}

/// All of these clients come from one address, and sign in within a minute.
fn prepared(
    options: &StormOptions,
    clients: usize,
    chance: &mut Chance,
) -> Result<Server, TortureError> {
    let mut server = options.common.prepare(chance)?;
    server.also(["--logins-per-minute", "0"]);
    if clients > 19_000 {
        server.also(["--max-connections-per-loopback-address", "0"]);
    }
    Ok(server)
}

fn add_users(server: &Server, users: usize, show: Show) -> Result<(), TortureError> {
    let bar = show.count("adding users", users as u64);
    for user in 0..users {
        server.add_user(&name(user), PASSWORD)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

fn name(user: usize) -> String {
    format!("user-{user}")
}

/// Signs each user in once.
async fn sign_in(server: &Server, users: usize, show: Show) -> Result<Vec<Arc<str>>, TortureError> {
    let bar = show.count("signing in", users as u64);
    let mut sessions = Vec::new();
    let mut asked = JoinSet::new();
    for user in 0..users {
        let target = server.target().clone();
        asked.spawn(async move { http::login(&target, &name(user), PASSWORD).await });
        while asked.len() >= LOGINS_AT_ONCE || (user + 1 == users && !asked.is_empty()) {
            let Some(Ok(answer)) = asked.join_next().await else {
                continue;
            };
            let answer = answer.map_err(TortureError::system("signing in"))?;
            let given: Option<Given> = serde_json::from_slice(&answer.body).ok();
            let session = given.and_then(|given| given.session).ok_or_else(|| {
                let body = String::from_utf8_lossy(&answer.body);
                TortureError::Entrance(format!("POST /login: {} {body}", answer.status))
            })?;
            sessions.push(session.into());
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(sessions)
}

async fn kill_and_return(
    options: &StormOptions,
    world: &Arc<World>,
    server: &mut Server,
    came_in: Duration,
) -> Result<Seen, TortureError> {
    let show = options.common.show();
    let mut steady = 0;
    let sample = |server: &Server| server.pid().and_then(private_bytes).unwrap_or(0);
    show.wait("steady", options.steady, || {}).await;
    for _ in 0..5 {
        steady = sample(server).max(steady);
        sleep(SAMPLE_EVERY).await;
    }
    let before = world.state().tally.disconnects;
    let unauthorised = world.state().tally.unauthorised;
    world.state().fault();
    server.kill().await?;
    let ready = server.start().await?;
    let began = Instant::now();
    let members = world.state().members();
    let bar = show.count("coming back", members as u64);
    let mut peak = 0;
    while began.elapsed() < BACK {
        peak = sample(server).max(peak);
        let back = world.state().back();
        bar.set_position(back as u64);
        if back == members {
            break;
        }
        sleep(SAMPLE_EVERY).await;
    }
    bar.finish_and_clear();
    // What it takes to answer everybody is given back, or it is not.
    show.wait("afterwards", options.steady, || {
        peak = sample(server).max(peak);
    })
    .await;
    server.check()?;
    let state = world.state();
    Ok(Seen {
        steady,
        peak,
        after: sample(server),
        came_in,
        ready,
        back: state.back_after(began),
        never_back: members - state.back(),
        disconnects: (state.tally.disconnects - before).saturating_sub(members as u64),
        unauthorised: state.tally.unauthorised - unauthorised,
    })
}

/// How long `GET /healthz` takes while all of it happens.
#[derive(Clone, Default)]
struct Health(Arc<Mutex<Vec<Duration>>>);

impl Health {
    fn watch(&self, world: &Arc<World>) -> AbortHandle {
        let (health, target) = (self.clone(), world.target.clone());
        let watch = async move {
            loop {
                let began = Instant::now();
                if http::is_well(&target).await {
                    let mut times = health.0.lock().unwrap_or_else(PoisonError::into_inner);
                    times.push(began.elapsed());
                }
                sleep(ASK_EVERY).await;
            }
        };
        tokio::spawn(watch).abort_handle()
    }
}

fn conclude(
    mut report: Report,
    world: &World,
    audited: &Audited,
    mut seen: Seen,
    health: &Health,
    clients: usize,
) -> Report {
    report.measured("clients", clients as f64, "");
    report.measured("came in within", seen.came_in.as_secs_f64() * 1e3, "ms");
    report.measured("ready", seen.ready.as_secs_f64() * 1e3, "ms");
    report.times(
        ["complete p50", "complete p99", "complete max"],
        &mut seen.back,
    );
    let mut health = health
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    report.times(["healthz p50", "healthz p99", "healthz max"], &mut health);
    let attempts = world.state().tally.attempts_failed;
    report.measured("attempts in vain", attempts as f64, "");
    report.measured("memory steady", seen.steady as f64 / 1e6, "MB");
    report.measured("memory peak", seen.peak as f64 / 1e6, "MB");
    report.measured("memory after", seen.after as f64 / 1e6, "MB");
    let last = seen.back.last().copied().unwrap_or_default();
    report.limit(
        "complete after ready, all",
        last.as_secs_f64(),
        BACK_MAX.as_secs_f64(),
        "s",
    );
    report.limit("clients not back", seen.never_back as f64, 0.0, "");
    report.limit("sessions refused", seen.unauthorised as f64, 0.0, "");
    let ratio = seen.peak as f64 / seen.steady.max(1) as f64;
    report.limit("memory, peak to steady", ratio, MEMORY_MAX, "");
    let second = (clients as f64 * SECOND_SHARE).ceil();
    report.limit(
        "disconnected once more",
        seen.disconnects as f64,
        second,
        "",
    );
    let mut too_little = Vec::new();
    if clients < CLIENTS_MIN {
        too_little.push(format!("{clients} clients; {CLIENTS_MIN} are a storm"));
    }
    report.conclude(world, audited, too_little)
}
