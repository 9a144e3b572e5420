//! One flipped bit.

use std::ops::Range;

use super::Report;
use super::dice::Dice;
use super::disk::{Disk, Image};
use super::life::{Tag, identity, open};
use super::world::{Seen, World};
use crate::partition::Partition;

/// Flips a bit of `image` and reads everything: it is as it was written, or reported. Where it takes
/// back the last commit, nothing could have told that from one that was cut off.
pub(super) fn one(
    mut image: Image,
    world: &World,
    dice: &mut Dice,
    report: &mut Report,
) -> Result<(), String> {
    let pages = image.written();
    let page = dice.below(pages.len() as u64) as usize;
    let byte = pages.get(page).copied().unwrap_or(0) + dice.below(4096) as usize;
    let bit = dice.below(8) as u32;
    if last_record(&image)?.contains(&(byte as u64)) {
        return Ok(());
    }
    image.flip(byte, bit);
    report.flips += 1;
    let is_reported =
        look(image, world).map_err(|what| format!("bit {bit} of byte {byte}: {what}"))?;
    report.reported += u64::from(is_reported);
    Ok(())
}

/// Where the last commit is, as long as only the journal has it.
pub(super) fn last_record(image: &Image) -> Result<Range<u64>, String> {
    let partition = open(&Disk::of(image.clone()), false)?;
    let last = partition.last_record();
    partition.file().abandon();
    Ok(last)
}

/// Whether something was reported; an error if something wrong was served.
pub(super) fn look(image: Image, world: &World) -> Result<bool, String> {
    let disk = Disk::of(image);
    let Ok(partition) = open(&disk, false) else {
        return Ok(true);
    };
    let looked = read_all(&partition, world);
    // To close it in order would write, and redb ends the process over some damage to its own lists.
    partition.file().abandon();
    looked
}

fn read_all(partition: &Partition<Tag>, world: &World) -> Result<bool, String> {
    let mut is_reported = false;
    for (name, known) in &world.rooms {
        let Ok(seen) = Seen::of(&partition.file(), identity(), name) else {
            is_reported = true;
            continue;
        };
        let wrong = |what: String| format!("{name}: {what}");
        known
            .check_entries(&seen.opened, &seen.entries)
            .map_err(wrong)?;
        if seen.opened.head.0 != known.acked {
            return Err(wrong(format!(
                "its head is {} and was {}",
                seen.opened.head.0, known.acked
            )));
        }
        if known.epoch != Some(seen.opened.epoch) {
            return Err(wrong("it has another epoch".to_owned()));
        }
        if seen.opened.first != known.trimmed {
            return Err(wrong(format!("it begins at {}", seen.opened.first.0)));
        }
        if seen.damage.is_some() {
            is_reported = true;
        } else {
            seen.check_whole().map_err(wrong)?;
        }
    }
    Ok(is_reported)
}
