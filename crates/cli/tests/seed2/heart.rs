//! Pings, signs of life, and closing: rows 2.30, 2.31 as E8 decides them.

use crate::wire::{Bare, House};
use crate::{ANN, both_ways};

fn bare(house: &House) -> Bare {
    let ticket = house.way.login(ANN.0, ANN.1).unwrap();
    house.way.open_bare(&format!("/ws?otp={ticket}")).unwrap()
}

/// Rows 2.30, 2.31. It is closed with a reason, and not cut (D25).
#[test]
fn silence_is_pinged_and_who_does_not_answer_is_closed_1008() {
    both_ways(|house| {
        let mut silent = bare(&house);
        let mut alive = bare(&house);
        // Pinged and answered once in every second, it outlives the other one.
        for _ in 0..2 {
            let frame = alive.next().unwrap();
            assert!(frame.is_ping(), "{frame:?}");
            alive.send(0x8a, &frame.payload).unwrap();
        }
        assert!(silent.next().unwrap().is_ping());
        let close = silent.next().unwrap();
        assert_eq!(close.close_code(), Some(1008), "{close:?}");
        assert_eq!(&close.payload[2..], b"no sign of life");
        alive.send(0x89, b"mine").unwrap();
        let pong = alive.next_but_pings().unwrap();
        assert_eq!(
            (pong.first, &*pong.payload),
            (0x8a, &b"mine"[..]),
            "a ping is answered"
        );
    });
}

/// Row 2.30 as E8 and D43 mend it: a busy client need not pong.
#[test]
fn data_counts_as_life() {
    const EVENT: &[u8] = br#"{"type":"send_message","payload":{"message":"busy"}}"#;
    both_ways(|house| {
        let mut busy = bare(&house);
        // Each ping is the end of another second without a pong, and the pong's time is two.
        for _ in 0..5 {
            while !busy.next().unwrap().is_ping() {}
            busy.send(0x81, EVENT).unwrap();
        }
        let heard = busy.next_but_pings().unwrap();
        assert!(
            heard.payload.starts_with(b"{\"type\":\"new_message\""),
            "{heard:?}"
        );
    });
}

/// Row 2.31.
#[test]
fn a_close_is_answered_with_its_code() {
    both_ways(|house| {
        for (sent, answered) in [
            (&b"\x03\xe8"[..], 1000),
            (b"\x03\xe9bye", 1001),
            (b"\x0f\xa0own", 4000),
            (b"", 1005),
        ] {
            let mut client = bare(&house);
            client.send(0x88, sent).unwrap();
            let close = client.next_but_pings().unwrap();
            assert_eq!(close.close_code(), Some(answered), "{close:?}");
            client.drain().unwrap();
        }
    });
}
