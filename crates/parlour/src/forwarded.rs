//! What proxies say of a client: `X-Forwarded-…`, and `Forwarded` (RFC 7239).
//!
//! A client can write these headers too; a proxy only adds to them, at the right. So lists are read
//! from the right, past the proxies that are trusted, and end at the first address that is not.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::authority::{Authority, Scheme};

/// What proxies put on a request, beside `x-forwarded-…`.
const NAMES: [&str; 5] = [
    "forwarded",
    "via",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
];

/// Whether a proxy has touched the request, as far as one can see.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .map(HeaderName::as_str)
        .any(|name| NAMES.contains(&name) || name.starts_with("x-forwarded-"))
}

/// What trusted proxies say of their client. What cannot be read of one part says nothing about the
/// others: a client can garble what a proxy passes on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    /// `Ok(None)`: nothing is said.
    pub(crate) address: Result<Option<IpAddr>, Malformed>,
    /// What the client spoke with the proxy; `None`: nothing that can be read.
    pub(crate) scheme: Option<Scheme>,
    /// Where the client thinks that it is; `None`: nothing that can be read.
    pub(crate) host: Option<Authority<'a>>,
}

impl Forwarded<'_> {
    pub(crate) const NOTHING: Self = Self {
        address: Ok(None),
        scheme: None,
        host: None,
    };
}

/// A header cannot be read, or two contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads what the proxies say that `is_trusted` trusts.
pub(crate) fn read<'a>(
    headers: &'a HeaderMap,
    is_trusted: impl Fn(IpAddr) -> bool + Copy,
) -> Forwarded<'a> {
    let new = read_new(headers, is_trusted);
    let (new_address, new) = match new {
        Ok(element) => (Ok(element.address), element),
        Err(Malformed) => (Err(Malformed), Element::default()),
    };
    // A proxy that writes the one kind may pass on the other kind as its client wrote it.
    Forwarded {
        address: old_address(headers, is_trusted).and_then(|old| match (old, new_address) {
            (Some(old), Err(Malformed)) => Ok(Some(old)),
            (old, new) => agree(old, new?),
        }),
        scheme: agree(old_scheme(headers), new.scheme).unwrap_or(None),
        host: agree(old_host(headers), new.host).unwrap_or(None),
    }
}

fn agree<T: PartialEq>(one: Option<T>, other: Option<T>) -> Result<Option<T>, Malformed> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(Malformed),
        (one, other) => Ok(one.or(other)),
    }
}

/// `X-Forwarded-For`.
fn old_address(
    headers: &HeaderMap,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Result<Option<IpAddr>, Malformed> {
    let mut address = None;
    // The last line is the last proxy's; what stands further left need not even be text.
    for line in headers.get_all("x-forwarded-for").iter().rev() {
        for element in line.as_bytes().rsplit(|byte| *byte == b',') {
            let element = std::str::from_utf8(element).map_err(|_| Malformed)?;
            let next = parse_address(element.trim()).ok_or(Malformed)?;
            address = Some(next);
            if !is_trusted(next) {
                return Ok(address);
            }
        }
    }
    Ok(address)
}

/// `X-Forwarded-Proto`.
fn old_scheme(headers: &HeaderMap) -> Option<Scheme> {
    Scheme::named(single(headers, "x-forwarded-proto")?)
}

/// `X-Forwarded-Host`.
fn old_host(headers: &HeaderMap) -> Option<Authority<'_>> {
    Authority::parse(single(headers, "x-forwarded-host")?)
}

/// One element of `Forwarded`.
#[derive(Default)]
struct Element<'a> {
    address: Option<IpAddr>,
    scheme: Option<Scheme>,
    host: Option<Authority<'a>>,
}

