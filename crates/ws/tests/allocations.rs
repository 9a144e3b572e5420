//! What a connection costs on the heap. `allocation_counter` counts per thread, so other tests do
//! not disturb it.

mod common;

use allocation_counter::{AllocationInfo, measure};
use common::*;
use parlour_ws::{
    Incoming, Limits, Opcode, Receiver, put_frame, put_masked_close, put_masked_frame,
};

const LIMITS: Limits = Limits {
    max_message_bytes: 1 << 20,
};

/// Gives every input to the receiver, and returns the payload bytes of all items.
fn drain(receiver: &mut Receiver, inputs: &mut [Vec<u8>]) -> usize {
    let mut total = 0;
    for input in inputs {
        let mut rest = &mut input[..];
        loop {
            let received = receiver.receive(&LIMITS, rest).expect("a valid stream");
            let consumed = received.consumed;
            match received.item {
                None => break,
                Some(Incoming::Text(text)) => total += text.len(),
                Some(Incoming::Binary(bytes) | Incoming::Ping(bytes) | Incoming::Pong(bytes)) => {
                    total += bytes.len();
                }
                Some(Incoming::Close(_)) => {}
            }
            rest = &mut rest[consumed..];
        }
    }
    total
}

/// What it costs to receive these inputs on a new connection.
fn cost(mut inputs: Vec<Vec<u8>>, payload_bytes: usize) -> AllocationInfo {
    let mut receiver = Receiver::new();
    measure(|| assert_eq!(drain(&mut receiver, &mut inputs), payload_bytes))
}

fn halves(stream: &[u8]) -> Vec<Vec<u8>> {
    let (left, right) = stream.split_at(stream.len() / 2);
    vec![left.to_vec(), right.to_vec()]
}

/// The counter counts: otherwise every other test here would pass without a reason.
#[test]
fn the_counter_sees_an_allocation() {
    assert_eq!(
        measure(|| drop(std::hint::black_box(vec![0_u8; 100]))).bytes_max,
        100
    );
}

