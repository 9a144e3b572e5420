//! `POST /rooms/{room}/publish`: who may, what is taken, and what it becomes (D31).

use std::sync::Arc;
use std::time::Duration;

use parlour::policy::{Denied, Policy};
use parlour::{Door, Draft, HubConfig, Limits, RoomKind, RoomKinds, RoomName, Token, UserName};
use parlour_hub::StoreFault;

use crate::support::{Fate, Faulty, House, Request, Socket, request, upgrade};

fn publish(body: &str) -> Request {
    request("POST", "/rooms/den/publish").json(body)
}

/// What `guest-kim` publishes for the subscribers.
fn to_feed() -> Request {
    request("POST", "/publish").json(r#"{"name":"kim","msg":"hello"}"#)
}

const HELLO: &str = r#"{"payload":"hello"}"#;
const TOKEN: &str = "0123456789-publisher";

#[test]
fn what_is_published_has_its_number_and_reaches_the_room() {
    let house = House::start();
    let (_, ticket) = house.ann();
    let mut socket = Socket::open(house.address);
    let offer = upgrade(&format!("/ws?otp={ticket}&room=caf%C3%A9+1"));
    let offer = offer.header("Sec-WebSocket-Protocol", "parlour.v1");
    assert_eq!(socket.ask(&offer).status, 101);
    let mut socket = socket.web_socket();
    let mut heard = move || socket.read().unwrap().to_string();
    assert!(heard().contains("hello") && heard().contains("joined"));

    let to_cafe = request("POST", "/rooms/caf%C3%A9%201/publish");
    let typed = r#"{"payload":{"a":[1, 2]},"type":"app:x","id":"m-1","from":"ann","more":0}"#;
    for (seq, body, part) in [
        (
            1,
            HELLO,
            r#""from":"guest-publisher","type":"message","payload":"hello""#,
        ),
        (
            2,
            typed,
            r#""id":"m-1","from":"guest-ann","type":"app:x","payload":{"a":[1, 2]}"#,
        ),
    ] {
        let answer = house.send(&to_cafe.clone().json(body));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let given = answer.json();
        assert_eq!(
            (&given["room"], &given["seq"]),
            (&"caf\u{e9} 1".into(), &seq.into())
        );
        assert_eq!(answer.text("epoch").len(), 16);
        let entry = heard();
        assert!(entry.contains(part), "{entry}");
        assert!(entry.contains(&answer.text("epoch")), "{entry}");
    }
    assert_eq!(house.doors.counts().publishes, 2);
}

#[test]
fn what_breaks_a_rule_of_the_protocol_is_refused_by_name() {
    let house = House::start();
    let deep = format!(
        r#"{{"type":"x","payload":{}{}}}"#,
        "[".repeat(65),
        "]".repeat(65)
    );
    let large = format!(r#"{{"payload":"{}"}}"#, "x".repeat(65_536));
    for (request, status, code) in [
        (publish(""), 400, "bad_json"),
        (publish("[]"), 400, "bad_json"),
        (publish("{}"), 400, "bad_json"),
        (publish(r#"{"payload":7}"#), 400, "bad_payload"),
        (
            publish(r#"{"payload":"x","type":"a b"}"#),
            400,
            "bad_payload",
        ),
        (publish(r#"{"payload":"x","id":""}"#), 400, "bad_payload"),
        (publish(&deep), 400, "bad_payload"),
        (publish(r#"{"payload":"x","from":" "}"#), 400, "bad_name"),
        (publish(&large), 413, "too_large"),
        (
            publish(HELLO).header("Content-Type", "multipart/form-data"),
            415,
            "unsupported_media_type",
        ),
        (
            request("POST", "/rooms/$x/publish").json(HELLO),
            400,
            "bad_room",
        ),
        (
            request("POST", "/rooms/%ff/publish").json(HELLO),
            400,
            "bad_room",
        ),
        (
            request("PUT", "/rooms/den/publish").json(HELLO),
            405,
            "method_not_allowed",
        ),
        (
            publish(HELLO).header("Origin", "http://evil.example"),
            403,
            "foreign_origin",
        ),
        (
            publish(HELLO).header("Sec-Fetch-Site", "cross-site"),
            403,
            "foreign_origin",
        ),
    ] {
        let answer = house.send(&request);
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{request:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(house.hub.stats().entries, 0);
}

#[test]
fn beyond_this_machine_the_door_must_be_open_and_asks_for_its_token() {
    let token = || Some(Token::new(TOKEN.to_owned()).unwrap());
    let named = || vec![Door::Publish];
    let closed = House::public(|config| config.publish_token = token());
    let without_token = House::public(|config| config.open_doors = named());
    for house in [closed, without_token] {
        let answer = house.send(&publish(HELLO).bearer(TOKEN));
        assert_eq!(answer.refusal(), (403, "not_open".to_owned()));
    }
    let open = House::public(|config| {
        (config.publish_token, config.open_doors) = (token(), named());
        config.operator_token = Some(Token::new("0123456789-operator".to_owned()).unwrap());
        config.origins.is_required = true;
    });
    for refused in [
        publish(HELLO),
        publish(HELLO).bearer("0123456789-publisheR"),
        publish(HELLO).bearer("0123456789-operator"),
        publish(HELLO).bearer(TOKEN).bearer(TOKEN),
    ] {
        let answer = open.send(&refused);
        assert_eq!(answer.refusal(), (401, "bad_token".to_owned()));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(open.send(&publish(HELLO).bearer(TOKEN)).status, 200);
    assert_eq!(open.doors.counts().bad_tokens, 4);
}

#[test]
fn an_address_publishes_no_faster_than_a_connection_may() {
    let limits = Limits {
        messages_per_second: 1,
        message_burst: 3,
        ..Limits::default()
    };
    let hub = HubConfig {
        limits,
        ..HubConfig::default()
    };
    let house = House::with_hub(hub, |config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.open_doors = vec![Door::Publish];
        config.publish_token = Some(Token::new(TOKEN.to_owned()).unwrap());
    });
    let mut socket = Socket::open(house.address);
    let refused = (0..100)
        .map(|_| socket.ask(&publish(HELLO).bearer(TOKEN)))
        .find(|it| it.status != 200);
    let refused = refused.expect("there is a limit");
    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert_eq!(refused.retry_after(), 1);
    let elsewhere = publish(HELLO)
        .bearer(TOKEN)
        .header("X-Forwarded-For", "192.0.2.1");
    assert_eq!(house.send(&elsewhere).status, 200);
}

#[test]
fn a_server_that_goes_away_publishes_nothing() {
    let house = House::start();
    house.shut_down(Duration::from_secs(60));
    for refused in [publish(HELLO), to_feed()] {
        let answer = house.send(&refused);
        assert_eq!(answer.refusal(), (503, "going_away".to_owned()));
        assert!(answer.retry_after() > 0);
    }
}

/// Lets nobody say anything in the den, and `guest-kim` nowhere.
struct Quiet;

impl Policy for Quiet {
    async fn publish(&self, who: &UserName, room: &RoomName, _: &Draft) -> Result<(), Denied> {
        if room.as_str() == "den" || who.as_str() == "guest-kim" {
            return Err(Denied::because("be quiet"));
        }
        Ok(())
    }
}

#[test]
fn the_policy_is_asked_about_what_is_published_without_a_connection() {
    let house = House::with_hub(HubConfig::default().policy(Quiet), |_| {});
    for refused in [publish(HELLO), to_feed()] {
        let answer = house.send(&refused);
        assert_eq!(answer.refusal(), (403, "not_allowed".to_owned()));
        assert_eq!(answer.text("message"), "be quiet");
    }
    let other = request("POST", "/publish").json(r#"{"name":"lee","msg":"hello"}"#);
    assert_eq!(house.send(&other).status, 204);
    assert_eq!(house.hub.stats().entries, 1);
    assert_eq!(house.doors.counts().publishes_refused, 2);
}

/// A server whose rooms are all durable.
fn durable(logs: &Faulty) -> House {
    let hub = HubConfig {
        rooms: RoomKinds::default().with("*", RoomKind::DURABLE),
        store: Some(Arc::new(logs.clone())),
        ..HubConfig::default()
    };
    House::with_hub(hub, |_| {})
}

#[test]
fn the_same_id_is_published_once_and_what_is_no_longer_known_is_not_published() {
    let limits = Limits {
        ids_per_room_max: 3,
        ..Limits::default()
    };
    let hub = HubConfig {
        limits,
        ..HubConfig::default()
    };
    let house = House::with_hub(hub, |_| {});
    let wish = |text: &str, since: &str| {
        house.send(&publish(&format!(
            r#"{{"payload":"{text}","id":"m-1"{since}}}"#
        )))
    };
    let first = wish("hello", "");
    let epoch = first.text("epoch");
    for again in [wish("hello", ""), wish("hello", "")] {
        assert_eq!((again.status, &again.body), (200, &first.body));
    }
    let other = wish("other", "");
    assert_eq!(other.refusal(), (409, "id_reused".to_owned()));
    assert_eq!(other.header("retry-after"), None);
    let since = |epoch: &str, seq: u64| format!(r#","since":{{"epoch":"{epoch}","seq":{seq}}}"#);
    assert_eq!(wish("hello", &since(&epoch, 0)).body, first.body);
    for other in 2..=6 {
        house.send(&publish(&format!(r#"{{"payload":"x","id":"m-{other}"}}"#)));
    }
    for unknown in [since(&epoch, 0), since("00000000000000aa", 0)] {
        let answer = wish("hello", &unknown);
        assert_eq!(answer.refusal(), (409, "id_forgotten".to_owned()));
        assert_eq!(answer.header("retry-after"), None);
    }
    let bad = wish("hello", r#","since":7"#);
    assert_eq!(bad.refusal(), (400, "bad_payload".to_owned()));
    assert_eq!(house.hub.stats().entries, 6);
}

#[test]
fn what_a_store_does_not_take_is_refused_by_what_it_is() {
    for (fate, status, code) in [
        (Fate::Refused(StoreFault::Full), 507, "disk_full"),
        (Fate::Refused(StoreFault::Failed), 503, "not_stored"),
        (Fate::Refused(StoreFault::Stopped), 503, "store_failed"),
        (Fate::Stopped, 503, "outcome_unknown"),
    ] {
        let logs = Faulty::new();
        let house = durable(&logs);
        assert_eq!(house.send(&publish(HELLO)).status, 200);
        logs.meets(fate);
        let answer = house.send(&publish(HELLO));
        assert_eq!(answer.refusal(), (status, code.to_owned()));
        assert!(answer.retry_after() > 0, "it may pass later");
        if fate == Fate::Stopped {
            let after = house.send(&publish(HELLO));
            assert_eq!(after.refusal(), (503, "store_failed".to_owned()));
        } else {
            logs.meets(Fate::Kept);
            assert_eq!(
                house.send(&publish(HELLO)).text("epoch"),
                "0000000000000007"
            );
        }
    }
}