/// `Forwarded`: the element of the client says how it came, too.
fn read_new(
    headers: &HeaderMap,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Result<Element<'_>, Malformed> {
    let mut client = Element::default();
    let lines = lines(headers, "forwarded")?;
    let elements: Vec<&str> = lines.iter().flat_map(|line| split(line, ',')).collect();
    for element in elements.into_iter().rev() {
        client = parse_element(element)?;
        match client.address {
            Some(address) if is_trusted(address) => {}
            Some(_) => break,
            None => return Err(Malformed),
        }
    }
    Ok(client)
}

/// `for=192.0.2.1;proto=https;host=chat.example`
fn parse_element(element: &str) -> Result<Element<'_>, Malformed> {
    let mut said = Element::default();
    for pair in split(element, ';') {
        let (name, value) = pair.split_once('=').ok_or(Malformed)?;
        let value = unquoted(value.trim())?;
        let is = |known: &str| name.trim().eq_ignore_ascii_case(known);
        let is_repeated = if is("for") {
            said.address
                .replace(parse_address(value).ok_or(Malformed)?)
                .is_some()
        } else if is("proto") {
            said.scheme
                .replace(Scheme::named(value).ok_or(Malformed)?)
                .is_some()
        } else if is("host") {
            said.host
                .replace(Authority::parse(value).ok_or(Malformed)?)
                .is_some()
        } else {
            false
        };
        if is_repeated {
            return Err(Malformed);
        }
    }
    Ok(said)
}

/// A quoted string without escapes, which no address and no host needs, or a plain value.
fn unquoted(value: &str) -> Result<&str, Malformed> {
    let value = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').ok_or(Malformed)?,
        None => value,
    };
    if value.is_empty() || value.contains(['"', '\\']) {
        return Err(Malformed);
    }
    Ok(value)
}

/// An address, with or without a port, with or without brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = bare().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

/// The lines of a header, each with what is in it.
fn lines<'a>(headers: &'a HeaderMap, name: &str) -> Result<Vec<&'a str>, Malformed> {
    let lines = headers.get_all(name).iter();
    lines
        .map(|line| line.to_str().map_err(|_| Malformed))
        .collect()
}

/// The value of a header that a request has once and that is text.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    match lines(headers, name).ok()?[..] {
        [value] => Some(value.trim()),
        _ => None,
    }
}

