//! Whether a shard has nothing to do: for tests that wait for it.

use std::time::Duration;

use parlour_hub::{Shard, Store};
use tokio::sync::oneshot;

use super::Mail;
use super::sockets::Table;

/// What a shard says when it has nothing more to do.
pub(crate) struct Probe {
    /// Mail that it has had since its start, probes aside. Two rounds of probes in which no shard has
    /// had any are rest: nothing was on the way between them.
    pub(crate) handled: u64,
    /// Whether the tasks at its pipes wait for more.
    pub(crate) pipes_rest: bool,
    /// When it has something to do because time has passed.
    pub(crate) deadline: Option<Duration>,
}

#[derive(Default)]
pub(super) struct Rest {
    handled: u64,
    /// One for each test that waits.
    probes: Vec<oneshot::Sender<Probe>>,
}

impl Rest {
    pub(super) fn count(&mut self, mail: &Mail) {
        self.handled += u64::from(!matches!(mail, Mail::Probe(_)));
    }

    pub(super) fn ask(&mut self, probe: oneshot::Sender<Probe>) {
        self.probes.push(probe);
    }

    pub(super) fn tell<S: Store>(&mut self, shard: &Shard<S>, table: &Table) {
        for probe in self.probes.drain(..) {
            // Who has gone meanwhile does not want to know.
            let _ = probe.send(Probe {
                handled: self.handled,
                pipes_rest: table.pipes_rest(),
                deadline: shard.deadline(),
            });
        }
    }
}
