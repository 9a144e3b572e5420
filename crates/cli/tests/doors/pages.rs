//! The pages, and the headers that protect them (docs/seeds.md, D35).

use crate::support::Server;

fn get(server: &Server, path: &str) -> crate::support::Answer {
    server.ask(&format!("GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n"))
}

#[test]
fn the_page_is_served_with_the_headers_that_keep_it_to_itself() {
    let server = Server::start();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
    ] {
        let answer = get(&server, path);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(kind))
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        let policy = answer.header("content-security-policy").unwrap();
        assert_eq!(
            policy,
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
             img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        assert!(!answer.body.is_empty());

        let tag = answer.header("etag").unwrap();
        let again = server.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: {{host}}\r\nIf-None-Match: {tag}\r\n\r\n"
        ));
        assert_eq!((again.status, again.header("etag")), (304, Some(tag)));
    }
}

#[test]
fn what_is_no_page_is_not_there() {
    let server = Server::start();
    for path in [
        "/nothing",
        "/tests/package.json",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/ws/",
    ] {
        let answer = get(&server, path);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (404, "Not found\n"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let answer = server.ask("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, Some("GET, HEAD"))
    );
    let mut raw = server.raw();
    raw.send(format!("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", server.address()).as_bytes());
    let head = raw.answer_without_body();
    assert_eq!(head.status, 200);
    assert_eq!(
        head.header("content-length"),
        get(&server, "/").header("content-length")
    );
}
