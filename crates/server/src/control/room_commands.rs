//! What the operator wants of rooms on disk, done; the same on a live server and on a stopped one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parlour::dialect::V1;
use parlour::{Dialect as _, Entry, Event, PageFrom, RoomName, Seq};
use parlour_store_redb::{InspectError, RoomSummary, Stores};
use serde_json::value::RawValue;

use super::room_words::{KeptEntry, Looked, RoomAnswer, RoomRequest};
use super::words::{Code, Refused};

/// Rooms in one answer; with names of 128 bytes, every byte of them escaped, they fit.
pub(super) const ROOMS_AT_ONCE: usize = 500;
/// Bytes of entries in one answer; one entry may stand over it.
const ENTRY_BYTES_AT_ONCE: usize = 256 * 1024;
/// How often somebody is told how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// What stands before the fields of an entry in the frame of `parlour.v1`.
const FRAME_HEAD: &[u8] = br#"{"t":"entry","#;

/// Does it; may take long, and reads from the disk. `tell` is told how far it is.
pub(crate) fn do_room(
    stores: &Stores,
    request: &RoomRequest,
    tell: impl FnMut(Looked),
) -> Result<RoomAnswer, Refused> {
    match request {
        RoomRequest::List { after } => list(stores, after.as_deref()),
        RoomRequest::Find { room } => {
            let found = stores.room(&named(room)?)?;
            Ok(RoomAnswer::Found(found.map(Into::into)))
        }
        RoomRequest::Read { room, after, most } => read(stores, &named(room)?, Seq(*after), *most),
        RoomRequest::Verify { room } => {
            let room = room.as_deref().map(named).transpose()?;
            verify(stores, room.as_ref(), tell)
        }
        RoomRequest::Trim { room, before } => {
            let first = stores.trim(&named(room)?, Seq(*before))?;
            Ok(RoomAnswer::Trimmed(first.map(|seq| seq.0)))
        }
    }
}

fn list(stores: &Stores, after: Option<&str>) -> Result<RoomAnswer, Refused> {
    let page = stores.rooms(after, ROOMS_AT_ONCE)?;
    Ok(RoomAnswer::Listed {
        rooms: page.rooms.into_iter().map(Into::into).collect(),
        damaged: page.damaged.into_iter().map(Into::into).collect(),
        next: page.next,
    })
}

fn read(stores: &Stores, room: &RoomName, after: Seq, most: u32) -> Result<RoomAnswer, Refused> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let page = stores.history(room, PageFrom::After(after), most, ENTRY_BYTES_AT_ONCE);
    let page = page?;
    let entries = page.map_or_else(Vec::new, |page| shown(&page.summary, &page.entries));
    Ok(RoomAnswer::Read(entries))
}

fn shown(summary: &RoomSummary, entries: &[Arc<Entry>]) -> Vec<KeptEntry> {
    let shown = entries.iter().filter_map(|entry| {
        let mut frame = Vec::new();
        let event = Event::Entry {
            room: &summary.room,
            epoch: summary.epoch,
            entry,
        };
        V1.encode(&event, &mut frame)?;
        let fields = frame.strip_prefix(FRAME_HEAD)?;
        let json = [b"{", fields].concat();
        let raw = RawValue::from_string(String::from_utf8(json).ok()?).ok()?;
        Some(KeptEntry(raw))
    });
    shown.collect()
}

fn verify(
    stores: &Stores,
    room: Option<&RoomName>,
    mut tell: impl FnMut(Looked),
) -> Result<RoomAnswer, Refused> {
    let mut told = Instant::now();
    let verdict = stores.verify(room, |seen| {
        if told.elapsed() >= PROGRESS_EVERY {
            told = Instant::now();
            tell((*seen).into());
        }
    });
    let verdict = verdict?;
    Ok(RoomAnswer::Verified {
        looked: verdict.seen.into(),
        damaged: verdict.damages.into_iter().map(Into::into).collect(),
    })
}

fn named(room: &str) -> Result<RoomName, Refused> {
    RoomName::new(room).map_err(|error| Refused::new(Code::BadName, format!("{room:?}: {error}")))
}

impl From<InspectError> for Refused {
    fn from(error: InspectError) -> Self {
        Self::new(Code::Broken, error.to_string())
    }
}
