//! What a session is good for: fresh tickets without a password (docs/seeds.md, E14).

use std::sync::atomic::Ordering::SeqCst;

use crate::support::{House, Request, request};

fn by_cookie(secret: &str) -> Request {
    request("POST", "/ticket").header("Cookie", &format!("a=b; parlour_session={secret}"))
}

fn by_bearer(secret: &str) -> Request {
    request("POST", "/ticket").bearer(secret)
}

#[test]
fn a_session_gives_tickets_of_its_user_wherever_he_is() {
    let house = House::public(|_| {});
    let (secret, _) = house.ann();
    for (request, has_cookie) in [
        (by_cookie(&secret), true),
        (by_bearer(&secret), false),
        (by_bearer(&secret).json(r#"{"name":"bob"}"#), false),
    ] {
        let answer = house.send(&request);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let given = answer.json();
        assert_eq!(
            (&given["name"], &given["guest"]),
            (&"ann".into(), &false.into())
        );
        assert_eq!(given["expires_in"], 5);
        assert_eq!(given["max_message_bytes"], 65_536);
        let renewed =
            format!("parlour_session={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600");
        let renewed = has_cookie.then_some(renewed);
        assert_eq!(
            answer.header("set-cookie"),
            renewed.as_deref(),
            "it lives as the session"
        );
        assert_eq!(house.status_of(&answer.text("otp")), 101);
    }
}

#[test]
fn a_bad_session_makes_nobody_a_guest() {
    let house = House::start();
    assert_eq!(
        house.send(&request("POST", "/ticket")).status,
        200,
        "guests are let in here"
    );
    for request in [
        by_bearer("unknown"),
        by_bearer(""),
        by_cookie("unknown"),
        by_cookie(""),
        by_cookie("unknown").json(r#"{"name":"ann"}"#),
        by_bearer("unknown").bearer("unknown"),
        by_cookie("x").header("Cookie", "parlour_session=y"),
    ] {
        let answer = house.send(&request);
        assert_eq!(
            answer.refusal(),
            (401, "bad_session".to_owned()),
            "{request:?}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        let is_cookie = !format!("{request:?}").contains("Bearer");
        let cookie = answer.header("set-cookie");
        assert_eq!(cookie.is_some_and(|it| it.contains("Max-Age=0")), is_cookie);
    }
}

#[test]
fn the_authorization_of_somebody_else_is_no_session() {
    let house = House::start();
    let answer = house.send(&request("POST", "/ticket").header("Authorization", "Basic YTpi"));
    assert_eq!(
        (answer.status, answer.json()["guest"].as_bool()),
        (200, Some(true))
    );
}

#[test]
fn under_tls_only_the_cookie_that_is_bound_to_this_host_counts() {
    let house = House::with(|config| config.is_tls = true);
    let (secret, _) = house.ann();
    let answer = house.send(&by_cookie(&secret));
    assert_eq!(
        answer.json()["guest"],
        true,
        "anybody on this host could have set that one"
    );
    let safe = format!("__Host-parlour_session={secret}");
    let answer = house.send(&request("POST", "/ticket").header("Cookie", &safe));
    assert_eq!(answer.json()["name"], "ann");
    assert!(answer.header("set-cookie").unwrap().ends_with("; Secure"));
}

#[test]
fn accounts_that_cannot_be_read_are_no_reason_to_become_a_guest() {
    let house = House::start();
    let (secret, _) = house.ann();
    house.users.is_broken.store(true, SeqCst);
    let answer = house.send(&by_bearer(&secret));
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert!(answer.retry_after() > 0);
}

#[test]
fn a_ticket_whose_session_has_ended_opens_nothing() {
    let house = House::start();
    let (secret, ticket) = house.ann();
    house.users.forget(house.users.id(&secret));
    assert_eq!(house.status_of(&ticket), 401);
}
