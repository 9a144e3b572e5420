use super::*;

fn headers(origin: &[&str], site: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for origin in origin {
        headers.append(ORIGIN, origin.parse().unwrap());
    }
    if let Some(site) = site {
        headers.insert("sec-fetch-site", site.parse().unwrap());
    }
    headers
}

fn allowed(origin: Option<&str>, scheme: Scheme, host: &str) -> bool {
    let own = Origin::of(scheme, Authority::parse(host).unwrap());
    let headers = headers(origin.as_slice(), None);
    Origins::default().check(own.as_ref(), &headers).is_ok()
}

#[test]
fn no_origin_and_the_same_host_are_allowed() {
    assert!(allowed(None, Scheme::Http, "a.example"));
    for (origin, host) in [
        ("http://a.example", "a.example"),
        ("http://A.example:8080", "a.Example:8080"),
        ("http://a.example", "a.example:80"),
        ("http://[::1]:8080", "[::1]:8080"),
    ] {
        assert!(
            allowed(Some(origin), Scheme::Http, host),
            "{origin} at {host}"
        );
    }
    for (origin, host) in [
        ("https://a.example", "a.example"),
        ("https://a.example", "a.example:443"),
        ("https://a.example:8443", "a.example:8443"),
    ] {
        assert!(
            allowed(Some(origin), Scheme::Https, host),
            "{origin} at {host}"
        );
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
        assert!(
            !allowed(Some(origin), Scheme::Http, "a.example:8080"),
            "{origin}"
        );
    }
}

#[test]
fn the_same_host_by_the_other_scheme_is_another_origin() {
    for origin in [
        "https://localhost",
        "https://localhost:443",
        "https://localhost:80",
    ] {
        assert!(
            !allowed(Some(origin), Scheme::Http, "localhost"),
            "{origin}"
        );
        assert!(
            !allowed(Some(origin), Scheme::Http, "localhost:443"),
            "{origin}"
        );
    }
    assert!(!allowed(
        Some("http://localhost"),
        Scheme::Https,
        "localhost"
    ));
    assert!(!allowed(
        Some("http://localhost:443"),
        Scheme::Https,
        "localhost"
    ));
}

#[test]
fn two_origins_are_refused_even_if_each_were_good() {
    let own = Origin::of(Scheme::Http, Authority::parse("a.example").unwrap());
    let once = headers(&["http://a.example"], None);
    let twice = headers(&["http://a.example", "http://a.example"], None);
    let check = |headers| Origins::default().check(own.as_ref(), headers);
    assert_eq!(check(&once), Ok(()));
    assert_eq!(check(&twice), Err(OriginRefusal::Foreign));
}

#[test]
fn a_request_without_a_readable_host_has_no_own_origin() {
    let check = Origins::default().check(None, &headers(&["http://a.example"], None));
    assert_eq!(check, Err(OriginRefusal::Foreign));
}

#[test]
fn origins_that_are_named_may_and_those_that_look_like_them_may_not() {
    let origins = Origins {
        allowed: vec!["https://app.example:8443".parse().unwrap()],
        is_required: true,
    };
    let own = Origin::of(Scheme::Http, Authority::parse("a.example").unwrap());
    let check = |origin: &[&str]| origins.check(own.as_ref(), &headers(origin, None));
    assert_eq!(check(&["https://App.example:8443"]), Ok(()));
    assert_eq!(check(&["http://a.example"]), Ok(()));
    assert_eq!(check(&[]), Err(OriginRefusal::Missing));
    for other in [
        "https://app.example",
        "http://app.example:8443",
        "https://x.app.example:8443",
        "null",
    ] {
        assert_eq!(check(&[other]), Err(OriginRefusal::Foreign), "{other}");
    }
    let of_program = |origin: &[&str], site| {
        origins
            .check_program_post(own.as_ref(), &headers(origin, site))
            .is_ok()
    };
    assert!(of_program(&[], None) && of_program(&["http://a.example"], None));
    assert!(!of_program(&["http://b.example"], None) && !of_program(&[], Some("cross-site")));
}

#[test]
fn a_post_across_sites_is_refused_unless_its_origin_is_named() {
    let origins = Origins {
        allowed: vec!["https://app.example".parse().unwrap()],
        is_required: false,
    };
    let own = Origin::of(Scheme::Http, Authority::parse("a.example").unwrap());
    let check = |origin: &[&str], site| {
        let headers = headers(origin, site);
        origins.check_post(own.as_ref(), &headers).is_ok()
    };
    for site in [None, Some("same-origin"), Some("same-site"), Some("none")] {
        assert!(check(&[], site), "{site:?}");
    }
    assert!(check(&["https://app.example"], Some("cross-site")));
    assert!(!check(&["http://a.example"], Some("cross-site")));
    assert!(!check(&[], Some("Cross-Site")));
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
