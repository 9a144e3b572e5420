//! An operator's own pages: docs/seeds.md, 1.01 to 1.03, 1.25, 2.34, D34, D35.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use tempfile::TempDir;

use crate::support::{Answer, Server, parlour};

const PAGE: &str = "<!doctype html><title>Ours</title>";

/// A directory with pages, what must not be seen, and what leads out.
fn house() -> TempDir {
    let house = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = house.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("secret.txt", "not for you");
    put("web/index.html", PAGE);
    put("web/sub/index.html", "sub");
    put("web/files/a b.txt", "a b");
    put("web/files/caf\u{e9}.txt", "caf\u{e9}");
    put("web/style.css", "body {}");
    put("web/page.js", "1;");
    put("web/data.json", "{}");
    put("web/picture.png", "no picture");
    put("web/without-an-end", "bytes");
    put("web/.hidden", "hidden");
    put("web/.git/config", "hidden");
    let web = house.path().join("web");
    symlink("../secret.txt", web.join("out.txt")).unwrap();
    symlink(house.path().join("secret.txt"), web.join("far-out.txt")).unwrap();
    symlink("..", web.join("up")).unwrap();
    symlink("/", web.join("whole")).unwrap();
    symlink("page.js", web.join("within.js")).unwrap();
    symlink("nowhere", web.join("dangling")).unwrap();
    symlink("loop", web.join("loop")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, web.join("pipe"), rustix::fs::Mode::RWXU).unwrap();
    house
}

fn serve(house: &TempDir) -> Server {
    let web = house.path().join("web");
    Server::start_with(&["--web-root", web.to_str().unwrap()])
}

fn get(server: &Server, path: &str) -> Answer {
    get_with(server, path, "")
}

fn get_with(server: &Server, path: &str, headers: &str) -> Answer {
    server.ask(&format!(
        "GET {path} HTTP/1.1\r\nHost: {{host}}\r\n{headers}\r\n"
    ))
}

#[test]
fn files_are_served_under_their_names_with_their_types() {
    let house = house();
    let server = serve(&house);
    for (path, body, kind) in [
        ("/", PAGE, "text/html; charset=utf-8"),
        ("/index.html", PAGE, "text/html; charset=utf-8"),
        ("/sub/", "sub", "text/html; charset=utf-8"),
        ("/files/a%20b.txt", "a b", "text/plain; charset=utf-8"),
        (
            "/files/caf%C3%A9.txt?x=1",
            "caf\u{e9}",
            "text/plain; charset=utf-8",
        ),
        ("/style.css", "body {}", "text/css; charset=utf-8"),
        ("/page.js", "1;", "text/javascript; charset=utf-8"),
        ("/within.js", "1;", "text/javascript; charset=utf-8"),
        ("/data.json", "{}", "application/json"),
        ("/picture.png", "no picture", "image/png"),
        ("/without-an-end", "bytes", "application/octet-stream"),
    ] {
        let answer = get(&server, path);
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
    }
    assert_eq!(get(&server, "/sub").header("location"), Some("/sub/"));
}

#[test]
fn d34_nothing_is_listed_hidden_or_outside() {
    let house = house();
    let server = serve(&house);
    for path in [
        "/nothing",
        "/files/",
        "/files",
        "/index.html/",
        "/index.html/x",
        "/.hidden",
        "/.git/config",
        "/%2ehidden",
        "/sub/../.hidden",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/sub/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "//sub",
        "/out.txt",
        "/far-out.txt",
        "/up/secret.txt",
        "/up/web/index.html",
        "/whole/etc/passwd",
        "/dangling",
        "/loop",
        "/pipe",
        "/%00",
        "/%ff",
    ] {
        let answer = get(&server, path);
        assert!(
            !answer.body.contains("not for you") && !answer.body.contains("root:"),
            "{path}"
        );
        let is_redirect = answer.status == 307 && path == "/files";
        assert!(
            is_redirect || answer.status == 404 || answer.status == 400,
            "{path}: {answer:?}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
    assert_eq!(get(&server, "/nothing").body, "Not found\n");
}

#[test]
fn only_reading_is_served_and_head_is_like_get() {
    let house = house();
    let server = serve(&house);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = server.ask(&format!(
            "{method} / HTTP/1.1\r\nHost: {{host}}\r\nContent-Length: 0\r\n\r\n"
        ));
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (405, "Method not allowed\n"),
            "{method}"
        );
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    let mut raw = server.raw();
    raw.send(
        server
            .named("HEAD / HTTP/1.1\r\nHost: {host}\r\n\r\n")
            .as_bytes(),
    );
    let head = raw.answer_without_body();
    let length = PAGE.len().to_string();
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some(length.as_str()))
    );
}

