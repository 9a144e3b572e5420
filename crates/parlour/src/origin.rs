//! Whose pages may use this server (docs/seeds.md, 2.11, 3.15, 4.08; D29).

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};

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
///
/// ```
/// use parlour::{Origin, OriginError};
/// assert_eq!("null".parse::<Origin>(), Err(OriginError::Null));
/// ```
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

/// Whose pages may use the doors, beside this server's own, which always may. A policy for routes of
/// your own, too: it looks at nothing but headers.
///
/// ```
/// use axum::http::HeaderMap;
/// use parlour::{Origin, OriginRefusal, Origins};
///
/// let own: Origin = "https://chat.example".parse()?;
/// let origins = Origins {
///     allowed: vec!["https://blog.example".parse()?],
///     is_required: false,
/// };
/// let mut headers = HeaderMap::new();
/// assert_eq!(origins.check(Some(&own), &headers), Ok(())); // a program
/// headers.insert("origin", "https://blog.example".parse().unwrap());
/// assert_eq!(origins.check(Some(&own), &headers), Ok(()));
/// headers.insert("origin", "https://blog.example.evil.example".parse().unwrap());
/// assert_eq!(origins.check(Some(&own), &headers), Err(OriginRefusal::Foreign));
/// # Ok::<(), parlour::OriginError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Further origins whose pages may, and may read what the API answers. They use the session as
    /// a bearer: the cookie is for this server's own pages.
    pub allowed: Vec<Origin>,
    /// Whether requests for tickets and connections that name no origin are refused: those of
    /// programs. By default they are let through.
    pub is_required: bool,
}

/// Why a request may not come from where it says.
///
/// ```
/// use axum::http::HeaderMap;
/// use parlour::{OriginRefusal, Origins};
/// let strict = Origins { is_required: true, ..Origins::default() };
/// assert_eq!(strict.check(None, &HeaderMap::new()), Err(OriginRefusal::Missing));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginRefusal {
    /// Its page is of another site, or says so in no readable way.
    #[error("pages of another site may not use this server (the Origin header is not its address)")]
    Foreign,
    /// The same, through a proxy that is not trusted: what the page calls this server is not known.
    #[error(
        "pages of another site may not use this server (the Origin header is not its address); the \
         request came through a proxy that this server does not know: if it is yours, name it with \
         --trusted-proxy (who embeds Parlour: in DoorsConfig::trusted_proxies)"
    )]
    ForeignByProxy,
    /// It names no origin, and one is [required](Origins::is_required).
    #[error("this server asks every client for the Origin header")]
    Missing,
}

impl Origins {
    /// Whether a request may come from where it says; `own` is the origin of this server's pages.
    /// Programs send no `Origin`; a browser always sends one, and it must be its page's very
    /// scheme, host and port (RFC 6454, 5).
    ///
    /// # Errors
    /// [`OriginRefusal`]; answer it with 403.
    pub fn check(&self, own: Option<&Origin>, headers: &HeaderMap) -> Result<(), OriginRefusal> {
        match stated(headers)? {
            None if self.is_required => Err(OriginRefusal::Missing),
            None => Ok(()),
            Some(origin) if own == Some(&origin) || self.allowed.contains(&origin) => Ok(()),
            Some(_) => Err(OriginRefusal::Foreign),
        }
    }

    /// As [`check`](Self::check), for what a form or a link on any page could send: a browser says
    /// in another header, too, that a page of another site asks (Fetch Metadata, 2.3).
    pub(crate) fn check_post(
        &self,
        own: Option<&Origin>,
        headers: &HeaderMap,
    ) -> Result<(), OriginRefusal> {
        self.check(own, headers)?;
        self.check_site(headers)
    }

    /// As [`check_post`](Self::check_post), for programs that prove who they are in another way:
    /// they need not say where they come from.
    pub(crate) fn check_program_post(
        &self,
        own: Option<&Origin>,
        headers: &HeaderMap,
    ) -> Result<(), OriginRefusal> {
        match self.check(own, headers) {
            Err(OriginRefusal::Missing) => {}
            checked => checked?,
        }
        self.check_site(headers)
    }

    fn check_site(&self, headers: &HeaderMap) -> Result<(), OriginRefusal> {
        let mut sites = headers.get_all("sec-fetch-site").iter();
        let is_cross_site = sites.any(|site| is_site(site, "cross-site"));
        if is_cross_site && self.named(headers).is_none() {
            return Err(OriginRefusal::Foreign);
        }
        Ok(())
    }

    /// The origin that a request states, if it is one of [`allowed`](Self::allowed).
    pub(crate) fn named(&self, headers: &HeaderMap) -> Option<Origin> {
        let stated = stated(headers).ok()??;
        self.allowed.contains(&stated).then_some(stated)
    }

    /// Whether the page that asks is one of this very server by https, although nobody but the page
    /// and the operator says so: its origin is named, and it is that of `host` by https, or its
    /// browser says that page and server are the same (Fetch Metadata, 2.3).
    pub(crate) fn is_own_by_tls(&self, host: Option<Authority<'_>>, headers: &HeaderMap) -> bool {
        let Some(named) = self.named(headers) else {
            return false;
        };
        let mut sites = headers.get_all("sec-fetch-site").iter();
        let is_own =
            || host.and_then(|host| Origin::of(Scheme::Https, host)) == Some(named.clone());
        named.scheme == Scheme::Https
            && (sites.any(|site| is_site(site, "same-origin")) || is_own())
    }
}

fn is_site(value: &HeaderValue, site: &str) -> bool {
    let value = value.as_bytes().trim_ascii();
    value.eq_ignore_ascii_case(site.as_bytes())
}

/// The origin that a request names, if any.
fn stated(headers: &HeaderMap) -> Result<Option<Origin>, OriginRefusal> {
    let mut lines = headers.get_all(ORIGIN).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => {
            let origin = line.to_str().ok().and_then(|text| text.parse().ok());
            origin.map(Some).ok_or(OriginRefusal::Foreign)
        }
        (Some(_), Some(_)) => Err(OriginRefusal::Foreign),
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

#[cfg(test)]
mod tests;
