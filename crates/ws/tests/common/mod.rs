//! A client's frames, and what a receiver makes of them.
#![allow(dead_code, reason = "every test binary uses its part")]

pub(crate) mod streams;

use flate2::{Compress, Compression, FlushCompress};
use parlour_ws::deflate::Inflater;
use parlour_ws::{Incoming, Limits, ProtocolError, Receiver};

pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// An item that may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl From<Incoming<'_>> for Item {
    fn from(incoming: Incoming<'_>) -> Self {
        match incoming {
            Incoming::Text(text) => Self::Text(text.to_owned()),
            Incoming::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Incoming::Ping(payload) => Self::Ping(payload.to_vec()),
            Incoming::Pong(payload) => Self::Pong(payload.to_vec()),
            Incoming::Close(frame) => {
                Self::Close(frame.map(|frame| (frame.code, frame.reason.to_owned())))
            }
        }
    }
}

/// What a stream has given, in order, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) items: Vec<Item>,
    pub(crate) error: Option<ProtocolError>,
    pub(crate) mid_message: bool,
}

impl Outcome {
    pub(crate) fn items(items: impl Into<Vec<Item>>) -> Self {
        Self {
            items: items.into(),
            error: None,
            mid_message: false,
        }
    }

    pub(crate) fn error(error: ProtocolError) -> Self {
        Self {
            items: Vec::new(),
            error: Some(error),
            mid_message: false,
        }
    }
}

/// Gives the receiver these inputs one after the other, as a caller is told to. After an error it
/// must swallow the rest.
pub(crate) fn receive_inputs<'a>(
    limits: &Limits,
    inputs: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    receive_inputs_as(Receiver::new(), limits, inputs)
}

/// The same in a role.
pub(crate) fn receive_inputs_as<'a>(
    receiver: Receiver,
    limits: &Limits,
    inputs: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    receive_all(receiver, None, limits, inputs)
}

/// The same where compression was agreed on.
pub(crate) fn receive_inputs_inflating<'a>(
    limits: &Limits,
    inputs: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    receive_all(Receiver::new(), Some(&mut Inflater::new()), limits, inputs)
}

fn receive_all<'a>(
    mut receiver: Receiver,
    mut inflater: Option<&mut Inflater>,
    limits: &Limits,
    inputs: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut items = Vec::new();
    let mut receive = |input: &[u8], items: &mut Vec<Item>| {
        let inflater = inflater.as_deref_mut();
        receive_input(&mut receiver, inflater, limits, &mut input.to_vec(), items)
    };
    let mut inputs = inputs.into_iter();
    let error = inputs
        .by_ref()
        .find_map(|input| receive(input, &mut items).err());
    if error.is_some() {
        for input in inputs.chain([&b"\x81\x80\0\0\0\0"[..]]) {
            let before = items.len();
            let swallowed = receive(input, &mut items);
            assert_eq!(
                (swallowed, items.len()),
                (Ok(()), before),
                "after {error:?}"
            );
        }
    }
    Outcome {
        items,
        error,
        mid_message: receiver.is_mid_message(),
    }
}

fn receive_input(
    receiver: &mut Receiver,
    mut inflater: Option<&mut Inflater>,
    limits: &Limits,
    mut input: &mut [u8],
    items: &mut Vec<Item>,
) -> Result<(), ProtocolError> {
    loop {
        let received = match &mut inflater {
            Some(inflater) => receiver.receive_inflating(limits, inflater, input)?,
            None => receiver.receive(limits, input)?,
        };
        let (consumed, item) = (received.consumed, received.item.map(Item::from));
        input = &mut input[consumed..];
        let Some(item) = item else { break };
        items.push(item);
    }
    assert!(
        input.is_empty(),
        "no item, but {} bytes are not consumed",
        input.len()
    );
    Ok(())
}

pub(crate) fn receive(stream: &[u8]) -> Outcome {
    receive_inputs(&Limits::default(), [stream])
}

pub(crate) fn byte_by_byte(limits: &Limits, stream: &[u8]) -> Outcome {
    receive_inputs(limits, stream.chunks(1))
}

/// The compressed form of a message as RFC 7692, 7.2.1 makes it, also where it is longer.
pub(crate) fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::default(), false);
    let mut out = Vec::with_capacity(payload.len() + payload.len() / 8 + 64);
    let status = compress.compress_vec(payload, &mut out, FlushCompress::Sync);
    status.expect("it can be compressed");
    assert_eq!(compress.total_in(), payload.len() as u64);
    let len = out.strip_suffix(b"\x00\x00\xff\xff").expect("a sync").len();
    out.truncate(len);
    out
}

/// A masked frame with this first byte, its length in the shortest form.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len @ 126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    put_masked(&mut frame, payload);
    frame
}

/// A masked frame that announces `announced` in 64 bits, whatever its payload.
pub(crate) fn frame_announcing(first: u8, announced: u64, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | 127];
    frame.extend(announced.to_be_bytes());
    put_masked(&mut frame, payload);
    frame
}

pub(crate) fn put_masked(frame: &mut Vec<u8>, payload: &[u8]) {
    frame.extend(KEY);
    frame.extend(
        payload
            .iter()
            .zip(KEY.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

/// RSV1: the first frame of a compressed message.
pub(crate) const COMPRESSED: u8 = 0x40;
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const BINARY_BEGINS: u8 = 0x02;
pub(crate) const CONTINUES: u8 = 0x00;
pub(crate) const ENDS: u8 = 0x80;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8A;

pub(crate) fn text(text: &str) -> Item {
    Item::Text(text.to_owned())
}

pub(crate) fn ping(payload: &str) -> Item {
    Item::Ping(payload.into())
}
