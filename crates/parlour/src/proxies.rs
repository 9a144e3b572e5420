//! The proxies whose word is taken.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// Whether one of `proxies` is at `address`. IPv4 addresses that are written as IPv6 ones
/// (RFC 4291, 2.5.5.2) are IPv4 addresses, on both sides.
pub(crate) fn contain(proxies: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    let mut proxies = proxies.iter();
    proxies.any(|proxy| canonical(*proxy).contains(&address))
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
            ("::ffff:10.0.0.0/104", "::ffff:10.9.9.9", "11.0.0.1"),
            ("2001:db8::/32", "2001:db8::1", "10.0.0.1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
        ] {
            assert!(is_in(net, inside) && !is_in(net, outside), "{net}");
        }
        assert!(!contain(&[], IpAddr::from([10, 0, 0, 1])));
    }
}
