//! A data directory's life from one power cut to the next.

use std::sync::Arc;

use parlour_proto::{RoomName, Seq};

use super::dice::Dice;
use super::disk::{Disk, Image, Leaves};
use super::world::World;
use super::{Fault, Plan, Report, State, flip};
use crate::file::New;
use crate::format::Identity;
#[cfg(test)]
use crate::layout::FIRST_PAGE_BYTES;
use crate::partition::{Append, Partition, Told};

const IDENTITY: Identity = Identity {
    directory: 0x5eed,
    partition: 0,
    partitions: 1,
};
const CACHE_BYTES: usize = 1 << 20;
/// For some ten commits, and less than the longest.
const JOURNAL_BYTES: u64 = 16 << 10;
#[cfg(test)]
pub(super) const DATABASE_FROM: u64 = FIRST_PAGE_BYTES + JOURNAL_BYTES;

pub(super) struct Life {
    dice: Dice,
    world: World,
    image: Image,
    last: Image,
    is_made: bool,
    now: u64,
    pub(super) report: Report,
}

/// Rooms are called by their place in the world.
pub(super) type Tag = u64;

impl Life {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut dice = Dice::of(plan.seed);
        Self {
            world: World::new(&mut dice),
            dice,
            image: Image::default(),
            last: Image::default(),
            is_made: false,
            now: 1,
            report: Report::default(),
        }
    }

    /// What is there at the end, and what must be.
    #[cfg(test)]
    pub(super) fn end(&self) -> (Image, &World) {
        (self.last.clone(), &self.world)
    }

    pub(super) fn live(&mut self, plan: &Plan) -> Result<(), String> {
        for _ in 0..plan.cuts {
            let disk = Disk::of(self.image.clone());
            disk.lie(plan.planted == Some(Fault::NoSync));
            disk.power(self.power());
            self.one_run(&disk)?;
            self.report.cuts += 1;
            let leaves = match self.dice.below(4) {
                0 => Leaves::Nothing,
                1 => Leaves::TornLast,
                2 => Leaves::Some,
                _ => Leaves::All,
            };
            self.image = disk.after_crash(leaves, &mut self.dice);
        }
        // With power for ever.
        let disk = Disk::of(self.image.clone());
        let mut partition = open(&disk, !self.is_made)?;
        self.world
            .check_after_start(&partition.file(), IDENTITY, &mut self.report)?;
        self.open_rooms(&mut partition)?;
        self.batch(&mut partition, &disk)?;
        self.world
            .check_after_start(&partition.file(), IDENTITY, &mut self.report)?;
        // As a kill leaves the file, and as a stop in order does.
        self.last = disk.now();
        drop(partition);
        for flip in 0..plan.flips {
            let image = if flip % 2 == 0 {
                self.last.clone()
            } else {
                disk.now()
            };
            flip::one(image, &self.world, &mut self.dice, &mut self.report)?;
        }
        Ok(())
    }

    /// Steps until the power goes off: sometimes so few that the start is not done by then.
    fn power(&mut self) -> u64 {
        if self.dice.one_in(4) {
            self.dice.below(12)
        } else {
            10 + self.dice.below(300)
        }
    }

    fn one_run(&mut self, disk: &Disk) -> Result<(), String> {
        let opened = open(disk, !self.is_made);
        let mut partition = match opened {
            Ok(partition) => partition,
            Err(_) if !disk.has_power() => {
                self.report.cuts_in_recovery += 1;
                if !self.is_made {
                    // It is made aside, and thrown away if it is not done.
                    self.image = Image::default();
                    disk.replace(Image::default());
                }
                return Ok(());
            }
            Err(what) => return Err(format!("it does not open: {what}")),
        };
        self.is_made = true;
        self.world
            .check_after_start(&partition.file(), IDENTITY, &mut self.report)?;
        self.open_rooms(&mut partition)?;
        while disk.has_power() {
            self.now += self.dice.below(1_000);
            match self.dice.below(12) {
                0 => self.trim(&mut partition, disk)?,
                1 => {
                    // A stop in order, and a start.
                    let closed = partition.close();
                    if closed.is_err() && disk.has_power() {
                        return Err(format!("it does not close: {closed:?}"));
                    }
                    drop(partition);
                    match open(disk, false) {
                        Ok(again) => partition = again,
                        Err(_) if !disk.has_power() => return Ok(()),
                        Err(what) => return Err(format!("it does not open again: {what}")),
                    }
                    self.open_rooms(&mut partition)?;
                }
                _ => self.batch(&mut partition, disk)?,
            }
        }
        Ok(())
    }

    fn open_rooms(&self, partition: &mut Partition<Tag>) -> Result<(), String> {
        for (tag, (name, known)) in (0..).zip(&self.world.rooms) {
            let opened = partition.open_room(tag, name.clone(), known.keep);
            opened.map_err(|fault| format!("{name}: {fault}"))?;
        }
        Ok(())
    }

    fn batch(&mut self, partition: &mut Partition<Tag>, disk: &Disk) -> Result<(), String> {
        let mut batch = Vec::new();
        for _ in 0..1 + self.dice.below(4) {
            let name = self.world.name(self.dice.next());
            for _ in 0..1 + self.dice.below(4) {
                let entry = self.world.say(&name, &mut self.dice);
                let epoch = self.world.rooms[&name].epoch;
                let epoch = epoch.ok_or("a room has no epoch")?;
                let room = name.clone();
                batch.push(Append { room, epoch, entry });
            }
        }
        let mut told = Vec::new();
        partition.append(batch, self.now, &mut told);
        for told in told {
            self.hear(&told, disk)?;
        }
        if disk.has_power() && *partition.state() != State::Ok {
            return Err(format!("with power it is {:?}", partition.state()));
        }
        let is_all_acked = |(_, known): (&RoomName, &super::world::Known)| {
            known.acked == known.entries.len() as u64
        };
        if disk.has_power() && !self.world.rooms.iter().all(is_all_acked) {
            return Err("with power not all of a batch is acknowledged".to_owned());
        }
        Ok(())
    }

    fn hear(&mut self, told: &Told<Tag>, disk: &Disk) -> Result<(), String> {
        match told {
            Told::Committed { tag, upto } => {
                let name = self.world.name(*tag);
                let known = self.world.rooms.get_mut(&name).ok_or("no such room")?;
                if *upto != Seq(known.entries.len() as u64) {
                    return Err(format!("{name}: {} is acknowledged", upto.0));
                }
                self.report.acks += upto.0 - known.acked;
                known.acked = upto.0;
            }
            Told::Trimmed { tag, first } => {
                let name = self.world.name(*tag);
                let known = self.world.rooms.get_mut(&name).ok_or("no such room")?;
                known.trimmed = *first;
                known.maybe_trimmed = known.maybe_trimmed.max(*first);
            }
            Told::Refused { .. } | Told::Stopped { .. } if disk.has_power() => {
                return Err(format!("with power {told:?}"));
            }
            // Nothing is known of it: the power is off.
            Told::Refused { .. } | Told::Stopped { .. } => {}
        }
        Ok(())
    }

    fn trim(&mut self, partition: &mut Partition<Tag>, disk: &Disk) -> Result<(), String> {
        let name = self.world.name(self.dice.next());
        let known = self.world.rooms.get_mut(&name).ok_or("no such room")?;
        let before = Seq(1 + self.dice.below(known.acked + 1));
        known.maybe_trimmed = known.maybe_trimmed.max(before);
        let mut told = Vec::new();
        let trimmed = partition.trim_room(&name, before, &mut told);
        for told in told {
            self.hear(&told, disk)?;
        }
        match trimmed {
            Err(fault) if disk.has_power() => Err(format!("{name}: not trimmed: {fault}")),
            _ => Ok(()),
        }
    }
}

pub(super) fn open(disk: &Disk, is_new: bool) -> Result<Partition<Tag>, String> {
    let new = is_new.then_some(New {
        identity: IDENTITY,
        journal_bytes: JOURNAL_BYTES,
    });
    let opened = Partition::open(Arc::new(disk.clone()), CACHE_BYTES, new);
    opened.map_err(|unopened| format!("{unopened:?}"))
}

pub(super) const fn identity() -> Identity {
    IDENTITY
}
