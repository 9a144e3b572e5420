//! Where a server is: `http://` or `https://`, a host, perhaps a port and a path before its doors.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;
use hyper::http::uri::PathAndQuery;

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) is_tls: bool,
    /// Without the brackets that an IPv6 address has in a URL.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What stands before the doors' paths: empty, or `/chat`.
    base: String,
}

/// Why a text is no address of a server. The caller's mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is no address of a server: {why}; write it like http://127.0.0.1:8080")]
pub struct AddressError {
    url: String,
    why: &'static str,
}

/// Where a server's doors are, if not where they usually are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doors {
    pub(crate) ws: String,
    pub(crate) ticket: String,
    pub(crate) login: String,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            ws: "/ws".into(),
            ticket: "/ticket".into(),
            login: "/login".into(),
        }
    }
}

/// Why a text is no path of a door. The caller's mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{path:?} is no path of a door; write it like {usual}, without a query and with escapes for all but ASCII"
)]
pub struct PathError {
    path: String,
    usual: &'static str,
}

/// A path that can stand in a request as it is.
pub(crate) fn path(path: &str, usual: &'static str) -> Result<String, PathError> {
    let is_whole = |it: &PathAndQuery| it.as_str() == path && it.query().is_none();
    let is_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    if is_path && path.parse().is_ok_and(|it| is_whole(&it)) {
        return Ok(path.to_owned());
    }
    let path = path.to_owned();
    Err(PathError { path, usual })
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, AddressError> {
        let refused = |why| AddressError {
            url: url.to_owned(),
            why,
        };
        let uri: Uri = url.parse().map_err(|_| refused("it is no URL"))?;
        let is_tls = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            Some(_) => return Err(refused("it begins with neither http:// nor https://")),
            None => return Err(refused("it does not begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| refused("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(refused("it has a name or a password in it"));
        }
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() {
            return Err(refused("it has no host"));
        }
        let written = authority.as_str().strip_prefix(authority.host());
        let port = match written.and_then(|rest| rest.strip_prefix(':')) {
            None | Some("") => None,
            Some(port) => Some(port.parse().map_err(|_| refused("its port is no number"))?),
        };
        if uri.query().is_some() {
            return Err(refused("it has a query"));
        }
        Ok(Self {
            is_tls,
            host: host.to_owned(),
            port: port.unwrap_or(if is_tls { 443 } else { 80 }),
            base: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Whether nobody between can read what is sent: TLS, or this machine's own loopback.
    pub(crate) fn is_private(&self) -> bool {
        let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
        self.is_tls
            || self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse().is_ok_and(is_loopback)
    }

    /// A door's path on this server.
    pub(crate) fn target(&self, door: &str) -> String {
        format!("{}{door}", self.base)
    }

    /// The value of the `Host` header (RFC 9110, 7.2): the port only where it is not the scheme's own.
    pub(crate) fn host_header(&self) -> String {
        let host = self.bracketed();
        match (self.is_tls, self.port) {
            (false, 80) | (true, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') {
            return format!("[{}]", self.host);
        }
        self.host.clone()
    }
}

/// As it is typed, without a path.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host_header())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (String, String, u16, String) {
        let address = Address::parse(url).unwrap();
        let target = address.target("/ws");
        (address.to_string(), address.host, address.port, target)
    }

    #[test]
    fn addresses_are_read_as_they_are_typed() {
        let local = (
            "http://127.0.0.1:8080".into(),
            "127.0.0.1".into(),
            8080,
            "/ws".into(),
        );
        assert_eq!(parsed("http://127.0.0.1:8080"), local);
        assert_eq!(parsed("http://127.0.0.1:8080/"), local);
        assert_eq!(parsed("ws://127.0.0.1:8080"), local);
        let six = ("http://[::1]:9000".into(), "::1".into(), 9000, "/ws".into());
        assert_eq!(parsed("http://[::1]:9000"), six);
        let behind = (
            "https://x.example".into(),
            "x.example".into(),
            443,
            "/chat/ws".into(),
        );
        assert_eq!(parsed("https://x.example/chat/"), behind);
        assert_eq!(parsed("https://x.example:443/chat"), behind);
    }

    #[test]
    fn only_tls_and_this_machine_are_private() {
        let is_private = |url| Address::parse(url).unwrap().is_private();
        for url in [
            "https://x.example",
            "http://localhost:8080",
            "http://127.0.0.2",
            "http://[::1]:80",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(is_private(url), "{url}");
        }
        for url in [
            "http://x.example",
            "http://localhost.x.example",
            "http://127.0.0.1.x.example",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "ws://[fe80::1]",
        ] {
            assert!(!is_private(url), "{url}");
        }
    }

    #[test]
    fn a_path_of_a_door_is_one_and_nothing_else() {
        for good in ["/", "/ws", "/a/b-c_d.e~f", "/caf%C3%A9"] {
            assert_eq!(path(good, "/ws").as_deref(), Ok(good));
        }
        for bad in [
            "",
            "ws",
            "/a b",
            "/ws?otp=1",
            "/ws#x",
            "/é",
            "/a\r\nX: y",
            "http://x/ws",
        ] {
            let error = path(bad, "/ws").unwrap_err().to_string();
            assert!(error.contains("like /ws"), "{error}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for (url, why) in [
            ("", "no URL"),
            ("127.0.0.1:8080", "does not begin"),
            ("localhost", "does not begin"),
            ("ftp://x", "neither http:// nor"),
            ("http://", "no URL"),
            ("http://ann:secret@x", "a name or a password"),
            ("http://x:99999", "port"),
            ("http://x/?room=a", "a query"),
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(
                error.contains(why) && error.contains("like http://127"),
                "{error}"
            );
        }
    }
}
