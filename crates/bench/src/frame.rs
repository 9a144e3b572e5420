//! WebSocket frames as the two ends of a measurement need them (RFC 6455, 5.2).
//!
//! This is not the codec under test and shares no line with it, so that a mistake there cannot
//! hide here.

/// First byte of an unfragmented text frame.
pub const TEXT: u8 = 0x81;
/// First byte of an unfragmented text frame that is compressed (RFC 7692, 6).
pub const COMPRESSED_TEXT: u8 = 0xc1;
/// First byte of a close frame.
pub const CLOSE: u8 = 0x88;
/// First byte of a ping.
pub const PING: u8 = 0x89;
/// First byte of a pong.
pub const PONG: u8 = 0x8a;

/// Longest payload that is read, in bytes: the largest message of a server with default limits,
/// and room for the words around it.
pub const MAX_PAYLOAD: usize = 128 * 1024;
/// Longest frame, with its header.
pub const MAX_FRAME: usize = MAX_PAYLOAD + 14;

/// A client must mask, but nothing stands between this client and its server that a predictable
/// key could mislead (RFC 6455, 10.3).
const KEY: [u8; 4] = [0x5b, 0xe2, 0x1d, 0x94];

/// One whole frame at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// FIN, reserved bits and opcode.
    pub first: u8,
    /// The payload, unmasked.
    pub payload: &'a [u8],
    /// What follows the frame.
    pub rest: &'a [u8],
}

/// One whole frame of a client.
#[derive(Debug, PartialEq, Eq)]
pub struct Masked<'a> {
    /// FIN, reserved bits and opcode.
    pub first: u8,
    /// The payload, unmasked.
    pub payload: &'a [u8],
    /// Bytes of the whole frame.
    pub length: usize,
}

/// What a close frame says, for people: its code and its words (RFC 6455, 5.5.1).
#[must_use]
pub fn close_reason(payload: &[u8]) -> String {
    match payload {
        [high, low, words @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            format!("code {code} {}", String::from_utf8_lossy(words))
        }
        _ => "no code".into(),
    }
}

/// Header of a frame: sizes in bytes.
#[derive(Clone, Copy)]
struct Header {
    length: usize,
    payload: usize,
    masked: bool,
}

/// Takes the first frame of a server off `bytes`; `None` if it is not complete yet.
///
/// # Errors
/// Names the rule of RFC 6455 that the bytes break, or [`MAX_PAYLOAD`].
///
/// ```
/// use parlour_bench::frame::{TEXT, split};
/// let frame = split(b"\x81\x02hi\x81").unwrap().unwrap();
/// assert_eq!((frame.first, frame.payload, frame.rest), (TEXT, &b"hi"[..], &b"\x81"[..]));
/// ```
#[inline]
pub fn split(bytes: &[u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let Some(header) = header(bytes)? else {
        return Ok(None);
    };
    if header.masked {
        return Err("a server must not mask");
    }
    let end = header.length + header.payload;
    if bytes.len() < end {
        return Ok(None);
    }
    let payload = &bytes[header.length..end];
    Ok(Some(Frame {
        first: bytes[0],
        payload,
        rest: &bytes[end..],
    }))
}

/// The same for a frame of a client, which is unmasked in place.
///
/// # Errors
/// As [`split`].
pub fn split_masked(bytes: &mut [u8]) -> Result<Option<Masked<'_>>, &'static str> {
    let Some(header) = header(bytes)? else {
        return Ok(None);
    };
    if !header.masked {
        return Err("a client must mask");
    }
    let start = header.length + 4;
    let end = start + header.payload;
    if bytes.len() < end {
        return Ok(None);
    }
    let (head, body) = bytes.split_at_mut(start);
    let key = [
        head[start - 4],
        head[start - 3],
        head[start - 2],
        head[start - 1],
    ];
    let payload = &mut body[..header.payload];
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    Ok(Some(Masked {
        first: head[0],
        payload,
        length: end,
    }))
}

#[inline]
fn header(bytes: &[u8]) -> Result<Option<Header>, &'static str> {
    let &[_, second, ref more @ ..] = bytes else {
        return Ok(None);
    };
    let (length, payload) = match (second & 0x7f, more) {
        (126, &[a, b, ..]) => (4, usize::from(u16::from_be_bytes([a, b]))),
        (127, &[a, b, c, d, e, f, g, h, ..]) => {
            let long = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            (
                10,
                usize::try_from(long).map_err(|_| "a frame longer than memory")?,
            )
        }
        (126 | 127, _) => return Ok(None),
        (short, _) => (2, usize::from(short)),
    };
    if payload > MAX_PAYLOAD {
        return Err("a frame longer than this generator reads (128 KiB)");
    }
    Ok(Some(Header {
        length,
        payload,
        masked: second & 0x80 != 0,
    }))
}

