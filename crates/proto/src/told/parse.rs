//! From text to [`Told`]: only the fields that a frame's `t` asks for are looked at.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Hello, HelloLimits, Said, Told};
use crate::{
    EntryId, EntryKind, Epoch, Missed, Position, RoomName, RoomNameError, Seq, Timestamp, json,
};

/// Longest wait that a server may ask for: a day. What is longer is that long.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

pub(super) fn told(text: &str) -> serde_json::Result<Told> {
    if !json::is_object(text.as_bytes()) {
        return Err(serde_json::Error::custom("it is no JSON object"));
    }
    let Type { t } = serde_json::from_str(text)?;
    match &*t {
        "hello" => read::<WireHello>(text),
        "joined" => read::<Joined>(text),
        "entry" => read::<Entry>(text),
        "ack" => read::<Ack>(text),
        "page" => read::<WirePage>(text),
        "gap" => gap(text),
        "presence" => read::<Presence>(text),
        "presence_change" => read::<PresenceChange>(text),
        "event" => read::<Event>(text),
        "left" => read::<Left>(text),
        "pong" => read::<Pong>(text),
        "error" => read::<Error>(text),
        "closing" => read::<Closing>(text),
        _ => Ok(Told::Unknown { t: t.into() }),
    }
}

fn read<'a, T: Deserialize<'a> + Into<Told>>(text: &'a str) -> serde_json::Result<Told> {
    serde_json::from_str::<T>(text).map(Into::into)
}

fn gap(text: &str) -> serde_json::Result<Told> {
    let Reason { reason } = serde_json::from_str(text)?;
    match &*reason {
        "trimmed" => read::<Trimmed>(text),
        "new_epoch" => read::<NewEpoch>(text),
        _ => Ok(Told::Unknown {
            t: format!("gap, reason {reason}"),
        }),
    }
}

#[derive(Deserialize)]
struct Type<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Reason<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WireHello {
    version: String,
    user: String,
    guest: bool,
    #[serde(default)]
    limits: Limits,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Limits {
    message_bytes: u64,
    rooms: u64,
    messages_per_second: u64,
    burst: u64,
    presence_members: u64,
    ids: u64,
}

impl From<WireHello> for Told {
    fn from(hello: WireHello) -> Self {
        let limits = HelloLimits {
            message_bytes: hello.limits.message_bytes,
            rooms: hello.limits.rooms,
            messages_per_second: hello.limits.messages_per_second,
            burst: hello.limits.burst,
            presence_members: hello.limits.presence_members,
            ids: hello.limits.ids,
        };
        Self::Hello(Hello {
            version: hello.version,
            user: hello.user,
            guest: hello.guest,
            limits,
        })
    }
}

#[derive(Deserialize)]
struct Joined {
    #[serde(deserialize_with = "room")]
    room: RoomName,
    #[serde(deserialize_with = "epoch")]
    epoch: Epoch,
    seq: u64,
    head: u64,
}

impl From<Joined> for Told {
    fn from(joined: Joined) -> Self {
        Self::Joined {
            room: joined.room,
            position: position(joined.epoch, joined.seq),
            head: Seq(joined.head),
        }
    }
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(deserialize_with = "room")]
    room: RoomName,
    #[serde(deserialize_with = "epoch")]
    epoch: Epoch,
    seq: u64,
    #[serde(default, deserialize_with = "id")]
    id: Option<EntryId>,
    #[serde(borrow)]
    from: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(deserialize_with = "timestamp")]
    sent: Timestamp,
}

impl From<Entry<'_>> for Told {
    fn from(entry: Entry<'_>) -> Self {
        Self::Entry(Said {
            room: entry.room,
            position: position(entry.epoch, entry.seq),
            id: entry.id,
            from: entry.from.into(),
            kind: kind(entry.kind),
            payload: Bytes::copy_from_slice(entry.payload.get().as_bytes()),
            sent: entry.sent,
        })
    }
}

#[derive(Deserialize)]
struct WirePage<'a> {
    #[serde(deserialize_with = "room")]
    room: RoomName,
    #[serde(default, deserialize_with = "id")]
    id: Option<EntryId>,
    #[serde(deserialize_with = "epoch")]
    epoch: Epoch,
    #[serde(borrow)]
    entries: Vec<Paged<'a>>,
    more: bool,
}

/// An entry without what its page says for all.
#[derive(Deserialize)]
struct Paged<'a> {
    seq: u64,
    #[serde(default, deserialize_with = "id")]
    id: Option<EntryId>,
    #[serde(borrow)]
    from: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(deserialize_with = "timestamp")]
    sent: Timestamp,
}

impl From<WirePage<'_>> for Told {
    fn from(page: WirePage<'_>) -> Self {
        let WirePage {
            room,
            id,
            epoch,
            entries,
            more,
        } = page;
        let said = |entry: Paged<'_>| Said {
            room: room.clone(),
            position: position(epoch, entry.seq),
            id: entry.id,
            from: entry.from.into(),
            kind: kind(entry.kind),
            payload: Bytes::copy_from_slice(entry.payload.get().as_bytes()),
            sent: entry.sent,
        };
        let entries = entries.into_iter().map(said).collect();
        Self::Page {
            room,
            id,
            entries,
            more,
        }
    }
}

/// A kind of the server's own, such as one that begins with `$`, is taken too.
fn kind(name: Cow<'_, str>) -> EntryKind {
    EntryKind::new(&name).unwrap_or_else(|_| EntryKind::named(name.into_owned()))
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    payload: &'a RawValue,
}

impl From<Event<'_>> for Told {
    fn from(event: Event<'_>) -> Self {
        Self::Event {
            kind: event.kind,
            payload: Bytes::copy_from_slice(event.payload.get().as_bytes()),
        }
    }
}

