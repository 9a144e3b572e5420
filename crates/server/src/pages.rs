//! The pages, compiled into the binary, with the headers that keep a page to itself.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use parlour::{DoorPaths, Route};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest as _, Sha256};

/// A debug build reads them from the source's folder each time.
#[derive(RustEmbed)]
#[folder = "../../web"]
#[exclude = "tests/*"]
#[exclude = ".*"]
struct Web;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The doors that the chat page asks at.
const ASKED: [Route; 4] = [Route::Ws, Route::Ticket, Route::Login, Route::Logout];
/// How the chat page begins; where the doors have been moved to is told behind it.
const FIRST_ELEMENT: &str = "<html lang=\"en\"";
const CHAT: &str = "index.html";

/// The chat page that is in the binary.
#[derive(Clone)]
pub(crate) struct BuiltIn {
    /// Attributes of its first element; empty where every door has its usual path.
    paths: Arc<str>,
}

impl BuiltIn {
    pub(crate) fn new(paths: &DoorPaths) -> Self {
        let moved = ASKED
            .into_iter()
            .filter(|route| *paths.of(*route) != route.usual_path())
            .map(|route| format!(" data-{}=\"{}\"", route.name(), paths.of(route)));
        Self {
            paths: moved.collect::<String>().into(),
        }
    }

    /// Answers every request that no door took: a page, or 404.
    pub(crate) async fn answer(self, request: Request) -> Response {
        if !is_reading(&request) {
            return method_not_allowed();
        }
        match find(request.uri().path()) {
            Some((name, file)) => page(self.file(name, file), request.headers()),
            None => not_found(),
        }
    }

    fn file(&self, name: &str, file: EmbeddedFile) -> File {
        let kind = content_type(name, &file).into_owned();
        if name != CHAT || self.paths.is_empty() {
            return File {
                kind,
                tag: entity_tag(&file.metadata.sha256_hash()),
                data: file.data,
            };
        }
        let data = self.told(&file.data);
        File {
            kind,
            tag: entity_tag(&Sha256::digest(&data).into()),
            data: data.into(),
        }
    }

    fn told(&self, page: &[u8]) -> Vec<u8> {
        let begin = format!("{FIRST_ELEMENT}{}", self.paths);
        String::from_utf8_lossy(page)
            .replacen(FIRST_ELEMENT, &begin, 1)
            .into_bytes()
    }
}

/// Whether a request only asks for something.
pub(crate) fn is_reading(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// To who does not only ask.
pub(crate) fn method_not_allowed() -> Response {
    let allow = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
    let words = "Method not allowed\n";
    (StatusCode::METHOD_NOT_ALLOWED, allow, words).into_response()
}

/// To who asks for what is not there.
pub(crate) fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "Not found\n").into_response()
}

/// Files lie side by side, so a name with a slash is none.
fn find(path: &str) -> Option<(&str, EmbeddedFile)> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        name if name.contains('/') => return None,
        name => name,
    };
    Some((name, Web::get(name)?))
}

/// What is answered.
struct File {
    kind: String,
    tag: String,
    data: Cow<'static, [u8]>,
}

fn page(file: File, request: &HeaderMap) -> Response {
    let File { kind, tag, data } = file;
    let is_known = request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let headers = [
        (ETAG, tag),
        // Ask each time; the answer is nearly always 304.
        (CACHE_CONTROL, "no-cache".to_owned()),
        (CONTENT_TYPE, kind),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Body::from(data.into_owned())).into_response()
}

fn entity_tag(hash: &[u8; 32]) -> String {
    let digits: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{digits}\"")
}

fn content_type<'a>(name: &str, file: &'a EmbeddedFile) -> Cow<'a, str> {
    let is_text = [".html", ".css", ".js", ".txt"]
        .iter()
        .any(|end| name.ends_with(end));
    match file.metadata.mimetype() {
        mime if is_text => format!("{mime}; charset=utf-8").into(),
        mime => mime.into(),
    }
}

/// Puts the headers on every answer that is one; a 101 is the last word of HTTP and needs none.
pub(crate) async fn protect(mut response: Response) -> Response {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        // Pages of the operator's have one of their own.
        headers
            .entry(CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static(POLICY));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str, known: Option<&str>) -> Response {
        let mut request = HeaderMap::new();
        if let Some(known) = known {
            request.insert(IF_NONE_MATCH, known.parse().unwrap());
        }
        answer(&DoorPaths::default(), path, &request)
    }

    fn answer(paths: &DoorPaths, path: &str, request: &HeaderMap) -> Response {
        let (name, file) = find(path).unwrap();
        page(BuiltIn::new(paths).file(name, file), request)
    }

    #[test]
    fn the_chat_page_is_told_where_the_doors_are_and_is_another_page_then() {
        let moved = DoorPaths::moved([
            (Route::Ws, "/events".parse().unwrap()),
            (Route::Echo, "/e".parse().unwrap()),
        ]);
        let moved = moved.unwrap();
        let (name, file) = find("/").unwrap();
        let told = BuiltIn::new(&moved).file(name, file);
        let page = String::from_utf8(told.data.into_owned()).unwrap();
        assert!(
            page.contains(r#"<html lang="en" data-ws="/events">"#),
            "{page}"
        );
        let tag = |path| {
            let tag = |paths| answer(paths, path, &HeaderMap::new()).headers()[ETAG].clone();
            [tag(&moved), tag(&DoorPaths::default())]
        };
        let [here, usual] = tag("/");
        assert_ne!(here, usual);
        let [here, usual] = tag("/app.js");
        assert_eq!(here, usual);
    }

    #[test]
    fn pages_have_their_types() {
        for (path, kind) in [
            ("/", "text/html; charset=utf-8"),
            ("/index.html", "text/html; charset=utf-8"),
            ("/app.js", "text/javascript; charset=utf-8"),
            ("/style.css", "text/css; charset=utf-8"),
            ("/icon.svg", "image/svg+xml"),
        ] {
            assert_eq!(get(path, None).headers()[CONTENT_TYPE], kind, "{path}");
        }
    }

    #[test]
    fn a_page_that_is_known_is_not_sent_again() {
        let tag = get("/app.js", None).headers()[ETAG]
            .to_str()
            .unwrap()
            .to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
            assert_eq!(
                get("/app.js", Some(&known)).status(),
                StatusCode::NOT_MODIFIED
            );
        }
        assert_eq!(get("/app.js", Some("\"x\"")).status(), StatusCode::OK);
        assert_ne!(get("/style.css", None).headers()[ETAG], tag);
    }

    #[test]
    fn only_pages_are_served() {
        for path in [
            "/nothing.js",
            "/tests/package.json",
            "/../Cargo.toml",
            "/..",
            "//etc/passwd",
            "/%2e%2e/Cargo.toml",
            "",
            "*",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
        assert!(
            Web::iter().all(|name| !name.contains('/')),
            "only top-level files are embedded"
        );
    }
}
