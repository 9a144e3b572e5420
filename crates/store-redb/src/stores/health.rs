//! How a partition is, for `/healthz` and for whoever looks at the log.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlour_hub::StoreFault;

use crate::fault::Fault;
use crate::partition::State;

/// Whether a partition can store entries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartitionState {
    /// It can.
    Ok,
    /// The disk is full; it goes on by itself when there is space.
    Full,
    /// A write failed, and why; it is tried again every second.
    Failing(String),
    /// It is unknown what the disk has of the last commit, and why; until the next start.
    Stopped(String),
}

/// How a partition is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionHealth {
    /// Counted from 0.
    pub partition: u16,
    /// Whether it can store entries.
    pub state: PartitionState,
    /// Reads since the start that met something damaged.
    pub damaged_reads: u64,
}

impl PartitionHealth {
    /// Whether nobody has to look.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.state == PartitionState::Ok && self.damaged_reads == 0
    }
}

/// What the threads of a partition know of its health.
#[derive(Clone, Debug)]
pub(super) struct Watch(Arc<Mutex<PartitionHealth>>);

impl Watch {
    pub(super) fn new(partition: u16) -> Self {
        Self(Arc::new(Mutex::new(PartitionHealth {
            partition,
            state: PartitionState::Ok,
            damaged_reads: 0,
        })))
    }

    fn health(&self) -> MutexGuard<'_, PartitionHealth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn look(&self) -> PartitionHealth {
        self.health().clone()
    }

    pub(super) fn is_now(&self, state: &State) {
        let state = match state {
            State::Ok => PartitionState::Ok,
            State::Full => PartitionState::Full,
            State::Away(why) | State::Unproven(why) => PartitionState::Failing(why.clone()),
            State::Stopped(why) => PartitionState::Stopped(why.clone()),
        };
        let mut health = self.health();
        if health.state == state {
            return;
        }
        let partition = health.partition;
        match &state {
            PartitionState::Ok => tracing::info!(partition, "rooms can be stored again"),
            PartitionState::Full => tracing::error!(
                partition,
                "the disk is full: nothing is stored until there is space"
            ),
            PartitionState::Failing(why) => {
                tracing::error!(
                    partition,
                    why,
                    "rooms cannot be stored; tried again every second"
                );
            }
            // Told where it happens.
            PartitionState::Stopped(_) => {}
        }
        health.state = state;
    }

    /// What a shard is told of a read that failed.
    pub(super) fn read_failed(&self, room: impl Display, fault: &Fault) -> StoreFault {
        let mut health = self.health();
        let partition = health.partition;
        match fault {
            Fault::Damaged(damage) => {
                health.damaged_reads += 1;
                tracing::error!(
                    %room, partition, %damage,
                    "what is on the disk is not what was written: run `parlour room verify`"
                );
                StoreFault::Stopped
            }
            Fault::Disk(why) => {
                tracing::error!(%room, partition, why, "a room cannot be read");
                StoreFault::Failed
            }
        }
    }
}
