//! The WebSocket protocol without I/O, for servers and clients: RFC 6455.
//!
//! Bytes go in, messages come out; bytes to send are appended to a buffer. Sockets, clocks and
//! tasks are the caller's.
//!
//! ```text
//!  request ──► handshake::check ──► Upgrade (the answer's headers) or HandshakeError (its status)
//!
//!  bytes read ──► Receiver ──► Text, Binary, Ping, Pong, Close   or ProtocolError
//!                 header → unmask → UTF-8 → message                │ close_code()
//!                                                                  ▼
//!  bytes to write ◄────────────────────────── put_frame, put_close, frame_header
//! ```
//!
//! A client's way is the same turned round: [`client::Opening`] makes the request and checks the answer,
//! [`Receiver::client`] reads what servers send, [`put_masked_frame`] and [`put_masked_close`] write.
//!
//! A [`Receiver`] has no heap while its connection is idle, and lends a message from the input if it
//! lies there whole. A peer that breaks the protocol is refused at the first byte that shows it.
//!
//! # Example
//!
//! An echo server's connection, given the bytes that one read brought:
//!
//! ```
//! use parlour_ws::{Incoming, Limits, Opcode, Receiver, put_close, put_frame};
//!
//! /// Returns whether the connection goes on.
//! fn on_bytes(receiver: &mut Receiver, mut input: &mut [u8], out: &mut Vec<u8>) -> bool {
//!     loop {
//!         let received = match receiver.receive(&Limits::default(), input) {
//!             Ok(received) => received,
//!             Err(error) => {
//!                 put_close(out, error.close_code(), &error.to_string());
//!                 return false;
//!             }
//!         };
//!         let consumed = received.consumed;
//!         match received.item {
//!             None => return true,
//!             Some(Incoming::Text(text)) => put_frame(out, Opcode::Text, text.as_bytes()),
//!             Some(Incoming::Binary(bytes)) => put_frame(out, Opcode::Binary, bytes),
//!             Some(Incoming::Ping(payload)) => put_frame(out, Opcode::Pong, payload),
//!             Some(Incoming::Pong(_)) => {}
//!             Some(Incoming::Close(frame)) => {
//!                 match frame {
//!                     Some(frame) => put_close(out, frame.code, ""),
//!                     None => put_frame(out, Opcode::Close, b""),
//!                 }
//!                 return false;
//!             }
//!         }
//!         input = &mut input[consumed..];
//!     }
//! }
//!
//! let (mut receiver, mut out) = (Receiver::new(), Vec::new());
//! let mut read = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"; // "Hello", masked
//! assert!(on_bytes(&mut receiver, &mut read, &mut out));
//! assert_eq!(out, b"\x81\x05Hello");
//!
//! let mut read = *b"\x81\x05Hello"; // no mask
//! assert!(!on_bytes(&mut receiver, &mut read, &mut out));
//! assert!(out.ends_with(b"the peer sent a frame without a mask"));
//! ```
//!
//! [`deflate`] compresses messages (RFC 7692), for servers: [`deflate::negotiate`] looks at a client's
//! offers, [`Receiver::receive_inflating`] reads, [`deflate::Deflater`] writes. Where it was not agreed
//! on, the bit that marks a compressed message is refused.

pub mod client;
mod close;
pub mod deflate;
mod error;
pub mod handshake;
mod header;
mod mask;
mod message;
mod opcode;
mod receiver;
mod role;
mod send;
mod utf8;

pub use close::{CloseFrame, code, may_be_sent, put_close, put_masked_close};
pub use error::ProtocolError;
pub use message::{Incoming, Limits, Received};
pub use opcode::{MAX_CONTROL_BYTES, Opcode};
pub use receiver::Receiver;
pub use send::{FrameHeader, frame_header, put_frame, put_masked_frame};
