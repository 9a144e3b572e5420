//! A client's frames of `parlour.v1`. Each appends one whole frame.

use crate::{EntryId, EntryKind, Join, Page, PageFrom, Position, RoomName, Seq, json};

/// To be in these rooms, 1 to [`ROOMS_PER_FRAME_MAX`](crate::ROOMS_PER_FRAME_MAX) of them.
///
/// ```
/// use parlour_proto::{Join, RoomName, told::ask};
/// let mut out = Vec::new();
/// ask::join(&[Join::next(RoomName::general())], &mut out);
/// assert_eq!(out, br#"{"t":"join","rooms":[{"room":"general"}]}"#);
/// ```
pub fn join(rooms: &[Join], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"t":"join","rooms":["#);
    for (place, join) in rooms.iter().enumerate() {
        put_comma(place, out);
        out.extend_from_slice(br#"{"room":"#);
        json::put(join.room.as_str(), out);
        if let Some(from) = join.from {
            put_position("from", from, out);
        }
        if join.presence {
            out.extend_from_slice(br#","presence":true"#);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}

/// To be in these rooms no longer, 1 to [`ROOMS_PER_FRAME_MAX`](crate::ROOMS_PER_FRAME_MAX) of them.
pub fn leave(rooms: &[RoomName], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"t":"leave","rooms":["#);
    for (place, room) in rooms.iter().enumerate() {
        put_comma(place, out);
        json::put(room.as_str(), out);
    }
    out.extend_from_slice(b"]}");
}

/// To say something in a room. `payload` is JSON text; for
/// [`EntryKind::MESSAGE`] it is one string, for which there is [`message`].
///
/// ```
/// use parlour_proto::{EntryKind, RoomName, told::ask};
/// let mut out = Vec::new();
/// let kind = EntryKind::new("app:move").unwrap();
/// ask::publish(&RoomName::general(), None, &kind, b"[4,2]", &mut out);
/// assert_eq!(out, br#"{"t":"publish","room":"general","type":"app:move","payload":[4,2]}"#);
/// ```
pub fn publish(
    room: &RoomName,
    id: Option<&EntryId>,
    kind: &EntryKind,
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    put_publish(room, id, kind, out);
    out.extend_from_slice(payload);
    out.push(b'}');
}

/// To say a text in a room.
///
/// ```
/// use parlour_proto::{RoomName, told::ask};
/// let mut out = Vec::new();
/// ask::message(&RoomName::general(), None, "say \"hi\"", &mut out);
/// assert!(out.ends_with(br#""type":"message","payload":"say \"hi\""}"#));
/// ```
pub fn message(room: &RoomName, id: Option<&EntryId>, text: &str, out: &mut Vec<u8>) {
    put_publish(room, id, &EntryKind::MESSAGE, out);
    json::put(text, out);
    out.push(b'}');
}

/// To say something again that may have been said since the room was at `since`: if it was, the answer
/// is the first one's, and nothing is published.
///
/// ```
/// use parlour_proto::{EntryId, EntryKind, Epoch, Position, RoomName, Seq, told::ask};
/// let (mut out, id) = (Vec::new(), EntryId::new("m-17").unwrap());
/// let since = Position { epoch: Epoch(1), seq: Seq(12) };
/// ask::publish_again(&RoomName::general(), &id, since, &EntryKind::MESSAGE, b"\"hi\"", &mut out);
/// assert!(out.ends_with(br#","since":{"epoch":"0000000000000001","seq":12},"type":"message","payload":"hi"}"#));
/// ```
pub fn publish_again(
    room: &RoomName,
    id: &EntryId,
    since: Position,
    kind: &EntryKind,
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    put_head(room, Some(id), out);
    put_position("since", since, out);
    put_kind(kind, out);
    out.extend_from_slice(payload);
    out.push(b'}');
}

/// To be told a page of a room's log.
///
/// ```
/// use parlour_proto::{Page, PageFrom, RoomName, Seq, told::ask};
/// let (mut out, page) = (Vec::new(), Page { from: PageFrom::After(Seq(3)), limit: 10 });
/// ask::history(&RoomName::general(), page, None, &mut out);
/// assert_eq!(out, br#"{"t":"history","room":"general","after":3,"limit":10}"#);
/// ```
pub fn history(room: &RoomName, page: Page, id: Option<&EntryId>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"t":"history","room":"#);
    json::put(room.as_str(), out);
    put_id(id, out);
    let from = match page.from {
        PageFrom::After(seq) => format!(r#","after":{}"#, seq.0),
        PageFrom::Before(seq) => format!(r#","before":{}"#, seq.min(Seq::MAX).0),
    };
    out.extend_from_slice(from.as_bytes());
    out.extend_from_slice(format!(r#","limit":{}}}"#, page.limit).as_bytes());
}

/// To be answered with a pong.
pub fn ping(id: Option<&EntryId>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"t":"ping""#);
    put_id(id, out);
    out.push(b'}');
}

fn put_publish(room: &RoomName, id: Option<&EntryId>, kind: &EntryKind, out: &mut Vec<u8>) {
    put_head(room, id, out);
    put_kind(kind, out);
}

fn put_head(room: &RoomName, id: Option<&EntryId>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"t":"publish","room":"#);
    json::put(room.as_str(), out);
    put_id(id, out);
}

fn put_kind(kind: &EntryKind, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","type":"#);
    json::put(kind.as_str(), out);
    out.extend_from_slice(br#","payload":"#);
}

fn put_position(name: &str, Position { epoch, seq }: Position, out: &mut Vec<u8>) {
    let seq = seq.0;
    let position = format!(r#","{name}":{{"epoch":"{epoch}","seq":{seq}}}"#);
    out.extend_from_slice(position.as_bytes());
}

fn put_id(id: Option<&EntryId>, out: &mut Vec<u8>) {
    if let Some(id) = id {
        out.extend_from_slice(br#","id":"#);
        json::put(id.as_str(), out);
    }
}

fn put_comma(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.push(b',');
    }
}
