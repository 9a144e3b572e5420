//! What a dialect shows, for the tests of each.

use super::{Dialect, FrameKind};
use crate::{Draft, Epoch, Event, RoomName, Seq, Timestamp};

/// The first entry of a room.
pub(super) fn entry(dialect: &impl Dialect, draft: Draft) -> (Option<FrameKind>, Vec<u8>) {
    let entry = draft.numbered(Seq(1), Timestamp::from_unix_nanoseconds(0));
    let (room, epoch) = (&RoomName::general(), Epoch(1));
    let event = Event::Entry {
        room,
        epoch,
        entry: &entry,
    };
    let mut out = Vec::new();
    (dialect.encode(&event, &mut out), out)
}

/// Of a dialect that speaks in text only.
pub(super) fn text((kind, out): (Option<FrameKind>, Vec<u8>)) -> Option<String> {
    assert!(matches!(kind, None | Some(FrameKind::Text)));
    kind.map(|_| String::from_utf8(out).unwrap())
}
