//! The begin of a connection where TLS is spoken, and what is said to who speaks plain HTTP there.

use std::io;
use std::net::Ipv6Addr;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, HOST};
use axum::response::{IntoResponse as _, Response};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Watched;
use crate::authority::Authority;

/// The stream of an HTTP connection by TLS.
pub(crate) type Secure = TlsStream<Watched>;

/// How a connection began.
pub(super) enum Opened {
    Tls(Box<Secure>),
    PlainHttp(Watched),
}

/// Why it did not. The client's fault, if not that of the certificate that it was shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("the first bytes are neither TLS nor HTTP")]
    Garbage,
    #[error("the client has not finished its handshake in time")]
    TooSlow,
    #[error("{0}")]
    Handshake(#[from] io::Error),
}

/// Shakes hands within `time`, unless the client speaks plain HTTP.
pub(super) async fn open(
    stream: Watched,
    acceptor: &TlsAcceptor,
    time: Duration,
) -> Result<Opened, OpenError> {
    /// A record of a handshake (RFC 8446, 5.1).
    const HANDSHAKE: u8 = 22;
    let opened = async {
        match stream.first_byte().await? {
            Some(HANDSHAKE) => {
                let stream = acceptor.accept(stream).await?;
                Ok(Opened::Tls(Box::new(stream)))
            }
            // A method: the head's own bounds hold from here on.
            Some(b'A'..=b'Z') => Ok(Opened::PlainHttp(stream)),
            Some(_) => Err(OpenError::Garbage),
            None => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    };
    tokio::time::timeout(time, opened)
        .await
        .unwrap_or(Err(OpenError::TooSlow))
}

/// The answer to plain HTTP, with the address to use if the request says a valid one.
pub(super) fn speak_https(request: &Request) -> Response {
    let text = match host(request) {
        Some(host) => format!("Bad Request\nThis port speaks https. Use https://{host}/\n"),
        None => "Bad Request\nThis port speaks https.\n".to_owned(),
    };
    (StatusCode::BAD_REQUEST, [(CONNECTION, "close")], text).into_response()
}

fn host(request: &Request) -> Option<&str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return None;
    };
    let text = host.to_str().ok()?;
    let Authority { host, .. } = Authority::parse(text)?;
    match host.strip_prefix('[') {
        Some(address) => {
            let address = address.strip_suffix(']')?;
            address.parse::<Ipv6Addr>().ok().map(|_| text)
        }
        None => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};

    async fn said(hosts: &[&str]) -> String {
        let mut request = Request::builder().uri("/any?otp=secret");
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let response = speak_https(&request.body(Body::empty()).unwrap());
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[CONNECTION], "close");
        let body = to_bytes(response.into_body(), 1024).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_address_is_told_only_if_it_is_one() {
        for host in ["a.example", "a.example:8443", "[::1]:8443", "127.0.0.1"] {
            let address = format!("https://{host}/\n");
            assert!(said(&[host]).await.ends_with(&address), "{host}");
        }
        for hosts in [
            &[][..],
            &["a", "a"],
            &["<b>"],
            &["[<b>]"],
            &["a b"],
            &["me@a"],
        ] {
            let said = said(hosts).await;
            assert!(
                said.ends_with("This port speaks https.\n"),
                "{hosts:?} {said}"
            );
        }
    }
}
