//! The limit of a message: close code 1009 (RFC 6455, 7.4.1 and 10.4).

use parlour_ws::{Limits, ProtocolError};

use crate::common::*;

const LIMITS: Limits = Limits {
    max_message_bytes: 10,
};

fn receive(stream: &[u8]) -> Outcome {
    let outcome = receive_inputs(&LIMITS, [stream]);
    assert_eq!(byte_by_byte(&LIMITS, stream), outcome);
    outcome
}

fn too_big(announced: u64) -> Outcome {
    Outcome::error(ProtocolError::MessageTooBig {
        announced,
        limit: 10,
    })
}

#[test]
fn a_message_may_be_as_long_as_the_limit() {
    assert_eq!(
        receive(&frame(TEXT, b"0123456789")),
        Outcome::items([text("0123456789")])
    );
    assert_eq!(receive(&frame(TEXT, b"0123456789+")), too_big(11));
}

#[test]
fn the_announced_length_decides_before_any_payload_has_come() {
    assert_eq!(receive(&[BINARY, 0x80 | 11]), too_big(11));
    assert_eq!(
        receive(&frame_announcing(BINARY, 1 << 40, b"")),
        too_big(1 << 40)
    );
    let most = i64::MAX as u64;
    assert_eq!(receive(&frame_announcing(BINARY, most, b"")), too_big(most));
}

#[test]
fn the_fragments_of_a_message_are_counted_together() {
    let fits = [
        frame(TEXT_BEGINS, b"01234"),
        frame(PING, b"in between"),
        frame(ENDS, b"56789"),
    ];
    let expected = Outcome::items([ping("in between"), text("0123456789")]);
    assert_eq!(receive(&fits.concat()), expected);
    let over = [
        frame(TEXT_BEGINS, b"01234"),
        frame(CONTINUES, b"5678"),
        frame(ENDS, b"9+"),
    ];
    assert_eq!(receive(&over.concat()), too_big(11));
    let huge = [
        frame(TEXT_BEGINS, b"0"),
        frame_announcing(ENDS, i64::MAX as u64, b""),
    ];
    assert_eq!(receive(&huge.concat()), too_big(1 << 63));
}

#[test]
fn every_message_counts_from_zero() {
    let stream = [frame(TEXT, b"0123456789"), frame(BINARY, b"0123456789")].concat();
    let expected = Outcome::items([text("0123456789"), Item::Binary(b"0123456789".into())]);
    assert_eq!(receive(&stream), expected);
}

#[test]
fn control_frames_do_not_count() {
    let payload = "longer than ten bytes";
    assert_eq!(
        receive(&frame(PING, payload.as_bytes())),
        Outcome::items([ping(payload)])
    );
}

#[test]
fn zero_allows_empty_messages_only() {
    let limits = Limits {
        max_message_bytes: 0,
    };
    let stream = [frame(TEXT, b""), frame(TEXT, b"x")].concat();
    let outcome = receive_inputs(&limits, [&stream[..]]);
    assert_eq!(outcome.items, [text("")]);
    assert_eq!(
        outcome.error,
        Some(ProtocolError::MessageTooBig {
            announced: 1,
            limit: 0
        })
    );
}