#[test]
fn d35_a_page_may_use_its_own_scripts_and_nobody_elses() {
    let house = house();
    let server = serve(&house);
    for path in ["/", "/nothing", "/sub/"] {
        let answer = get(&server, path);
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline'",
            "object-src 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(
            !policy.contains("http:") && !policy.contains("https:"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    // What is no page of the operator's keeps the narrow policy.
    let own = get(&server, "/healthz");
    let policy = own.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
}

#[test]
fn what_a_browser_has_is_not_sent_again_until_it_changes() {
    let house = house();
    let server = serve(&house);
    let first = get(&server, "/page.js");
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    let tag = first.header("etag").unwrap().to_owned();
    let asked = format!("If-None-Match: {tag}\r\n");
    assert_eq!(get_with(&server, "/page.js", &asked).status, 304);
    change(&house.path().join("web/page.js"));
    let second = get_with(&server, "/page.js", &asked);
    assert_eq!(
        (second.status, second.body.as_str()),
        (200, "another length;")
    );
    let part = get_with(&server, "/page.js", "Range: bytes=0-6\r\n");
    assert_eq!((part.status, part.body.as_str()), (206, "another"));
}

fn change(path: &Path) {
    fs::write(path, "another length;").unwrap();
}

#[test]
fn the_doors_stand_before_the_files() {
    let house = house();
    fs::write(house.path().join("web/ws"), "a file").unwrap();
    let server = serve(&house);
    assert_eq!(get(&server, "/ws").status, 426);
    assert_eq!(get(&server, "/healthz").status, 200);
}

/// What `serve` says in `house` instead of starting.
fn refused(house: &Path, arguments: &[&str]) -> String {
    let output = parlour()
        .args(["serve", "--log", "off", "--addr", "127.0.0.1:0"])
        .args(arguments)
        .current_dir(house)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty());
    said
}

#[test]
fn a_directory_that_holds_what_is_the_servers_own_is_refused() {
    let house = house();
    let at = |path: &str| house.path().join(path);
    fs::create_dir_all(at("data/tls")).unwrap();
    symlink("../data", at("web/data")).unwrap();
    fs::write(at("web/token"), "0123456789abcdef0123456789abcdef").unwrap();
    fs::set_permissions(at("web/token"), Permissions::from_mode(0o600)).unwrap();
    fs::write(at("web/parlour.toml"), "").unwrap();
    let out = ["--data", "data", "--web-root"];
    let with = |more: &[&'static str]| [&out[..], more].concat();
    for (arguments, what) in [
        (vec!["--web-root", "."], "the data directory parlour-data"),
        (with(&["."]), "the data directory data"),
        (with(&["data"]), "the data directory data"),
        (with(&["data/tls"]), "own key data/tls/key.pem"),
        (
            vec!["--data", "web/within", "--web-root", "web"],
            "the data directory web/within",
        ),
        (
            with(&["web", "--config", "web/parlour.toml"]),
            "the configuration web/parlour.toml",
        ),
        (
            with(&["web", "--operator-token-file", "web/token"]),
            "the token web/token",
        ),
        (
            with(&[
                "web",
                "--door",
                "publish",
                "--publish-token-file",
                "web/../web/token",
            ]),
            "the token web/../web/token",
        ),
        (
            with(&["web", "--tls-cert", "web/token", "--tls-key", "web/token"]),
            "the key web/token",
        ),
    ] {
        let said = refused(house.path(), &arguments);
        assert!(
            said.contains("--web-root") && said.contains(what) && said.contains("move"),
            "{arguments:?}: {said}"
        );
    }
    // A link that leads to it is not followed, so it is no harm.
    let data = at("data").to_str().unwrap().to_owned();
    let web = at("web").to_str().unwrap().to_owned();
    let server = Server::start_with(&["--data", &data, "--web-root", &web]);
    assert_eq!(get(&server, "/data/accounts.redb").status, 404);
}
