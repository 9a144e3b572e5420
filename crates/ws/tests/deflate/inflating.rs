//! From compressed to said: RFC 7692, 7.2.2; bombs and garbage, and what they cost.

use allocation_counter::measure;
use parlour_ws::ProtocolError;
use parlour_ws::deflate::Inflater;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::common::deflated;

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const LIMIT: usize = 10_000;
/// What zlib needs beside the output. It is not much more: a first message allocates it.
const STATE_BYTES_MAX: u64 = 64 * 1024;

fn inflate(payload: &[u8]) -> Result<Vec<u8>, ProtocolError> {
    Inflater::new().inflate(payload, LIMIT).map(<[u8]>::to_vec)
}

fn hello() -> Result<Vec<u8>, ProtocolError> {
    Ok(b"Hello".to_vec())
}

/// Zeros, a thousandth of their length.
fn bomb(bytes: usize) -> Vec<u8> {
    deflated(&vec![0; bytes])
}

#[test]
fn the_examples_of_the_rfc_are_understood_rfc_7692_7_2_3() {
    assert_eq!(inflate(&HELLO), hello(), "7.2.3.1");
    let stored = b"\x00\x05\x00\xfa\xffHello\x00";
    assert_eq!(inflate(stored), hello(), "7.2.3.3");
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    assert_eq!(
        inflate(&last),
        hello(),
        "7.2.3.4: its block is called the last"
    );
    let two = [
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ];
    assert_eq!(inflate(&two), hello(), "7.2.3.5: two blocks");
    assert_eq!(
        inflate(&[0x00]),
        Ok(Vec::new()),
        "7.2.3.6: an empty message"
    );
}

#[test]
fn blocks_may_follow_one_that_is_called_the_last_rfc_7692_7_2_1() {
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let twice = [&last[..], &HELLO].concat();
    assert_eq!(inflate(&twice), Ok(b"HelloHello".to_vec()));
    let thrice = [&last[..], &last, &[0x00]].concat();
    assert_eq!(inflate(&thrice), Ok(b"HelloHello".to_vec()));
}

#[test]
fn what_follows_the_last_block_and_is_no_block_is_refused() {
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for rest in [&b""[..], b"Hello", b"\xff", b"\x00\x00", b"\x07"] {
        let payload = [&last[..], rest].concat();
        assert_eq!(
            inflate(&payload),
            Err(ProtocolError::NotDeflate),
            "{rest:x?}"
        );
    }
}

#[test]
fn a_message_that_was_cut_is_refused_wherever_it_was_cut() {
    let text: String = (0..500).map(|n| format!("{n} ")).collect();
    let whole = deflated(text.as_bytes());
    assert_eq!(inflate(&whole), Ok(text.into_bytes()));
    for len in 0..whole.len() {
        assert_eq!(
            inflate(&whole[..len]),
            Err(ProtocolError::NotDeflate),
            "{len} bytes"
        );
    }
}

#[test]
fn nothing_refers_to_an_earlier_message_rfc_7692_7_1_1() {
    let mut inflater = Inflater::new();
    assert_eq!(inflater.inflate(&HELLO, LIMIT), Ok(&b"Hello"[..]));
    // RFC 7692, 7.2.3.2: "Hello" again, by a reference to the first.
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(
        inflater.inflate(&again, LIMIT),
        Err(ProtocolError::NotDeflate)
    );
    assert_eq!(
        inflater.inflate(&HELLO, LIMIT),
        Ok(&b"Hello"[..]),
        "and it goes on"
    );
}

