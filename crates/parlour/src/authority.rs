//! Scheme, host and port, as `Host` and `Origin` write them.

/// What is spoken below HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// By its name, in any case (RFC 3986, 3.1).
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Http, Self::Https]
            .into_iter()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of an address that names none (RFC 9110, 4.2).
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// `host` or `host:port` (RFC 3986, 3.2, without user information). An IPv6 host keeps its
/// brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let host_len = if text.starts_with('[') {
            text.find(']')? + 1
        } else {
            text.find(':').unwrap_or(text.len())
        };
        let (host, port) = text.split_at(host_len);
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            None if port.is_empty() => None,
            _ => return None,
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let valid = match host.strip_prefix('[') {
            Some(_) => host.len() > 2,
            None => !host.is_empty() && host.bytes().all(is_name),
        };
        valid.then_some(Self { host, port })
    }

    /// The port, or that of `scheme`.
    pub(crate) fn port_for(self, scheme: Scheme) -> u16 {
        self.port.unwrap_or(scheme.port())
    }

    /// Whether both are the same place for `scheme`.
    pub(crate) fn is_same(self, other: Self, scheme: Scheme) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port_for(scheme) == other.port_for(scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_parted() {
        let parsed = |text| Authority::parse(text).map(|it: Authority<'_>| (it.host, it.port));
        assert_eq!(parsed("a.example"), Some(("a.example", None)));
        assert_eq!(parsed("a.example:81"), Some(("a.example", Some(81))));
        assert_eq!(parsed("[::1]"), Some(("[::1]", None)));
        assert_eq!(parsed("[::1]:8080"), Some(("[::1]", Some(8080))));
        for bad in [
            "", ":80", "a:", "a:b", "a:70000", "a:1:2", "a:+1", "::1", "[", "[]", "[::1]x",
            "user@a", "a/b", "a b",
        ] {
            assert_eq!(parsed(bad), None, "{bad:?}");
        }
    }
}
