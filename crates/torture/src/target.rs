//! Where the server is.

use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use crate::TortureError;

/// A server's plain doors. TLS is not tortured here: name the plain port behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where to connect.
    pub address: SocketAddr,
    /// `HOST:PORT`, for the `Host` header.
    pub authority: String,
}

impl Target {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            address,
            authority: address.to_string(),
        }
    }
}

impl FromStr for Target {
    type Err = TortureError;

    /// Reads `http://HOST:PORT` or `ws://HOST:PORT/ws`, and looks the host up.
    fn from_str(url: &str) -> Result<Self, TortureError> {
        let wrong = |why: &str| TortureError::Options(format!("--url {url}: {why}"));
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("ws://"))
            .ok_or_else(|| wrong("it must begin with http://, the server's plain address"))?;
        let authority = rest.trim_end_matches("/ws").trim_end_matches('/');
        if authority.contains('/') {
            return Err(wrong(
                "it must be the address alone; the doors are where they usually are",
            ));
        }
        let with_port = match authority.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => authority.to_owned(),
            _ => format!("{authority}:80"),
        };
        let addresses = with_port.to_socket_addrs();
        let mut addresses = addresses.map_err(|error| wrong(&error.to_string()))?;
        let address = addresses
            .next()
            .ok_or_else(|| wrong("the host has no address"))?;
        Ok(Self {
            address,
            authority: authority.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_or_without_its_door() {
        for url in ["http://127.0.0.1:9000", "ws://127.0.0.1:9000/ws"] {
            let target: Target = url.parse().unwrap();
            assert_eq!(target, Target::at("127.0.0.1:9000".parse().unwrap()));
        }
        assert!("https://127.0.0.1".parse::<Target>().is_err());
        assert!("http://127.0.0.1/a/b".parse::<Target>().is_err());
    }
}
