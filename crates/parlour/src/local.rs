//! What "on loopback only" means: the server listens there, the peer comes from there, the request
//! names it, and no proxy has touched it. Everything else gets the public rules.
//!
//! The `Host` header counts because a page of another site can reach a loopback address under its
//! own name (DNS rebinding); what proxies add, because a proxy on this machine makes every
//! client look local. Where a proxy is named it is never local, see [`Visit`](crate::visit::Visit).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::HeaderMap;

use crate::authority::{Authority, Scheme};
use crate::forwarded::is_forwarded;
use crate::origin::single_host;

/// Whether a request that came from `peer` to the listener at `bind` is from this machine.
pub(crate) fn is_local(
    bind: SocketAddr,
    scheme: Scheme,
    peer: Option<IpAddr>,
    headers: &HeaderMap,
) -> bool {
    bind.ip().to_canonical().is_loopback()
        && peer.is_some_and(|peer| peer.to_canonical().is_loopback())
        && single_host(headers).is_some_and(|host| names_loopback(host, scheme, bind.port()))
        && !is_forwarded(headers)
}

fn names_loopback(host: Authority<'_>, scheme: Scheme, port: u16) -> bool {
    let named = host.host.eq_ignore_ascii_case("localhost")
        || host.host == "[::1]"
        || host
            .host
            .parse()
            .is_ok_and(|address: Ipv4Addr| address.is_loopback());
    named && host.port_for(scheme) == port
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    const LOOPBACK: &str = "127.0.0.1:8080";

    fn request(host: &str) -> HeaderMap {
        HeaderMap::from_iter([(axum::http::header::HOST, host.parse().unwrap())])
    }

    fn local(bind: &str, peer: &str, host: &str) -> bool {
        let peer = Some(peer.parse().unwrap());
        is_local(bind.parse().unwrap(), Scheme::Http, peer, &request(host))
    }

    #[test]
    fn every_name_of_loopback_is_local() {
        for host in [
            "localhost:8080",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.1.2.3:8080",
            "[::1]:8080",
        ] {
            assert!(local(LOOPBACK, "127.0.0.1", host), "{host}");
        }
        assert!(local("[::1]:8080", "::1", "[::1]:8080"));
        assert!(local("127.0.0.1:80", "127.0.0.1", "localhost"));
        let peer = Some("127.0.0.1".parse().unwrap());
        let bind = "127.0.0.1:443".parse().unwrap();
        assert!(is_local(bind, Scheme::Https, peer, &request("localhost")));
        assert!(!is_local(bind, Scheme::Http, peer, &request("localhost")));
        assert!(local(
            "127.0.0.1:8080",
            "::ffff:127.0.0.1",
            "localhost:8080"
        ));
    }

    #[test]
    fn one_foreign_part_makes_it_public() {
        assert!(!local("0.0.0.0:8080", "127.0.0.1", "127.0.0.1:8080"));
        assert!(!local(LOOPBACK, "192.0.2.1", "127.0.0.1:8080"));
        for host in [
            "chat.example:8080",
            "localhost",
            "localhost:8081",
            "localhost.example:8080",
            "127.0.0.1.example:8080",
            "10.0.0.1:8080",
            "[::2]:8080",
            "127.0.0.1:8080, 127.0.0.1:8080",
        ] {
            assert!(!local(LOOPBACK, "127.0.0.1", host), "{host}");
        }
        let bind = LOOPBACK.parse().unwrap();
        assert!(!is_local(
            bind,
            Scheme::Http,
            None,
            &request("localhost:8080")
        ));
    }

    #[test]
    fn what_a_proxy_has_touched_is_public() {
        for name in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-proto",
            "X-Forwarded-Host",
            "x-forwarded-anything",
            "Via",
            "X-Real-IP",
            "CF-Connecting-IP",
            "True-Client-IP",
        ] {
            let mut headers = request("localhost:8080");
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                "x".parse().unwrap(),
            );
            let peer = Some("127.0.0.1".parse().unwrap());
            assert!(
                !is_local(LOOPBACK.parse().unwrap(), Scheme::Http, peer, &headers),
                "{name}"
            );
        }
    }
}
