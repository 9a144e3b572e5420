//! Pages of origins that are named may use the API across origins, and nobody else may.

use parlour::{Door, Token};

use crate::support::{Answer, House, Request, login, request};

const APP: &str = "https://app.example:8443";

fn house() -> House {
    House::public(|config| {
        config.origins.allowed = vec![APP.parse().unwrap(), "https://b.example".parse().unwrap()];
        config.open_doors = vec![Door::Publish];
        config.publish_token = Some(Token::new("0123456789-publisher".to_owned()).unwrap());
    })
}

/// As a browser sends it for a page of `origin`.
fn of(origin: &str, request: Request) -> Request {
    request.headers(&[("Origin", origin), ("Sec-Fetch-Site", "cross-site")])
}

fn preflight(path: &str, origin: &str) -> Request {
    of(origin, request("OPTIONS", path)).headers(&[
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type",
        ),
    ])
}

const PATHS: [&str; 4] = ["/login", "/ticket", "/logout", "/rooms/den/publish"];

fn opened_to(answer: &Answer) -> Option<&str> {
    assert_eq!(answer.header("vary"), Some("Origin"), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    answer.header("access-control-allow-origin")
}

#[test]
fn a_page_of_a_named_origin_signs_in_and_speaks_by_bearer() {
    let house = house();
    let signed_in = house.send(&of(APP, login("ann", "right")));
    assert_eq!((signed_in.status, opened_to(&signed_in)), (200, Some(APP)));
    let session = signed_in.text("session");
    let ask = |path, bearer: &str| {
        let request = request("POST", path).bearer(bearer);
        house.send(&of(APP, request.json(r#"{"payload":"hi"}"#)))
    };
    for (answer, status) in [
        (ask("/ticket", &session), 200),
        (ask("/rooms/den/publish", "0123456789-publisher"), 200),
        (ask("/logout", &session), 204),
        (ask("/ticket", &session), 401),
        (ask("/rooms/$/publish", "0123456789-publisher"), 400),
    ] {
        assert_eq!((answer.status, opened_to(&answer)), (status, Some(APP)));
        let exposed = answer.header("access-control-expose-headers");
        assert_eq!(exposed, Some("retry-after"));
    }
}

#[test]
fn its_browser_is_told_beforehand_what_it_may_send() {
    let house = house();
    for path in PATHS {
        let answer = house.send(&preflight(path, APP));
        assert_eq!((answer.status, opened_to(&answer)), (204, Some(APP)));
        assert_eq!(answer.body, "");
        for (name, value) in [
            ("access-control-allow-methods", "POST"),
            (
                "access-control-allow-headers",
                "authorization, content-type",
            ),
            ("access-control-max-age", "600"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
    }
    let asked = house.send(&of(APP, request("OPTIONS", "/login")));
    assert_eq!(asked.status, 405, "it asks for nothing");
}

#[test]
fn pages_of_other_origins_can_neither_ask_nor_read() {
    let house = house();
    let own = format!("http://{}", house.address);
    for origin in ["https://app.example", "https://evil.example", "null", &own] {
        for path in PATHS {
            let asked = house.send(&preflight(path, origin));
            assert_eq!((asked.status, opened_to(&asked)), (405, None), "{origin}");
            let sent = house.send(&of(origin, request("POST", path)));
            assert_eq!((sent.status, opened_to(&sent)), (403, None), "{origin}");
        }
    }
    let twice = preflight("/login", APP).header("Origin", "https://b.example");
    let answer = house.send(&twice);
    assert_eq!((answer.status, opened_to(&answer)), (405, None));
}

#[test]
fn where_no_origin_is_named_nothing_is_said() {
    let house = House::start();
    for request in [preflight("/login", APP), login("ann", "right")] {
        let answer = house.send(&request);
        let said = answer
            .headers
            .iter()
            .find(|(name, _)| name.starts_with("access-control-") || name == "vary");
        assert_eq!(said, None);
    }
}
