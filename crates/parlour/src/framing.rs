//! Frames of RFC 6455 for the hub, which knows only that there are frames.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parlour_hub::Framing;
use parlour_proto::FrameKind;
use parlour_ws::deflate::{Deflater, Window};
use parlour_ws::{Opcode, put_close, put_frame};

/// WebSocket, as a server sends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebSocket;

impl Framing for WebSocket {
    fn data(&self, kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
        put_frame(out, opcode(kind), payload);
    }

    fn ping(&self, payload: &[u8], out: &mut Vec<u8>) {
        put_frame(out, Opcode::Ping, payload);
    }

    fn pong(&self, payload: &[u8], out: &mut Vec<u8>) {
        put_frame(out, Opcode::Pong, payload);
    }

    fn close(&self, code: Option<u16>, text: &str, out: &mut Vec<u8>) {
        match code {
            Some(code) => put_close(out, code, text),
            None => put_frame(out, Opcode::Close, b""),
        }
    }
}

/// The same where permessage-deflate was agreed on (RFC 7692).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compressed(pub(crate) Window);

thread_local! {
    /// One per window and shard, not per connection: no message leaves anything in them.
    static DEFLATERS: RefCell<[Deflater; Window::ALL.len()]> =
        const { RefCell::new([Deflater::new(Window::ALL[0]), Deflater::new(Window::ALL[1])]) };
}

impl Framing for Compressed {
    fn data(&self, kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
        DEFLATERS.with_borrow_mut(|deflaters| {
            let deflater = deflaters.iter_mut().find(|it| it.window() == self.0);
            let is_put = deflater.is_some_and(|deflater| {
                let is_put = holds(out, |out| deflater.put_frame(out, opcode(kind), payload));
                if !is_put {
                    *deflater = Deflater::new(self.0);
                }
                is_put
            });
            if !is_put {
                put_frame(out, opcode(kind), payload);
            }
        });
    }

    fn ping(&self, payload: &[u8], out: &mut Vec<u8>) {
        WebSocket.ping(payload, out);
    }

    fn pong(&self, payload: &[u8], out: &mut Vec<u8>) {
        WebSocket.pong(payload, out);
    }

    fn close(&self, code: Option<u16>, text: &str, out: &mut Vec<u8>) {
        WebSocket.close(code, text, out);
    }
}

/// Whether `put` has put what it was to. If it panics, nothing of it stays: a message that compression
/// fails at goes as it is, and the shard goes on (invariant 7).
fn holds(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) -> bool {
    let before = out.len();
    let is_put = catch_unwind(AssertUnwindSafe(|| put(out))).is_ok();
    if !is_put {
        tracing::error!("compressing a message failed; it is sent as it is");
        out.truncate(before);
    }
    is_put
}

fn opcode(kind: FrameKind) -> Opcode {
    match kind {
        FrameKind::Text => Opcode::Text,
        FrameKind::Binary => Opcode::Binary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_has_its_opcode() {
        let mut out = Vec::new();
        WebSocket.data(FrameKind::Text, b"a", &mut out);
        WebSocket.data(FrameKind::Binary, b"b", &mut out);
        WebSocket.ping(b"c", &mut out);
        WebSocket.pong(b"d", &mut out);
        WebSocket.close(Some(1001), "e", &mut out);
        WebSocket.close(None, "not sent without a code", &mut out);
        assert_eq!(
            out,
            b"\x81\x01a\x82\x01b\x89\x01c\x8a\x01d\x88\x03\x03\xe9e\x88\x00"
        );
    }

    #[test]
    fn what_a_panic_has_begun_is_taken_back() {
        let mut out = b"before".to_vec();
        let broken = |out: &mut Vec<u8>| {
            out.push(0xC1);
            panic!("as it was asked to");
        };
        assert!(!holds(&mut out, broken));
        assert_eq!(out, b"before");
        assert!(holds(&mut out, |out| out.push(b'!')));
        assert_eq!(out, b"before!");
    }

    #[test]
    fn only_messages_are_compressed_and_none_that_are_tiny() {
        for window in Window::ALL {
            let (mut out, mut plain) = (Vec::new(), Vec::new());
            let framings: [(&dyn Framing, _); 2] =
                [(&Compressed(window), &mut out), (&WebSocket, &mut plain)];
            for (framing, out) in framings {
                framing.data(FrameKind::Text, b"a", out);
                framing.ping(&[b'c'; 125], out);
                framing.pong(&[b'd'; 125], out);
                framing.close(Some(1001), &"e".repeat(123), out);
                framing.close(None, "", out);
            }
            assert_eq!(out, plain);
            out.clear();
            Compressed(window).data(FrameKind::Binary, &[b'b'; 10_000], &mut out);
            assert!(out[0] == 0xC2 && out.len() < 100, "{} bytes", out.len());
        }
    }
}
