//! Letters take a while. Here is where most of the faults are planted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parlour_proto::ShardId;

use super::Fault;
use super::random::Random;
use crate::bus::Bus;
use crate::letter::{Body, Letter};

/// Everything that is on the way between shards.
pub(super) struct SimBus {
    queues: BTreeMap<(u16, u16), VecDeque<(u64, Letter)>>,
    random: Random,
    fault: Option<Fault>,
}

/// The bus as one shard sees it.
pub(super) struct SimPost<'a> {
    pub(super) bus: &'a mut SimBus,
    pub(super) from: u16,
    pub(super) now_ms: u64,
}

impl SimBus {
    pub(super) fn new(random: Random, fault: Option<Fault>) -> Self {
        Self {
            queues: BTreeMap::new(),
            random,
            fault,
        }
    }

    /// The letters for `to` that have arrived, by sender.
    pub(super) fn arrived(&mut self, to: u16, now_ms: u64) -> Vec<(ShardId, Vec<Letter>)> {
        let mut arrived = Vec::new();
        for ((from, _), queue) in self.queues.iter_mut().filter(|((_, for_), _)| *for_ == to) {
            let due = queue.iter().take_while(|(at, _)| *at <= now_ms).count();
            let letters: Vec<_> = queue.drain(..due).map(|(_, letter)| letter).collect();
            if !letters.is_empty() {
                arrived.push((ShardId(*from), letters));
            }
        }
        arrived
    }

    pub(super) fn longest_queue(&self) -> usize {
        self.queues.values().map(VecDeque::len).max().unwrap_or(0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues.values().all(VecDeque::is_empty)
    }

    fn spoil(&mut self, letter: &mut Letter) {
        match (&mut letter.0, self.fault) {
            (Body::Entries { entries, .. }, Some(Fault::Order)) if entries.len() > 1 => {
                let (first, second) = (&entries[0], &entries[1]);
                let (mut one, mut two) = ((**second).clone(), (**first).clone());
                (one.seq, two.seq) = (first.seq, second.seq);
                (entries[0], entries[1]) = (Arc::new(one), Arc::new(two));
            }
            (
                Body::Replay {
                    replay: Ok(replay), ..
                },
                Some(Fault::Gap),
            ) => replay.missed = None,
            (Body::Report { report, .. }, Some(Fault::Presence)) if self.random.chance(5) => {
                report.changes.retain(|(_, is_here)| *is_here);
            }
            (Body::Entries { notices, .. }, Some(Fault::Notice)) if self.random.chance(30) => {
                notices.retain(|(_, notice)| notice.came);
            }
            _ => {}
        }
    }
}

impl Bus for SimPost<'_> {
    fn post(&mut self, to: ShardId, letters: &mut Vec<Letter>) {
        let delay = self.bus.random.below(30);
        for mut letter in letters.drain(..) {
            self.bus.spoil(&mut letter);
            let queue = self.bus.queues.entry((self.from, to.0)).or_default();
            // Letters of one pair stay in order.
            let last = queue.back().map_or(0, |(at, _)| *at);
            queue.push_back((last.max(self.now_ms + delay), letter));
        }
    }
}
