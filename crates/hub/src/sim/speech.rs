//! The dialect of simulated clients: words with blanks between them, in frames with a length.
//!
//! A room to join is `NAME`, `NAME@EPOCH@SEQ` with a position, and either with a `+` behind it to be
//! told who is there. What is missing in a frame is `-`.

use std::fmt::Write as _;

use parlour_proto::{
    Command, Dialect, EntryId, EntryKind, Epoch, Event, Frame, FrameKind, Join, Missed, Position,
    Refusal, RoomName, Seq, UserName,
};

use crate::wire::Framing;

/// Speaks every event; one form has no words for gaps, as the events dialect, and another announces
/// who comes and goes, as that of `/plain`.
pub(super) struct Speech {
    pub(super) knows_gaps: bool,
    pub(super) announces: bool,
}

impl Dialect for Speech {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        let Frame::Text(text) = frame else {
            return Err(Refusal::BadJson);
        };
        let words: Vec<_> = text.split(' ').collect();
        match words[..] {
            ["publish", name, id, payload] => Ok(Command::Publish {
                room: Some(room(name)?),
                id: EntryId::new(id).ok(),
                since: None,
                kind: EntryKind::MESSAGE,
                payload: payload.to_owned().into(),
            }),
            ["join", ref rooms @ ..] => Ok(Command::Join {
                rooms: rooms
                    .iter()
                    .map(|word| join(word))
                    .collect::<Result<_, _>>()?,
            }),
            ["leave", ref rooms @ ..] => Ok(Command::Leave {
                rooms: rooms
                    .iter()
                    .map(|word| room(word))
                    .collect::<Result<_, _>>()?,
            }),
            ["nick", name] => Ok(Command::Rename {
                name: name.to_owned(),
            }),
            ["ping", id] => Ok(Command::Ping {
                id: EntryId::new(id).ok(),
            }),
            _ => Err(Refusal::UnknownType),
        }
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        if !self.knows_gaps && matches!(event, Event::Gap { .. })
            || !self.announces && matches!(event, Event::Notice { .. })
        {
            return None;
        }
        let mut words = String::new();
        words_for(event, &mut words)?;
        out.extend_from_slice(words.as_bytes());
        Some(FrameKind::Text)
    }

    fn announces(&self) -> bool {
        self.announces
    }
}

fn words_for(event: &Event<'_>, out: &mut String) -> Option<()> {
    let name =
        |id: Option<&EntryId>| id.map_or_else(|| "-".to_owned(), |id| id.as_str().to_owned());
    match event {
        Event::Hello { user, .. } => write!(out, "hello {}", user.as_str()),
        Event::Entry { room, epoch, entry } if entry.kind == EntryKind::NICK => {
            let names = std::str::from_utf8(&entry.payload).ok()?;
            write!(out, "nick {room} {} {} {names}", epoch.0, entry.seq.0)
        }
        Event::Notice {
            room,
            author,
            name,
            came,
        } => {
            let what = if *came { "came" } else { "went" };
            write!(out, "notice {room} {} {what}", author.id(name))
        }
        Event::Entry { room, epoch, entry } => {
            let from = (&entry.from, entry.author.id(&entry.from));
            let text = std::str::from_utf8(&entry.payload).ok()?;
            let id = name(entry.id.as_ref());
            let (seq, (from, author)) = (entry.seq.0, from);
            write!(
                out,
                "entry {room} {} {seq} {id} {from} {author} {text}",
                epoch.0
            )
        }
        Event::Ack { room, id, position } => {
            let Position { epoch, seq } = position;
            write!(out, "ack {room} {} {} {}", epoch.0, seq.0, name(*id))
        }
        Event::Joined { room, position, .. } => {
            write!(out, "joined {room} {} {}", position.epoch.0, position.seq.0)
        }
        Event::Left { room } => write!(out, "left {room}"),
        Event::Gap { room, missed } => match missed {
            Missed::Entries { epoch, first, last } => {
                write!(out, "gap {room} {} {} {}", epoch.0, first.0, last.0)
            }
            Missed::Epoch { now, .. } => {
                write!(out, "reset {room} {} {}", now.epoch.0, now.seq.0)
            }
        },
        Event::Presence { room, count, users } => {
            let users = users.map_or_else(|| "-".to_owned(), list);
            write!(out, "presence {room} {count} {users}")
        }
        Event::PresenceChange {
            room,
            count,
            came,
            went,
        } => write!(out, "change {room} {count} {} {}", list(came), list(went)),
        Event::Pong { id } => write!(out, "pong {}", name(*id)),
        Event::Refused {
            room,
            id,
            refusal,
            retry_after,
        } => {
            let room = room.map_or("-", RoomName::as_str);
            let retry = if retry_after.is_some() {
                "later"
            } else {
                "never"
            };
            write!(
                out,
                "refused {room} {} {} {retry}",
                name(*id),
                refusal.code()
            )
        }
        Event::Closing {
            reason,
            retry_after,
        } => {
            let retry = if retry_after.is_some() {
                "later"
            } else {
                "never"
            };
            write!(out, "closing {} {retry}", reason.name())
        }
        _ => return None,
    }
    .ok()
}

/// Users with commas between them, in brackets.
fn list(users: &[UserName]) -> String {
    let users: Vec<_> = users.iter().map(UserName::as_str).collect();
    format!("[{}]", users.join(","))
}

fn room(name: &str) -> Result<RoomName, Refusal> {
    RoomName::new(name).map_err(|_| Refusal::BadRoom)
}

fn join(word: &str) -> Result<Join, Refusal> {
    let (word, presence) = match word.strip_suffix('+') {
        Some(word) => (word, true),
        None => (word, false),
    };
    let parts: Vec<_> = word.split('@').collect();
    let (name, from) = match parts[..] {
        [name] => (name, None),
        [name, epoch, seq] => (name, Some(position(epoch, seq)?)),
        _ => return Err(Refusal::BadPayload),
    };
    Ok(Join {
        room: room(name)?,
        from,
        presence,
    })
}

fn position(epoch: &str, seq: &str) -> Result<Position, Refusal> {
    let number = |text: &str| text.parse().map_err(|_| Refusal::BadPayload);
    Ok(Position {
        epoch: Epoch(number(epoch)?),
        seq: Seq(number(seq)?),
    })
}

/// Four bytes of length, then the words. Control frames begin with `!`.
pub(super) struct LengthFraming;

impl Framing for LengthFraming {
    fn data(&self, _: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        out.extend_from_slice(payload);
    }

    fn ping(&self, _: &[u8], out: &mut Vec<u8>) {
        self.data(FrameKind::Text, b"!ping", out);
    }

    fn pong(&self, _: &[u8], out: &mut Vec<u8>) {
        self.data(FrameKind::Text, b"!pong", out);
    }

    fn close(&self, code: Option<u16>, _: &str, out: &mut Vec<u8>) {
        self.data(
            FrameKind::Text,
            format!("!close {}", code.unwrap_or(0)).as_bytes(),
            out,
        );
    }
}

/// Takes one whole frame from the front of what a client has read.
pub(super) fn take_frame(read: &mut Vec<u8>) -> Option<String> {
    let length = u32::from_be_bytes(read.get(..4)?.try_into().ok()?) as usize;
    let frame = read.get(4..4 + length)?;
    let text = String::from_utf8_lossy(frame).into_owned();
    read.drain(..4 + length);
    Some(text)
}
