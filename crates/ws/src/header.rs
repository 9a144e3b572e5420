//! The two to fourteen bytes before a payload: RFC 6455, 5.2.

use crate::error::ProtocolError;
use crate::message::{Limits, Open};
use crate::opcode::{MAX_CONTROL_BYTES, Opcode};
use crate::role::Role;

const FINAL: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_3: u8 = 0x30;
const MASKED: u8 = 0x80;
const MAX_BYTES: usize = 14;

/// What a header says, once it is known to be allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) opcode: Opcode,
    pub(crate) last: bool,
    pub(crate) compressed: bool,
    pub(crate) payload_len: usize,
    /// Zero, which changes nothing, where there is no mask.
    pub(crate) key: [u8; 4],
}

/// What has been received before the header, as far as it decides what may come.
pub(crate) struct Before<'a> {
    pub(crate) role: Role,
    pub(crate) open: Option<Open>,
    /// Bytes of the open message so far.
    pub(crate) message_len: usize,
    pub(crate) limits: &'a Limits,
    /// RSV1 may mark a message as compressed (RFC 7692, 6).
    pub(crate) may_compress: bool,
}

/// The beginning of a header that the last input broke off.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Partial {
    bytes: [u8; MAX_BYTES - 1],
    len: u8,
}

impl Partial {
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Goes on with `input`: how many of its bytes belong to the header, and the header if it is
    /// complete.
    ///
    /// A fault is found at the first byte that shows it, so the verdict does not depend on where
    /// the inputs were cut.
    pub(crate) fn take(
        &mut self,
        input: &[u8],
        before: &Before<'_>,
    ) -> Result<(usize, Option<Header>), ProtocolError> {
        let had = usize::from(self.len);
        let new = input.len().min(MAX_BYTES - had);
        let mut bytes = [0; MAX_BYTES];
        bytes[..had].copy_from_slice(&self.bytes[..had]);
        bytes[had..had + new].copy_from_slice(&input[..new]);
        match parse(&bytes[..had + new], before)? {
            Some((header, size)) => Ok((size - had, Some(header))),
            None => {
                // Fourteen bytes always make a header, so what is left of them fits.
                self.bytes.copy_from_slice(&bytes[..MAX_BYTES - 1]);
                self.len += new as u8;
                Ok((new, None))
            }
        }
    }
}

/// The header at the start of `bytes` and its size; `None` if it is not complete yet.
fn parse(bytes: &[u8], before: &Before<'_>) -> Result<Option<(Header, usize)>, ProtocolError> {
    let Some((&first, bytes)) = bytes.split_first() else {
        return Ok(None);
    };
    let (opcode, last, compressed) = first_byte(first, before)?;

    let Some((&second, bytes)) = bytes.split_first() else {
        return Ok(None);
    };
    let masked = second & MASKED != 0;
    match before.role {
        Role::Server if !masked => return Err(ProtocolError::NotMasked),
        Role::Client if masked => return Err(ProtocolError::Masked),
        Role::Server | Role::Client => {}
    }
    let short = second & !MASKED;
    if opcode.is_control() && usize::from(short) > MAX_CONTROL_BYTES {
        return Err(ProtocolError::ControlTooLong(opcode));
    }

    let Some((announced, length_size)) = length(short, bytes)? else {
        return Ok(None);
    };
    let payload_len = if opcode.is_control() {
        usize::from(short)
    } else {
        let is_compressed = compressed || before.open.is_some_and(|open| open.compressed);
        within_limit(announced, is_compressed, before)?
    };

    let (key, key_size) = if masked {
        let Some(&key) = bytes[length_size..].first_chunk() else {
            return Ok(None);
        };
        (key, 4)
    } else {
        ([0; 4], 0)
    };
    let header = Header {
        opcode,
        last,
        compressed,
        payload_len,
        key,
    };
    Ok(Some((header, 2 + length_size + key_size)))
}

fn first_byte(first: u8, before: &Before<'_>) -> Result<(Opcode, bool, bool), ProtocolError> {
    let opcode =
        Opcode::from_bits(first & 0xF).ok_or(ProtocolError::ReservedOpcode(first & 0xF))?;
    let (last, compressed) = (first & FINAL != 0, first & RSV1 != 0);
    let begins = matches!(opcode, Opcode::Text | Opcode::Binary);

    if first & RSV2_AND_3 != 0 {
        return Err(ProtocolError::ReservedBit);
    }
    if compressed && !(begins && before.may_compress) {
        return Err(ProtocolError::ReservedBit);
    }
    if opcode.is_control() && !last {
        return Err(ProtocolError::ControlFragmented(opcode));
    }
    if begins && before.open.is_some() {
        return Err(ProtocolError::MessageInsideMessage);
    }
    if opcode == Opcode::Continuation && before.open.is_none() {
        return Err(ProtocolError::NothingToContinue);
    }
    Ok((opcode, last, compressed))
}

/// The announced length and the size of its longer form; `None` if that is not complete yet.
fn length(short: u8, bytes: &[u8]) -> Result<Option<(u64, usize)>, ProtocolError> {
    let (announced, size, least) = match short {
        126 => match bytes.first_chunk() {
            Some(&long) => (u64::from(u16::from_be_bytes(long)), 2, 126),
            None => return Ok(None),
        },
        127 => match bytes.first_chunk() {
            Some(&long) => (u64::from_be_bytes(long), 8, 0x1_0000),
            None => return Ok(None),
        },
        _ => (u64::from(short), 0, 0),
    };
    if announced < least {
        return Err(ProtocolError::LengthNotMinimal);
    }
    if announced >> 63 != 0 {
        return Err(ProtocolError::LengthOutOfRange);
    }
    Ok(Some((announced, size)))
}

/// The announced length, if the message up to the end of this frame stays within the limit.
fn within_limit(
    announced: u64,
    is_compressed: bool,
    before: &Before<'_>,
) -> Result<usize, ProtocolError> {
    let total = announced.saturating_add(before.message_len as u64);
    match usize::try_from(total) {
        Ok(total) if total <= before.limits.wire_bytes_max(is_compressed) => {
            Ok(total - before.message_len)
        }
        _ => Err(ProtocolError::MessageTooBig {
            announced: total,
            limit: before.limits.max_message_bytes,
        }),
    }
}
