//! Where durable rooms are kept: opened before anybody is let in, closed when everybody is gone.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::Duration;

use parlour::RoomsHealth;
use parlour_store_redb::{OpenError, PartitionHealth, PartitionState, StoreConfig, Stores};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::ServeError;
use crate::settings::{Effective, Settings, Source};

/// How often a long start says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// The files of rooms, in the data directory.
const ROOMS: &str = "rooms";

/// Whether there are rooms on disk in this data directory.
pub(crate) fn has_rooms(data: &Path) -> bool {
    data.join(ROOMS).exists()
}

/// Opens the rooms of the data directory, or makes them. `None`: no room is to be durable, and none
/// is.
pub(crate) async fn open(effective: &Effective) -> Result<Option<Stores>, ServeError> {
    let settings = effective.settings();
    let kinds = settings.room_kinds();
    if !kinds.any_durable() && !has_rooms(&settings.data) {
        return Ok(None);
    }
    let config = StoreConfig {
        // The table of settings has a range that fits.
        partitions: u16::try_from(settings.store_partitions).unwrap_or(u16::MAX),
        kinds,
        ..StoreConfig::default()
    };
    let stores = open_with_progress(settings, config).await?;
    if let Some(note) = of_another_number(effective, stores.partitions()) {
        tracing::warn!("{note}");
    }
    Ok(Some(stores))
}

async fn open_with_progress(
    settings: &Settings,
    config: StoreConfig,
) -> Result<Stores, ServeError> {
    let open = Arc::new((AtomicU16::new(0), AtomicU16::new(0)));
    let mut opening = spawn_blocking({
        let (data, open) = (settings.data.clone(), Arc::clone(&open));
        move || {
            Stores::open(&data, &config, |done, all| {
                open.0.store(done, Relaxed);
                open.1.store(all, Relaxed);
            })
        }
    });
    let mut ticks = interval_at(Instant::now() + PROGRESS_EVERY, PROGRESS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            opened = &mut opening => return Ok(opened.unwrap_or_else(|_| Err(panicked()))?),
            _ = ticks.tick() => {
                let (done, all) = (open.0.load(Relaxed), open.1.load(Relaxed));
                tracing::info!("opening the rooms: {done} of {all} files are open");
            }
        }
    }
}

fn panicked() -> OpenError {
    OpenError::System {
        what: "thread",
        why: "opening the rooms failed: please report the panic above".into(),
    }
}

/// What to say to who wants another number of files than there are.
fn of_another_number(effective: &Effective, made: u16) -> Option<String> {
    let wanted = effective.settings().store_partitions;
    if *effective.source("store-partitions") == Source::Default || wanted == u32::from(made) {
        return None;
    }
    Some(format!(
        "{} {wanted} is for new data directories; this one was made with {made}, and keeps them",
        effective.place("store-partitions")
    ))
}

/// What the doors ask.
pub(crate) struct Health(pub(crate) Stores);

impl RoomsHealth for Health {
    fn trouble(&self) -> Option<String> {
        trouble(&self.0.health())
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        counts(&self.0.health())
    }
}

