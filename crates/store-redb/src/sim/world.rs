//! What must be there: the rooms as their publishers know them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parlour_hub::{Digester, Opened, Recent};
use parlour_proto::{
    Author, ClientId, Draft, Entry, EntryId, EntryKind, Epoch, Keep, PageFrom, RoomName, Seq,
    Timestamp,
};

use super::Report;
use super::dice::Dice;
use crate::file::Shared;
use crate::format::Identity;
use crate::log::{self, Bounds, Log};

/// One room.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) epoch: Option<Epoch>,
    /// All that was ever numbered and not refused, from 1 on.
    pub(crate) entries: Vec<Arc<Entry>>,
    /// Of these: acknowledged.
    pub(crate) acked: u64,
    pub(crate) keep: Keep,
    /// Below this the operator has trimmed; answered.
    pub(crate) trimmed: Seq,
    /// The same, and perhaps not answered.
    pub(crate) maybe_trimmed: Seq,
}

/// All rooms.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) rooms: BTreeMap<RoomName, Known>,
    said: u64,
}

pub(crate) const RECENT: Recent = Recent {
    entries_max: 7,
    bytes_max: 20_000,
    ids_max: 11,
};

const PAGE: Bounds = Bounds {
    entries_max: 9,
    bytes_max: 30_000,
};

fn digester() -> Digester {
    Digester::new(5)
}

impl World {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut world = Self::default();
        for index in 0..2 + dice.below(5) {
            let name = RoomName::new(&format!("room {index}")).expect("a name");
            let keep = Keep {
                entries: dice.one_in(3).then(|| 1 + dice.below(40)),
                bytes: dice.one_in(4).then(|| 500 + dice.below(20_000)),
                age: None,
            };
            world.rooms.insert(
                name,
                Known {
                    epoch: None,
                    entries: Vec::new(),
                    acked: 0,
                    keep,
                    trimmed: Seq(1),
                    maybe_trimmed: Seq(1),
                },
            );
        }
        world
    }

    pub(crate) fn name(&self, index: u64) -> RoomName {
        let index = index as usize % self.rooms.len();
        self.rooms
            .keys()
            .nth(index)
            .expect("there are rooms")
            .clone()
    }

    /// The next entry of a room: none is like another.
    pub(crate) fn say(&mut self, name: &RoomName, dice: &mut Dice) -> Arc<Entry> {
        self.said += 1;
        let length = if dice.one_in(10) {
            dice.below(9_000)
        } else {
            dice.below(120)
        };
        let text = format!("{} {}", self.said, "x".repeat(length as usize));
        let mut draft = Draft::message(format!("user {}", dice.below(3)), &text);
        if dice.one_in(2) {
            draft = draft.with_id(EntryId::new(&format!("id {}", self.said)).expect("an id"));
        }
        if dice.one_in(5) {
            draft = draft.by(Author::Plain(ClientId::of_name(&text)));
        }
        if dice.one_in(5) {
            draft.kind = EntryKind::named(format!("kind {}", self.said));
        }
        let known = self.rooms.get_mut(name).expect("a room of the world");
        let seq = Seq(known.entries.len() as u64 + 1);
        let sent = Timestamp::from_unix_nanoseconds(self.said.cast_signed());
        let entry = Arc::new(draft.numbered(seq, sent));
        known.entries.push(Arc::clone(&entry));
        entry
    }

    /// What a start finds must be what was acknowledged, and nothing half.
    pub(crate) fn check_after_start(
        &mut self,
        file: &Shared,
        identity: Identity,
        report: &mut Report,
    ) -> Result<(), String> {
        let mut lost = 0;
        let mut kept = 0;
        for (name, known) in &mut self.rooms {
            let wrong = |what: String| format!("{name}: {what}");
            let seen = Seen::of(file, identity, name).map_err(&wrong)?;
            if let Some(damage) = seen.damage {
                return Err(wrong(damage));
            }
            let opened = seen.opened;
            if known.epoch.is_some_and(|epoch| epoch != opened.epoch) {
                return Err(wrong("it has another epoch".to_owned()));
            }
            known.epoch = Some(opened.epoch);
            let attempted = known.entries.len() as u64;
            if opened.head.0 != known.acked && opened.head.0 != attempted {
                return Err(wrong(format!(
                    "its head is {}; {} are acknowledged, {attempted} were sent in one batch",
                    opened.head.0, known.acked
                )));
            }
            if attempted > known.acked {
                let is_kept = opened.head.0 == attempted;
                *(if is_kept { &mut kept } else { &mut lost }) += 1;
            }
            known.entries.truncate(opened.head.0 as usize);
            known.acked = opened.head.0;
            known.check_first(opened.first).map_err(&wrong)?;
            report.read += known
                .check_entries(&opened, &seen.entries)
                .map_err(&wrong)?;
        }
        if kept > 0 && lost > 0 {
            return Err("half a batch is there".to_owned());
        }
        report.kept_unanswered += u64::from(kept > 0);
        report.lost_unanswered += u64::from(lost > 0);
        Ok(())
    }
}

