//! What a trusted proxy says of its clients is taken, and what others say is not.

use crate::support::{House, Request, Socket, login, request, upgrade};

/// Trusts this machine, where the tests' clients are.
fn house() -> House {
    House::with(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()])
}

fn of(request: Request, client: &str) -> Request {
    request.header("X-Forwarded-For", client)
}

#[test]
fn connections_are_counted_by_the_clients_own_address() {
    let house = House::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.limits.connections_per_address = 1;
    });
    let (session, _) = house.ann();
    let mut connected = Vec::new();
    let mut connect = |client: &str| {
        let ticket = house
            .send(&request("POST", "/ticket").bearer(&session))
            .text("otp");
        let mut socket = Socket::open(house.address);
        let answer = socket.ask(&of(upgrade(&format!("/ws?otp={ticket}")), client));
        connected.push(socket);
        answer.status
    };
    assert_eq!(connect("192.0.2.1"), 101);
    assert_eq!(connect("192.0.2.1"), 429);
    assert_eq!(
        connect("192.0.2.7, 192.0.2.1"),
        429,
        "what the client wrote counts for nothing"
    );
    assert_eq!(
        connect("192.0.2.1, 127.0.0.2"),
        429,
        "nor does a further proxy"
    );
    assert_eq!(connect("192.0.2.2"), 101);
    assert_eq!(connect("2001:db8::1"), 101);
    assert_eq!(connect("2001:db8::2"), 429, "one network");
}

#[test]
fn tickets_are_counted_by_the_clients_own_address() {
    let house = house();
    let (session, _) = house.ann();
    let take = |client: &str| {
        house
            .send(&of(request("POST", "/ticket").bearer(&session), client))
            .status
    };
    assert!((0..256).all(|_| take("192.0.2.1") == 200));
    assert_eq!(take("192.0.2.1"), 429);
    assert_eq!(take("192.0.2.2"), 200);
}

#[test]
fn nobody_is_local_behind_a_proxy() {
    let house = house();
    let host = house.address.to_string();
    for headers in [
        vec![("X-Forwarded-For", "127.0.0.1")],
        vec![
            ("X-Forwarded-For", "192.0.2.1"),
            ("X-Forwarded-Host", host.as_str()),
        ],
        vec![("Forwarded", "for=127.0.0.1")],
        vec![("X-Forwarded-For", "garbage")],
    ] {
        let answer = house.send(&request("POST", "/ticket").headers(&headers));
        assert_eq!(
            answer.refusal(),
            (403, "guests_not_allowed".to_owned()),
            "{headers:?}"
        );
        assert_eq!(house.send(&upgrade("/echo").headers(&headers)).status, 403);
        assert_eq!(
            house
                .send(&request("GET", "/debug").headers(&headers))
                .status,
            401
        );
    }
}

/// One location of a proxy may lack every header that gives it away. Who names loopback a proxy has
/// given loopback up as a proof.
#[test]
fn a_proxy_that_is_named_and_says_nothing_makes_nobody_local() {
    let house = house();
    let guest = house.send(&request("POST", "/ticket"));
    assert_eq!(guest.refusal(), (403, "guests_not_allowed".to_owned()));
    assert_eq!(house.send(&request("GET", "/debug")).status, 401);
    assert_eq!(house.send(&upgrade("/echo")).status, 403);
    let publish = request("POST", "/rooms/den/publish").json(r#"{"payload":"hi"}"#);
    assert_eq!(house.send(&publish).refusal(), (403, "not_open".to_owned()));
}

#[test]
fn scheme_and_host_are_those_that_the_client_sees() {
    let house = house();
    let seen = [
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "chat.example"),
    ];
    let own = login("ann", "right").header("Origin", "https://chat.example");
    let answer = house.send(&own.clone().headers(&seen));
    assert_eq!(answer.status, 200);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("__Host-") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    let standard = "for=192.0.2.1;proto=https;host=chat.example";
    assert_eq!(
        house
            .send(&own.clone().header("Forwarded", standard))
            .status,
        200
    );

    let direct = login("ann", "right").header("Origin", &format!("http://{}", house.address));
    assert_eq!(house.send(&direct.clone().headers(&seen)).status, 403);
    assert_eq!(house.send(&direct).status, 200);
}

#[test]
fn who_is_no_trusted_proxy_is_not_believed() {
    let house = House::with(|config| {
        config.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
        config.limits.logins_per_minute_per_address = 1;
    });
    let said = |client: &str| {
        let request = login("ann", "right").header("X-Forwarded-Proto", "https");
        house.send(&of(request, client).header("X-Forwarded-Host", "chat.example"))
    };
    let answer = said("192.0.2.1");
    assert!(
        answer
            .header("set-cookie")
            .unwrap()
            .starts_with("parlour_session=")
    );
    assert_eq!(
        said("192.0.2.2").status,
        429,
        "it is still the same address"
    );
    let chat = login("ann", "right").header("Origin", "https://chat.example");
    let chat = chat.header("X-Forwarded-Host", "chat.example");
    assert_eq!(house.send(&chat).status, 403);
}

