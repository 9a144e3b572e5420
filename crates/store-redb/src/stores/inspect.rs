//! What the operator asks, of a live server and of a stopped one.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use parlour_proto::{Entry, Epoch, PageFrom, RoomName, Seq, Timestamp};
use redb::{ReadTransaction, ReadableTable};

use super::writer::{Trim, WriteJob};
use super::{Lane, Stores};
use crate::error::InspectError;
use crate::fault::Fault;
use crate::format::{MARKS, Mark, ROOMS, ROWS, RoomRow};
use crate::log::{self, Bounds, Log};
use crate::partition::{names_after, stored_name};

/// One room's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSummary {
    /// Which room.
    pub room: RoomName,
    /// In which file it is, counted from 0.
    pub partition: u16,
    /// Which life of its log.
    pub epoch: Epoch,
    /// Its newest entry.
    pub head: Seq,
    /// Its oldest entry that is kept; one after `head` if none is.
    pub first: Seq,
    /// How many are kept.
    pub entries: u64,
    /// What they take in the file, in bytes, without the room that pages leave.
    pub bytes: u64,
    /// When the newest was sent.
    pub last_sent: Timestamp,
}

/// Some rooms, in the order of the bytes of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomsPage {
    /// Those that can be read.
    pub rooms: Vec<RoomSummary>,
    /// Those whose rows make no sense.
    pub damaged: Vec<DamagedPart>,
    /// What to ask for the next page with; `None`: there are no more.
    pub next: Option<String>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedPart {
    /// Which room; `None`: it is not known whose it is.
    pub room: Option<String>,
    /// The first entry that it is about, if it is about entries.
    pub seq: Option<Seq>,
    /// What is wrong.
    pub what: String,
}

/// Entries of a room, with where its log was then.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The room.
    pub summary: RoomSummary,
    /// In ascending order, without holes.
    pub entries: Vec<Arc<Entry>>,
}

/// How far looking at everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyProgress {
    /// Rooms looked at.
    pub rooms: u64,
    /// Entries looked at.
    pub entries: u64,
    /// Bytes looked at.
    pub bytes: u64,
    /// What is damaged so far.
    pub damages: u64,
}

/// What looking at everything has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How much was looked at.
    pub seen: VerifyProgress,
    /// What is damaged; no more than [`DAMAGES_MAX`] are named.
    pub damages: Vec<DamagedPart>,
}

/// So many damaged places are named; all are counted.
pub const DAMAGES_MAX: usize = 1_000;

impl Verdict {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.seen.damages == 0
    }

    fn note(&mut self, room: Option<&str>, seq: Option<Seq>, what: String) {
        self.seen.damages += 1;
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push(DamagedPart {
                room: room.map(ToOwned::to_owned),
                seq,
                what,
            });
        }
    }
}

impl Stores {
    /// Rooms whose names come after `after`, at most `most`.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn rooms(&self, after: Option<&str>, most: usize) -> Result<RoomsPage, InspectError> {
        let mut found: Vec<(String, Result<RoomSummary, Fault>)> = Vec::new();
        for lane in self.lanes() {
            let some =
                (lane.file).read(|read| summaries(lane, read, after, most.saturating_add(1)))?;
            found.extend(some);
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut page = RoomsPage::default();
        if found.len() > most {
            found.truncate(most);
            page.next = found.last().map(|(name, _)| name.clone());
        }
        for (name, summary) in found {
            match summary {
                Ok(summary) => page.rooms.push(summary),
                Err(fault) => page.damaged.push(DamagedPart {
                    room: Some(name),
                    seq: None,
                    what: fault.to_string(),
                }),
            }
        }
        Ok(page)
    }

    /// One room; `None`: nothing was ever said in it that was stored.
    ///
    /// # Errors
    /// When its file cannot be read, or is damaged where the room is.
    pub fn room(&self, room: &RoomName) -> Result<Option<RoomSummary>, InspectError> {
        let lane = self.lane_of(room);
        let found = (lane.file).read(|read| log::find_in(read, lane.identity, room))?;
        Ok(found.map(|(row, mark)| summary(lane, room.clone(), row, mark)))
    }

