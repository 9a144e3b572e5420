//! One module per fault.

pub mod clock;
pub mod disk_full;
pub mod kill;
pub mod pause;
pub mod slow_readers;
pub mod storm;

use std::sync::Arc;
use std::time::Duration;

use crate::TortureError;
use crate::world::World;

/// How long clients wait before they come back: sooner than they should, so that they meet a server that
/// has only just begun.
const BACKOFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];
/// Longest wait for all clients to be in their rooms at the start.
const ENTRANCE: Duration = Duration::from_secs(120);

/// Waits until all clients are in their rooms.
async fn everybody_is_in(world: &Arc<World>) -> Result<(), TortureError> {
    let is_in = |state: &crate::world::State| state.complete() == state.members();
    if world.until(ENTRANCE, is_in).await {
        return Ok(());
    }
    let state = world.state();
    let reasons: Vec<_> = state
        .tally
        .reasons
        .keys()
        .chain(state.tally.refused.keys())
        .collect();
    Err(TortureError::Entrance(format!(
        "only {} of {} clients came in within {} s{}{}; does the server let guests in?",
        state.complete(),
        state.members(),
        ENTRANCE.as_secs(),
        if reasons.is_empty() { "" } else { ": " },
        reasons
            .iter()
            .map(|it| it.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    )))
}