impl Known {
    fn check_first(&mut self, first: Seq) -> Result<(), String> {
        if first < self.trimmed {
            return Err(format!("{} was trimmed and is there again", first.0));
        }
        let kept = self.acked + 1 - first.0;
        let is_by_count = self.keep.entries.is_some_and(|least| kept >= least);
        let is_by_bytes = self.keep.bytes.is_some();
        if first > self.maybe_trimmed && !is_by_count && !is_by_bytes {
            return Err(format!(
                "all before {} is gone, and nobody said so",
                first.0
            ));
        }
        (self.trimmed, self.maybe_trimmed) = (first, first);
        Ok(())
    }

    /// Everything that is served is as it was written. How many entries that were.
    pub(crate) fn check_entries(
        &self,
        opened: &Opened,
        entries: &[Arc<Entry>],
    ) -> Result<u64, String> {
        let recent = opened.recent.iter().chain(entries);
        let mut count = 0;
        for entry in recent {
            let written = self.entries.get(entry.seq.0 as usize - 1);
            let is_same = written.is_some_and(|written| is_same(written, entry));
            if !is_same {
                return Err(format!("{entry:?} is served, and was {written:?}"));
            }
            count += 1;
        }
        for (seq, digest) in &opened.ids {
            let written = self.entries.get(seq.0 as usize - 1);
            let digested = written.and_then(|written| digester().digest(written));
            if digested != Some(*digest) {
                return Err(format!("the id of {} is another", seq.0));
            }
        }
        Ok(count)
    }
}

fn is_same(left: &Entry, right: &Entry) -> bool {
    (left.seq, &left.id, &left.from, left.author)
        == (right.seq, &right.id, &right.from, right.author)
        && (&left.kind, &left.payload, left.sent) == (&right.kind, &right.payload, right.sent)
}

/// What a room shows of itself.
pub(crate) struct Seen {
    pub(crate) opened: Opened,
    /// Read in pages, forwards; both ways show the same.
    pub(crate) entries: Vec<Arc<Entry>>,
    /// What was reported.
    pub(crate) damage: Option<String>,
}

impl Seen {
    /// Opens a room and reads all of it.
    pub(crate) fn of(file: &Shared, identity: Identity, name: &RoomName) -> Result<Self, String> {
        let opened = file.read(|read| log::open(read, identity, name, RECENT, digester()));
        let (opened, damage) = opened.map_err(|fault| fault.to_string())?;
        let mut seen = Self {
            opened,
            entries: Vec::new(),
            damage: damage.map(|fault| fault.to_string()),
        };
        let head = seen.opened.head;
        let mut after = Seq(0);
        while after < head {
            match page(file, identity, name, PageFrom::After(after)) {
                Ok(page) => match page.last() {
                    Some(last) => {
                        after = last.seq;
                        seen.entries.extend(page);
                    }
                    None => break,
                },
                Err(what) => {
                    seen.damage = Some(what);
                    return Ok(seen);
                }
            }
        }
        if let Err(what) = seen.check_backwards(file, identity, name) {
            seen.damage = Some(what);
        }
        Ok(seen)
    }

    /// Whether all of it is there, without a hole.
    pub(crate) fn check_whole(&self) -> Result<(), String> {
        let Opened { first, head, .. } = self.opened;
        let expected = (head.0 + 1).saturating_sub(first.0);
        let mut seqs = (first.0..).zip(&self.entries);
        if self.entries.len() as u64 != expected || seqs.any(|(seq, entry)| entry.seq.0 != seq) {
            return Err(format!(
                "{} entries are served of {} to {}, and nothing is reported",
                self.entries.len(),
                first.0,
                head.0
            ));
        }
        Ok(())
    }

    fn check_backwards(
        &self,
        file: &Shared,
        identity: Identity,
        name: &RoomName,
    ) -> Result<(), String> {
        let mut before = self.opened.head.next();
        let mut left = &self.entries[..];
        while before > self.opened.first {
            let page = page(file, identity, name, PageFrom::Before(before))?;
            let Some(first) = page.first() else {
                break;
            };
            before = first.seq;
            let (rest, end) = left.split_at(left.len().saturating_sub(page.len()));
            let is_other = |(end, page): (&Arc<Entry>, &Arc<Entry>)| !is_same(end, page);
            if end.len() != page.len() || end.iter().zip(&page).any(is_other) {
                return Err("backwards it is another log than forwards".to_owned());
            }
            left = rest;
        }
        if left.is_empty() {
            return Ok(());
        }
        Err("backwards it is a shorter log than forwards".to_owned())
    }
}

fn page(
    file: &Shared,
    identity: Identity,
    name: &RoomName,
    from: PageFrom,
) -> Result<Vec<Arc<Entry>>, String> {
    let read = file.read(|read| {
        let Some((row, mark)) = log::find_in(read, identity, name)? else {
            return Ok(Vec::new());
        };
        let rows = read.open_table(crate::format::ROWS)?;
        Log::new(&rows, row.number, mark).read(from, PAGE)
    });
    read.map_err(|fault| fault.to_string())
}
