//! The seam for RFC 7692, which no caller can reach yet, and the size. What callers see is tested in
//! `tests/`.

use super::*;
use crate::message::Extensions;

const NEGOTIATED: Limits = Limits {
    max_message_bytes: 1024,
    extensions: Extensions::COMPRESSED_MESSAGES,
};

/// A masked frame whose key is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let short = u8::try_from(payload.len()).unwrap();
    [&[first, 0x80 | short, 0, 0, 0, 0], payload].concat()
}

fn first_item(limits: &Limits, mut input: Vec<u8>) -> Result<Option<Vec<u8>>, ProtocolError> {
    let mut receiver = Receiver::new();
    let received = receiver.receive(limits, &mut input)?;
    Ok(received.item.map(|item| match item {
        Incoming::Text(text) => text.as_bytes().to_vec(),
        Incoming::Binary(bytes) => bytes.to_vec(),
        other => panic!("{other:?} is not a message"),
    }))
}

#[test]
fn an_idle_receiver_is_small() {
    assert!(
        size_of::<Receiver>() <= 64,
        "{} bytes",
        size_of::<Receiver>()
    );
}

#[test]
fn rsv1_is_refused_without_an_extension_rfc_6455_5_2() {
    let refused = Err(ProtocolError::ReservedBit);
    assert_eq!(first_item(&Limits::default(), frame(0xC1, b"a")), refused);
}

#[test]
fn rsv1_marks_a_compressed_message_once_negotiated_rfc_7692_6() {
    // Not UTF-8 on the wire, and need not be: the text is inside.
    let compressed = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    assert_eq!(
        first_item(&NEGOTIATED, frame(0xC1, compressed)),
        Ok(Some(compressed.to_vec()))
    );
}

#[test]
fn the_mark_of_the_first_frame_counts_for_the_whole_message_rfc_7692_6_1() {
    let pieces = [
        frame(0x41, b"\xf2\x48\xcd"),
        frame(0x80, b"\xc9\xc9\x07\x00"),
    ]
    .concat();
    let whole = b"\xf2\x48\xcd\xc9\xc9\x07\x00".to_vec();
    assert_eq!(first_item(&NEGOTIATED, pieces), Ok(Some(whole)));
}

#[test]
fn a_plain_message_is_still_checked_once_negotiated_rfc_6455_8_1() {
    let refused = Err(ProtocolError::TextNotUtf8);
    assert_eq!(first_item(&NEGOTIATED, frame(0x81, b"\xff")), refused);
}

#[test]
fn rsv1_belongs_to_the_first_frame_of_a_message_only_rfc_7692_6_1() {
    let refused = Err(ProtocolError::ReservedBit);
    assert_eq!(
        first_item(&NEGOTIATED, frame(0xC9, b"")),
        refused,
        "on a ping"
    );
    let continued = [frame(0x41, b"a"), frame(0xC0, b"b")].concat();
    assert_eq!(
        first_item(&NEGOTIATED, continued),
        refused,
        "on a continuation"
    );
}

#[test]
fn the_other_reserved_bits_stay_refused_once_negotiated_rfc_6455_5_2() {
    for first in [0xA1, 0x91, 0xF1] {
        let refused = Err(ProtocolError::ReservedBit);
        assert_eq!(
            first_item(&NEGOTIATED, frame(first, b"")),
            refused,
            "{first:#x}"
        );
    }
}