#[test]
fn a_new_and_idle_receiver_has_none() {
    let info = measure(|| {
        let mut receiver = Receiver::new();
        assert_eq!(receiver.receive(&LIMITS, &mut []).unwrap().item, None);
        assert!(!receiver.is_mid_message());
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn messages_that_lie_whole_in_one_input_cost_none() {
    let long = "long ".repeat(10_000);
    let input = [
        frame(TEXT, b"Hello"),
        frame(BINARY, &[7; 300]),
        frame(TEXT, long.as_bytes()),
        frame(PING, b"?"),
        frame(PONG, b"!"),
        frame(CLOSE, b"\x03\xe8bye"),
    ]
    .concat();
    let info = cost(vec![input], 5 + 300 + long.len() + 2);
    assert_eq!(info.count_total, 0);
}

#[test]
fn a_client_reads_whole_messages_for_none_and_writes_into_what_it_has() {
    let mut input = Vec::new();
    put_frame(&mut input, Opcode::Text, &[b'x'; 70_000]);
    put_frame(&mut input, Opcode::Ping, b"?");
    let (mut receiver, mut inputs) = (Receiver::client(), [input]);
    let read = measure(|| assert_eq!(drain(&mut receiver, &mut inputs), 70_001));
    assert_eq!(read.count_total, 0);

    let mut out = Vec::with_capacity(80_000);
    let written = measure(|| {
        put_masked_frame(&mut out, Opcode::Text, &[b'x'; 70_000], KEY);
        put_masked_close(&mut out, 1000, "bye", KEY);
    });
    assert_eq!(written.count_total, 0);
}

#[test]
fn fragments_that_lie_together_in_one_input_cost_none() {
    let input = [
        frame(TEXT_BEGINS, "κόσ".as_bytes()),
        frame(CONTINUES, b""),
        frame(ENDS, "με".as_bytes()),
    ]
    .concat();
    assert_eq!(cost(vec![input], "κόσμε".len()).count_total, 0);
}

#[test]
fn a_header_that_is_split_costs_none() {
    let frame = frame(BINARY, &[7; 300]);
    let inputs = vec![
        frame[..3].to_vec(),
        frame[3..8].to_vec(),
        frame[8..].to_vec(),
    ];
    assert_eq!(cost(inputs, 300).count_total, 0);
}

#[test]
fn a_message_over_two_inputs_frees_all_when_it_has_been_given_out() {
    for frame in [frame(TEXT, &[b'x'; 10_000]), frame(BINARY, &[7; 10_000])] {
        let info = cost(halves(&frame), 10_000);
        assert!(
            info.count_total > 0,
            "it was split, so something must have been kept"
        );
        assert_eq!((info.count_current, info.bytes_current), (0, 0));
        assert!(info.bytes_max <= 20_000, "{} bytes", info.bytes_max);
    }
}

#[test]
fn a_ping_over_two_inputs_frees_all() {
    let info = cost(halves(&frame(PING, &[7; 125])), 125);
    assert!(info.count_total > 0);
    assert_eq!((info.count_current, info.bytes_current), (0, 0));
}

#[test]
fn a_message_with_a_split_ping_in_it_frees_all() {
    let stream = [
        frame(BINARY_BEGINS, &[7; 1_000]),
        frame(PING, &[8; 100]),
        frame(ENDS, &[9; 1_000]),
    ]
    .concat();
    let info = cost(stream.chunks(50).map(<[u8]>::to_vec).collect(), 2_100);
    assert!(info.count_total > 0);
    assert_eq!((info.count_current, info.bytes_current), (0, 0));
}

#[test]
fn an_announced_length_allocates_nothing() {
    let mut inputs = vec![frame_announcing(BINARY, 1 << 20, b"")];
    let mut receiver = Receiver::new();
    let info = measure(|| assert_eq!(drain(&mut receiver, &mut inputs), 0));
    assert!(receiver.is_mid_message());
    assert_eq!(info.count_total, 0);
}

#[test]
fn what_is_kept_is_less_than_twice_what_has_arrived() {
    let begun = frame_announcing(BINARY, 1 << 20, &[7; 1_000]);
    let mut inputs: Vec<Vec<u8>> = begun.chunks(10).map(<[u8]>::to_vec).collect();
    let mut receiver = Receiver::new();
    let info = measure(|| assert_eq!(drain(&mut receiver, &mut inputs), 0));
    assert!(
        info.bytes_current >= 1_000 && info.bytes_current < 2_000,
        "{info:?}"
    );
}

/// The receiver after these bytes, one by one, of a message that is not complete.
fn cost_of_begun(stream: &[u8]) -> AllocationInfo {
    let mut inputs: Vec<Vec<u8>> = stream.chunks(1).map(<[u8]>::to_vec).collect();
    let mut receiver = Receiver::new();
    let info = measure(|| assert_eq!(drain(&mut receiver, &mut inputs), 0));
    assert!(receiver.is_mid_message());
    info
}

#[test]
fn tiny_pieces_and_tiny_fragments_do_not_move_the_message_each_time() {
    let pieces = frame_announcing(BINARY, 1 << 20, &[7; 10_000]);
    let fragments = [
        frame(BINARY_BEGINS, b"x"),
        frame(CONTINUES, b"x").repeat(9_999),
    ]
    .concat();
    for stream in [pieces, fragments] {
        let info = cost_of_begun(&stream);
        assert!(info.count_total < 30, "{} allocations", info.count_total);
    }
}

#[test]
fn what_is_kept_does_not_grow_over_the_limit() {
    let most = LIMITS.max_message_bytes - 1;
    let stream = frame(BINARY_BEGINS, &vec![7; most]);
    let mut inputs: Vec<Vec<u8>> = stream.chunks(1_000).map(<[u8]>::to_vec).collect();
    let mut receiver = Receiver::new();
    let info = measure(|| assert_eq!(drain(&mut receiver, &mut inputs), 0));
    assert!(
        info.bytes_current as usize <= LIMITS.max_message_bytes,
        "{info:?}"
    );
}

#[test]
fn an_error_frees_what_was_kept() {
    let mut receiver = Receiver::new();
    let mut begun = [frame(TEXT_BEGINS, &[b'x'; 1_000])];
    let mut broken = frame(CONTINUES, b"\xff");
    let info = measure(|| {
        drain(&mut receiver, &mut begun);
        receiver.receive(&LIMITS, &mut broken).unwrap_err();
    });
    assert!(info.count_total > 0);
    assert_eq!(info.bytes_current, 0);
}

#[test]
fn a_close_frame_inside_a_message_frees_what_was_kept() {
    let inputs = vec![frame(BINARY_BEGINS, &[7; 1_000]), frame(CLOSE, b"")];
    let info = cost(inputs, 0);
    assert!(info.count_total > 0);
    assert_eq!(info.bytes_current, 0);
}
