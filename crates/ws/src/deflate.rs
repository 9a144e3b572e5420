//! Compressed messages: permessage-deflate (RFC 7692), always without context takeover.
//!
//! Every message is compressed by itself. So one compressed frame serves any number of connections, an
//! [`Inflater`] and a [`Deflater`] serve all connections of a thread instead of 300 KiB belonging to
//! each, and the length of a message says nothing of those before it.
//!
//! ```
//! use parlour_ws::deflate::{Deflater, Inflater, negotiate};
//! use parlour_ws::{Incoming, Limits, Opcode, Receiver};
//!
//! let offers = ["permessage-deflate; client_max_window_bits"]; // what browsers offer
//! let agreed = negotiate(offers).expect("it can be accepted");
//! assert_eq!(
//!     agreed.answer(),
//!     "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
//! );
//!
//! let said = "the same again and ".repeat(50);
//! let (mut deflater, mut frame) = (Deflater::new(agreed.window), Vec::new());
//! deflater.put_frame(&mut frame, Opcode::Text, said.as_bytes());
//! assert!(frame.len() < said.len() / 10);
//!
//! let (mut receiver, mut inflater) = (Receiver::client(), Inflater::new());
//! let received = receiver.receive_inflating(&Limits::default(), &mut inflater, &mut frame)?;
//! assert_eq!(received.item, Some(Incoming::Text(&said)));
//! # Ok::<(), parlour_ws::ProtocolError>(())
//! ```

mod deflater;
mod inflater;
mod offer;

pub use deflater::{COMPRESSED_BYTES_MIN, Deflater};
pub use inflater::Inflater;
pub use offer::{Agreed, Window, negotiate};

/// What a message's compressed form ends with and is sent without (RFC 7692, 7.2.1): the end of an
/// empty block, which brings the rest to a whole byte.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// A buffer that is kept for the next message holds at most so many bytes; a larger one is given back.
const KEPT_BYTES_MAX: usize = 64 * 1024;
