//! `cargo xtask sim --store`: power cuts and flipped bits, by a seed, under the store of durable rooms.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use parlour_store_redb::sim::{Fault, Plan, Report, Violation, run};

use super::{SimArgs, SimError, show_progress};

/// How often the power goes off in each life, and how many bits are flipped at its end.
const CUTS: u32 = 8;
const FLIPS: u32 = 4;

pub(super) fn fault_named(name: &str) -> Option<Fault> {
    let known = Fault::ALL.iter().find(|(known, _)| *known == name);
    known.map(|(_, fault)| *fault)
}

/// Lives the lives, or looks for a planted fault.
pub(super) fn run_lives(args: &SimArgs, seeds: Range<u64>) -> Result<(), SimError> {
    quiet_redb();
    let planted = args.planted.as_deref().and_then(fault_named);
    let count = seeds.end - seeds.start;
    let lived = on_all_cores(seeds, planted);
    if planted.is_some() {
        let violation = lived.err().ok_or(SimError::NotCaught(count))?;
        println!("sim: the planted fault was caught: {violation}");
        return Ok(());
    }
    let Report {
        acks,
        cuts,
        cuts_in_recovery,
        kept_unanswered,
        lost_unanswered,
        read,
        flips,
        reported,
    } = lived?;
    println!(
        "sim: {count} stores, no violation: {acks} acks, {cuts} power cuts ({cuts_in_recovery} in a \
         recovery), {kept_unanswered} unanswered batches kept whole and {lost_unanswered} not at \
         all, {read} entries read back, {flips} bits flipped and {reported} of them reported"
    );
    Ok(())
}

/// The violation with the smallest seed, if there are several: one that is printed can be replayed
/// whatever ran beside it.
fn on_all_cores(seeds: Range<u64>, planted: Option<Fault>) -> Result<Report, Violation> {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut total = Report::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(total);
            }
            let lived = run(&Plan {
                seed,
                cuts: CUTS,
                flips: FLIPS,
                planted,
            });
            match lived {
                Ok(report) => total.add(&report),
                Err(violation) => {
                    next.store(seeds.end, Ordering::Relaxed);
                    return Err(violation);
                }
            }
            show_progress(seed);
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let lived: Vec<Result<Report, Violation>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|lived| lived.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut total = Report::default();
    let mut first: Option<Violation> = None;
    for lived in lived {
        match lived {
            Ok(report) => total.add(&report),
            Err(violation) if first.as_ref().is_none_or(|it| violation.seed < it.seed) => {
                first = Some(violation);
            }
            Err(_) => {}
        }
    }
    first.map_or(Ok(total), Err)
}

/// Of a page with a flipped bit the database may panic, which the store catches and reports; hundreds
/// of such messages would hide the one that counts.
fn quiet_redb() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_redb = |file: &str| file.contains("/redb-");
        if !panic.location().is_some_and(|at| is_redb(at.file())) {
            usual(panic);
        }
    }));
}