#[derive(Deserialize)]
struct Ack {
    #[serde(deserialize_with = "room")]
    room: RoomName,
    #[serde(default, deserialize_with = "id")]
    id: Option<EntryId>,
    #[serde(deserialize_with = "epoch")]
    epoch: Epoch,
    seq: u64,
}

impl From<Ack> for Told {
    fn from(ack: Ack) -> Self {
        Self::Ack {
            room: ack.room,
            id: ack.id,
            position: position(ack.epoch, ack.seq),
        }
    }
}

#[derive(Deserialize)]
struct Trimmed {
    #[serde(deserialize_with = "room")]
    room: RoomName,
    #[serde(deserialize_with = "epoch")]
    epoch: Epoch,
    first: u64,
    last: u64,
}

impl From<Trimmed> for Told {
    fn from(gap: Trimmed) -> Self {
        let missed = Missed::Entries {
            epoch: gap.epoch,
            first: Seq(gap.first),
            last: Seq(gap.last),
        };
        Self::Gap {
            room: gap.room,
            missed,
        }
    }
}

#[derive(Deserialize)]
struct NewEpoch {
    #[serde(deserialize_with = "room")]
    room: RoomName,
    was: At,
    now: At,
}

#[derive(Deserialize)]
struct At {
    #[serde(deserialize_with = "epoch")]
    epoch: Epoch,
    seq: u64,
}

impl From<NewEpoch> for Told {
    fn from(gap: NewEpoch) -> Self {
        let missed = Missed::Epoch {
            was: position(gap.was.epoch, gap.was.seq),
            now: position(gap.now.epoch, gap.now.seq),
        };
        Self::Gap {
            room: gap.room,
            missed,
        }
    }
}

#[derive(Deserialize)]
struct Presence {
    #[serde(deserialize_with = "room")]
    room: RoomName,
    count: u64,
    users: Option<Vec<String>>,
}

impl From<Presence> for Told {
    fn from(presence: Presence) -> Self {
        Self::Presence {
            room: presence.room,
            count: presence.count,
            users: presence.users,
        }
    }
}

#[derive(Deserialize)]
struct PresenceChange {
    #[serde(deserialize_with = "room")]
    room: RoomName,
    count: u64,
    came: Vec<String>,
    went: Vec<String>,
}

impl From<PresenceChange> for Told {
    fn from(change: PresenceChange) -> Self {
        Self::PresenceChange {
            room: change.room,
            count: change.count,
            came: change.came,
            went: change.went,
        }
    }
}

#[derive(Deserialize)]
struct Left {
    #[serde(deserialize_with = "room")]
    room: RoomName,
}

impl From<Left> for Told {
    fn from(left: Left) -> Self {
        Self::Left { room: left.room }
    }
}

#[derive(Deserialize)]
struct Pong {
    #[serde(default, deserialize_with = "id")]
    id: Option<EntryId>,
}

impl From<Pong> for Told {
    fn from(pong: Pong) -> Self {
        Self::Pong { id: pong.id }
    }
}

#[derive(Deserialize)]
struct Error {
    code: String,
    message: String,
    #[serde(default, deserialize_with = "some_room")]
    room: Option<RoomName>,
    #[serde(default, deserialize_with = "id")]
    id: Option<EntryId>,
    #[serde(default, deserialize_with = "seconds")]
    retry_after: Option<Duration>,
}

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        Self::Error {
            code: error.code,
            message: error.message,
            room: error.room,
            id: error.id,
            retry_after: error.retry_after,
        }
    }
}

#[derive(Deserialize)]
struct Closing {
    why: String,
    message: String,
    #[serde(default, deserialize_with = "seconds")]
    retry_after: Option<Duration>,
}

impl From<Closing> for Told {
    fn from(closing: Closing) -> Self {
        Self::Closing {
            why: closing.why,
            message: closing.message,
            retry_after: closing.retry_after,
        }
    }
}

fn position(epoch: Epoch, seq: u64) -> Position {
    let seq = Seq(seq);
    Position { epoch, seq }
}

fn room<'de, D: Deserializer<'de>>(from: D) -> Result<RoomName, D::Error> {
    let name = String::deserialize(from)?;
    any_room(&name).map_err(D::Error::custom)
}

/// One of the application's own too, into which it has put this connection.
fn any_room(name: &str) -> Result<RoomName, RoomNameError> {
    match name.strip_prefix('$') {
        Some(reserved) => RoomName::reserved(reserved),
        None => RoomName::new(name),
    }
}

fn some_room<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RoomName>, D::Error> {
    let name = Option::<String>::deserialize(from)?;
    let room = name.map(|name| any_room(&name)).transpose();
    room.map_err(D::Error::custom)
}

fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<EntryId>, D::Error> {
    let Some(id) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    let id = EntryId::new(&id).map_err(D::Error::custom)?;
    Ok(Some(id))
}

fn epoch<'de, D: Deserializer<'de>>(from: D) -> Result<Epoch, D::Error> {
    let epoch = Epoch::parse(&String::deserialize(from)?);
    epoch.ok_or_else(|| D::Error::custom("an epoch has 16 hexadecimal digits"))
}

fn timestamp<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(from)?;
    let time: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
    let nanoseconds = i64::try_from(time.as_nanosecond()).map_err(D::Error::custom)?;
    Ok(Timestamp::from_unix_nanoseconds(nanoseconds))
}

/// A negative number of seconds is none to wait.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let seconds = Option::<f64>::deserialize(from)?;
    Ok(seconds.map(|seconds| {
        let wait = Duration::try_from_secs_f64(seconds.max(0.0));
        wait.unwrap_or(RETRY_AFTER_MAX).min(RETRY_AFTER_MAX)
    }))
}
