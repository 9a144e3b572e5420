//! Which host a request is for: exactly one, and said the same way everywhere (RFC 9112, 3.2).

use axum::http::header::HOST;
use axum::http::{Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};

use crate::authority::{Authority, Scheme};

/// Why a request is answered with 400 before anything looks at it. The client's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HostError {
    #[error("the request has no `Host` header")]
    Missing,
    #[error("the request has more than one `Host` header")]
    Repeated,
    #[error("the `Host` header of the request is no host with an optional port")]
    Malformed,
    #[error("the request's target is not at the host that its `Host` header names")]
    OtherTarget,
}

impl IntoResponse for HostError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, format!("Bad Request\n{self}\n")).into_response()
    }
}

/// Only HTTP/1.0 may leave `Host` out; then there is none to compare an absolute target with.
pub(super) fn check<B>(scheme: Scheme, request: &Request<B>) -> Result<(), HostError> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host,
        (None, _) if request.version() == Version::HTTP_10 => return Ok(()),
        (None, _) => return Err(HostError::Missing),
        (Some(_), Some(_)) => return Err(HostError::Repeated),
    };
    let host = host.to_str().ok().and_then(Authority::parse);
    let host = host.ok_or(HostError::Malformed)?;
    let Some(target) = request.uri().authority() else {
        return Ok(());
    };
    let is_scheme = request
        .uri()
        .scheme_str()
        .is_none_or(|it| it.eq_ignore_ascii_case(scheme.name()));
    match Authority::parse(target.as_str()) {
        Some(target) if is_scheme && target.is_same(host, scheme) => Ok(()),
        _ => Err(HostError::OtherTarget),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(target: &str, hosts: &[&str]) -> Result<(), HostError> {
        checked_by(Scheme::Http, target, hosts)
    }

    fn checked_by(scheme: Scheme, target: &str, hosts: &[&str]) -> Result<(), HostError> {
        let mut request = Request::builder().uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        check(scheme, &request.body(()).unwrap())
    }

    #[test]
    fn a_request_names_its_host_once() {
        assert_eq!(checked("/", &["a.example:8080"]), Ok(()));
        assert_eq!(checked("/", &[]), Err(HostError::Missing));
        let twice = checked("/", &["a.example", "a.example"]);
        assert_eq!(twice, Err(HostError::Repeated));
        for host in ["", "a b", "a, b", "user@a", "http://a"] {
            assert_eq!(checked("/", &[host]), Err(HostError::Malformed), "{host}");
        }
        let old = Request::builder().version(Version::HTTP_10).body(());
        assert_eq!(check(Scheme::Http, &old.unwrap()), Ok(()));
    }

    #[test]
    fn an_absolute_target_is_at_the_same_host() {
        for target in ["http://a.example/x", "http://A.example:80/x"] {
            assert_eq!(checked(target, &["a.example"]), Ok(()), "{target}");
        }
        for target in [
            "http://b.example/x",
            "http://a.example:81/x",
            "https://a.example/x",
            "http://me@a.example/x",
        ] {
            let result = checked(target, &["a.example"]);
            assert_eq!(result, Err(HostError::OtherTarget), "{target}");
        }
    }

    #[test]
    fn an_absolute_target_is_of_the_scheme_that_the_request_came_by() {
        let checked = |target| checked_by(Scheme::Https, target, &["a.example"]);
        for target in ["https://a.example/x", "https://A.example:443/x"] {
            assert_eq!(checked(target), Ok(()), "{target}");
        }
        for target in ["http://a.example/x", "https://a.example:80/x"] {
            assert_eq!(checked(target), Err(HostError::OtherTarget), "{target}");
        }
    }
}
