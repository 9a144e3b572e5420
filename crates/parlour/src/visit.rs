//! Who asks, by what way, and where he thinks that he is: what the doors go by.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};

use crate::authority::Scheme;
use crate::doors::DoorsConfig;
use crate::forwarded::{self, Forwarded};
use crate::local;
use crate::origin::{Origin, single_host};
use crate::proxies;

/// One request, as the doors see it.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// The client's; a proxy's, if it is not trusted or says nothing; `None`, if what a trusted one
    /// says cannot be read.
    pub(crate) address: Option<IpAddr>,
    /// Whether it gets the rules of loopback; else the public ones.
    pub(crate) is_local: bool,
    /// What the client speaks, as far as the server, its proxies, or the page that asks can tell:
    /// the session's cookie goes by it.
    pub(crate) scheme: Scheme,
    /// The origin of this server's own pages, as this client sees it.
    pub(crate) own: Option<Origin>,
    /// The peer, if it forwards for others and is not trusted.
    pub(crate) unknown_proxy: Option<IpAddr>,
}

impl Visit {
    pub(crate) fn of(config: &DoorsConfig, extensions: &Extensions, headers: &HeaderMap) -> Self {
        let peer = peer(extensions);
        let listener = config.scheme();
        let is_trusted = |address| proxies::contain(&config.trusted_proxies, address);
        let is_proxied = peer.is_some_and(is_trusted);
        let said = if is_proxied {
            forwarded::read(headers, is_trusted)
        } else {
            Forwarded::NOTHING
        };
        let scheme = said.scheme.unwrap_or(listener);
        let host = said.host.or_else(|| single_host(headers));
        let is_own_by_tls = || config.origins.is_own_by_tls(host, headers);
        Self {
            // Who cannot be told apart must not have the proxy's own share.
            address: said.address.map_or(None, |said| said.or(peer)),
            // Not every request through a proxy shows it: whoever uses its address proves nothing.
            is_local: !is_proxied && local::is_local(config.bind, listener, peer, headers),
            scheme: if is_own_by_tls() {
                Scheme::Https
            } else {
                scheme
            },
            own: host.and_then(|host| Origin::of(scheme, host)),
            unknown_proxy: peer.filter(|_| !is_proxied && forwarded::is_forwarded(headers)),
        }
    }
}

/// Where a request comes from, if the server says it.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "192.0.2.80:443";

    fn visit(peer: &str, lines: &[(&'static str, &str)]) -> Visit {
        let mut config = DoorsConfig::new(PUBLIC.parse().unwrap());
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        visit_to(&config, peer, lines)
    }

    fn visit_to(config: &DoorsConfig, peer: &str, lines: &[(&'static str, &str)]) -> Visit {
        let mut extensions = Extensions::new();
        let peer: IpAddr = peer.parse().unwrap();
        extensions.insert(ConnectInfo(SocketAddr::from((peer, 4711))));
        let mut headers = HeaderMap::new();
        headers.insert("host", "own.example".parse().unwrap());
        for (name, value) in lines {
            headers.insert(*name, value.parse().unwrap());
        }
        Visit::of(config, &extensions, &headers)
    }

    fn seen(visit: &Visit) -> (String, String) {
        let own = visit.own.as_ref().unwrap();
        (visit.address.unwrap().to_string(), own.to_string())
    }

    const SAID: [(&str, &str); 3] = [
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "chat.example"),
    ];

    #[test]
    fn a_trusted_proxy_is_believed_and_nobody_else() {
        for proxy in ["10.1.2.3", "::ffff:10.1.2.3", "::1"] {
            let visit = visit(proxy, &SAID);
            let chat = "https://chat.example";
            assert_eq!(seen(&visit), ("192.0.2.1".to_owned(), chat.to_owned()));
            assert!(visit.scheme == Scheme::Https && !visit.is_local);
        }
        for other in ["192.0.2.9", "127.0.0.1", "11.0.0.1"] {
            let visit = visit(other, &SAID);
            let own = "http://own.example";
            assert_eq!(seen(&visit), (other.to_owned(), own.to_owned()));
            assert!(visit.scheme == Scheme::Http && !visit.is_local);
        }
    }

    #[test]
    fn what_a_trusted_proxy_garbles_does_not_hide_the_rest() {
        let garbled = |index: usize| {
            let mut said = SAID;
            said[index].1 = "a b";
            let visit = visit("10.0.0.1", &said);
            assert!(!visit.is_local);
            let address = visit.address.map(|it| it.to_string());
            (address, visit.own.unwrap().to_string())
        };
        let client = || Some("192.0.2.1".to_owned());
        assert_eq!(garbled(0), (None, "https://chat.example".to_owned()));
        assert_eq!(garbled(1), (client(), "http://chat.example".to_owned()));
        assert_eq!(garbled(2), (client(), "https://own.example".to_owned()));
    }

    #[test]
    fn a_trusted_proxy_on_this_machine_makes_nobody_local() {
        let mut config = DoorsConfig::new("127.0.0.1:80".parse().unwrap());
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        let local = [
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-host", "localhost"),
        ];
        assert!(!visit_to(&config, "127.0.0.1", &local).is_local);
        let silent = [("host", "localhost")];
        assert!(!visit_to(&config, "127.0.0.1", &silent).is_local);
        config.trusted_proxies = vec!["127.0.0.2/32".parse().unwrap()];
        assert!(visit_to(&config, "127.0.0.1", &silent).is_local);
    }

    #[test]
    fn the_own_origin_under_tls_is_https() {
        let mut config = DoorsConfig::new(PUBLIC.parse().unwrap());
        config.is_tls = true;
        let own = visit_to(&config, "192.0.2.9", &[]).own.unwrap();
        assert_eq!(own.to_string(), "https://own.example");
    }
}
