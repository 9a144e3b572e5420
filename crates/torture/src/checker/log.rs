//! What one room's log was seen to hold.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use parlour_proto::{Epoch, Position, Seq};

use super::Id;

const KNOWN: u8 = 1;
const ACKED: u8 = 2;
const KEPT: u8 = 4;
const HAS_ID: u8 = 8;

/// One room: an epoch after the other.
#[derive(Debug, Default)]
pub(super) struct Log {
    epochs: Vec<Life>,
    /// Where each id stands: number of the epoch, and seq.
    ids: HashMap<Id, (u32, u64)>,
    pub(super) refused: HashSet<Id>,
    pub(super) acks: u64,
}

/// One life of the log.
#[derive(Debug)]
struct Life {
    epoch: Epoch,
    /// Of the entry with number 1 at index 0.
    slots: Vec<Slot>,
    /// What the auditor was told to be trimmed.
    trimmed: Seq,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    id: u64,
    content: u64,
    state: u8,
}

/// What became of something that was seen at a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// Nothing was known of it; so much larger has the log become.
    New(usize),
    /// The same as was known.
    Known,
    /// Something else was known.
    Differs,
    /// Nothing was known of it, but its id stands at another position, too.
    Elsewhere(Position, usize),
    /// Further than there is room for.
    TooFar,
}

impl Log {
    pub(super) fn first_epoch(&self) -> Option<Epoch> {
        self.epochs.first().map(|it| it.epoch)
    }

    pub(super) fn head(&self) -> Option<Position> {
        let life = self.epochs.last()?;
        let (epoch, seq) = (life.epoch, Seq(life.slots.len() as u64));
        Some(Position { epoch, seq })
    }

    /// The number of an epoch, which is a new one if it was not seen before. A run sees few.
    pub(super) fn epoch_index(&mut self, epoch: Epoch) -> usize {
        // The last one is what is nearly always meant.
        let known = self.epochs.iter().rposition(|it| it.epoch == epoch);
        known.unwrap_or_else(|| {
            self.epochs.push(Life {
                epoch,
                slots: Vec::new(),
                trimmed: Seq(0),
            });
            self.epochs.len() - 1
        })
    }

    pub(super) fn place(
        &mut self,
        at: Position,
        id: Option<Id>,
        content: u64,
        left: usize,
    ) -> Placed {
        let epoch = self.epoch_index(at.epoch);
        let slots = &mut self.epochs[epoch].slots;
        let Some(index) = at.seq.0.checked_sub(1).map(|it| it as usize) else {
            return Placed::Differs;
        };
        let grown = (index + 1).saturating_sub(slots.len());
        if grown > left {
            return Placed::TooFar;
        }
        if grown > 0 {
            slots.resize(index + 1, Slot::default());
        }
        let slot = &mut slots[index];
        let seen = Slot {
            id: id.map_or(0, |it| it.0),
            content,
            state: KNOWN | if id.is_some() { HAS_ID } else { 0 },
        };
        if slot.state & KNOWN != 0 {
            let is_same = (slot.id, slot.content, slot.state & HAS_ID)
                == (seen.id, seen.content, seen.state & HAS_ID);
            return if is_same {
                Placed::Known
            } else {
                Placed::Differs
            };
        }
        *slot = seen;
        let Some(id) = id else {
            return Placed::New(grown);
        };
        match self.ids.entry(id) {
            Entry::Vacant(free) => {
                free.insert((epoch as u32, at.seq.0));
                Placed::New(grown)
            }
            Entry::Occupied(first) => {
                let (epoch, seq) = *first.get();
                let epoch = self.epochs[epoch as usize].epoch;
                let seq = Seq(seq);
                Placed::Elsewhere(Position { epoch, seq }, grown)
            }
        }
    }

    /// Where an id was seen first.
    pub(super) fn place_of(&self, id: Id) -> Option<Position> {
        let (epoch, seq) = *self.ids.get(&id)?;
        let epoch = self.epochs[epoch as usize].epoch;
        let seq = Seq(seq);
        Some(Position { epoch, seq })
    }

    fn slot(&mut self, at: Position) -> Option<&mut Slot> {
        let mut lives = self.epochs.iter_mut().rev();
        let life = lives.find(|it| it.epoch == at.epoch)?;
        life.slots.get_mut(at.seq.0.checked_sub(1)? as usize)
    }

    pub(super) fn knows(&mut self, at: Position) -> bool {
        self.slot(at).is_some_and(|slot| slot.state & KNOWN != 0)
    }

    pub(super) fn acked(&mut self, at: Position) {
        self.acks += 1;
        if let Some(slot) = self.slot(at) {
            slot.state |= ACKED;
        }
    }

    /// It was still there at the end.
    pub(super) fn kept(&mut self, at: Position) {
        if let Some(slot) = self.slot(at) {
            slot.state |= KEPT;
        }
    }

    /// The notice says so of everything up to here.
    pub(super) fn trimmed(&mut self, epoch: Epoch, last: Seq) {
        let epoch = self.epoch_index(epoch);
        let trimmed = &mut self.epochs[epoch].trimmed;
        *trimmed = last.max(*trimmed);
    }

    /// What was acknowledged, and is neither there at the end nor told to be trimmed.
    pub(super) fn lost(&self) -> impl Iterator<Item = (Position, Option<Id>)> {
        self.epochs.iter().flat_map(|life| {
            let numbered = (1..).map(Seq).zip(&life.slots);
            numbered.filter_map(|(seq, slot)| {
                let is_lost = slot.state & (ACKED | KEPT) == ACKED && seq > life.trimmed;
                let epoch = life.epoch;
                let id = (slot.state & HAS_ID != 0).then_some(Id(slot.id));
                is_lost.then_some((Position { epoch, seq }, id))
            })
        })
    }
}
