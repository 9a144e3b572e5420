//! RFC 6455, 8.1: text is UTF-8, and is refused at the first byte that cannot be (Autobahn 6.4).

use parlour_ws::{Limits, ProtocolError};

use crate::common::*;

const GREEK: &str = "Hello-µ@ßöäüàá-UTF-8!! κόσμε";
const REFUSED: ProtocolError = ProtocolError::TextNotUtf8;

/// `κόσμε`, a surrogate, `edited`.
const SURROGATE: &[u8] =
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65\x64\x69\x74\x65\x64";
/// Where the surrogate shows: `ed` could still become a character, `ed a0` cannot.
const SHOWS_AT: usize = 13;

#[test]
fn characters_may_be_cut_by_fragments_and_inputs_rfc_6455_8_1() {
    let mut one_byte_each = Vec::new();
    for (n, byte) in GREEK.bytes().enumerate() {
        let first = match n {
            0 => TEXT_BEGINS,
            _ if n + 1 == GREEK.len() => ENDS,
            _ => CONTINUES,
        };
        one_byte_each.extend(frame(first, &[byte]));
    }
    let expected = Outcome::items([text(GREEK)]);
    assert_eq!(receive(&one_byte_each), expected);
    assert_eq!(byte_by_byte(&Limits::default(), &one_byte_each), expected);
}

#[test]
fn bad_text_is_refused_whole_and_in_fragments_rfc_6455_8_1() {
    assert_eq!(receive(&frame(TEXT, SURROGATE)), Outcome::error(REFUSED));
    for cut in 0..=SURROGATE.len() {
        let (left, right) = SURROGATE.split_at(cut);
        let stream = [frame(TEXT_BEGINS, left), frame(ENDS, right)].concat();
        assert_eq!(receive(&stream), Outcome::error(REFUSED), "cut at {cut}");
    }
}

#[test]
fn a_bad_byte_is_refused_before_its_frame_is_complete_rfc_6455_8_1() {
    const HEADER: usize = 6;
    let frame = frame(TEXT, SURROGATE);
    let begun = |len: usize| receive_inputs(&Limits::default(), [&frame[..HEADER + len]]);
    assert_eq!(begun(SHOWS_AT - 1).error, None);
    assert_eq!(begun(SHOWS_AT), Outcome::error(REFUSED));
}

#[test]
fn a_bad_byte_is_refused_before_its_message_is_complete_rfc_6455_8_1() {
    let begun = frame(TEXT_BEGINS, &SURROGATE[..SHOWS_AT]);
    assert_eq!(receive(&begun), Outcome::error(REFUSED));
    let with_a_ping = [begun, frame(PING, b"")].concat();
    assert_eq!(
        receive(&with_a_ping),
        Outcome::error(REFUSED),
        "the ping comes too late"
    );
}

#[test]
fn a_text_may_not_end_inside_a_character_rfc_6455_8_1() {
    let refused = Outcome::error(REFUSED);
    assert_eq!(receive(&frame(TEXT, b"\xce")), refused);
    assert_eq!(
        receive(&[frame(TEXT_BEGINS, b"\xce"), frame(ENDS, b"")].concat()),
        refused
    );
    assert_eq!(
        byte_by_byte(&Limits::default(), &frame(TEXT, b"a\xf0\x9d\x84")),
        refused
    );
}

#[test]
fn one_text_does_not_continue_the_character_of_another() {
    let stream = [frame(TEXT, "κ".as_bytes()), frame(TEXT, b"\xba")].concat();
    let expected = Outcome {
        items: vec![text("κ")],
        ..Outcome::error(REFUSED)
    };
    assert_eq!(byte_by_byte(&Limits::default(), &stream), expected);
}

#[test]
fn noncharacters_and_the_highest_character_are_text_rfc_3629() {
    let whole = "\u{0}\u{FFFE}\u{FFFF}\u{10FFFF}\u{FFFD}";
    assert_eq!(
        receive(&frame(TEXT, whole.as_bytes())),
        Outcome::items([text(whole)])
    );
}

#[test]
fn what_is_not_utf8_at_all_is_refused_rfc_3629() {
    let bad: [&[u8]; 8] = [
        b"\x80",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xed\xbf\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xff",
    ];
    for payload in bad {
        let payload = [b"ok ", payload].concat();
        assert_eq!(
            receive(&frame(TEXT, &payload)),
            Outcome::error(REFUSED),
            "{payload:x?}"
        );
        let split = byte_by_byte(&Limits::default(), &frame(TEXT, &payload));
        assert_eq!(split, Outcome::error(REFUSED), "{payload:x?} byte by byte");
    }
}

#[test]
fn binary_messages_may_hold_anything() {
    let expected = Outcome::items([Item::Binary(SURROGATE.into())]);
    assert_eq!(receive(&frame(BINARY, SURROGATE)), expected);
    assert_eq!(
        byte_by_byte(&Limits::default(), &frame(BINARY, SURROGATE)),
        expected
    );
}
