//! What may not wait behind a thousand others: whether the server is well, and how it is doing.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::ready;

use tokio::io::ReadBuf;
use tokio::net::TcpStream;

/// The paths of such requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Urgent(Arc<[String]>);

/// Bytes that are looked at: a method, and the longest path of a door.
const LOOK_BYTES: usize = 320;

/// What came first on a connection, and is still unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    /// The first request that comes in plain asks for an urgent path.
    pub(super) is_urgent: bool,
}

impl Urgent {
    pub(super) fn new(paths: impl IntoIterator<Item = String>) -> Self {
        Self(paths.into_iter().collect())
    }

    /// Waits for the first bytes, and leaves them where they are; `None` when there will be none.
    pub(super) async fn first_of(&self, stream: &TcpStream) -> io::Result<Option<First>> {
        poll_fn(|context| {
            // Of the stack, so that nothing is kept while it waits.
            let mut bytes = [0; LOOK_BYTES];
            let mut seen = ReadBuf::new(&mut bytes);
            let len = ready!(stream.poll_peek(context, &mut seen))?;
            let is_urgent = self.has(seen.filled());
            Ok((len > 0).then_some(First { is_urgent })).into()
        })
        .await
    }

    /// Whether a request that begins so asks for one of them.
    fn has(&self, start: &[u8]) -> bool {
        let target = (start.strip_prefix(b"GET ")).or_else(|| start.strip_prefix(b"HEAD "));
        let Some(target) = target else { return false };
        let end = target.iter().position(|byte| matches!(byte, b' ' | b'?'));
        let path = end.map(|end| &target[..end]);
        self.0.iter().any(|it| Some(it.as_bytes()) == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_path_is_urgent() {
        let urgent = Urgent::new(["/healthz".into(), "/internal/debug".into()]);
        for start in [
            "GET /healthz HTTP/1.1\r\nHost: a",
            "HEAD /healthz HTTP/1.1\r\n",
            "GET /internal/debug?format=json HTTP/1.1",
        ] {
            assert!(urgent.has(start.as_bytes()), "{start}");
        }
        for start in [
            "POST /healthz HTTP/1.1",
            "GET /healthzz HTTP/1.1",
            "GET /healthz",
            "GET / HTTP/1.1",
            "GET  /healthz HTTP/1.1",
            "\u{16}\u{3}\u{1}",
            "",
        ] {
            assert!(!urgent.has(start.as_bytes()), "{start}");
        }
        assert!(!Urgent::default().has(b"GET /healthz HTTP/1.1"));
    }
}
