//! A receiver that has agreed on compression: RFC 7692, 6 and 7.2.2.

use allocation_counter::measure;
use parlour_ws::deflate::Inflater;
use parlour_ws::{Incoming, Limits, ProtocolError, Receiver};

use crate::common::*;

const LIMITS: Limits = Limits {
    max_message_bytes: 1_000,
};

fn receive(stream: &[u8]) -> Outcome {
    let outcome = receive_inputs_inflating(&LIMITS, [stream]);
    let bytes = receive_inputs_inflating(&LIMITS, stream.chunks(1));
    assert_eq!(bytes, outcome, "byte by byte");
    outcome
}

fn refused(stream: &[u8]) -> ProtocolError {
    let outcome = receive(stream);
    assert!(outcome.items.is_empty(), "{outcome:?}");
    outcome.error.expect("it is refused")
}

/// The header of a frame that announces so many bytes, 126 to 65,535.
fn announcing(first: u8, announced: u16) -> Vec<u8> {
    let length = announced.to_be_bytes();
    [&[first, 0x80 | 126][..], &length, &KEY].concat()
}

fn compressed(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(COMPRESSED | first, &deflated(payload))
}

#[test]
fn compressed_and_plain_messages_stand_side_by_side_rfc_7692_6() {
    let stream = [
        compressed(TEXT, "κόσμε".as_bytes()),
        frame(TEXT, b"plain"),
        compressed(BINARY, &[0xff; 500]),
        frame(PING, b"?"),
        compressed(TEXT, b""),
    ];
    let items = [
        text("κόσμε"),
        text("plain"),
        Item::Binary(vec![0xff; 500]),
        ping("?"),
        text(""),
    ];
    assert_eq!(receive(&stream.concat()), Outcome::items(items));
}

#[test]
fn the_mark_of_the_first_frame_counts_for_the_whole_message_rfc_7692_6_1() {
    let whole = deflated("κόσμε".as_bytes());
    for cut in 0..=whole.len() {
        let stream = [
            frame(COMPRESSED | TEXT_BEGINS, &whole[..cut]),
            frame(PING, b"in between"),
            frame(ENDS, &whole[cut..]),
        ];
        let expected = Outcome::items([ping("in between"), text("κόσμε")]);
        assert_eq!(receive(&stream.concat()), expected, "cut at {cut}");
    }
}

#[test]
fn the_mark_is_refused_where_nothing_was_agreed_on_rfc_6455_5_2() {
    let stream = compressed(TEXT, b"Hello");
    let outcome = receive_inputs(&LIMITS, [&stream[..]]);
    assert_eq!(outcome, Outcome::error(ProtocolError::ReservedBit));
}

#[test]
fn the_mark_is_refused_on_all_but_the_first_frame_of_a_message_rfc_7692_6_1() {
    for first in [PING, PONG, CLOSE] {
        let stream = frame(COMPRESSED | first, b"");
        assert_eq!(refused(&stream), ProtocolError::ReservedBit, "{first:#x}");
    }
    for begins in [TEXT_BEGINS, COMPRESSED | TEXT_BEGINS] {
        let stream = [frame(begins, b""), frame(COMPRESSED | ENDS, b"")].concat();
        assert_eq!(refused(&stream), ProtocolError::ReservedBit, "{begins:#x}");
    }
}

#[test]
fn the_other_reserved_bits_stay_refused_rfc_6455_5_2() {
    for first in [0xA1, 0x91, 0xF1, 0xE1, 0xD1] {
        assert_eq!(
            refused(&frame(first, b"")),
            ProtocolError::ReservedBit,
            "{first:#x}"
        );
    }
}

#[test]
fn what_cannot_be_inflated_is_closed_1002() {
    for garbage in [
        &b""[..],
        b"Hello",
        b"\xff\xff\xff",
        &deflated(b"Hello")[..4],
    ] {
        let error = refused(&frame(COMPRESSED | TEXT, garbage));
        assert_eq!(error, ProtocolError::NotDeflate, "{garbage:x?}");
        assert_eq!(error.close_code(), 1002);
    }
}

