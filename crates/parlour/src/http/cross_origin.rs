//! What lets pages of further origins read the API's answers (Fetch, 3.3: the CORS protocol).
//!
//! Only origins that the operator has named, each by itself, and without credentials: the cookie
//! is `SameSite=Strict` and stays with this server's own pages, others send the session as a bearer.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::origin::Origins;

/// What a page may send beside what forms can.
const REQUEST_HEADERS: &str = "authorization, content-type";
/// How long a browser need not ask again, in seconds; some take no more than ten minutes.
const PREFLIGHT_AGE_S: &str = "600";

/// What a request's page may read.
pub(super) struct CrossOrigin {
    /// Whether the answer depends on who asks.
    varies: bool,
    /// The page's origin as its browser wrote it, if it is one that was named.
    page: Option<HeaderValue>,
    is_preflight: bool,
}

impl CrossOrigin {
    pub(super) fn of(origins: &Origins, method: &Method, headers: &HeaderMap) -> Self {
        let page = headers
            .get(ORIGIN)
            .filter(|_| origins.named(headers).is_some());
        Self {
            varies: !origins.allowed.is_empty(),
            is_preflight: page.is_some()
                && *method == Method::OPTIONS
                && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD),
            page: page.cloned(),
        }
    }

    /// The answer to a browser that asks whether its page may ask; `None` to all others.
    pub(super) fn preflight(&self, methods: &'static str) -> Option<Response> {
        let allowed = [
            (ACCESS_CONTROL_ALLOW_METHODS, methods),
            (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
            (ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE_S),
        ];
        self.is_preflight
            .then(|| (StatusCode::NO_CONTENT, allowed).into_response())
    }

    /// Lets the page read an answer, be it a refusal.
    pub(super) fn open(self, headers: &mut HeaderMap) {
        if self.varies {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(page) = self.page {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page);
            let exposed = HeaderValue::from_static("retry-after");
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
}
