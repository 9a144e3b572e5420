//! How test clients speak: words with blanks between them, in frames with a length.

use std::cell::Cell;
use std::io::Write;

use parlour_hub::Framing;
use parlour_proto::{
    Command, Dialect, EntryId, EntryKind, Epoch, Event, Frame, FrameKind, Join, Missed, Position,
    Refusal, RoomName, Seq,
};

/// Has words for what happens in rooms.
pub(crate) struct Words;

impl Dialect for Words {
    fn name(&self) -> &'static str {
        "test.words"
    }

    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        let Frame::Text(text) = frame else {
            return Ok(Command::Echo(frame));
        };
        let room = |name: &str| RoomName::new(name).map_err(|_| Refusal::BadRoom);
        let words: Vec<_> = text.splitn(4, ' ').collect();
        match words[..] {
            ["publish", name, id, text] => Ok(publish(Some(room(name)?), id, text)),
            ["say", id, text] => Ok(publish(None, id, text)),
            ["enter", name] => Ok(Command::Enter { room: room(name)? }),
            ["join", name] => Ok(Command::Join {
                rooms: vec![Join::next(room(name)?)],
            }),
            ["join", name, epoch, seq] => Ok(Command::Join {
                rooms: vec![Join {
                    from: Some(Position {
                        epoch: Epoch(number(epoch)?),
                        seq: Seq(number(seq)?),
                    }),
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
            Event::Entry { room, entry, .. } => {
                let id = entry.id.as_ref().map_or("-", EntryId::as_str);
                write!(out, "entry {room} {} {id} ", entry.seq.0).unwrap();
                out.extend_from_slice(&entry.payload);
            }
            Event::Ack { room, id, position } => {
                let id = id.map_or("-", EntryId::as_str);
                write!(out, "ack {room} {} {id}", position.seq.0).unwrap();
            }
            Event::Joined { room, position, .. } => {
                let Position { epoch, seq } = position;
                write!(out, "joined {room} {} {}", seq.0, epoch.0).unwrap();
            }
            Event::Gap { room, missed } => match missed {
                Missed::Entries { first, last, .. } => {
                    write!(out, "gap {room} {}..={}", first.0, last.0).unwrap();
                }
                Missed::Epoch { was, now } => {
                    write!(out, "reset {room} {} -> {}", was.seq.0, now.seq.0).unwrap();
                }
            },
            Event::Left { room } => write!(out, "left {room}").unwrap(),
            Event::Refused { id, refusal, .. } => {
                let id = id.map_or("-", EntryId::as_str);
                write!(out, "refused {id} {}", refusal.code()).unwrap();
            }
            Event::Echo(frame) => out.extend_from_slice(frame.bytes()),
            _ => return None,
        }
        Some(FrameKind::Text)
    }
}

fn publish(room: Option<RoomName>, id: &str, text: &str) -> Command<'static> {
    Command::Publish {
        room,
        id: EntryId::new(id).ok(),
        since: None,
        kind: EntryKind::MESSAGE,
        payload: text.to_owned().into(),
    }
}

fn number(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::BadPayload)
}

/// Speaks words until it meets an entry with "boom" in it.
pub(crate) struct Brittle;

impl Dialect for Brittle {
    fn name(&self) -> &'static str {
        "test.brittle"
    }

    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        Words.decode(frame)
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        let kind = Words.encode(event, out);
        if let Event::Entry { entry, .. } = event {
            assert_ne!(&entry.payload[..], b"boom", "a dialect that fails");
        }
        kind
    }
}

thread_local! {
    static COUNTED: Cell<usize> = const { Cell::new(0) };
}

/// [`Lengths`] that count the data frames which they make in this thread.
pub(crate) struct Counting;

impl Counting {
    /// How many since the last call.
    pub(crate) fn take() -> usize {
        COUNTED.take()
    }
}

impl Framing for Counting {
    fn data(&self, kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
        COUNTED.set(COUNTED.get() + 1);
        Lengths.data(kind, payload, out);
    }

    fn ping(&self, payload: &[u8], out: &mut Vec<u8>) {
        Lengths.ping(payload, out);
    }

    fn pong(&self, payload: &[u8], out: &mut Vec<u8>) {
        Lengths.pong(payload, out);
    }

    fn close(&self, code: Option<u16>, text: &str, out: &mut Vec<u8>) {
        Lengths.close(code, text, out);
    }
}

/// Four bytes of length, then the payload. Control frames begin with `!`.
pub(crate) struct Lengths;

impl Framing for Lengths {
    fn data(&self, _: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
        let length = u32::try_from(payload.len()).unwrap();
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(payload);
    }

    fn ping(&self, payload: &[u8], out: &mut Vec<u8>) {
        self.data(FrameKind::Text, &[b"!ping", payload].concat(), out);
    }

    fn pong(&self, payload: &[u8], out: &mut Vec<u8>) {
        self.data(FrameKind::Text, &[b"!pong ", payload].concat(), out);
    }

    fn close(&self, code: Option<u16>, text: &str, out: &mut Vec<u8>) {
        let code = code.map_or("-".to_owned(), |code| code.to_string());
        self.data(
            FrameKind::Text,
            format!("!close {code} {text}").as_bytes(),
            out,
        );
    }
}

/// Takes the whole frames from the front of what a client has read.
pub(crate) fn take_frames(read: &mut Vec<u8>) -> Vec<String> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while let Some(length) = read.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(frame) = read.get(at + 4..at + 4 + length) else {
            break;
        };
        frames.push(String::from_utf8(frame.to_vec()).unwrap());
        at += 4 + length;
    }
    read.drain(..at);
    frames
}
