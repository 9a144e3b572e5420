//! The sockets of the table that have TLS, where Parlour is built without: there are none.

use parlour_hub::Sent;

use super::{Got, Table};

/// The TLS of a socket, which none can have.
pub(crate) enum TlsSession {}

impl Table {
    pub(super) fn seal(&mut self, _: u32, session: Box<TlsSession>) {
        match *session {}
    }

    /// The same as with TLS for a socket that has none, and so of the other three.
    pub(super) fn read_tls(&mut self, _: u32, _: &mut [u8]) -> Got {
        Got::End
    }

    pub(super) fn flush(&mut self, _: u32) -> bool {
        false
    }

    pub(super) fn finish_tls(&mut self, _: u32) {}

    pub(super) fn send_tls(&mut self, _: u32, _: &[u8]) -> Sent {
        Sent::Gone
    }
}
