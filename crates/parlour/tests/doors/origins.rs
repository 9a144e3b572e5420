//! Whose pages may use the doors: docs/seeds.md, 2.11, D29, E3.

use crate::support::{House, Request, login, request, upgrade};

/// All that a page could send.
fn everything(house: &House) -> Vec<Request> {
    let own = |scheme: &str| format!("{scheme}://{}", house.address);
    let ann = || {
        // Where an origin is asked for, the test must name one too.
        let answers = ["http", "https"]
            .map(|scheme| house.send(&login("ann", "right").header("Origin", &own(scheme))));
        let answer = answers
            .into_iter()
            .find(|answer| answer.status == 200)
            .unwrap();
        (answer.text("session"), answer.text("otp"))
    };
    let (secret, ticket) = ann();
    let (other, _) = ann();
    vec![
        login("ann", "right"),
        request("POST", "/ticket"),
        request("POST", "/ticket").bearer(&secret),
        request("POST", "/logout").bearer(&other),
        upgrade(&format!("/ws?otp={ticket}")),
        upgrade("/echo"),
    ]
}

fn statuses(house: &House, headers: &[(&str, &str)]) -> Vec<u16> {
    let requests = everything(house);
    let status = |it: Request| house.send(&it.headers(headers)).status;
    requests.into_iter().map(status).collect()
}

const ALL_TAKEN: [u16; 6] = [200, 200, 200, 204, 101, 101];
const ALL_REFUSED: [u16; 6] = [403; 6];

#[test]
fn pages_of_this_server_and_programs_may_and_pages_of_others_may_not() {
    let house = House::start();
    let own = format!("http://{}", house.address);
    assert_eq!(statuses(&house, &[]), ALL_TAKEN);
    assert_eq!(statuses(&house, &[("Origin", &own)]), ALL_TAKEN);
    let own_by_tls = own.replace("http:", "https:");
    for origin in [
        "http://evil.example",
        "null",
        &own_by_tls,
        "http://127.0.0.1",
    ] {
        assert_eq!(
            statuses(&house, &[("Origin", origin)]),
            ALL_REFUSED,
            "{origin}"
        );
    }
    let twice = [("Origin", own.as_str()), ("Origin", own.as_str())];
    assert_eq!(statuses(&house, &twice), ALL_REFUSED);
}

#[test]
fn under_tls_the_servers_own_pages_are_https() {
    let house = House::with(|config| config.is_tls = true);
    let host = house.address.to_string();
    let with = |origin: String| statuses(&house, &[("Origin", &origin)]);
    assert_eq!(with(format!("https://{host}")), ALL_TAKEN);
    assert_eq!(with(format!("http://{host}")), ALL_REFUSED);
    // The port that an address leaves out is that of https.
    let named = [
        ("Host", "chat.example"),
        ("Origin", "https://chat.example:443"),
    ];
    let (_, ticket) = house.ann();
    let request = upgrade(&format!("/ws?otp={ticket}")).headers(&named);
    assert_eq!(house.send(&request).status, 101);
}

#[test]
fn further_origins_may_be_named_and_an_origin_may_be_asked_for() {
    let house = House::with(|config| {
        config.origins.allowed = vec!["https://app.example".parse().unwrap()];
        config.origins.is_required = true;
    });
    let own = format!("http://{}", house.address);
    assert_eq!(statuses(&house, &[("Origin", &own)]), ALL_TAKEN);
    let named = [
        ("Origin", "https://app.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    assert_eq!(statuses(&house, &named), ALL_TAKEN);
    assert_eq!(statuses(&house, &[]), ALL_REFUSED);
    assert_eq!(
        statuses(&house, &[("Origin", "http://app.example")]),
        ALL_REFUSED
    );
    let refused = house.send(&request("POST", "/ticket"));
    assert_eq!(refused.refusal(), (403, "foreign_origin".to_owned()));
    assert!(
        refused
            .text("message")
            .contains("asks every client for the Origin header")
    );
}

#[test]
fn a_post_that_a_browser_says_to_come_from_another_site_is_refused() {
    let house = House::start();
    let own = format!("http://{}", house.address);
    for headers in [
        vec![("Sec-Fetch-Site", "cross-site")],
        vec![("Sec-Fetch-Site", "cross-site"), ("Origin", own.as_str())],
    ] {
        for request in everything(&house).into_iter().take(4) {
            let answer = house.send(&request.headers(&headers));
            assert_eq!(answer.refusal(), (403, "foreign_origin".to_owned()));
        }
    }
    for site in ["same-origin", "none"] {
        assert_eq!(statuses(&house, &[("Sec-Fetch-Site", site)]), ALL_TAKEN);
    }
    let refused = house.doors.counts().foreign_posts;
    assert!(refused >= 8, "{refused} were counted");
}
