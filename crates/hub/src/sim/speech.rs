//! The dialect of simulated clients: words with blanks between them, in frames with a length.

use std::io::Write;

use parlour_proto::{
    Command, Dialect, EntryId, EntryKind, Epoch, Event, Frame, FrameKind, Join, Missed, Position,
    Refusal, RoomName, Seq,
};

use crate::wire::Framing;

/// Speaks every event; the second form has no words for gaps, as the events dialect.
pub(super) struct Speech {
    pub(super) knows_gaps: bool,
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
        let room = |name: &str| RoomName::new(name).map_err(|_| Refusal::BadRoom);
        match words[..] {
            ["publish", name, id, payload] => Ok(Command::Publish {
                room: Some(room(name)?),
                id: EntryId::new(id),
                kind: EntryKind::MESSAGE,
                payload: payload.to_owned().into(),
            }),
            ["join", name] => Ok(Command::Join {
                rooms: vec![Join::next(room(name)?)],
            }),
            ["join", name, epoch, seq] => Ok(Command::Join {
                rooms: vec![Join {
                    from: Some(position(epoch, seq)?),
                    ..Join::next(room(name)?)
                }],
            }),
            ["leave", name] => Ok(Command::Leave {
                rooms: vec![room(name)?],
            }),
            _ => Err(Refusal::UnknownType),
        }
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        match event {
            Event::Entry { room, epoch, entry } => {
                let id = entry.id.as_ref().map_or("-", EntryId::as_str);
                write!(out, "entry {room} {} {} {id} ", epoch.0, entry.seq.0).ok()?;
                out.extend_from_slice(&entry.payload);
            }
            Event::Ack {
                room,
                id,
                position: Position { epoch, seq },
            } => {
                let id = id.map_or("-", EntryId::as_str);
                write!(out, "ack {room} {} {} {id}", epoch.0, seq.0).ok()?;
            }
            Event::Joined {
                room,
                position: Position { epoch, seq },
            } => {
                write!(out, "joined {room} {} {}", epoch.0, seq.0).ok()?;
            }
            Event::Gap { .. } if !self.knows_gaps => return None,
            Event::Gap {
                room,
                missed: Missed::Entries { epoch, first, last },
            } => {
                write!(out, "gap {room} {} {} {}", epoch.0, first.0, last.0).ok()?;
            }
            Event::Gap {
                room,
                missed: Missed::Epoch { now, .. },
            } => {
                write!(out, "reset {room} {} {}", now.epoch.0, now.seq.0).ok()?;
            }
            Event::Refused { id, refusal, .. } => {
                write!(
                    out,
                    "refused {} {}",
                    id.map_or("-", EntryId::as_str),
                    refusal.code()
                )
                .ok()?;
            }
            _ => return None,
        }
        Some(FrameKind::Text)
    }
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
