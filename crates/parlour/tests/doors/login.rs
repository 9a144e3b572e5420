//! `POST /login`: docs/seeds.md, 2.01 to 2.06, D26, D27.

use std::io::Write as _;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::support::{House, Socket, login, request};

#[test]
fn a_right_password_gives_a_session_and_a_ticket_of_the_user() {
    let house = House::public(|_| {});
    let answer = house.log_in("ann", "right");
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.starts_with(r#"{"otp":""#),
        "the answer of seed 2 comes first"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let given = answer.json();
    assert_eq!(given["user"], "ann");
    assert_eq!(given["expires_in"], 5);
    assert_eq!(given["session_expires_in"], 3_600);
    assert_eq!(given["max_message_bytes"], 65_536);
    let session = answer.text("session");
    let cookie =
        format!("parlour_session={session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600");
    assert_eq!(answer.header("set-cookie"), Some(cookie.as_str()));

    let mut socket = house.connect(&answer.text("otp")).web_socket();
    let said = r#"{"type":"send_message","payload":{"message":"hi","from":"bob"}}"#;
    socket.send(said.into()).unwrap();
    let heard = socket.read().unwrap().to_string();
    assert!(heard.contains(r#""from":"ann""#), "{heard}");
}

#[test]
fn the_cookie_is_bound_to_this_host_and_to_tls_where_there_is_tls() {
    let house = House::with(|config| config.is_tls = true);
    let answer = house.log_in("ann", "right");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-parlour_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600; Secure"));
}

#[test]
fn an_unknown_name_and_a_wrong_password_cannot_be_told_apart() {
    let house = House::start();
    let answers = [
        ("ann", "wrong"),
        ("nobody", "right"),
        (" \u{200b}", ""),
        ("guest-x", "x"),
    ]
    .map(|(name, password)| {
        let before = (house.users.checked.load(SeqCst), house.doors.counts());
        let mut answer = house.log_in(name, password);
        let after = house.doors.counts();
        assert_eq!(
            house.users.checked.load(SeqCst),
            before.0 + 1,
            "the same work"
        );
        assert_eq!(after.logins_failed, before.1.logins_failed + 1);
        answer.headers.retain(|(name, _)| name != "date");
        answer
    });
    for answer in &answers {
        assert_eq!(answer.refusal(), (401, "bad_credentials".to_owned()));
        assert_eq!(answer.headers, answers[0].headers);
        assert_eq!(answer.body, answers[0].body);
        assert_eq!(answer.header("set-cookie"), None);
    }
    assert_eq!(house.users.sessions(), 0);
}

#[test]
fn bad_requests_are_refused_by_name_before_a_password_is_looked_at() {
    let house = House::start();
    let post = || request("POST", "/login");
    let large = format!(
        r#"{{"username":"ann","password":"{}"}}"#,
        "x".repeat(16 * 1024)
    );
    for (request, status, code) in [
        (post(), 400, "bad_json"),
        (post().json("ann"), 400, "bad_json"),
        (post().json("{"), 400, "bad_json"),
        (post().json(r#"["ann","right"]"#), 400, "bad_json"),
        (post().json(r#"{"username":"ann"}"#), 400, "bad_json"),
        (
            post().json(r#"{"username":"ann","password":31415926}"#),
            400,
            "bad_json",
        ),
        (post().json(&large), 413, "too_large"),
        (
            post()
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body("a=b"),
            415,
            "unsupported_media_type",
        ),
        (
            login("ann", "right").header("Content-Type", "multipart/form-data"),
            415,
            "unsupported_media_type",
        ),
    ] {
        let answer = house.send(&request);
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{request:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(
            !answer.body.contains("31415926"),
            "a password is not sent back"
        );
    }
    for method in ["GET", "PUT", "DELETE"] {
        let answer = house.send(&request(method, "/login"));
        assert_eq!(answer.refusal(), (405, "method_not_allowed".to_owned()));
        assert_eq!(answer.header("allow"), Some("POST"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(house.users.checked.load(SeqCst), 0);
}

#[test]
fn unknown_fields_and_types_that_no_form_can_send_are_taken() {
    let house = House::start();
    let body = r#"{"username":"ann","password":"right","more":[1]}"#;
    let post = || request("POST", "/login").body(body);
    for request in [
        post(),
        post().header("Content-Type", "text/plain; charset=utf-8"),
        post().header("Content-Type", "Application/JSON"),
    ] {
        assert_eq!(house.send(&request).status, 200, "{request:?}");
    }
}

#[test]
fn a_body_that_does_not_come_ends_the_request() {
    let house = House::with(|config| config.limits.body_time = Duration::from_millis(1));
    let mut socket = Socket::open(house.address);
    let request = request("POST", "/login")
        .header("Content-Length", "50")
        .body("{");
    socket
        .stream
        .write_all(&request.bytes(house.address))
        .unwrap();
    assert_eq!(socket.answer(false).refusal(), (408, "timeout".to_owned()));
}

#[test]
fn an_address_tries_so_often_and_what_is_over_it_costs_no_work() {
    let house = House::with(|config| config.limits.logins_per_minute_per_address = 2);
    assert_eq!(house.log_in("ann", "right").status, 200);
    assert_eq!(house.log_in("ann", "wrong").status, 401);
    let answer = house.log_in("bob", "also right");
    assert_eq!(answer.refusal(), (429, "too_many_logins".to_owned()));
    assert!((1..=30).contains(&answer.retry_after()), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(house.users.checked.load(SeqCst), 2);
    assert_eq!(house.doors.counts().logins_limited, 1);
}

/// Who tries from where, as a proxy tells it.
fn from(house: &House, address: &str, name: &str, password: &str) -> u16 {
    let request = login(name, password).header("X-Forwarded-For", address);
    house.send(&request).status
}

#[test]
fn a_name_under_attack_stays_open_to_its_user_elsewhere() {
    let house = House::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.limits.failed_logins_per_minute_per_name = 2;
    });
    for name in ["ann", "nobody"] {
        let wrong = || from(&house, "192.0.2.1", name, "wrong");
        assert_eq!([wrong(), wrong(), wrong()], [401, 401, 429], "{name}");
    }
    assert_eq!(from(&house, "192.0.2.1", "ann", "right"), 429);
    assert_eq!(from(&house, "192.0.2.2", "ann", "right"), 200);
    assert_eq!(
        from(&house, "192.0.2.2", "ann", "right"),
        200,
        "and is not held against him"
    );
    assert_eq!(from(&house, "192.0.2.1", "bob", "also right"), 200);
    assert_eq!(from(&house, "192.0.2.3", "ann", "wrong"), 401);
    assert_eq!(
        from(&house, "192.0.2.3", "ann", "wrong"),
        429,
        "one guess for each address"
    );
}

#[test]
fn when_too_many_passwords_are_checked_the_client_is_told_to_come_back() {
    let house = House::with(|config| {
        config.limits.logins_per_minute_per_address = 1;
        config.limits.failed_logins_per_minute_per_name = 1;
    });
    house.users.is_busy.store(true, SeqCst);
    for _ in 0..5 {
        let answer = house.log_in("ann", "right");
        assert_eq!(answer.refusal(), (503, "busy".to_owned()));
        assert_eq!(answer.retry_after(), 2);
    }
    house.users.is_busy.store(false, SeqCst);
    assert_eq!(
        house.log_in("ann", "right").status,
        200,
        "it was not held against him"
    );
}

#[test]
fn broken_accounts_are_the_operators_business() {
    let house = House::start();
    house.users.is_broken.store(true, SeqCst);
    let answer = house.log_in("ann", "right");
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert!(
        answer.retry_after() > 0 && !answer.body.contains("burnt"),
        "{answer:?}"
    );
}

#[test]
fn a_session_that_nobody_can_be_told_of_is_ended() {
    let house = House::with(|config| config.limits.tickets_max = 0);
    let answer = house.log_in("ann", "right");
    assert_eq!(answer.refusal(), (429, "too_many_tickets".to_owned()));
    assert_eq!(house.users.sessions(), 0);
}

#[test]
fn without_accounts_there_is_no_such_door() {
    let house = House::with(|config| config.accounts = None);
    for path in ["/login", "/logout"] {
        assert_eq!(house.send(&request("POST", path)).status, 404);
    }
}
