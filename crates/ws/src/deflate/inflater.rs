//! From compressed messages to what was said: RFC 7692, 7.2.2.

use flate2::{Decompress, FlushDecompress, Status};

use super::{KEPT_BYTES_MAX, TAIL};
use crate::error::ProtocolError;

/// A last, empty block. It is understood only where no other is under way, so a message that was cut
/// in the middle of a block is found out.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// The output's first size; from there it doubles.
const FIRST_BYTES: usize = 4 * 1024;

/// Inflates messages, one at a time, for any number of connections.
///
/// It holds nothing before its first message; then 47 KiB of state, and an output of at most
/// 64 KiB between two messages.
#[derive(Debug, Default)]
pub struct Inflater {
    state: Option<Decompress>,
    /// Never longer than the limit of the message that made it grow. All of it is initialised;
    /// how much is the message is known to the call alone.
    out: Vec<u8>,
}

impl Inflater {
    /// One that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a message says, at most `bytes_max` bytes: never are more made, nor is there memory for
    /// more.
    ///
    /// ```
    /// use parlour_ws::{ProtocolError, deflate::Inflater};
    ///
    /// let mut inflater = Inflater::new();
    /// let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]; // RFC 7692, 7.2.3.1
    /// assert_eq!(inflater.inflate(&hello, 5), Ok(&b"Hello"[..]));
    /// assert_eq!(inflater.inflate(&hello, 4), Err(ProtocolError::InflatesTooBig { limit: 4 }));
    /// assert_eq!(inflater.inflate(&hello[..4], 5), Err(ProtocolError::NotDeflate));
    /// ```
    ///
    /// # Errors
    ///
    /// [`ProtocolError::InflatesTooBig`], or [`ProtocolError::NotDeflate`] for what is no whole
    /// compressed message.
    pub fn inflate(&mut self, payload: &[u8], bytes_max: usize) -> Result<&[u8], ProtocolError> {
        let state = self.state.get_or_insert_with(|| Decompress::new(false));
        state.reset(false);
        let mut run = Run {
            state,
            out: &mut self.out,
            len: 0,
            bytes_max,
            has_ended: false,
        };
        run.feed(payload)?;
        run.feed(&TAIL)?;
        run.feed(&LAST_BLOCK)?;
        let (len, has_ended) = (run.len, run.has_ended);
        if has_ended {
            Ok(&self.out[..len])
        } else {
            Err(ProtocolError::NotDeflate)
        }
    }

    /// Bytes that it holds for output.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.out.capacity()
    }

    /// Gives back the memory of a large message.
    pub(crate) fn take_back(&mut self) {
        if self.out.capacity() > KEPT_BYTES_MAX {
            self.out = Vec::new();
        }
    }
}

/// One message on its way.
struct Run<'a> {
    state: &'a mut Decompress,
    out: &'a mut Vec<u8>,
    /// Bytes of `out` that are the message so far.
    len: usize,
    bytes_max: usize,
    /// The last thing was the end of a block that called itself the last. More may follow it
    /// (RFC 7692, 7.2.1), from a byte of its own and referring to nothing before.
    has_ended: bool,
}

impl Run<'_> {
    /// Takes all of `input`, and makes all that it says.
    fn feed(&mut self, mut input: &[u8]) -> Result<(), ProtocolError> {
        loop {
            if self.has_ended {
                if input.is_empty() {
                    return Ok(());
                }
                self.state.reset(false);
                self.has_ended = false;
            }
            let (used, is_full) = self.step(input)?;
            input = &input[used..];
            if self.has_ended || is_full {
                continue;
            }
            if input.is_empty() {
                return Ok(());
            }
            if used == 0 {
                return Err(ProtocolError::NotDeflate);
            }
        }
    }

    /// How much of `input` was taken, and whether there was room for no more output.
    fn step(&mut self, input: &[u8]) -> Result<(usize, bool), ProtocolError> {
        self.make_room();
        let end = self.out.len().min(self.bytes_max);
        // At the limit, a single byte tells whether there would be more.
        let mut over = [0];
        let room = if self.len < end {
            &mut self.out[self.len..end]
        } else {
            &mut over[..]
        };
        let before = (self.state.total_in(), self.state.total_out());
        let status = self
            .state
            .decompress(input, room, FlushDecompress::None)
            .map_err(|_| ProtocolError::NotDeflate)?;
        // Neither is more than the slices that were given.
        let used = (self.state.total_in() - before.0) as usize;
        let made = (self.state.total_out() - before.1) as usize;
        if self.len + made > self.bytes_max {
            let limit = self.bytes_max;
            return Err(ProtocolError::InflatesTooBig { limit });
        }
        let is_full = made == room.len();
        self.len += made;
        self.has_ended = status == Status::StreamEnd;
        Ok((used, is_full))
    }

    fn make_room(&mut self) {
        if self.len < self.out.len() || self.len >= self.bytes_max {
            return;
        }
        let longer = (2 * self.len).max(FIRST_BYTES).min(self.bytes_max);
        self.out.reserve_exact(longer - self.out.len());
        self.out.resize(longer, 0);
    }
}
