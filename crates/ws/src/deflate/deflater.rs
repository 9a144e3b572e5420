//! From what is said to compressed frames: RFC 7692, 7.2.1.

use flate2::{Compress, Compression, FlushCompress};

use super::{KEPT_BYTES_MAX, TAIL, Window};
use crate::opcode::Opcode;
use crate::send::{frame_header, put_frame};

/// A shorter payload is sent as it is: most of the work is the same for every message, and little can be
/// gained. An entry of a chat with 180 bytes of JSON took 8 µs and became 39 bytes shorter, one with 260 took 9 µs
/// and became 67 bytes shorter, one with 960 took 16 µs and became 436 bytes shorter.
pub const COMPRESSED_BYTES_MIN: usize = 256;

/// Such messages of up to 4 KiB become at most 4 % longer than at level 6, of 16 KiB 7 % for less than half
/// of the time. Level 1 is none: zlib-rs 0.6.8 panics there when the output is full.
const LEVEL: u32 = 2;

/// Compresses messages, one at a time, for any number of connections.
///
/// It holds nothing before its first message.
#[derive(Debug)]
pub struct Deflater {
    window: Window,
    state: Option<Compress>,
    /// All of it is initialised.
    out: Vec<u8>,
}

impl Deflater {
    /// One that holds nothing yet.
    #[must_use]
    pub const fn new(window: Window) -> Self {
        Self {
            window,
            state: None,
            out: Vec::new(),
        }
    }

    /// What it compresses with.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Appends a final, unmasked frame: compressed where that makes a message shorter, and as
    /// [`put_frame`] does otherwise, always for control frames and for payloads of less than
    /// [`COMPRESSED_BYTES_MIN`].
    ///
    /// ```
    /// use parlour_ws::{Opcode, deflate::{Deflater, Window}};
    ///
    /// let (mut deflater, mut out) = (Deflater::new(Window::Full), Vec::new());
    /// deflater.put_frame(&mut out, Opcode::Text, b"Hello");
    /// assert_eq!(out, b"\x81\x05Hello");
    /// ```
    ///
    /// # Panics
    ///
    /// As [`frame_header`]: a control frame of more than 125 bytes.
    pub fn put_frame(&mut self, out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
        if !opcode.is_control()
            && payload.len() >= COMPRESSED_BYTES_MIN
            && let Some(compressed) = self.deflate(payload)
        {
            let header = frame_header(opcode, compressed.len()).of_compressed();
            out.reserve(header.as_bytes().len() + compressed.len());
            out.extend_from_slice(header.as_bytes());
            out.extend_from_slice(compressed);
        } else {
            put_frame(out, opcode, payload);
        }
        if self.out.capacity() > KEPT_BYTES_MAX {
            self.out = Vec::new();
        }
    }

    /// The compressed form of a message, to be sent in frames of which the first has RSV1; `None`
    /// if it is not shorter.
    ///
    /// ```
    /// use parlour_ws::deflate::{Deflater, Window};
    ///
    /// let mut deflater = Deflater::new(Window::Full);
    /// assert!(deflater.deflate(&[b'x'; 1_000]).is_some_and(|it| it.len() < 20));
    /// assert_eq!(deflater.deflate(b"Hello"), None);
    /// ```
    pub fn deflate(&mut self, payload: &[u8]) -> Option<&[u8]> {
        let state = self.state.get_or_insert_with(|| {
            let level = Compression::new(LEVEL);
            Compress::new_with_window_bits(level, false, self.window.bits())
        });
        state.reset();
        // With its tail it may become so long before it is no shorter: then it does not fit, and the
        // work ends there.
        let room = payload.len() + TAIL.len();
        if self.out.len() < room {
            self.out.resize(room, 0);
        }
        let out = &mut self.out[..room];
        state.compress(payload, out, FlushCompress::Sync).ok()?;
        let made = state.total_out() as usize; // It fits a slice.
        // An output that is full may be one that is cut.
        let is_whole = state.total_in() == payload.len() as u64 && made < room;
        let compressed = out[..made].strip_suffix(&TAIL)?;
        is_whole.then_some(compressed)
    }
}
