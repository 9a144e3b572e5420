//! Where the server under test listens.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use crate::BenchError;
use crate::dialect::Dialect;

/// A WebSocket door and the ticket door beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `HOST:PORT`, as it stands in the `Host` header.
    pub authority: String,
    /// Path of the WebSocket door, such as `/ws`.
    pub path: String,
    /// The address to connect to.
    pub address: SocketAddr,
    /// What is spoken there.
    pub dialect: Dialect,
    /// Compression is offered there (RFC 7692), and must be accepted.
    pub deflate: bool,
}

impl Target {
    /// The usual doors of a server that listens on `address`.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self {
            authority: address.to_string(),
            path: "/ws".into(),
            address,
            dialect: Dialect::default(),
            deflate: false,
        }
    }

    /// The same door, where something else is spoken.
    #[must_use]
    pub fn speaking(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Path of the door that gives tickets: `/ticket` beside the WebSocket door.
    #[must_use]
    pub fn ticket_path(&self) -> String {
        self.beside("ticket")
    }

    /// Path of another door beside the WebSocket door.
    #[must_use]
    pub fn beside(&self, door: &str) -> String {
        let parent = self.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        format!("{parent}/{door}")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ws://{}{}", self.authority, self.path)
    }
}

impl FromStr for Target {
    type Err = BenchError;

    /// Reads `ws://HOST:PORT/PATH` and looks the host up.
    fn from_str(url: &str) -> Result<Self, BenchError> {
        let wrong = |why: &str| BenchError::Options(format!("--url {url}: {why}"));
        let rest = url.strip_prefix("ws://").ok_or_else(|| {
            wrong("it must begin with ws:// (TLS is not measured: name the plain port behind it)")
        })?;
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/ws"),
        };
        let with_port = match authority.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => authority.to_owned(),
            _ => format!("{authority}:80"),
        };
        let address = with_port
            .to_socket_addrs()
            .map_err(|error| wrong(&format!("{with_port} is not an address: {error}")))?
            .next()
            .ok_or_else(|| wrong("the host has no address"))?;
        Ok(Self {
            authority: authority.to_owned(),
            path: path.to_owned(),
            address,
            dialect: Dialect::default(),
            deflate: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticket_door_stands_beside_the_websocket_door() {
        let target: Target = "ws://127.0.0.1:9000/ws".parse().unwrap();
        assert_eq!(target.ticket_path(), "/ticket");
        assert_eq!(target, Target::at("127.0.0.1:9000".parse().unwrap()));
        let nested: Target = "ws://127.0.0.1:9000/chat/ws".parse().unwrap();
        assert_eq!(nested.ticket_path(), "/chat/ticket");
        let bare: Target = "ws://127.0.0.1".parse().unwrap();
        assert_eq!((bare.path.as_str(), bare.address.port()), ("/ws", 80));
    }

    #[test]
    fn a_url_that_cannot_be_measured_says_why() {
        let error = "wss://127.0.0.1/ws"
            .parse::<Target>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("ws://"), "{error}");
        assert!("ws://no host at all/ws".parse::<Target>().is_err());
    }
}
