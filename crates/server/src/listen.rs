//! The socket that the server listens on.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::ServeError;

/// Knocks that the kernel keeps while the accept loop is busy; it may keep fewer (somaxconn).
const BACKLOG: u32 = 4096;

/// Listens on `address`. Must be called on a tokio runtime.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    bind(address).map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => ServeError::AddressInUse(address),
        ErrorKind::PermissionDenied => ServeError::AddressForbidden(address),
        _ => ServeError::Listen { address, source },
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart must not wait for the last one's connections to be forgotten by the kernel.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
