//! What is sent compressed, and what is not: RFC 7692, 6 and 7.2.1.

use allocation_counter::measure;
use parlour_ws::deflate::{COMPRESSED_BYTES_MIN, Deflater, Inflater, Window};
use parlour_ws::{Incoming, Limits, Opcode, Receiver, put_frame};
use proptest::collection::vec;
use proptest::prelude::*;

fn sent(deflater: &mut Deflater, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    deflater.put_frame(&mut out, opcode, payload);
    out
}

fn plain(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, opcode, payload);
    out
}

/// What a client makes of one frame.
fn said(mut frame: Vec<u8>) -> Vec<u8> {
    let (mut receiver, mut inflater) = (Receiver::client(), Inflater::new());
    let limits = Limits {
        max_message_bytes: 1 << 20,
    };
    let received = receiver.receive_inflating(&limits, &mut inflater, &mut frame);
    match received.unwrap().item {
        Some(Incoming::Text(text)) => text.as_bytes().to_vec(),
        Some(Incoming::Binary(bytes)) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(&mut next).collect()
}

#[test]
fn a_message_is_compressed_marked_and_shorter() {
    let text = "the same again and ".repeat(100);
    for window in Window::ALL {
        let mut deflater = Deflater::new(window);
        let frame = sent(&mut deflater, Opcode::Text, text.as_bytes());
        assert_eq!(frame[0], 0xC1, "final, RSV1, text");
        assert!(frame.len() < text.len() / 10, "{} bytes", frame.len());
        assert_eq!(said(frame), text.as_bytes());
        let frame = sent(&mut deflater, Opcode::Binary, &[7; 70_000]);
        assert_eq!(frame[0], 0xC2);
        assert_eq!(said(frame), [7; 70_000]);
    }
}

#[test]
fn a_tiny_message_is_sent_as_it_is() {
    let mut deflater = Deflater::new(Window::Full);
    for len in [0, 1, COMPRESSED_BYTES_MIN - 1] {
        let payload = vec![b'x'; len];
        let frame = sent(&mut deflater, Opcode::Text, &payload);
        assert_eq!(frame, plain(Opcode::Text, &payload), "{len} bytes");
    }
    let payload = [b'x'; COMPRESSED_BYTES_MIN];
    assert_eq!(sent(&mut deflater, Opcode::Text, &payload)[0], 0xC1);
}

#[test]
fn what_does_not_get_shorter_is_sent_as_it_is() {
    let mut deflater = Deflater::new(Window::Full);
    for len in [300, 10_000, 200_000] {
        let noise = noise(len);
        assert_eq!(deflater.deflate(&noise), None);
        let frame = sent(&mut deflater, Opcode::Binary, &noise);
        assert_eq!(frame, plain(Opcode::Binary, &noise), "{len} bytes");
    }
    assert_eq!(
        said(sent(&mut deflater, Opcode::Text, &[b'x'; 500])),
        [b'x'; 500]
    );
}

#[test]
fn control_frames_are_never_compressed_rfc_7692_6() {
    let mut deflater = Deflater::new(Window::Full);
    for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
        let frame = sent(&mut deflater, opcode, &[b'x'; 100]);
        assert_eq!(frame, plain(opcode, &[b'x'; 100]));
    }
}

#[test]
fn every_message_is_compressed_by_itself_rfc_7692_7_1_1_1() {
    let text = "the same again and ".repeat(100);
    let mut deflater = Deflater::new(Window::Full);
    let first = sent(&mut deflater, Opcode::Text, text.as_bytes());
    sent(&mut deflater, Opcode::Binary, &noise(5_000));
    let again = sent(&mut deflater, Opcode::Text, text.as_bytes());
    assert_eq!(again, first, "whatever was sent before");
}

/// A client that offered a window inflates with no more than that.
#[test]
fn no_reference_goes_further_back_than_the_window_rfc_7692_7_1_2_1() {
    // Only what is repeated 600 bytes later could be compressed.
    let block = noise(600);
    let payload = block.repeat(20);
    let mut full = Deflater::new(Window::Full);
    assert!(full.deflate(&payload).is_some_and(|it| it.len() < 2_000));
    let mut small = Deflater::new(Window::Small);
    let len = small.deflate(&payload).map_or(payload.len(), <[u8]>::len);
    assert!(len > 11_000, "{len} bytes");

    let text: String = (0..2_000).map(|n| format!("{} ", n % 50)).collect();
    let compressed = small
        .deflate(text.as_bytes())
        .expect("it repeats itself")
        .to_vec();
    let mut state = flate2::Decompress::new_with_window_bits(false, 9);
    let mut out = vec![0; text.len()];
    let mut input = &[&compressed[..], b"\x00\x00\xff\xff"].concat()[..];
    let mut made = 0;
    while !input.is_empty() {
        // Piece by piece: otherwise the whole output would serve as the window.
        let before = (state.total_in(), made);
        let end = (made + 64).min(out.len());
        let flush = flate2::FlushDecompress::None;
        state
            .decompress(input, &mut out[made..end], flush)
            .expect("a window of 9 bits is enough");
        input = &input[(state.total_in() - before.0) as usize..];
        made = state.total_out() as usize;
        assert!(made > before.1 || state.total_in() > before.0);
    }
    assert_eq!(out, text.as_bytes());
}

#[test]
fn once_warm_it_allocates_nothing() {
    let text = "the same again and ".repeat(100);
    let mut deflater = Deflater::new(Window::Full);
    let mut out = Vec::with_capacity(10_000);
    deflater.put_frame(&mut out, Opcode::Text, text.as_bytes());
    let info = measure(|| {
        for _ in 0..10 {
            out.clear();
            deflater.put_frame(&mut out, Opcode::Text, text.as_bytes());
            deflater.put_frame(&mut out, Opcode::Text, b"tiny");
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn the_memory_of_a_large_message_is_given_back() {
    let (large, mut out) = (vec![7; 1_000_000], Vec::with_capacity(100_000));
    let mut deflater = Deflater::new(Window::Full);
    deflater.put_frame(&mut out, Opcode::Text, &[b'x'; 1_000]);
    let info = measure(|| deflater.put_frame(&mut out, Opcode::Binary, &large));
    assert!(info.bytes_current <= 0, "{} bytes", info.bytes_current);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_sent_comes_out_as_it_went_in(
        piece in vec(any::<u8>(), 1..50),
        times in 1..200_usize,
        rest in vec(any::<u8>(), 0..500),
        is_small in any::<bool>(),
    ) {
        let payload = [piece.repeat(times), rest].concat();
        let window = if is_small { Window::Small } else { Window::Full };
        let frame = sent(&mut Deflater::new(window), Opcode::Binary, &payload);
        prop_assert!(frame.len() <= plain(Opcode::Binary, &payload).len());
        prop_assert_eq!(said(frame), payload);
    }
}
