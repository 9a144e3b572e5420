//! What a client of `parlour.v1` asks. A frame is taken whole or not at all.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{
    Command, EntryId, EntryKind, Epoch, Join, Page, PageFrom, Position, ROOMS_PER_FRAME_MAX,
    Refusal, RoomName, Seq, json,
};

/// Every field that some frame has. Only those of its `t` are looked into.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    t: Option<&'a RawValue>,
    #[serde(borrow)]
    rooms: Option<&'a RawValue>,
    #[serde(borrow)]
    room: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    /// Any JSON, also `null`.
    #[serde(borrow, default, deserialize_with = "present")]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    since: Option<&'a RawValue>,
    #[serde(borrow)]
    before: Option<&'a RawValue>,
    #[serde(borrow)]
    after: Option<&'a RawValue>,
    #[serde(borrow)]
    limit: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RoomToJoin<'a> {
    #[serde(borrow)]
    room: Text<'a>,
    #[serde(borrow)]
    from: Option<&'a RawValue>,
    presence: Option<bool>,
}

#[derive(Deserialize)]
struct From<'a> {
    #[serde(borrow)]
    epoch: Text<'a>,
    seq: u64,
}

/// A string that is borrowed from the frame where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn present<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

pub(super) fn command(bytes: &[u8]) -> Result<Command<'static>, Refusal> {
    if !json::is_object(bytes) {
        return Err(json::why_no_object(bytes));
    }
    let envelope: Envelope<'_> =
        serde_json::from_slice(bytes).map_err(|error| json::refusal(&error))?;
    let t = envelope.t.ok_or(Refusal::UnknownType)?;
    match &*text(t)? {
        "join" => join(&envelope),
        "leave" => leave(&envelope),
        "publish" => Ok(publish(&envelope)),
        "history" => history(&envelope),
        "ping" => ping(&envelope),
        _ => Err(Refusal::UnknownType),
    }
}

fn join(envelope: &Envelope<'_>) -> Result<Command<'static>, Refusal> {
    let rooms = rooms(envelope)?.into_iter().map(room_to_join);
    Ok(Command::Join {
        rooms: rooms.collect::<Result<_, _>>()?,
    })
}

fn room_to_join(raw: &RawValue) -> Result<Join, Refusal> {
    let RoomToJoin {
        room,
        from,
        presence,
    } = object(raw)?;
    Ok(Join {
        room: name(&room.0)?,
        from: from.map(position).transpose()?,
        presence: presence.unwrap_or(false),
    })
}

fn position(raw: &RawValue) -> Result<Position, Refusal> {
    let From { epoch, seq } = object(raw)?;
    let (epoch, seq) = (Epoch::parse(&epoch.0), Seq(seq));
    match epoch {
        Some(epoch) if seq <= Seq::MAX => Ok(Position { epoch, seq }),
        _ => Err(Refusal::BadPayload),
    }
}

fn leave(envelope: &Envelope<'_>) -> Result<Command<'static>, Refusal> {
    let rooms = rooms(envelope)?.into_iter();
    let rooms = rooms.map(|raw| name(&text(raw)?));
    Ok(Command::Leave {
        rooms: rooms.collect::<Result<_, _>>()?,
    })
}

fn rooms<'a>(envelope: &Envelope<'a>) -> Result<Vec<&'a RawValue>, Refusal> {
    let rooms = envelope.rooms.ok_or(Refusal::BadPayload)?;
    let rooms: Vec<&RawValue> =
        serde_json::from_str(rooms.get()).map_err(|_| Refusal::BadPayload)?;
    if rooms.is_empty() || rooms.len() > ROOMS_PER_FRAME_MAX {
        return Err(Refusal::BadPayload);
    }
    Ok(rooms)
}

