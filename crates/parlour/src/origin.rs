//! Whose pages may use this server (contract rows 2.11, 3.15, 4.08; D29).

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

use crate::authority::{Authority, Scheme};

/// Where a page comes from: scheme, host and port (RFC 6454, 4), e.g. `https://chat.example:8443`.
///
/// ```
/// use parlour::{Origin, OriginError};
/// let origin: Origin = "https://Chat.example:443".parse().unwrap();
/// assert_eq!(origin.to_string(), "https://chat.example");
/// assert_eq!("https://chat.example/".parse::<Origin>(), Err(OriginError::Path));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    /// In lower case; IPv6 in brackets, in its shortest form.
    host: Box<str>,
    port: u16,
}

/// Why a text is no [`Origin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// `null`.
    #[error(
        "null is sent by pages that have no origin, anybody's among them: it cannot be allowed"
    )]
    Null,
    /// Has a `*`.
    #[error("an origin has no patterns: name each one by itself")]
    Pattern,
    /// Does not begin with `http://` or `https://`.
    #[error("an origin begins with http:// or https://")]
    Scheme,
    /// Has a path, a query or a fragment, be it only a slash.
    #[error("an origin ends behind its host and port: leave out the / and what follows")]
    Path,
    /// Has `user@`.
    #[error("an origin has no user: leave out what stands before the @")]
    User,
    /// Has other characters than ASCII.
    #[error("an origin's host is written as browsers send it: in ASCII, xn--… for other letters")]
    NotAscii,
    /// The host or the port is none.
    #[error(
        "an origin is like https://chat.example or http://[::1]:8080; this host or port is none"
    )]
    Authority,
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == "null" {
            return Err(OriginError::Null);
        }
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Scheme)?;
        let scheme = Scheme::named(scheme).ok_or(OriginError::Scheme)?;
        if rest.contains('*') {
            return Err(OriginError::Pattern);
        }
        if rest.contains(['/', '?', '#']) {
            return Err(OriginError::Path);
        }
        if rest.contains('@') {
            return Err(OriginError::User);
        }
        if !rest.is_ascii() {
            return Err(OriginError::NotAscii);
        }
        let authority = Authority::parse(rest).ok_or(OriginError::Authority)?;
        Self::of(scheme, authority).ok_or(OriginError::Authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.host)?;
        if self.port != self.scheme.port() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

impl Origin {
    /// The origin of pages at `authority`, unless that is no IPv6 address but in brackets.
    pub(crate) fn of(scheme: Scheme, authority: Authority<'_>) -> Option<Self> {
        let host = match authority.host.strip_prefix('[') {
            Some(bracketed) => {
                let address: Ipv6Addr = bracketed.strip_suffix(']')?.parse().ok()?;
                format!("[{address}]")
            }
            None => authority.host.to_ascii_lowercase(),
        };
        Some(Self {
            scheme,
            host: host.into(),
            port: authority.port_for(scheme),
        })
    }
}

/// Whose pages may use the doors, beside this server's own, which always may.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Further origins whose pages may.
    pub allowed: Vec<Origin>,
    /// Whether requests for tickets and connections that name no origin are refused: those of
    /// programs. By default they are let through.
    pub is_required: bool,
}

/// Whether the request may come from where it says. Programs send no `Origin` and are let through;
/// a browser always sends one, and it must be this very scheme, host and port (RFC 6454, 5).
pub(crate) fn is_allowed(scheme: Scheme, headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(ORIGIN).iter();
    let Some(line) = lines.next() else {
        return true;
    };
    if lines.next().is_some() {
        return false;
    }
    let origin: Option<Origin> = line.to_str().ok().and_then(|text| text.parse().ok());
    let own = single_host(headers).and_then(|host| Origin::of(scheme, host));
    origin.is_some() && origin == own
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

#[cfg(test)]
mod tests;
