//! The rule for `Origin`: whose pages may use this server (contract rows 2.11, 3.15, 4.08; D29).

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

use crate::authority::Authority;

/// Whether the request may come from where it says. Programs send no `Origin` and are let through;
/// a browser always sends one, and it must be this very scheme, host and port (RFC 6454, 5): the
/// listener speaks plain HTTP.
pub(crate) fn is_allowed(headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return true;
    };
    if origins.next().is_some() {
        return false;
    }
    let origin = origin.to_str().ok().and_then(parse);
    let host = single_host(headers);
    match (origin, host) {
        (Some(origin), Some(host)) => origin.is_same(host),
        _ => false,
    }
}

/// The one `Host` of a request (RFC 9112, 3.2), if it is readable.
pub(crate) fn single_host(headers: &HeaderMap) -> Option<Authority<'_>> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() {
        return None;
    }
    Authority::parse(host)
}

/// `http://host[:port]` (RFC 6454, 7). `null` and other schemes are no such thing.
fn parse(origin: &str) -> Option<Authority<'_>> {
    Authority::parse(origin.strip_prefix("http://")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origin: Option<&str>, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        is_allowed(&headers)
    }

    #[test]
    fn no_origin_and_the_same_host_are_allowed() {
        assert!(allowed(None, "a.example"));
        for (origin, host) in [
            ("http://a.example", "a.example"),
            ("http://A.example:8080", "a.Example:8080"),
            ("http://a.example", "a.example:80"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert!(allowed(Some(origin), host), "{origin} at {host}");
        }
    }

    #[test]
    fn every_other_origin_is_refused() {
        for origin in [
            "null",
            "",
            "http://b.example:8080",
            "http://a.example",
            "http://a.example:8081",
            "http://a.example:8080/",
            "http://a.example:8080@b.example",
            "http://x.a.example:8080",
            "https://a.example:8080",
            "chrome-extension://a.example:8080",
            "a.example:8080",
        ] {
            assert!(!allowed(Some(origin), "a.example:8080"), "{origin}");
        }
    }

    #[test]
    fn the_same_host_under_tls_is_another_origin() {
        for origin in [
            "https://localhost",
            "https://localhost:443",
            "https://localhost:80",
        ] {
            assert!(!allowed(Some(origin), "localhost"), "{origin}");
            assert!(!allowed(Some(origin), "localhost:443"), "{origin}");
        }
    }

    #[test]
    fn two_origins_or_two_hosts_are_refused() {
        for twice in [ORIGIN, HOST] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "a.example".parse().unwrap());
            headers.insert(ORIGIN, "http://a.example".parse().unwrap());
            assert!(is_allowed(&headers));
            let value = headers[&twice].clone();
            headers.append(&twice, value);
            assert!(!is_allowed(&headers), "{twice}");
        }
    }
}