/// A refusal of it names its room and its id, as far as they are such.
fn publish(envelope: &Envelope<'_>) -> Command<'static> {
    let (room, id) = (named_room(envelope), id(envelope));
    let content = content(envelope);
    let (room, id, refusal) = match (room, id, content) {
        (
            Ok(room),
            Ok(id),
            Ok(Content {
                kind,
                payload,
                since,
            }),
        ) => {
            return Command::Publish {
                room: Some(room),
                id,
                since,
                kind,
                payload,
            };
        }
        (Ok(room), Ok(id), Err(refusal)) => (Some(room), id, refusal),
        (Ok(room), Err(refusal), _) => (Some(room), None, refusal),
        (Err(refusal), id, _) => (None, id.ok().flatten(), refusal),
    };
    Command::Refused { room, id, refusal }
}

fn named_room(envelope: &Envelope<'_>) -> Result<RoomName, Refusal> {
    name(&text(envelope.room.ok_or(Refusal::BadPayload)?)?)
}

struct Content {
    kind: EntryKind,
    payload: bytes::Bytes,
    since: Option<Position>,
}

fn content(envelope: &Envelope<'_>) -> Result<Content, Refusal> {
    let kind = match envelope.kind {
        Some(raw) => EntryKind::new(&text(raw)?).map_err(|_| Refusal::BadPayload)?,
        None => EntryKind::MESSAGE,
    };
    let payload = envelope.payload.ok_or(Refusal::BadPayload)?;
    let payload = if kind == EntryKind::MESSAGE {
        match text(payload)? {
            // Without an escape in it there is but one way to write it: the client's.
            Cow::Borrowed(_) => bytes::Bytes::copy_from_slice(payload.get().as_bytes()),
            Cow::Owned(text) => json::string(&text),
        }
    } else {
        json::check(payload.get())?;
        bytes::Bytes::copy_from_slice(payload.get().as_bytes())
    };
    let since = envelope.since.map(position).transpose()?;
    Ok(Content {
        kind,
        payload,
        since,
    })
}

fn history(envelope: &Envelope<'_>) -> Result<Command<'static>, Refusal> {
    let from = match (envelope.after, envelope.before) {
        (Some(_), Some(_)) => return Err(Refusal::BadPayload),
        (Some(after), None) => PageFrom::After(seq(after)?),
        (None, Some(before)) => PageFrom::Before(seq(before)?),
        (None, None) => PageFrom::Before(Seq(u64::MAX)),
    };
    let limit = match envelope.limit {
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| Refusal::BadPayload)?,
        None => Page::LIMIT,
    };
    if !(1..=Page::LIMIT_MAX).contains(&limit) {
        return Err(Refusal::BadPayload);
    }
    Ok(Command::History {
        room: named_room(envelope)?,
        page: Page { from, limit },
        id: id(envelope)?,
    })
}

fn seq(raw: &RawValue) -> Result<Seq, Refusal> {
    let seq = serde_json::from_str(raw.get()).map_err(|_| Refusal::BadPayload)?;
    (Seq(seq) <= Seq::MAX)
        .then_some(Seq(seq))
        .ok_or(Refusal::BadPayload)
}

fn ping(envelope: &Envelope<'_>) -> Result<Command<'static>, Refusal> {
    Ok(Command::Ping { id: id(envelope)? })
}

fn id(envelope: &Envelope<'_>) -> Result<Option<EntryId>, Refusal> {
    let Some(raw) = envelope.id else {
        return Ok(None);
    };
    let id = EntryId::new(&text(raw)?).map_err(|_| Refusal::BadPayload)?;
    Ok(Some(id))
}

fn name(text: &str) -> Result<RoomName, Refusal> {
    RoomName::new(text).map_err(|_| Refusal::BadRoom)
}

fn text(raw: &RawValue) -> Result<Cow<'_, str>, Refusal> {
    let text: Text<'_> = serde_json::from_str(raw.get()).map_err(|_| Refusal::BadPayload)?;
    Ok(text.0)
}

fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Refusal> {
    if !json::is_object(raw.get().as_bytes()) {
        return Err(Refusal::BadPayload);
    }
    serde_json::from_str(raw.get()).map_err(|_| Refusal::BadPayload)
}