/// Parts at `separator`, but not in quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |char| {
        is_quoted ^= char == '"';
        char == separator && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    /// Trusts 10.0.0.0/8.
    fn address(lines: &[(&'static str, &str)]) -> Result<Option<String>, Malformed> {
        let is_trusted = |address| matches!(address, IpAddr::V4(it) if it.octets()[0] == 10);
        let headers = headers(lines);
        let said = read(&headers, is_trusted).address?;
        Ok(said.map(|it| it.to_string()))
    }

    #[test]
    fn the_client_is_the_rightmost_that_is_not_trusted() {
        for (name, values, client) in [
            ("x-forwarded-for", &["192.0.2.1"][..], "192.0.2.1"),
            ("x-forwarded-for", &["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
            (
                "x-forwarded-for",
                &["6.6.6.6,192.0.2.1, 10.0.0.1 ,10.0.0.2"],
                "192.0.2.1",
            ),
            (
                "x-forwarded-for",
                &["6.6.6.6", "192.0.2.1", "10.0.0.1"],
                "192.0.2.1",
            ),
            ("x-forwarded-for", &["no address, 192.0.2.1"], "192.0.2.1"),
            ("x-forwarded-for", &["192.0.2.1:4711"], "192.0.2.1"),
            ("x-forwarded-for", &["2001:db8::1"], "2001:db8::1"),
            ("x-forwarded-for", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("x-forwarded-for", &["::ffff:192.0.2.1"], "192.0.2.1"),
            ("x-forwarded-for", &["10.0.0.7, 10.0.0.1"], "10.0.0.7"),
            ("forwarded", &["for=192.0.2.1"], "192.0.2.1"),
            (
                "forwarded",
                &["for=6.6.6.6, For=192.0.2.1;proto=https, for=10.0.0.1"],
                "192.0.2.1",
            ),
            (
                "forwarded",
                &["by=x;for=\"[2001:db8::1]:4711\""],
                "2001:db8::1",
            ),
            ("forwarded", &["for=\"a,b\", for=192.0.2.1"], "192.0.2.1"),
        ] {
            let lines: Vec<_> = values.iter().map(|value| (name, *value)).collect();
            assert_eq!(address(&lines), Ok(Some(client.to_owned())), "{values:?}");
        }
        assert_eq!(address(&[("via", "1.1 proxy")]), Ok(None));
    }

    #[test]
    fn an_address_that_cannot_be_read_is_said_to_be_so() {
        for (name, value) in [
            ("x-forwarded-for", ""),
            ("x-forwarded-for", "unknown"),
            ("x-forwarded-for", "192.0.2.1,"),
            ("x-forwarded-for", "192.0.2.1, 192.0.2"),
            ("x-forwarded-for", "192.0.2.1, 10.0.0.1, x"),
            ("forwarded", "for=unknown"),
            ("forwarded", "for=_hidden"),
            ("forwarded", "proto=https"),
            ("forwarded", "for"),
            ("forwarded", "for=\"192.0.2.1"),
            ("forwarded", "for=192.0.2.1;for=192.0.2.2"),
            ("forwarded", "for=192.0.2.1;proto=ws"),
        ] {
            assert_eq!(address(&[(name, value)]), Err(Malformed), "{name}: {value}");
        }
    }

    #[test]
    fn two_addresses_must_be_the_same_and_what_is_none_does_not_hide_the_other() {
        let old = ("x-forwarded-for", "192.0.2.1");
        let client = || Ok(Some("192.0.2.1".to_owned()));
        for (name, value, expected) in [
            ("forwarded", "for=192.0.2.1", client()),
            ("forwarded", "for=192.0.2.2", Err(Malformed)),
            ("forwarded", "for=unknown", client()),
            ("forwarded", "nonsense", client()),
            ("x-forwarded-host", "a b", client()),
            ("x-forwarded-proto", "ftp", client()),
        ] {
            assert_eq!(address(&[old, (name, value)]), expected, "{name}: {value}");
        }
        let garbled = ("x-forwarded-for", "unknown");
        let new = ("forwarded", "for=192.0.2.1");
        assert_eq!(address(&[garbled, new]), Err(Malformed));
    }

    #[test]
    fn what_stands_left_of_the_client_need_not_be_text() {
        let mut headers = headers(&[("x-forwarded-for", "x")]);
        let line = axum::http::HeaderValue::from_bytes(b"\xff\xfe, 192.0.2.1").unwrap();
        headers.append("x-forwarded-for", line);
        let said = read(&headers, |_| false).address.unwrap().unwrap();
        assert_eq!(said.to_string(), "192.0.2.1");
    }

    #[test]
    fn scheme_and_host_are_read_too() {
        let nobody = |_| false;
        let old = headers(&[
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "HTTPS"),
            ("x-forwarded-host", "chat.example:8443"),
        ]);
        let new = headers(&[(
            "forwarded",
            "for=192.0.2.1;proto=https;host=\"chat.example:8443\"",
        )]);
        let said = read(&old, nobody);
        assert_eq!(said.scheme, Some(Scheme::Https));
        assert_eq!(said.host, Authority::parse("chat.example:8443"));
        assert_eq!(read(&new, nobody), said);
    }

    #[test]
    fn a_scheme_or_a_host_that_cannot_be_read_says_nothing() {
        for (name, values) in [
            ("x-forwarded-proto", &["ftp"][..]),
            ("x-forwarded-proto", &["https, http"]),
            ("x-forwarded-proto", &["https", "https"]),
            ("x-forwarded-host", &["a/b"]),
            ("x-forwarded-host", &["a.example, b.example"]),
        ] {
            let lines: Vec<_> = values.iter().map(|value| (name, *value)).collect();
            let headers = headers(&lines);
            assert_eq!(read(&headers, |_| false), Forwarded::NOTHING, "{values:?}");
        }
    }
}
