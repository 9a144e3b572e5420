//! Frames of RFC 6455 for the hub, which knows only that there are frames.

use parlour_hub::Framing;
use parlour_proto::FrameKind;
use parlour_ws::{Opcode, put_close, put_frame};

/// WebSocket, as a server sends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebSocket;

impl Framing for WebSocket {
    fn data(&self, kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
        let opcode = match kind {
            FrameKind::Text => Opcode::Text,
            FrameKind::Binary => Opcode::Binary,
        };
        put_frame(out, opcode, payload);
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
}
