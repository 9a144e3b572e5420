//! `cargo xtask sim`: seeded worlds around the hub, and replaying one of them.

mod store;

use std::io::{IsTerminal, Write};

use parlour_hub::sim::{Fault, Plan, Report, Violation, run};
use parlour_store_redb::sim as stores;

/// Lets seeded worlds live and checks every promise in them.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "A failing seed prints itself: replay it with --seed N.")]
pub(crate) struct SimArgs {
    /// Cut the power under the store of durable rooms, instead of worlds around the hub.
    #[arg(long)]
    store: bool,
    /// How many worlds, counted from --first.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Only this seed.
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Steps of each world.
    #[arg(long, default_value_t = 1_500)]
    steps: u32,
    /// Plant a fault, which must be caught within 100 seeds.
    #[arg(long = "break", value_name = "FAULT")]
    planted: Option<String>,
}

/// Why `cargo xtask sim` fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SimError {
    /// A promise does not hold.
    #[error("{0}")]
    Violation(#[from] Violation),
    /// The power cuts of a store lost something.
    #[error("{0}")]
    Lost(#[from] stores::Violation),
    /// There is no such fault to plant.
    #[error("there is no fault {0} to plant here; there are: {1}")]
    Unknown(String, String),
    /// The checkers are blind for a planted fault.
    #[error("the planted fault was not caught within {0} seeds: a checker does not see it")]
    NotCaught(u64),
}

/// Seeds within which a planted fault must be caught.
const CAUGHT_WITHIN: u64 = 100;

/// What a test run does: worlds without a fault, then each fault.
///
/// # Errors
/// As [`run_worlds`].
pub(crate) fn run_all() -> Result<(), SimError> {
    let plain = SimArgs {
        store: false,
        seeds: 500,
        first: 1_000,
        seed: None,
        steps: 1_500,
        planted: None,
    };
    let stores = SimArgs {
        store: true,
        ..plain.clone()
    };
    for (args, faults) in [
        (plain, Fault::ALL.map(|(name, _)| name).to_vec()),
        (stores, stores::Fault::ALL.map(|(name, _)| name).to_vec()),
    ] {
        run_worlds(&args)?;
        for name in faults {
            run_worlds(&SimArgs {
                first: 0,
                planted: Some(name.to_owned()),
                ..args.clone()
            })?;
        }
    }
    Ok(())
}

/// Runs the worlds, or one, or looks for a planted fault.
///
/// # Errors
/// The first violation; or that a planted fault was not caught.
pub(crate) fn run_worlds(args: &SimArgs) -> Result<(), SimError> {
    args.check_planted()?;
    let fault = args.planted.as_deref().and_then(fault_named);
    let seeds = match (args.seed, &args.planted) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(_)) => args.first..args.first + CAUGHT_WITHIN,
        (None, None) => args.first..args.first + args.seeds,
    };
    if args.store {
        return store::run_lives(args, seeds);
    }
    let count = seeds.end - seeds.start;
    let mut total = Report::default();
    for seed in seeds {
        let plan = Plan {
            seed,
            steps: args.steps,
            planted: fault,
        };
        match (run(&plan), fault) {
            (Err(violation), Some(_)) => {
                println!("sim: the planted fault was caught: {violation}");
                return Ok(());
            }
            (result, _) => add(&mut total, &result?),
        }
        show_progress(seed);
    }
    if fault.is_some() {
        return Err(SimError::NotCaught(count));
    }
    let Report {
        acks,
        entries_heard,
        gaps_heard,
        resumes,
        refused,
        slow_closes,
        blocked_sends,
    } = total;
    println!(
        "sim: {count} worlds, no violation: {acks} acks, {entries_heard} entries heard, \
         {gaps_heard} gaps told, {resumes} resumes, {refused} refused, {slow_closes} closed for \
         slowness, {blocked_sends} blocked sends"
    );
    Ok(())
}

impl SimArgs {
    fn check_planted(&self) -> Result<(), SimError> {
        let known = if self.store {
            stores::Fault::ALL.map(|(name, _)| name).to_vec()
        } else {
            Fault::ALL.map(|(name, _)| name).to_vec()
        };
        match &self.planted {
            Some(name) if !known.contains(&name.as_str()) => {
                Err(SimError::Unknown(name.clone(), known.join(", ")))
            }
            _ => Ok(()),
        }
    }
}

fn fault_named(name: &str) -> Option<Fault> {
    Fault::ALL
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, fault)| *fault)
}

fn add(total: &mut Report, report: &Report) {
    total.acks += report.acks;
    total.entries_heard += report.entries_heard;
    total.gaps_heard += report.gaps_heard;
    total.resumes += report.resumes;
    total.refused += report.refused;
    total.slow_closes += report.slow_closes;
    total.blocked_sends += report.blocked_sends;
}

fn show_progress(seed: u64) {
    let mut stderr = std::io::stderr();
    if seed.is_multiple_of(100) && stderr.is_terminal() {
        // A progress line that cannot be shown is no reason to stop.
        let _ = write!(stderr, "\rseed {seed} ");
    }
}