#[test]
fn the_limit_is_what_comes_out_to_the_byte() {
    for len in [0, 1, 4_095, 4_096, 4_097, LIMIT - 1, LIMIT] {
        assert_eq!(inflate(&bomb(len)).map(|out| out.len()), Ok(len));
    }
    for len in [LIMIT + 1, 2 * LIMIT, 1 << 24] {
        let refused = Err(ProtocolError::InflatesTooBig { limit: LIMIT });
        assert_eq!(inflate(&bomb(len)), refused, "{len} bytes");
    }
    let mut inflater = Inflater::new();
    assert_eq!(inflater.inflate(&[0x00], 0), Ok(&b""[..]));
    let refused = Err(ProtocolError::InflatesTooBig { limit: 0 });
    assert_eq!(inflater.inflate(&HELLO, 0), refused);
}

#[test]
fn a_bomb_makes_no_more_memory_than_the_limit() {
    let bomb = bomb(1 << 26);
    assert!(bomb.len() < 70_000, "{} bytes", bomb.len());
    for limit in [0, 1, 5_000, 100_000] {
        let mut inflater = Inflater::new();
        let info = measure(|| {
            let refused = Err(ProtocolError::InflatesTooBig { limit });
            assert_eq!(inflater.inflate(&bomb, limit), refused);
        });
        assert!(
            inflater.capacity() <= limit,
            "{} bytes",
            inflater.capacity()
        );
        // A buffer that grows is there twice while it is moved.
        let most = STATE_BYTES_MAX + 2 * limit as u64;
        assert!(
            info.bytes_max <= most,
            "{} bytes for {limit}",
            info.bytes_max
        );
    }
}

#[test]
fn many_last_blocks_in_one_message_cost_no_memory() {
    let mut payload = [0x03, 0x00].repeat(30_000);
    payload.push(0x00);
    let mut inflater = Inflater::new();
    let info = measure(|| assert_eq!(inflater.inflate(&payload, LIMIT), Ok(&b""[..])));
    assert!(info.bytes_max <= STATE_BYTES_MAX + LIMIT as u64, "{info:?}");
}

#[test]
fn once_warm_it_allocates_nothing() {
    let (small, large) = (bomb(100), bomb(LIMIT));
    let mut inflater = Inflater::new();
    inflater.inflate(&large, LIMIT).unwrap();
    let info = measure(|| {
        for _ in 0..10 {
            inflater.inflate(&small, LIMIT).unwrap();
            inflater.inflate(&large, LIMIT).unwrap();
            inflater.inflate(b"garbage", LIMIT).unwrap_err();
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn a_lower_limit_holds_after_a_higher_one() {
    let mut inflater = Inflater::new();
    inflater.inflate(&bomb(LIMIT), LIMIT).unwrap();
    let refused = Err(ProtocolError::InflatesTooBig { limit: 10 });
    assert_eq!(inflater.inflate(&bomb(11), 10), refused);
    assert_eq!(inflater.inflate(&bomb(10), 10), Ok(&[0; 10][..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn garbage_gives_something_within_the_limit_or_an_error(
        payload in vec(any::<u8>(), 0..200),
        limit in 0..2_000_usize,
    ) {
        let mut inflater = Inflater::new();
        match inflater.inflate(&payload, limit) {
            Ok(said) => prop_assert!(said.len() <= limit),
            Err(ProtocolError::NotDeflate) => {}
            Err(ProtocolError::InflatesTooBig { limit: told }) => prop_assert_eq!(told, limit),
            Err(other) => prop_assert!(false, "{other:?}"),
        }
        prop_assert!(inflater.capacity() <= limit);
        prop_assert_eq!(inflater.inflate(&HELLO, LIMIT), Ok(&b"Hello"[..]));
    }

    #[test]
    fn a_message_with_a_flipped_bit_is_within_the_limit_or_refused(
        text in "[a-f ]{0,300}",
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let mut payload = deflated(text.as_bytes());
        let at = at.index(payload.len());
        payload[at] ^= 1 << bit;
        let mut inflater = Inflater::new();
        if let Ok(said) = inflater.inflate(&payload, 500) {
            prop_assert!(said.len() <= 500);
        }
        prop_assert!(inflater.capacity() <= 500);
    }
}