/// Appends an unmasked frame made of `parts`, as a server sends it.
pub fn push_plain(out: &mut Vec<u8>, first: u8, parts: &[&[u8]]) {
    push_header(out, first, parts.iter().map(|part| part.len()).sum(), 0);
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Appends a masked frame made of `parts`, as a client sends it.
pub fn push_masked(out: &mut Vec<u8>, first: u8, parts: &[&[u8]]) {
    push_header(out, first, parts.iter().map(|part| part.len()).sum(), 0x80);
    out.extend_from_slice(&KEY);
    let bytes = parts.iter().copied().flatten();
    out.extend(bytes.zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Masks bytes that stand at `offset` of a payload.
pub fn mask_at(bytes: &mut [u8], offset: usize) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte ^= KEY[(offset + index) % 4];
    }
}

/// Bytes of a frame's header, without a masking key.
#[must_use]
pub fn header_length(payload: usize) -> usize {
    match payload {
        0..126 => 2,
        126..65536 => 4,
        _ => 10,
    }
}

fn push_header(out: &mut Vec<u8>, first: u8, payload: usize, mask: u8) {
    out.push(first);
    match header_length(payload) {
        2 => out.push(mask | payload as u8),
        4 => {
            out.push(mask | 126);
            out.extend_from_slice(&(payload as u16).to_be_bytes());
        }
        _ => {
            out.push(mask | 127);
            out.extend_from_slice(&(payload as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames_of(mut bytes: &[u8]) -> (Vec<(u8, usize)>, usize) {
        let mut seen = Vec::new();
        while let Some(frame) = split(bytes).unwrap() {
            seen.push((frame.first, frame.payload.len()));
            bytes = frame.rest;
        }
        (seen, bytes.len())
    }

    #[test]
    fn frames_of_every_length_class_are_told_apart() {
        let lengths = [0, 1, 125, 126, 127, 65_535, 65_536, MAX_PAYLOAD];
        let mut wire = Vec::new();
        for length in lengths {
            push_plain(&mut wire, TEXT, &[&vec![b'x'; length]]);
        }
        push_plain(&mut wire, PING, &[b"are you there"]);
        let (seen, left) = frames_of(&wire);
        let mut expected: Vec<_> = lengths.iter().map(|&length| (TEXT, length)).collect();
        expected.push((PING, 13));
        assert_eq!((seen, left), (expected, 0));
    }

    #[test]
    fn a_frame_cut_anywhere_is_waited_for() {
        for length in [5, 200, 70_000] {
            let mut wire = Vec::new();
            push_plain(&mut wire, TEXT, &[&vec![b'x'; length]]);
            for cut in (0..wire.len()).filter(|cut| *cut < 20 || *cut + 20 > wire.len()) {
                assert_eq!(split(&wire[..cut]), Ok(None), "{length} cut at {cut}");
            }
            assert_eq!(split(&wire).unwrap().unwrap().payload.len(), length);
        }
    }

    #[test]
    fn masked_or_endless_frames_of_a_server_are_errors() {
        assert!(split(b"\x81\x82....hi").is_err());
        assert!(split(b"\x81\x7f\x00\x00\x00\x00\x7f\x00\x00\x00").is_err());
    }

    #[test]
    fn masking_and_unmasking_give_the_parts_back() {
        let mut wire = Vec::new();
        push_masked(&mut wire, TEXT, &[b"one ", b"two ", &[b'3'; 300]]);
        let whole = wire.len();
        let frame = split_masked(&mut wire).unwrap().unwrap();
        assert_eq!((frame.first, frame.length), (TEXT, whole));
        assert_eq!(
            frame.payload,
            [b"one two ".as_slice(), &[b'3'; 300]].concat()
        );
        assert!(split_masked(&mut b"\x81\x02hi".to_vec()).is_err());
    }

    #[test]
    fn a_part_can_be_masked_alone() {
        let mut wire = Vec::new();
        push_masked(&mut wire, TEXT, &[b"head", b"tag"]);
        let mut tag = *b"tag";
        mask_at(&mut tag, 4);
        assert_eq!(wire[6 + 4..], tag);
    }
}
