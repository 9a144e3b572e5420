//! From events to bytes: a dialect and the framing of its transport.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parlour_proto::{Dialect, Event, FrameKind};

/// How frames become bytes on one kind of transport.
pub trait Framing: Send + Sync + 'static {
    /// Appends a data frame.
    fn data(&self, kind: FrameKind, payload: &[u8], out: &mut Vec<u8>);
    /// Appends a ping.
    fn ping(&self, payload: &[u8], out: &mut Vec<u8>);
    /// Appends a pong.
    fn pong(&self, payload: &[u8], out: &mut Vec<u8>);
    /// Appends a close, without a code for `None`.
    fn close(&self, code: Option<u16>, text: &str, out: &mut Vec<u8>);
}

/// One way to speak to connections. A room's view keeps one ring for each in use.
#[derive(Clone)]
pub struct Wire {
    /// What the frames say.
    pub dialect: Arc<dyn Dialect>,
    /// How they become bytes.
    pub framing: Arc<dyn Framing>,
    /// The application is asked before a connection of it is read for the first time, and told when
    /// it has ended.
    pub is_handled: bool,
}

/// Place of a [`Wire`] in [`ShardConfig::wires`](crate::ShardConfig).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireIndex(pub u8);

impl Wire {
    /// Appends the frame that tells `event`; `false` if the dialect has no words for it. A panic of
    /// the dialect counts as that: one bad entry must not end the shard (invariant 7).
    pub(crate) fn put(&self, event: &Event<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        scratch.clear();
        let kind = catch_unwind(AssertUnwindSafe(|| self.dialect.encode(event, scratch)))
            .unwrap_or_else(|_| {
                tracing::error!(dialect = self.dialect.name(), "a dialect failed to encode");
                None
            });
        if let Some(kind) = kind {
            self.framing.data(kind, scratch, out);
        }
        kind.is_some()
    }
}
