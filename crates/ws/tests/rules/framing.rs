//! RFC 6455, 5.1 to 5.3 and 5.5: frames.

use parlour_ws::{Limits, Opcode, ProtocolError};

use crate::common::*;

#[test]
fn the_masked_hello_of_rfc_6455_5_7() {
    let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(receive(hello), Outcome::items([text("Hello")]));
}

#[test]
fn lengths_around_the_three_forms_rfc_6455_5_2() {
    let limits = Limits {
        max_message_bytes: 65_537,
    };
    for len in [0, 1, 125, 126, 127, 65_535, 65_536, 65_537] {
        let payload = vec![7; len];
        let outcome = receive_inputs(&limits, [&frame(BINARY, &payload)[..]]);
        assert_eq!(
            outcome,
            Outcome::items([Item::Binary(payload)]),
            "{len} bytes"
        );
    }
}

#[test]
fn a_length_in_too_many_bytes_is_refused_rfc_6455_5_2() {
    let refused = Outcome::error(ProtocolError::LengthNotMinimal);
    for len in [0, 1, 125, 126, 65_535] {
        let frame = frame_announcing(BINARY, len, &vec![7; len as usize]);
        assert_eq!(receive(&frame), refused, "{len} in 64 bits");
    }
    for len in [0_u16, 125] {
        let mut frame = vec![BINARY, 0x80 | 126];
        frame.extend(len.to_be_bytes());
        put_masked(&mut frame, &vec![7; len.into()]);
        assert_eq!(receive(&frame), refused, "{len} in 16 bits");
    }
}

#[test]
fn a_length_with_the_highest_bit_is_refused_rfc_6455_5_2() {
    let refused = Outcome::error(ProtocolError::LengthOutOfRange);
    assert_eq!(receive(&frame_announcing(BINARY, 1 << 63, b"")), refused);
    assert_eq!(receive(&frame_announcing(TEXT, u64::MAX, b"")), refused);
}

#[test]
fn a_frame_without_a_mask_is_refused_rfc_6455_5_1() {
    let refused = Outcome::error(ProtocolError::NotMasked);
    assert_eq!(receive(b"\x81\x05Hello"), refused);
    assert_eq!(receive(b"\x89\x00"), refused);
    assert_eq!(
        receive(b"\x81\x05"),
        refused,
        "at once, not when the payload has come"
    );
}

#[test]
fn reserved_bits_are_refused_on_every_opcode_rfc_6455_5_2() {
    let refused = Outcome::error(ProtocolError::ReservedBit);
    for bits in [0x40, 0x20, 0x10, 0x70] {
        for first in [TEXT, TEXT_BEGINS, BINARY, CLOSE, PING, PONG] {
            assert_eq!(
                receive(&frame(first | bits, b"")),
                refused,
                "{:#x}",
                first | bits
            );
        }
    }
}

#[test]
fn reserved_opcodes_are_refused_rfc_6455_5_2() {
    for bits in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        let refused = Outcome::error(ProtocolError::ReservedOpcode(bits));
        assert_eq!(receive(&frame(0x80 | bits, b"")), refused);
        assert_eq!(receive(&[0x80 | bits]), refused, "at the first byte");
    }
}

#[test]
fn control_frames_carry_up_to_125_bytes_rfc_6455_5_5() {
    let payload = [0xfe; 125];
    assert_eq!(
        receive(&frame(PING, &payload)),
        Outcome::items([Item::Ping(payload.into())])
    );
    assert_eq!(
        receive(&frame(PONG, &payload)),
        Outcome::items([Item::Pong(payload.into())])
    );
    assert_eq!(receive(&frame(PING, b"")), Outcome::items([ping("")]));
}

#[test]
fn longer_control_frames_are_refused_rfc_6455_5_5() {
    for (first, opcode) in [
        (PING, Opcode::Ping),
        (PONG, Opcode::Pong),
        (CLOSE, Opcode::Close),
    ] {
        let refused = Outcome::error(ProtocolError::ControlTooLong(opcode));
        assert_eq!(receive(&frame(first, &[0; 126])), refused);
        assert_eq!(
            receive(&[first, 0x80 | 126]),
            refused,
            "before the payload has come"
        );
        assert_eq!(
            receive(&[first, 0x80 | 127]),
            refused,
            "before the payload has come"
        );
    }
}

#[test]
fn fragmented_control_frames_are_refused_rfc_6455_5_5() {
    for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
        let refused = Outcome::error(ProtocolError::ControlFragmented(opcode));
        assert_eq!(receive(&frame(opcode.bits(), b"")), refused);
    }
}

#[test]
fn after_an_error_everything_is_swallowed_rfc_6455_7_1_7() {
    let mut receiver = parlour_ws::Receiver::new();
    let mut broken = [frame(0x83, b""), frame(TEXT, b"not for us")].concat();
    let error = receiver
        .receive(&Limits::default(), &mut broken)
        .unwrap_err();
    assert_eq!(error, ProtocolError::ReservedOpcode(3));
    let mut more = frame(TEXT, b"nor this");
    let received = receiver.receive(&Limits::default(), &mut more).unwrap();
    assert_eq!((received.consumed, received.item), (14, None));
    assert!(!receiver.is_mid_message());
}
