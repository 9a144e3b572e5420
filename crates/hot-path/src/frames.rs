//! From bytes to a command, and from an entry to bytes.

use std::hint::black_box;

use parlour_proto::dialect::{Dialect, V1};
use parlour_proto::{Draft, Entry, Epoch, Event, Frame, FrameKind, RoomName, Seq, Timestamp};
use parlour_ws::{Incoming, Limits, Opcode, Receiver, put_frame, put_masked_frame};

/// What is said, in bytes.
const TEXT_BYTES: usize = 128;

/// The frame that a client publishes with.
pub(crate) fn publish(room: &str) -> Vec<u8> {
    let text = "x".repeat(TEXT_BYTES);
    let frame = format!(
        r#"{{"t":"publish","room":"{room}","id":"a-1","type":"message","payload":"{text}"}}"#
    );
    frame.into_bytes()
}

/// Decodes the same frame so many times. How many commands came of it.
pub(crate) fn decode(times: u32) -> usize {
    let mut masked = Vec::new();
    put_masked_frame(&mut masked, Opcode::Text, &publish("den"), [1, 2, 3, 4]);
    let (mut receiver, limits) = (Receiver::new(), Limits::default());
    let mut input = masked.clone();
    let mut commands = 0;
    for _ in 0..times {
        // Decoding takes the mask off in place.
        input.copy_from_slice(black_box(&masked));
        let Ok(received) = receiver.receive(&limits, &mut input) else {
            break;
        };
        if let Some(Incoming::Text(text)) = received.item {
            commands += usize::from(black_box(V1.decode(Frame::Text(text))).is_ok());
        }
    }
    commands
}

/// Encodes the same entry so many times. How many bytes came of it.
pub(crate) fn encode(times: u32) -> usize {
    let room = RoomName::new("den").expect("a room's name");
    let entry = entry();
    let (mut scratch, mut out, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..times {
        let event = Event::Entry {
            room: &room,
            epoch: Epoch(7),
            entry: black_box(&entry),
        };
        scratch.clear();
        out.clear();
        if V1.encode(&event, &mut scratch) == Some(FrameKind::Text) {
            put_frame(&mut out, Opcode::Text, &scratch);
        }
        bytes += black_box(&out).len();
    }
    bytes
}

fn entry() -> Entry {
    let draft = Draft::message("guest-ann", &"x".repeat(TEXT_BYTES));
    draft.numbered(
        Seq(1),
        Timestamp::from_unix_nanoseconds(1_700_000_000_000_000_000),
    )
}
