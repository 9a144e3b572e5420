//! Random streams of frames as clients send them: most of them valid, some broken.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// The limit that the streams are made for: some of their messages go over it.
pub(crate) const LIMITS: Limits = Limits {
    max_message_bytes: 400,
};

/// Some frames one after the other.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        8 => message().prop_map(|(_, bytes)| bytes),
        3 => control(),
        1 => close(),
        1 => broken_message(),
        1 => odd_frame(),
    ];
    vec(part, 0..8).prop_map(|parts| parts.concat())
}

/// A stream that may also end in, or consist of, anything.
pub(crate) fn hostile_stream() -> impl Strategy<Value = Vec<u8>> {
    (stream(), vec(any::<u8>(), 0..20)).prop_map(|(stream, rest)| [stream, rest].concat())
}

/// A valid message within the limit, in one or several frames with pings between them.
pub(crate) fn message() -> impl Strategy<Value = (Item, Vec<u8>)> {
    let content = prop_oneof![words().prop_map(Item::Text), bytes().prop_map(Item::Binary)];
    (content, cuts(), vec(control(), 0..3)).prop_map(|(item, cuts, between)| {
        let (opcode, payload) = match &item {
            Item::Text(text) => (0x1, text.as_bytes()),
            Item::Binary(bytes) => (0x2, &bytes[..]),
            other => unreachable!("{other:?} is no message"),
        };
        let frames = fragments(opcode, payload, &cuts, &between);
        (item, frames)
    })
}

/// Messages in compressed form, some of them spoilt, among those that are not.
pub(crate) fn compressed_stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        3 => compressed_message(),
        1 => message().prop_map(|(_, bytes)| bytes),
        1 => control(),
        1 => broken_message(),
    ];
    vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn compressed_message() -> impl Strategy<Value = Vec<u8>> {
    let content = prop_oneof![
        4 => words().prop_map(|text| (0x1, text.into_bytes())),
        2 => bytes().prop_map(|bytes| (0x2, bytes)),
        1 => (390..2_000_usize).prop_map(|len| (0x2, vec![b'x'; len])),
        1 => bytes().prop_map(|bytes| (0x1, bytes)),
    ];
    let spoil = proptest::option::weighted(0.2, (any::<Index>(), any::<u8>()));
    (content, cuts(), vec(control(), 0..3), spoil).prop_map(
        |((opcode, content), cuts, between, spoil)| {
            let mut payload = deflated(&content);
            if let Some((place, byte)) = spoil {
                let place = place.index(payload.len());
                payload[place] = byte;
            }
            fragments(COMPRESSED | opcode, &payload, &cuts, &between)
        },
    )
}

/// A text that is not quite UTF-8, or a message in an order that is not allowed.
fn broken_message() -> impl Strategy<Value = Vec<u8>> {
    let spoiled_text =
        (words(), any::<Index>(), any::<u8>(), cuts()).prop_map(|(text, place, byte, cuts)| {
            let mut text = text.into_bytes();
            text.push(b'.');
            let place = place.index(text.len());
            text[place] = byte;
            fragments(0x1, &text, &cuts, &[])
        });
    let cut_text = (words(), any::<Index>())
        .prop_map(|(text, place)| frame(TEXT, &text.as_bytes()[..place.index(text.len() + 1)]));
    let unfinished = (words(), any::<bool>())
        .prop_map(|(text, is_text)| frame(if is_text { 0x01 } else { 0x02 }, text.as_bytes()));
    let lonely = bytes().prop_map(|bytes| frame(ENDS, &bytes));
    let too_big = (401..500_usize, cuts())
        .prop_map(|(len, cuts)| fragments(0x2, &vec![b'x'; len], &cuts, &[]));
    prop_oneof![3 => spoiled_text, 1 => cut_text, 1 => unfinished, 1 => lonely, 1 => too_big]
}

fn fragments(opcode: u8, payload: &[u8], cuts: &[Index], between: &[Vec<u8>]) -> Vec<u8> {
    let mut places: Vec<usize> = cuts
        .iter()
        .map(|cut| cut.index(payload.len() + 1))
        .collect();
    places.extend([0, payload.len()]);
    places.sort_unstable();
    let count = places.len() - 1;
    let mut bytes = Vec::new();
    for (n, piece) in places.windows(2).enumerate() {
        let last = if n + 1 == count { 0x80 } else { 0 };
        let opcode = if n == 0 { opcode } else { 0 };
        bytes.extend(frame(last | opcode, &payload[piece[0]..piece[1]]));
        if last == 0 {
            bytes.extend(between.get(n).into_iter().flatten());
        }
    }
    bytes
}

/// A valid ping or pong.
fn control() -> impl Strategy<Value = Vec<u8>> {
    (
        prop_oneof![Just(PING), Just(PONG)],
        vec(any::<u8>(), 0..=125),
    )
        .prop_map(|(first, payload)| frame(first, &payload))
}

/// A close frame, its code and reason valid or not.
pub(crate) fn close() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![
        4 => 1000..1016_u16,
        1 => 2990..5010_u16,
        1 => any::<u16>(),
    ];
    let reason = prop_oneof![
        4 => words().prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..20),
    ];
    let with_code = (code, reason).prop_map(|(code, mut reason)| {
        reason.truncate(130);
        frame(CLOSE, &[&code.to_be_bytes()[..], &reason].concat())
    });
    prop_oneof![
        6 => with_code,
        1 => Just(frame(CLOSE, b"")),
        1 => Just(frame(CLOSE, b"\x03")),
    ]
}

/// A frame whose header is anything, or whose length is written in a longer form.
fn odd_frame() -> impl Strategy<Value = Vec<u8>> {
    let any_first = (any::<u8>(), bytes()).prop_map(|(first, payload)| frame(first, &payload));
    let unmasked = (prop_oneof![Just(TEXT), Just(PING)], "[a-z]{0,20}")
        .prop_map(|(first, text)| [&[first, text.len() as u8], text.as_bytes()].concat());
    let huge = (
        prop_oneof![Just(TEXT), Just(BINARY), Just(PING)],
        any::<u64>(),
    )
        .prop_map(|(first, announced)| frame_announcing(first, announced | 1 << 40, b""));
    let longer_form =
        bytes().prop_map(|payload| frame_announcing(BINARY, payload.len() as u64, &payload));
    prop_oneof![4 => any_first, 1 => unmasked, 1 => huge, 1 => longer_form]
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop_oneof![2 => Just(Vec::new()), 3 => vec(any::<Index>(), 1..5)]
}

/// Text with characters of one to four bytes, at most 400 bytes.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ -~éß€𝄞]{0,30}", 1 => "[a-zé€𝄞]{80,100}"]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 120..400)]
}
