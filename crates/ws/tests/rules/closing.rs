//! RFC 6455, 5.5.1, 7.1 and 7.4: close frames.

use parlour_ws::{Limits, ProtocolError};

use crate::common::*;

fn close_frame(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

fn closed(code: u16, reason: &str) -> Item {
    Item::Close(Some((code, reason.to_owned())))
}

#[test]
fn code_and_reason_come_out_rfc_6455_5_5_1() {
    let longest = "é".repeat(61) + "!"; // 123 bytes
    for reason in ["", "bye", "κόσμε", &longest] {
        let stream = close_frame(1000, reason.as_bytes());
        let expected = Outcome::items([closed(1000, reason)]);
        assert_eq!(receive(&stream), expected);
        assert_eq!(byte_by_byte(&Limits::default(), &stream), expected);
    }
    assert_eq!(
        receive(&frame(CLOSE, b"")),
        Outcome::items([Item::Close(None)])
    );
}

#[test]
fn half_a_code_is_refused_rfc_6455_5_5_1() {
    let refused = Outcome::error(ProtocolError::CloseCodeCut);
    assert_eq!(receive(&frame(CLOSE, b"\x03")), refused);
}

#[test]
fn a_reason_must_be_utf8_rfc_6455_5_5_1() {
    let refused = Outcome::error(ProtocolError::CloseReasonNotUtf8);
    let bad = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80";
    assert_eq!(receive(&close_frame(1000, bad)), refused);
    assert_eq!(
        byte_by_byte(&Limits::default(), &close_frame(1000, bad)),
        refused
    );
}

#[test]
fn codes_that_may_be_sent_come_out_rfc_6455_7_4() {
    let codes = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ];
    for code in codes {
        assert_eq!(
            receive(&close_frame(code, b"")),
            Outcome::items([closed(code, "")])
        );
    }
}

#[test]
fn codes_that_must_not_be_sent_are_refused_rfc_6455_7_4() {
    let codes = [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ];
    for code in codes {
        let refused = Outcome::error(ProtocolError::CloseCodeInvalid(code));
        assert_eq!(receive(&close_frame(code, b"reason")), refused);
    }
}

#[test]
fn after_a_close_frame_everything_is_swallowed_rfc_6455_5_5_1() {
    let stream = [
        frame(TEXT, b"before"),
        close_frame(1000, b""),
        frame(TEXT, b"after"),
        frame(PING, b""),
        close_frame(1001, b""),
        b"\xff\xff no frame".to_vec(),
    ]
    .concat();
    let expected = Outcome::items([text("before"), closed(1000, "")]);
    assert_eq!(receive(&stream), expected);
    assert_eq!(byte_by_byte(&Limits::default(), &stream), expected);
}

#[test]
fn a_close_frame_may_interrupt_a_message_rfc_6455_5_4() {
    let stream = [
        frame(TEXT_BEGINS, b"never "),
        frame(CLOSE, b""),
        frame(ENDS, b"said"),
    ]
    .concat();
    let expected = Outcome::items([Item::Close(None)]);
    assert_eq!(receive(&stream), expected);
    assert_eq!(byte_by_byte(&Limits::default(), &stream), expected);
}
