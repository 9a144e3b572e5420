//! The same streams through `tungstenite`: the same items, and the same verdict. Where the two
//! differ on purpose, [`KnownDifference`] says why.

mod common;

use std::io::{self, Cursor, Read, Write};

use common::streams::{LIMITS, close, stream};
use common::*;
use parlour_ws::{Opcode, ProtocolError, put_close, put_frame};
use proptest::prelude::*;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

/// How a stream ends.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// No fault, and no close frame.
    Open,
    Closed,
    Refused,
}

/// Where we are stricter or laxer than tungstenite 0.30 on purpose.
#[derive(Debug, PartialEq, Eq)]
enum KnownDifference {
    /// RFC 6455, 5.2: "the minimal number of bytes MUST be used to encode the length". tungstenite
    /// takes any form.
    LengthNotMinimal,
    /// 1014 (bad gateway) is registered with IANA like 1012 and 1013, which tungstenite takes.
    Code1014,
    /// We fail at the first byte that shows the fault (RFC 6455, 8.1 allows it, Autobahn 6.4 asks
    /// for it), tungstenite when the frame is complete: if the stream ends before, it sees none.
    FoundBeforeTheFrameIsComplete,
}

/// What a read from a socket would bring; what is written to it is dropped.
struct Memory(Cursor<Vec<u8>>);

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Memory {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(stream: &[u8]) -> (Vec<Item>, Verdict) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(LIMITS.max_message_bytes))
        .max_frame_size(Some(LIMITS.max_message_bytes));
    let memory = Memory(Cursor::new(stream.to_vec()));
    let mut socket = WebSocket::from_raw_socket(memory, Role::Server, Some(config));
    let mut items = Vec::new();
    loop {
        let item = match socket.read() {
            Ok(Message::Text(text)) => Item::Text(text.to_string()),
            Ok(Message::Binary(bytes)) => Item::Binary(bytes.to_vec()),
            Ok(Message::Ping(payload)) => Item::Ping(payload.to_vec()),
            Ok(Message::Pong(payload)) => Item::Pong(payload.to_vec()),
            Ok(Message::Close(Some(frame)))
                if frame.code == CloseCode::Protocol && frame.reason == "Protocol violation" =>
            {
                return (items, Verdict::Refused); // how it reports a code that must not be sent
            }
            Ok(Message::Close(frame)) => {
                let frame = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                items.push(Item::Close(frame));
                return (items, Verdict::Closed);
            }
            Ok(Message::Frame(_)) => unreachable!("only for writing"),
            Err(Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return (items, Verdict::Open),
            Err(Error::Protocol(_) | Error::Utf8(_) | Error::Capacity(_)) => {
                return (items, Verdict::Refused);
            }
            Err(error) => panic!("not about the stream: {error}"),
        };
        items.push(item);
    }
}

fn ours(stream: &[u8]) -> (Vec<Item>, Verdict, Option<ProtocolError>) {
    let Outcome { items, error, .. } = receive_inputs(&LIMITS, [stream]);
    let verdict = match (error, items.last()) {
        (Some(_), _) => Verdict::Refused,
        (None, Some(Item::Close(_))) => Verdict::Closed,
        (None, _) => Verdict::Open,
    };
    (items, verdict, error)
}

/// `None` if both say the same of `stream`, the beginning of `whole`.
fn difference(stream: &[u8], whole: &[u8]) -> Result<Option<KnownDifference>, TestCaseError> {
    let (our_items, our_verdict, error) = ours(stream);
    let (their_items, their_verdict) = theirs(stream);
    if (&our_items, &our_verdict) == (&their_items, &their_verdict) {
        return Ok(None);
    }
    let they_go_on = their_items.starts_with(&our_items);
    if error == Some(ProtocolError::LengthNotMinimal) && they_go_on {
        return Ok(Some(KnownDifference::LengthNotMinimal));
    }
    if let Some((Item::Close(Some((1014, _))), before)) = our_items.split_last()
        && (&their_verdict, &their_items[..]) == (&Verdict::Refused, before)
    {
        return Ok(Some(KnownDifference::Code1014));
    }
    let same_items = our_items == their_items;
    if stream.len() < whole.len() && their_verdict == Verdict::Open && same_items && error.is_some()
    {
        // The fault must be one for them too, once the frame that it stands in is complete.
        prop_assert_eq!(ours(whole).2, error);
        difference(whole, whole)?;
        return Ok(Some(KnownDifference::FoundBeforeTheFrameIsComplete));
    }
    prop_assert_eq!((our_items, our_verdict), (their_items, their_verdict));
    Ok(None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn same_items_and_same_verdict(stream in stream()) {
        difference(&stream, &stream)?;
    }

    #[test]
    fn same_verdict_on_close_frames(frame in close()) {
        difference(&frame, &frame)?;
    }

    #[test]
    fn same_items_and_same_verdict_on_a_stream_that_breaks_off(
        stream in stream(),
        len in any::<proptest::sample::Index>(),
    ) {
        difference(&stream[..len.index(stream.len() + 1)], &stream)?;
    }
}

/// The other direction: its client reads what we send.
#[test]
fn their_client_reads_our_frames() {
    let mut out = Vec::new();
    let long = "κόσμε".repeat(10_000);
    put_frame(&mut out, Opcode::Text, b"");
    put_frame(&mut out, Opcode::Text, long.as_bytes());
    put_frame(&mut out, Opcode::Binary, &[7; 300]);
    put_frame(&mut out, Opcode::Pong, b"pong");
    put_close(&mut out, 1001, "bye");
    let mut client = WebSocket::from_raw_socket(Memory(Cursor::new(out)), Role::Client, None);
    assert_eq!(client.read().unwrap(), Message::text(""));
    assert_eq!(client.read().unwrap(), Message::text(long));
    assert_eq!(client.read().unwrap(), Message::binary(vec![7; 300]));
    assert_eq!(client.read().unwrap(), Message::Pong("pong".into()));
    let Message::Close(Some(frame)) = client.read().unwrap() else {
        panic!("a close frame")
    };
    assert_eq!(
        (u16::from(frame.code), frame.reason.as_str()),
        (1001, "bye")
    );
}

/// Every known difference is one: if tungstenite comes to agree, its name goes.
#[test]
fn the_known_differences_are_there() {
    let seen = |stream: &[u8], whole: &[u8]| difference(stream, whole).unwrap();
    let not_minimal = frame_announcing(BINARY, 1, b"a");
    assert_eq!(
        seen(&not_minimal, &not_minimal),
        Some(KnownDifference::LengthNotMinimal)
    );
    let code_1014 = frame(CLOSE, &1014_u16.to_be_bytes());
    assert_eq!(
        seen(&code_1014, &code_1014),
        Some(KnownDifference::Code1014)
    );
    let whole = frame(TEXT, b"\xff, and more");
    let found_before = Some(KnownDifference::FoundBeforeTheFrameIsComplete);
    assert_eq!(seen(&whole[..8], &whole), found_before);
}
