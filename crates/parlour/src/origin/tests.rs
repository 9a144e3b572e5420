use super::*;

fn allowed(origin: Option<&str>, host: &str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, host.parse().unwrap());
    if let Some(origin) = origin {
        headers.insert(ORIGIN, origin.parse().unwrap());
    }
    is_allowed(Scheme::Http, &headers)
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
        assert!(is_allowed(Scheme::Http, &headers));
        let value = headers[&twice].clone();
        headers.append(&twice, value);
        assert!(!is_allowed(Scheme::Http, &headers), "{twice}");
    }
}

#[test]
fn an_origin_is_taken_as_browsers_send_it() {
    for (text, shown) in [
        ("https://chat.example", "https://chat.example"),
        ("https://chat.example:443", "https://chat.example"),
        ("HTTP://Chat.Example:8080", "http://chat.example:8080"),
        ("http://[0:0::1]:8080", "http://[::1]:8080"),
    ] {
        assert_eq!(text.parse::<Origin>().unwrap().to_string(), shown);
    }
}

#[test]
fn what_is_no_origin_is_told_why() {
    for (text, error) in [
        ("null", OriginError::Null),
        ("https://*.example", OriginError::Pattern),
        ("*", OriginError::Scheme),
        ("chat.example", OriginError::Scheme),
        ("wss://chat.example", OriginError::Scheme),
        ("https://chat.example/", OriginError::Path),
        ("https://chat.example?x", OriginError::Path),
        ("https://user@chat.example", OriginError::User),
        ("https://caf\u{e9}.example", OriginError::NotAscii),
        ("https://", OriginError::Authority),
        ("https://a b", OriginError::Authority),
        ("https://chat.example:70000", OriginError::Authority),
        ("https://[::g]", OriginError::Authority),
    ] {
        assert_eq!(text.parse::<Origin>(), Err(error), "{text}");
    }
}