#[test]
fn text_is_checked_when_it_is_inflated_rfc_6455_8_1() {
    let cut = &"κόσμε".as_bytes()[..3];
    for bad in [&b"\xff"[..], cut, b"\xed\xa0\x80"] {
        let error = refused(&compressed(TEXT, bad));
        assert_eq!(error, ProtocolError::TextNotUtf8, "{bad:x?}");
        assert_eq!(error.close_code(), 1007);
        let expected = Outcome::items([Item::Binary(bad.to_vec())]);
        assert_eq!(receive(&compressed(BINARY, bad)), expected);
    }
    assert_eq!(refused(&frame(TEXT, b"\xff")), ProtocolError::TextNotUtf8);
}

#[test]
fn a_bomb_is_closed_1009() {
    let error = refused(&compressed(BINARY, &[0; 1_001]));
    assert_eq!(error, ProtocolError::InflatesTooBig { limit: 1_000 });
    assert_eq!(error.close_code(), 1009);
}

/// As long as it may be said, and longer when it is compressed: clients compress whatever they have.
#[test]
fn what_compression_makes_longer_is_not_too_big() {
    let mut state = 1_u32;
    let mut noise = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let noise: Vec<u8> = (0..1_000).map(&mut noise).collect();
    assert!(deflated(&noise).len() > 1_000);
    let expected = Outcome::items([Item::Binary(noise.clone())]);
    assert_eq!(receive(&compressed(BINARY, &noise)), expected);
    let plain = announcing(BINARY, 1_001);
    assert!(matches!(
        refused(&plain),
        ProtocolError::MessageTooBig { .. }
    ));
}

#[test]
fn the_length_on_the_wire_has_a_limit_too() {
    let announced = |len| announcing(COMPRESSED | BINARY, len);
    assert_eq!(receive(&announced(1_189)).error, None);
    let too_big = |announced| ProtocolError::MessageTooBig {
        announced,
        limit: 1_000,
    };
    assert_eq!(refused(&announced(1_190)), too_big(1_190));
    let stream = [
        frame(COMPRESSED | BINARY_BEGINS, &[0; 1_100]),
        frame(ENDS, &[0; 90]),
    ];
    assert_eq!(refused(&stream.concat()), too_big(1_190));
}

fn drain(receiver: &mut Receiver, inflater: &mut Inflater, input: &mut [u8]) -> usize {
    let (mut rest, mut total) = (input, 0);
    loop {
        let limits = Limits {
            max_message_bytes: 1 << 20,
        };
        let received = receiver.receive_inflating(&limits, inflater, rest).unwrap();
        let consumed = received.consumed;
        match received.item {
            Some(Incoming::Binary(bytes)) => total += bytes.len(),
            None => return total,
            Some(other) => panic!("{other:?}"),
        }
        rest = &mut rest[consumed..];
    }
}

#[test]
fn one_inflater_serves_all_and_a_receiver_keeps_nothing() {
    let mut inflater = Inflater::new();
    let stream = compressed(BINARY, &[7; 10_000]);
    drain(&mut Receiver::new(), &mut inflater, &mut stream.clone());
    let mut receivers: Vec<Receiver> = (0..100).map(|_| Receiver::new()).collect();
    let mut inputs: Vec<Vec<u8>> = vec![stream; 100];
    let info = measure(|| {
        for (receiver, input) in receivers.iter_mut().zip(&mut inputs) {
            assert_eq!(drain(receiver, &mut inflater, input), 10_000);
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn the_memory_of_a_large_message_is_given_back() {
    let (mut receiver, mut inflater) = (Receiver::new(), Inflater::new());
    let mut stream = compressed(BINARY, &[7; 1_000_000]);
    assert_eq!(drain(&mut receiver, &mut inflater, &mut stream), 1_000_000);
    assert_eq!(inflater.capacity(), 0);
}