fn trouble(health: &[PartitionHealth]) -> Option<String> {
    let [mut full, mut failing, mut stopped] = [const { Vec::new() }; 3];
    for one in health {
        match one.state {
            PartitionState::Ok => {}
            PartitionState::Full => full.push(one.partition),
            PartitionState::Stopped(_) => stopped.push(one.partition),
            // What a later version knows beside these is no better.
            _ => failing.push(one.partition),
        }
    }
    let all = health.len();
    let mut lines = Vec::new();
    if !full.is_empty() {
        lines.push(format!(
            "the disk is full, and nothing is stored in {}: make space on the disk of the data \
             directory, and it goes on by itself",
            named(&full, all)
        ));
    }
    if !failing.is_empty() {
        lines.push(format!(
            "nothing is stored in {}: the server's log says why; it is tried again every second",
            named(&failing, all)
        ));
    }
    if !stopped.is_empty() {
        lines.push(format!(
            "it is unknown what the disk has of the last commit in {}, so nothing more is stored there: \
             look at the disk and at the server's log, and start the server again",
            named(&stopped, all)
        ));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// `partitions 0 and 3 of 4`.
fn named(partitions: &[u16], all: usize) -> String {
    let numbers: Vec<String> = partitions.iter().map(u16::to_string).collect();
    match numbers.as_slice() {
        [one] => format!("partition {one} of {all}"),
        [first @ .., last] => format!("partitions {} and {last} of {all}", first.join(", ")),
        [] => String::new(),
    }
}

fn counts(health: &[PartitionHealth]) -> Vec<(&'static str, u64)> {
    let so_many = |is: fn(&PartitionState) -> bool| {
        let found = health.iter().filter(|one| is(&one.state)).count();
        u64::try_from(found).unwrap_or(u64::MAX)
    };
    vec![
        ("partitions", so_many(|_| true)),
        ("partitions_ok", so_many(|it| *it == PartitionState::Ok)),
        ("partitions_full", so_many(|it| *it == PartitionState::Full)),
        (
            "partitions_failing",
            so_many(|it| matches!(it, PartitionState::Failing(_))),
        ),
        (
            "partitions_stopped",
            so_many(|it| matches!(it, PartitionState::Stopped(_))),
        ),
        (
            "damaged_reads",
            health.iter().map(|one| one.damaged_reads).sum(),
        ),
    ]
}

/// Closes the files: what was handed over is committed. To be asked when nothing more comes.
pub(crate) async fn close(stores: Stores) {
    let closing = spawn_blocking(move || {
        let closed = stores.close();
        // Whoever else still has it has no thread to wait for any more.
        drop(stores);
        closed
    });
    match closing.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the rooms were not closed in order; the next start recovers them");
        }
        Err(_) => tracing::warn!("closing the rooms failed; the next start recovers them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(states: &[PartitionState]) -> Vec<PartitionHealth> {
        let directory = tempfile::tempdir().unwrap();
        let config = StoreConfig {
            partitions: u16::try_from(states.len()).unwrap(),
            ..StoreConfig::default()
        };
        let stores = Stores::open(directory.path(), &config, |_, _| ()).unwrap();
        let mut health = stores.health();
        for (one, state) in health.iter_mut().zip(states) {
            one.state = state.clone();
        }
        health
    }

    #[test]
    fn trouble_names_the_partitions_and_what_to_do() {
        let (ok, full) = (PartitionState::Ok, PartitionState::Full);
        let failing = PartitionState::Failing("/srv/secret".into());
        let stopped = PartitionState::Stopped("/srv/secret".into());
        assert_eq!(trouble(&health(&[ok.clone(), ok.clone()])), None);
        for (states, words) in [
            (
                vec![ok.clone(), full.clone()],
                vec!["partition 1 of 2", "make space"],
            ),
            (
                vec![full.clone(), ok.clone(), full.clone(), full],
                vec!["partitions 0, 2 and 3 of 4"],
            ),
            (
                vec![failing.clone(), ok.clone(), failing],
                vec!["partitions 0 and 2 of 3", "log says why"],
            ),
            (
                vec![stopped, ok],
                vec!["partition 0 of 2", "start the server again"],
            ),
        ] {
            let told = trouble(&health(&states)).unwrap();
            assert!(words.iter().all(|words| told.contains(words)), "{told}");
            assert!(!told.contains("secret"), "that is for the log: {told}");
        }
    }

    #[test]
    fn every_state_is_counted() {
        let mut health = health(&[
            PartitionState::Ok,
            PartitionState::Full,
            PartitionState::Failing(String::new()),
            PartitionState::Stopped(String::new()),
        ]);
        health[0].damaged_reads = 2;
        health[3].damaged_reads = 3;
        let counts = counts(&health);
        let numbers: Vec<u64> = counts.iter().map(|(_, number)| *number).collect();
        assert_eq!(numbers, [4, 1, 1, 1, 1, 5]);
    }
}
