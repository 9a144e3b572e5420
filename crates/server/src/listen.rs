//! Where the server listens: on loopback, until it has TLS.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::ServeError;

/// Knocks that the kernel keeps while the accept loop is busy; it may keep fewer (somaxconn).
const BACKLOG: u32 = 4096;

/// Reads `IP:PORT` or `localhost:PORT`; only loopback addresses are taken.
pub(crate) fn parse(address: &str) -> Result<SocketAddr, ServeError> {
    let bad = || ServeError::BadAddress(address.into());
    let parsed = match address.strip_prefix("localhost:") {
        Some(port) => (Ipv4Addr::LOCALHOST, port.parse().map_err(|_| bad())?).into(),
        None => address.parse().map_err(|_| bad())?,
    };
    if !SocketAddr::ip(&parsed).to_canonical().is_loopback() {
        return Err(ServeError::NotLoopback(parsed));
    }
    Ok(parsed)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_taken() {
        for (text, address) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("localhost:0", "127.0.0.1:0"),
            ("[::1]:80", "[::1]:80"),
            ("127.1.2.3:1", "127.1.2.3:1"),
        ] {
            assert_eq!(parse(text).unwrap(), address.parse().unwrap());
        }
    }

    #[test]
    fn others_are_refused_with_the_fix() {
        for text in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080"] {
            let refused = parse(text).unwrap_err();
            assert!(matches!(refused, ServeError::NotLoopback(_)));
            let words = refused.to_string();
            assert!(
                words.contains("ssh -L 8080") && words.contains("127.0.0.1:8080"),
                "{words}"
            );
        }
        for text in [
            "",
            "8080",
            ":8080",
            "localhost",
            "localhost:x",
            "example.com:80",
        ] {
            assert!(
                matches!(parse(text), Err(ServeError::BadAddress(_))),
                "{text}"
            );
        }
    }
}
