//! A client's bytes, whole and in pieces, give the same and keep the promises of `Receiver`, with and without
//! compression.
//!
//! Byte 0 chooses the limit, byte 1 the pieces, the rest is the stream.

use parlour_ws::deflate::Inflater;
use parlour_ws::{Incoming, Limits, ProtocolError, Receiver};

const LIMITS: [usize; 4] = [0, 16, 1_000, 1 << 20];

pub(crate) fn run(data: &[u8]) {
    let [limit, pieces, stream @ ..] = data else {
        return;
    };
    let limits = Limits {
        max_message_bytes: LIMITS[usize::from(*limit) % LIMITS.len()],
    };
    for may_compress in [false, true] {
        let mut inflater = may_compress.then(Inflater::new);
        let whole = receive(&limits, inflater.as_mut(), stream, stream.len().max(1));
        let piece = usize::from(*pieces).max(1);
        let in_pieces = receive(&limits, inflater.as_mut(), stream, piece);
        assert_eq!(whole, in_pieces);
        let kept = inflater.map_or(0, |inflater| inflater.capacity());
        assert!(kept <= limits.max_message_bytes);
    }
}

/// Every item in a form that can be compared, the error, and whether something was cut.
type Outcome = (Vec<String>, Option<ProtocolError>, bool);

fn receive(
    limits: &Limits,
    mut inflater: Option<&mut Inflater>,
    stream: &[u8],
    piece: usize,
) -> Outcome {
    let mut receiver = Receiver::new();
    let mut items = Vec::new();
    let mut error = None;
    for piece in stream.chunks(piece) {
        let given = items.len();
        let inflater = inflater.as_deref_mut();
        match receive_piece(
            &mut receiver,
            limits,
            inflater,
            &mut piece.to_vec(),
            &mut items,
        ) {
            Ok(()) => assert!(
                error.is_none() || items.len() == given,
                "an item after {error:?}"
            ),
            Err(this) => assert_eq!(error.replace(this), None, "two errors"),
        }
    }
    (items, error, receiver.is_mid_message())
}

fn receive_piece(
    receiver: &mut Receiver,
    limits: &Limits,
    mut inflater: Option<&mut Inflater>,
    mut input: &mut [u8],
    items: &mut Vec<String>,
) -> Result<(), ProtocolError> {
    loop {
        let received = match &mut inflater {
            Some(inflater) => receiver.receive_inflating(limits, inflater, input)?,
            None => receiver.receive(limits, input)?,
        };
        let consumed = received.consumed;
        let Some(item) = received.item else {
            assert_eq!(consumed, input.len(), "bytes left, but no item");
            return Ok(());
        };
        check(&item, limits);
        items.push(format!("{item:?}"));
        input = &mut input[consumed..];
    }
}

fn check(item: &Incoming<'_>, limits: &Limits) {
    match item {
        Incoming::Text(text) => assert!(text.len() <= limits.max_message_bytes),
        Incoming::Binary(bytes) => assert!(bytes.len() <= limits.max_message_bytes),
        Incoming::Ping(payload) | Incoming::Pong(payload) => assert!(payload.len() <= 125),
        Incoming::Close(None) => {}
        Incoming::Close(Some(frame)) => {
            assert!(frame.reason.len() <= 123);
            assert!(parlour_ws::may_be_sent(frame.code));
        }
    }
}
