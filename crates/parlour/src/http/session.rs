//! The session that a request brings: in a cookie, or as a bearer (RFC 6750, 2.1).

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use super::api::ApiError;
use super::bearer::{self, Bearer};
use crate::accounts::{Session, SessionSecret};
use crate::authority::Scheme;
use crate::doors::Doors;
use crate::visit::Visit;

/// The cookie's names. The second can only be set by this very host under TLS (RFC 6265bis,
/// 4.1.3.2), so that no neighbour can slip a session under.
const PLAIN: &str = "parlour_session";
const SECURE: &str = "__Host-parlour_session";

const CLEAR_PLAIN: &str = "parlour_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";
const CLEAR_SECURE: &str =
    "__Host-parlour_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure";

/// An open session, and how the request named it.
pub(super) struct Claimed {
    pub(super) session: Session,
    /// The cookie's value, if it came in a cookie.
    by_cookie: Option<SessionSecret>,
}

impl Claimed {
    /// The header that keeps the browser's cookie as long as the session, if there is a cookie.
    pub(super) fn renewed_cookie(&self, scheme: Scheme) -> Option<HeaderValue> {
        cookie(scheme, self.by_cookie.as_ref()?, &self.session)
    }
}

/// The open session that a request names; `None` if it names none. One that is not open is an
/// error: nobody becomes a guest without knowing.
pub(super) fn claimed(
    doors: &Doors,
    visit: &Visit,
    headers: &HeaderMap,
) -> Result<Option<Claimed>, ApiError> {
    let (secret, is_cookie) = match (bearer(headers)?, cookie_value(visit.scheme, headers)?) {
        (Some(bearer), _) => (bearer, false),
        (None, Some(value)) => (value, true),
        (None, None) => return Ok(None),
    };
    let clear = is_cookie.then_some(clearing_cookie(visit.scheme));
    let accounts = doors.accounts().ok_or(ApiError::BadSession(clear))?;
    let session = accounts.session(secret)?;
    Ok(Some(Claimed {
        session: session.ok_or(ApiError::BadSession(clear))?,
        by_cookie: is_cookie.then(|| SessionSecret::new(secret.to_owned())),
    }))
}

/// What follows `Bearer`. Other schemes are somebody else's, e.g. a proxy's.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    match bearer::bearer(headers) {
        Bearer::None => Ok(None),
        Bearer::Token(token) => Ok(Some(token)),
        Bearer::Malformed => Err(ApiError::BadSession(None)),
    }
}

/// The value of the session's cookie. Two that differ are as bad as a wrong one.
fn cookie_value(scheme: Scheme, headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let bad = || ApiError::BadSession(Some(clearing_cookie(scheme)));
    let mut found = None;
    for line in headers.get_all(COOKIE) {
        let Ok(line) = line.to_str() else { continue };
        for pair in line.split(';') {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            if name.trim() == name_for(scheme) && found.replace(value.trim()).is_some() {
                return Err(bad());
            }
        }
    }
    Ok(found)
}

/// The header's value that gives a browser its session; `None` if the secret fits no header.
pub(super) fn cookie(
    scheme: Scheme,
    secret: &SessionSecret,
    session: &Session,
) -> Option<HeaderValue> {
    let (name, secret) = (name_for(scheme), secret.expose());
    let age = session.expires_in.as_secs();
    let secure = match scheme {
        Scheme::Https => "; Secure",
        Scheme::Http => "",
    };
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    if secret.is_empty() || !secret.bytes().all(is_plain) {
        return None;
    }
    let text = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The header's value that takes the cookie back.
pub(super) fn clearing_cookie(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => CLEAR_PLAIN,
        Scheme::Https => CLEAR_SECURE,
    }
}

fn name_for(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => PLAIN,
        Scheme::Https => SECURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_proto::{SessionId, UserName};
    use std::time::Duration;

    fn session() -> Session {
        Session {
            id: SessionId(1),
            user: UserName::user("ann").unwrap(),
            expires_in: Duration::from_secs(60),
        }
    }

    #[test]
    fn a_cookie_is_out_of_reach_of_scripts_and_of_other_sites() {
        let made = |scheme| {
            let value = cookie(scheme, &SessionSecret::new("abc".to_owned()), &session()).unwrap();
            assert!(value.is_sensitive());
            value.to_str().unwrap().to_owned()
        };
        let plain = "parlour_session=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=60";
        assert_eq!(made(Scheme::Http), plain);
        assert_eq!(made(Scheme::Https), format!("__Host-{plain}; Secure"));
        for bad in ["", "a;b", "a b", "a\nb", "ä"] {
            let secret = SessionSecret::new(bad.to_owned());
            assert!(
                cookie(Scheme::Http, &secret, &session()).is_none(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn the_cookie_is_found_among_others_and_under_tls_only_by_its_safe_name() {
        let of = |scheme, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_static(line));
            }
            cookie_value(scheme, &headers)
                .map(|it| it.map(str::to_owned))
                .map_err(drop)
        };
        let both = &["a=b; parlour_session=x; c=d", "__Host-parlour_session=y"];
        assert_eq!(of(Scheme::Http, both), Ok(Some("x".to_owned())));
        assert_eq!(of(Scheme::Https, both), Ok(Some("y".to_owned())));
        assert_eq!(of(Scheme::Https, &["parlour_session=x"]), Ok(None));
        assert_eq!(of(Scheme::Http, &["xparlour_session=x"]), Ok(None));
        assert_eq!(
            of(Scheme::Http, &["parlour_session="]),
            Ok(Some(String::new()))
        );
        assert_eq!(
            of(Scheme::Http, &["parlour_session=x; parlour_session=y"]),
            Err(())
        );
    }
}
