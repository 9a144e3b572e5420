//! RFC 6455, 5.4: fragments, and control frames between them.

use parlour_ws::{Limits, ProtocolError, Receiver};

use crate::common::*;

fn all(frames: &[Vec<u8>]) -> Outcome {
    let stream = frames.concat();
    let outcome = receive(&stream);
    assert_eq!(byte_by_byte(&Limits::default(), &stream), outcome);
    outcome
}

#[test]
fn the_fragmented_hello_of_rfc_6455_5_7() {
    let frames = [frame(TEXT_BEGINS, b"Hel"), frame(ENDS, b"lo")];
    assert_eq!(all(&frames), Outcome::items([text("Hello")]));
}

#[test]
fn fragments_may_be_empty_rfc_6455_5_4() {
    let frames = [
        frame(BINARY_BEGINS, b""),
        frame(CONTINUES, b""),
        frame(CONTINUES, b"x"),
        frame(ENDS, b""),
    ];
    assert_eq!(all(&frames), Outcome::items([Item::Binary(b"x".into())]));
    let all_empty = [
        frame(TEXT_BEGINS, b""),
        frame(CONTINUES, b""),
        frame(ENDS, b""),
    ];
    assert_eq!(all(&all_empty), Outcome::items([text("")]));
}

#[test]
fn control_frames_come_out_before_the_message_they_interrupt_rfc_6455_5_4() {
    let frames = [
        frame(TEXT_BEGINS, b"frag"),
        frame(PING, b"1"),
        frame(CONTINUES, b"men"),
        frame(PONG, b"2"),
        frame(PING, b""),
        frame(ENDS, b"ts"),
        frame(PING, b"3"),
    ];
    let expected = [
        ping("1"),
        Item::Pong(b"2".into()),
        ping(""),
        text("fragments"),
        ping("3"),
    ];
    assert_eq!(all(&frames), Outcome::items(expected));
}

#[test]
fn one_message_after_the_other() {
    let frames = [
        frame(TEXT, b"one"),
        frame(BINARY_BEGINS, b"t"),
        frame(ENDS, b"wo"),
        frame(TEXT_BEGINS, b"th"),
        frame(ENDS, b"ree"),
        frame(TEXT, b""),
    ];
    let expected = [
        text("one"),
        Item::Binary(b"two".into()),
        text("three"),
        text(""),
    ];
    assert_eq!(all(&frames), Outcome::items(expected));
}

#[test]
fn a_message_inside_another_is_refused_rfc_6455_5_4() {
    for first in [TEXT, TEXT_BEGINS, BINARY, BINARY_BEGINS] {
        let frames = [
            frame(TEXT_BEGINS, b"one"),
            frame(PING, b""),
            frame(first, b"two"),
        ];
        let expected = Outcome {
            items: vec![ping("")],
            ..Outcome::error(ProtocolError::MessageInsideMessage)
        };
        assert_eq!(all(&frames), expected, "{first:#x}");
    }
}

#[test]
fn a_continuation_of_nothing_is_refused_rfc_6455_5_4() {
    for first in [CONTINUES, ENDS] {
        let refused = Outcome::error(ProtocolError::NothingToContinue);
        assert_eq!(all(&[frame(first, b"x")]), refused);
        let after_a_message = [frame(TEXT, b"one"), frame(first, b"x")];
        let expected = Outcome {
            items: vec![text("one")],
            ..refused
        };
        assert_eq!(all(&after_a_message), expected);
    }
}

#[test]
fn a_ping_inside_a_frame_is_payload() {
    let payload = [b"x", &frame(PING, b"")[..]].concat();
    assert_eq!(
        all(&[frame(BINARY, &payload)]),
        Outcome::items([Item::Binary(payload)])
    );
}

#[test]
fn mid_message_means_that_the_end_of_the_stream_would_cut_something() {
    let mid = |stream: &[u8]| receive(stream).mid_message;
    let message = frame(TEXT, b"Hello");
    assert!(!mid(b""));
    assert!(!mid(&message));
    for len in 1..message.len() {
        assert!(mid(&message[..len]), "after {len} bytes");
    }
    assert!(mid(&frame(TEXT_BEGINS, b"")));
    assert!(mid(&[frame(TEXT_BEGINS, b""), frame(PING, b"")].concat()));
    assert!(!mid(&[frame(TEXT_BEGINS, b""), frame(CLOSE, b"")].concat()));
}

#[test]
fn a_call_stops_after_one_item() {
    let mut input = [frame(TEXT, b"one"), frame(PING, b"two"), vec![TEXT]].concat();
    let mut receiver = Receiver::new();
    let limits = Limits::default();
    assert_eq!(receiver.receive(&limits, &mut input).unwrap().consumed, 9);
    assert_eq!(
        receiver.receive(&limits, &mut input[9..]).unwrap().consumed,
        9
    );
    let received = receiver.receive(&limits, &mut input[18..]).unwrap();
    assert_eq!((received.consumed, received.item), (1, None));
}