#[test]
fn who_is_refused_behind_an_unknown_proxy_is_told_what_to_name() {
    let house = House::start();
    let chat = login("ann", "right").header("Origin", "https://chat.example");
    let words = |request: &Request| {
        let answer = house.send(request);
        assert_eq!(answer.refusal(), (403, "foreign_origin".to_owned()));
        answer.text("message")
    };
    assert!(!words(&chat).contains("--trusted-proxy"));
    let through = of(chat, "192.0.2.1");
    assert!(words(&through).contains("--trusted-proxy"));
    assert_eq!(house.doors.counts().foreign_posts, 2);
    let upgrade = of(upgrade("/echo"), "192.0.2.1").header("Origin", "https://chat.example");
    let answer = house.send(&upgrade);
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("--trusted-proxy"), "{answer:?}");
}

/// The proxy speaks TLS, and the server does not know it: only the page's origin says so.
#[test]
fn a_page_by_https_at_this_very_server_gets_the_cookie_of_tls() {
    let house = House::public(|config| {
        config.origins.allowed = vec![
            "https://chat.example".parse().unwrap(),
            "https://app.example".parse().unwrap(),
        ];
    });
    let cookie_of = |headers: &[(&str, &str)]| {
        let answer = house.send(&login("ann", "right").headers(headers));
        let cookie = answer.header("set-cookie").unwrap().to_owned();
        let (pair, attributes) = cookie.split_once(';').unwrap();
        let is_safe = pair.starts_with("__Host-") && attributes.ends_with("; Secure");
        (is_safe, pair.to_owned())
    };
    let own = [("Host", "chat.example"), ("Origin", "https://chat.example")];
    let rewritten = [
        ("Origin", "https://chat.example"),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    let (is_safe, pair) = cookie_of(&own);
    assert!(is_safe && cookie_of(&rewritten).0, "{pair}");
    let other = [("Host", "chat.example"), ("Origin", "https://app.example")];
    assert!(!cookie_of(&other).0 && !cookie_of(&[("Host", "chat.example")]).0);

    let with_cookie = |path| request("POST", path).headers(&own).header("Cookie", &pair);
    let ticket = house.send(&with_cookie("/ticket"));
    assert_eq!(ticket.json()["name"], "ann");
    assert!(ticket.header("set-cookie").unwrap().starts_with("__Host-"));
    assert_eq!(house.send(&with_cookie("/logout")).status, 204);
}

#[test]
fn what_a_client_adds_does_not_hide_the_address_that_the_proxy_saw() {
    let house = House::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.limits.logins_per_minute_per_address = 1;
    });
    let junk = [
        ("X-Forwarded-Host", "a b"),
        ("X-Forwarded-Proto", "gopher"),
        ("Forwarded", "for=unknown"),
        ("Forwarded", "for=_hidden;proto=https"),
        ("Forwarded", "\""),
    ];
    for (number, (name, value)) in junk.into_iter().enumerate() {
        let client = format!("192.0.2.{number}");
        let status = || {
            let request = login("ann", "right").header(name, value);
            house.send(&of(request, &client)).status
        };
        assert_eq!([status(), status()], [200, 429], "{name}: {value}");
    }
}

#[test]
fn all_whose_address_cannot_be_read_are_one() {
    let house = House::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.limits.logins_per_minute_per_address = 1;
    });
    let from = |client: &str| house.send(&of(login("ann", "right"), client)).status;
    assert_eq!([from("unknown"), from("192.0.2.1, nonsense")], [200, 429]);
    assert_eq!(from("192.0.2.1"), 200);
    let contradiction = of(login("ann", "right"), "192.0.2.5").header("Forwarded", "for=192.0.2.6");
    assert_eq!(house.send(&contradiction).status, 429);
    assert_eq!(
        house.send(&login("ann", "right")).status,
        200,
        "and not the proxy"
    );
}

#[test]
fn who_hides_his_address_gets_no_more_connections_than_another() {
    let house = House::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.limits.connections_per_address = 1;
    });
    let (session, _) = house.ann();
    let mut connected = Vec::new();
    let mut connect = || {
        let ticket = house.send(&request("POST", "/ticket").bearer(&session));
        let path = format!("/ws?otp={}", ticket.text("otp"));
        let mut socket = Socket::open(house.address);
        let answer = socket.ask(&of(upgrade(&path), "unknown"));
        connected.push(socket);
        answer.status
    };
    assert_eq!([connect(), connect()], [101, 429]);
}

#[test]
fn a_proxy_may_be_named_by_its_mapped_address() {
    let house = House::with(|config| {
        config.trusted_proxies = vec!["::ffff:127.0.0.1/128".parse().unwrap()];
        config.limits.logins_per_minute_per_address = 1;
    });
    let from = |client: &str| house.send(&of(login("ann", "right"), client)).status;
    assert_eq!([from("192.0.2.1"), from("192.0.2.2")], [200, 200]);
}
