//! The wires of a hub: each dialect plain, and compressed with each window.
//!
//! A room keeps one ring for each wire that somebody in it uses. So what is compressed is compressed
//! once for all members with the same dialect and window, and nobody else pays for it.

use std::sync::Arc;

use parlour_hub::{Framing, Wire, WireIndex};
use parlour_proto::Dialect;
use parlour_proto::dialect::Plain;
use parlour_ws::deflate::Window;

use crate::framing::{Compressed, WebSocket};

/// Wires of one dialect: first the plain one.
const FRAMINGS: u8 = 1 + Window::ALL.len() as u8;

/// Dialects that a hub can speak: its wires are counted in a byte.
pub(crate) const DIALECTS_MAX: usize = (u8::MAX / FRAMINGS) as usize;

/// All wires, in the order that the functions below count on.
pub(crate) fn all(dialects: Vec<Arc<dyn Dialect>>, handled: &[&'static str]) -> Arc<[Wire]> {
    let compressed = |window| Arc::new(Compressed(window)) as Arc<dyn Framing>;
    let framings: Vec<Arc<dyn Framing>> = std::iter::once(Arc::new(WebSocket) as Arc<dyn Framing>)
        .chain(Window::ALL.map(compressed))
        .collect();
    let of_one = |dialect: Arc<dyn Dialect>| {
        // Names at `/plain` are somebody's to give out and to take back.
        let is_handled = dialect.name() == Plain.name() || handled.contains(&dialect.name());
        let wire = move |framing: &Arc<dyn Framing>| Wire {
            dialect: Arc::clone(&dialect),
            framing: Arc::clone(framing),
            is_handled,
        };
        framings.iter().map(wire).collect::<Vec<_>>()
    };
    dialects.into_iter().flat_map(of_one).collect()
}

/// The plain wire of the dialect with this place.
pub(crate) fn plain(dialect: usize) -> Option<WireIndex> {
    let dialect = u8::try_from(dialect).ok()?;
    dialect.checked_mul(FRAMINGS).map(WireIndex)
}

/// The plain wire of the same dialect.
pub(crate) fn uncompressed(wire: WireIndex) -> WireIndex {
    WireIndex(wire.0 - wire.0 % FRAMINGS)
}

/// The wire of the same dialect that compresses with this window.
pub(crate) fn compressed(wire: WireIndex, window: Window) -> WireIndex {
    let framing = match window {
        Window::Full => 1,
        Window::Small => 2,
    };
    WireIndex(uncompressed(wire).0 + framing)
}

/// Whether what comes in may be compressed.
pub(crate) fn is_compressed(wire: WireIndex) -> bool {
    wire != uncompressed(wire)
}

#[cfg(test)]
mod tests {
    use parlour_proto::{FrameKind, dialect};

    use super::*;

    /// What a wire says of itself: its dialect, and how it sends a message that can be compressed.
    fn sends(wires: &[Wire], wire: WireIndex) -> (&'static str, Vec<u8>) {
        let wire = &wires[usize::from(wire.0)];
        let mut out = Vec::new();
        let text: String = (0..900).map(|n| format!("{} ", n % 300)).collect();
        wire.framing
            .data(FrameKind::Text, text.as_bytes(), &mut out);
        (wire.dialect.name(), out)
    }

    #[test]
    fn each_dialect_has_a_wire_for_each_framing() {
        let wires = all(
            vec![Arc::new(dialect::Echo), Arc::new(Plain)],
            &["parlour.echo"],
        );
        assert_eq!(wires.len(), 6);
        assert!(wires.iter().all(|wire| wire.is_handled));
        for (place, name) in [(0, "parlour.echo"), (1, "parlour.plain")] {
            let wire = plain(place).unwrap();
            let sent = sends(&wires, wire);
            assert_eq!((sent.0, sent.1[0]), (name, 0x81));
            assert!(!is_compressed(wire) && uncompressed(wire) == wire);
            let [full, small] = Window::ALL.map(|window| compressed(wire, window));
            for wire in [full, small] {
                let sent = sends(&wires, wire);
                assert_eq!((sent.0, sent.1[0]), (name, 0xC1), "compressed");
                assert!(is_compressed(wire) && uncompressed(wire) == plain(place).unwrap());
            }
            let len = |wire| sends(&wires, wire).1.len();
            assert!(len(full) < len(small), "the window is the smaller one");
        }
    }

    #[test]
    fn a_byte_counts_the_wires_of_all_dialects() {
        let last = plain(DIALECTS_MAX - 1).unwrap();
        assert_eq!(compressed(last, Window::Small), WireIndex(254));
    }
}
