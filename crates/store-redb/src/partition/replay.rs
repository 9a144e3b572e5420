//! After a stop that was none in order: what only the journal has, shown again.

use std::collections::BTreeMap;

use parlour_proto::{RoomName, Seq};
use redb::WriteTransaction;

use super::{find, stored_name};
use crate::fault::Fault;
use crate::file::Shared;
use crate::format::{Damage, Identity, MARKS, Mark, ROOMS, ROWS, RoomRow};
use crate::journal::{Journal, Part, parts};
use crate::row::Row;

/// What is wrong with a room, by its name.
pub(crate) type Damaged = Vec<(String, Damage)>;

/// What is shown in one step, in bytes of records: more would only be in memory twice.
const STEP_BYTES: u64 = 256 * 1024;

/// Shows what the journal has. Rooms whose logs are damaged stay as they are, and are given.
pub(super) fn replay(
    file: &Shared,
    identity: Identity,
    journal: &mut Journal,
    fresh: &mut BTreeMap<RoomName, Seq>,
) -> Result<Damaged, Fault> {
    let mut damaged = Vec::new();
    loop {
        let records = journal.read_on(STEP_BYTES)?;
        if records.is_empty() {
            journal.check_end()?;
            return Ok(damaged);
        }
        damaged.extend(replay_some(file, identity, &records, fresh)?);
    }
}

fn replay_some(
    file: &Shared,
    identity: Identity,
    records: &[Vec<u8>],
    fresh: &mut BTreeMap<RoomName, Seq>,
) -> Result<Damaged, Fault> {
    let mut rooms: BTreeMap<&str, Vec<Part<'_>>> = BTreeMap::new();
    for body in records {
        for part in parts(body)? {
            if let (Some(name), Some((first, _))) = (stored_name(part.name), part.rows().next()) {
                fresh.entry(name).or_insert(Seq(first));
            }
            rooms.entry(part.name).or_default().push(part);
        }
    }
    let all = file.show(|write| {
        rooms
            .values()
            .try_for_each(|parts| replay_room(write, identity, parts))
    });
    match all {
        Err(Fault::Damaged(_)) => one_by_one(file, identity, &rooms),
        other => other.map(|()| Vec::new()),
    }
}

/// So that one damaged room does not take the others with it.
fn one_by_one(
    file: &Shared,
    identity: Identity,
    rooms: &BTreeMap<&str, Vec<Part<'_>>>,
) -> Result<Damaged, Fault> {
    let mut damaged = Vec::new();
    for (name, parts) in rooms {
        match file.show(|write| replay_room(write, identity, parts)) {
            Ok(()) => {}
            Err(Fault::Damaged(damage)) => {
                give_up(file, identity, name)?;
                damaged.push(((*name).to_owned(), damage));
            }
            Err(disk) => return Err(disk),
        }
    }
    Ok(damaged)
}

/// What a room had before is not shown as if it were all: its mark says that it is damaged, for ever.
fn give_up(file: &Shared, identity: Identity, name: &str) -> Result<(), Fault> {
    let Some(name) = stored_name(name) else {
        return Ok(());
    };
    let number = identity.number_of(&name);
    let marked = file.show(|write| {
        write.open_table(MARKS)?.insert(number, DAMAGED)?;
        Ok(())
    });
    match marked {
        // Then what should be there cannot be read either.
        Err(Fault::Damaged(_)) => Ok(()),
        other => other,
    }
}

/// No mark is like it.
const DAMAGED: &[u8] = b"damaged";

fn replay_room(
    write: &WriteTransaction,
    identity: Identity,
    parts: &[Part<'_>],
) -> Result<(), Fault> {
    parts
        .iter()
        .try_for_each(|part| replay_part(write, identity, part))
}

fn replay_part(write: &WriteTransaction, identity: Identity, part: &Part<'_>) -> Result<(), Fault> {
    let name = stored_name(part.name)
        .ok_or_else(|| Damage::new(format!("{:?} is no name of a room", part.name)))?;
    let (row, before) = match find(write, identity, &name)? {
        Some(found) => found,
        None => (put_room(write, part)?, Mark::EMPTY),
    };
    let after = Mark::decode(row.number, part.mark)?;
    if after.head <= before.head {
        // A stop in order has written it down.
        return Ok(());
    }
    let mut rows = write.open_table(ROWS)?;
    let mut head = before.head;
    for (first, value) in part.rows() {
        let read = Row::read((row.number, first), value)?;
        if read.first != head.next() {
            return Err(does_not_follow(head));
        }
        rows.insert((row.number, first), value)?;
        head = read.last();
    }
    if head != after.head || after.first < before.first {
        return Err(does_not_follow(head));
    }
    let trimmed = (row.number, before.first.0)..(row.number, after.first.0);
    rows.retain_in(trimmed, |_, _| false)?;
    let mut marks = write.open_table(MARKS)?;
    marks.insert(row.number, part.mark)?;
    Ok(())
}

fn put_room(write: &WriteTransaction, part: &Part<'_>) -> Result<RoomRow, Fault> {
    let missing = || Damage::new("its journal has entries of a room that is not there");
    let row = part.new.ok_or_else(missing)?;
    let mut rooms = write.open_table(ROOMS)?;
    rooms.insert(part.name, row)?;
    Ok(RoomRow::decode(part.name, row)?)
}

fn does_not_follow(head: Seq) -> Fault {
    let what = format!(
        "what its journal has does not follow on the entry {}",
        head.0
    );
    Damage::new(what).into()
}
