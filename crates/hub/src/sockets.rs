//! How the hub writes: the seam to real and simulated sockets.

/// The sockets of one shard, addressed by [`ConnectionId::index`](parlour_proto::ConnectionId).
///
/// After [`Sent::Gone`], [`cut`](Self::cut) or the end of a socket that was
/// [`finish`](Self::finish)ed, the driver calls
/// [`Shard::handle_gone`](crate::Shard::handle_gone) exactly once, not from inside these methods.
pub trait Sockets {
    /// Sends as much as the socket takes now. Fewer bytes than given mean that the socket is
    /// blocked: further sends answer `Sent::Bytes(0)` without a system call until the driver has
    /// seen it writable and called [`Shard::handle_writable`](crate::Shard::handle_writable).
    fn send(&mut self, index: u32, bytes: &[u8]) -> Sent;

    /// Everything is written, the close frame included: shut down the write side, then read and
    /// throw away until the peer is gone.
    fn finish(&mut self, index: u32);

    /// Cut the connection at once.
    fn cut(&mut self, index: u32);
}

/// What became of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// So many bytes were taken.
    Bytes(usize),
    /// There is no peer any more.
    Gone,
}
