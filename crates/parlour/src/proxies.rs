//! The proxies whose word is taken.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// Neighbouring addresses: `10.0.0.0/8`, `2001:db8::/32`, or a single one, `192.0.2.1`. IPv4 addresses
/// that are written as IPv6 ones (RFC 4291, 2.5.5.2) are IPv4 addresses.
///
/// ```
/// use parlour::Network;
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse().unwrap()));
/// assert!(network.contains("::ffff:10.1.2.3".parse().unwrap()));
/// assert_eq!("192.0.2.1".parse::<Network>()?.to_string(), "192.0.2.1/32");
/// # Ok::<(), parlour::NetworkError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// The text names no [`Network`].
///
/// ```
/// use parlour::{Network, NetworkError};
/// assert_eq!("10.0.0.0/33".parse::<Network>(), Err(NetworkError));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address or ADDRESS/BITS, for example 10.0.0.0/8")]
pub struct NetworkError;

impl Network {
    /// How many bits all its addresses begin with alike; 0: it has all addresses of its kind.
    ///
    /// ```
    /// use parlour::Network;
    /// assert_eq!("10.0.0.0/8".parse::<Network>().unwrap().bits(), 8);
    /// assert_eq!("::1".parse::<Network>().unwrap().bits(), 128);
    /// ```
    #[must_use]
    pub fn bits(&self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether `address` is one of it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(IpNet::from(address.to_canonical()))
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(address.into());
        }
        let network = text.parse().map_err(|_| NetworkError)?;
        Ok(Self(canonical(network)))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether one of `proxies` is at `address`.
pub(crate) fn contain(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|proxy| proxy.contains(address))
}

fn canonical(net: IpNet) -> IpNet {
    /// Of the prefix that marks a mapped address.
    const MARK_BITS: u8 = 96;
    let mapped = || {
        let IpAddr::V4(address) = net.addr().to_canonical() else {
            return None;
        };
        Ipv4Net::new(address, net.prefix_len().checked_sub(MARK_BITS)?).ok()
    };
    match net {
        IpNet::V4(_) => net,
        IpNet::V6(_) => mapped().map_or(net, IpNet::V4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_are_ipv4_addresses() {
        let is_in =
            |net: &str, address: &str| contain(&[net.parse().unwrap()], address.parse().unwrap());
        for (net, inside, outside) in [
            ("10.0.0.0/8", "10.1.2.3", "11.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("::ffff:10.0.0.1/128", "10.0.0.1", "10.0.0.2"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("::ffff:10.0.0.0/104", "::ffff:10.9.9.9", "11.0.0.1"),
            ("2001:db8::/32", "2001:db8::1", "10.0.0.1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
        ] {
            assert!(is_in(net, inside) && !is_in(net, outside), "{net}");
        }
        assert!(!contain(&[], IpAddr::from([10, 0, 0, 1])));
        for bad in ["", "10.0.0.0/33", "10/8", "example.org"] {
            assert_eq!(bad.parse::<Network>(), Err(NetworkError), "{bad}");
        }
    }
}