    /// Entries of a room: at most so many, and so many bytes by [`Entry::cost`] (one may stand over
    /// it). `None`: there is no such room.
    ///
    /// # Errors
    /// When its file cannot be read, or is damaged where the page begins.
    pub fn history(
        &self,
        room: &RoomName,
        from: PageFrom,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Option<HistoryPage>, InspectError> {
        let lane = self.lane_of(room);
        let page = lane.file.read(|read| {
            let Some((row, mark)) = log::find_in(read, lane.identity, room)? else {
                return Ok(None);
            };
            let rows = read.open_table(ROWS)?;
            let bounds = Bounds {
                entries_max,
                bytes_max,
            };
            let entries = Log::new(&rows, row.number, mark).read(from, bounds)?;
            let summary = summary(lane, room.clone(), row, mark);
            Ok(Some(HistoryPage { summary, entries }))
        });
        Ok(page?)
    }

    /// Takes away all entries of a room before `before`, for ever. The oldest that is kept then;
    /// `None`: there is no such room. Waits until it is done.
    ///
    /// # Errors
    /// When it could not be done, or not all of it. An entry that is damaged can go, but not a part of
    /// the commit that it stands in: [`verify`](Self::verify) says where that begins.
    pub fn trim(&self, room: &RoomName, before: Seq) -> Result<Option<Seq>, InspectError> {
        let (answer, answered) = sync_channel(1);
        let trim = WriteJob::Trim(Trim {
            room: room.clone(),
            before,
            answer,
        });
        if !self.lane_of(room).writer.put(&mut vec![trim]) {
            return Err(InspectError::Closed);
        }
        let done = answered.recv().map_err(|_| InspectError::Closed)?;
        Ok(done?)
    }

    /// Looks at every entry of a room, or of all: is it what was written? Rooms go on meanwhile.
    ///
    /// # Errors
    /// When a file cannot be read at all. Damage is no error but the verdict.
    pub fn verify(
        &self,
        room: Option<&RoomName>,
        mut progress: impl FnMut(&VerifyProgress),
    ) -> Result<Verdict, InspectError> {
        let mut verdict = Verdict::default();
        if let Some(room) = room {
            verify_room(self.lane_of(room), room.as_str(), &mut verdict)?;
            progress(&verdict.seen);
            return Ok(verdict);
        }
        for lane in self.lanes() {
            verify_lane(lane, &mut verdict, &mut progress)?;
        }
        Ok(verdict)
    }
}

fn summary(lane: &Lane, room: RoomName, row: RoomRow, mark: Mark) -> RoomSummary {
    RoomSummary {
        room,
        partition: lane.identity.partition,
        epoch: row.epoch,
        head: mark.head,
        first: mark.first,
        entries: mark.entries(),
        bytes: mark.bytes(),
        last_sent: Timestamp::from_unix_nanoseconds(mark.last_sent),
    }
}

type Named = (String, Result<RoomSummary, Fault>);

fn summaries(
    lane: &Lane,
    read: &ReadTransaction,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<Named>, Fault> {
    let (rooms, marks) = (read.open_table(ROOMS)?, read.open_table(MARKS)?);
    let mut found = Vec::new();
    for item in names_after(&rooms, after)?.take(most) {
        let (name, _) = item?;
        let name = name.value().to_owned();
        let summary = match stored_name(&name) {
            Some(room) => log::find(&rooms, &marks, lane.identity, &room).and_then(|found| {
                let found = found.map(|(row, mark)| summary(lane, room, row, mark));
                found.ok_or_else(|| bad_name(&name))
            }),
            None => Err(bad_name(&name)),
        };
        found.push((name, summary));
    }
    Ok(found)
}

fn bad_name(name: &str) -> Fault {
    crate::format::Damage::new(format!("{name:?} is no name of a room")).into()
}

/// Names are read in portions, so that no transaction holds pages back for long.
const NAMES_AT_ONCE: usize = 1_000;

fn verify_lane(
    lane: &Lane,
    verdict: &mut Verdict,
    progress: &mut impl FnMut(&VerifyProgress),
) -> Result<(), Fault> {
    let mut numbers = HashSet::new();
    let mut after: Option<String> = None;
    loop {
        let names = lane.file.read(|read| {
            let rooms = read.open_table(ROOMS)?;
            let names = names_after(&rooms, after.as_deref())?.take(NAMES_AT_ONCE);
            let names: Result<Vec<String>, Fault> =
                names.map(|item| Ok(item?.0.value().to_owned())).collect();
            names
        });
        let names = match names {
            Ok(names) => names,
            Err(Fault::Damaged(damage)) => {
                verdict.note(None, None, format!("the list of rooms: {damage}"));
                break;
            }
            Err(disk) => return Err(disk),
        };
        let Some(last) = names.last() else {
            break;
        };
        after = Some(last.clone());
        for name in names {
            if let Some(number) = verify_room(lane, &name, verdict)? {
                numbers.insert(number);
            }
            progress(&verdict.seen);
        }
    }
    verify_no_strays(lane, &numbers, verdict)
}

/// The room's number, if it is known.
fn verify_room(lane: &Lane, name: &str, verdict: &mut Verdict) -> Result<Option<u64>, Fault> {
    verdict.seen.rooms += 1;
    let Some(room) = stored_name(name) else {
        verdict.note(Some(name), None, "that is no name of a room".to_owned());
        return Ok(None);
    };
    let number = lane.identity.number_of(&room);
    let mut seen = verdict.seen;
    let mut found = Vec::new();
    let looked = lane.file.read(|read| {
        let Some((row, mark)) = log::find_in(read, lane.identity, &room)? else {
            return Ok(());
        };
        let rows = read.open_table(ROWS)?;
        Log::new(&rows, row.number, mark).verify(
            |row| {
                seen.entries += u64::from(row.header.count);
                seen.bytes += row.bytes;
            },
            |seq, what| found.push((Some(seq), what)),
        )
    });
    verdict.seen = seen;
    match looked {
        Ok(()) => {}
        Err(Fault::Damaged(damage)) => found.push((None, damage.to_string())),
        Err(disk) => return Err(disk),
    }
    for (seq, what) in found {
        verdict.note(Some(name), seq, what);
    }
    Ok(Some(number))
}

/// Logs without a room.
fn verify_no_strays(
    lane: &Lane,
    numbers: &HashSet<u64>,
    verdict: &mut Verdict,
) -> Result<(), Fault> {
    let mut strays = Vec::new();
    let looked = lane.file.read(|read| {
        let rooms = read.open_table(ROOMS)?;
        // A room may have been made since its portion of names was read.
        let is_new = |number: u64| -> Result<bool, Fault> {
            for item in rooms.iter()? {
                let (name, value) = item?;
                if RoomRow::decode(name.value(), value.value())
                    .is_ok_and(|row| row.number == number)
                {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        for item in read.open_table(MARKS)?.iter()? {
            let number = item?.0.value();
            if !numbers.contains(&number) && !is_new(number)? {
                strays.push(format!("the mark {number:016x} belongs to no room"));
            }
        }
        let rows = read.open_table(ROWS)?;
        let mut from = (0, 0);
        while let Some(item) = rows.range(from..)?.next() {
            let (number, _) = item?.0.value();
            if !numbers.contains(&number) && !is_new(number)? {
                strays.push(format!("rows of {number:016x} belong to no room"));
            }
            match number.checked_add(1) {
                Some(next) => from = (next, 0),
                None => break,
            }
        }
        Ok(())
    });
    match looked {
        Ok(()) => {}
        Err(Fault::Damaged(damage)) => strays.push(damage.to_string()),
        Err(disk) => return Err(disk),
    }
    for what in strays {
        verdict.note(None, None, what);
    }
    Ok(())
}
