//! A hub for tests: what a test of an application can rely on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use parlour::connections::{Client, Connections};
use parlour::router::Reply;
use parlour::testing::{TestConnection, TestFrame, TestHub};
use parlour::{Doors, EventRouter, HubConfig, Join, Limits, RoomName, UserName};
use tower::ServiceExt as _;

const JOIN: &str = r#"{"t":"join","rooms":[{"room":"den"}]}"#;
const SAY: &str = r#"{"t":"publish","room":"den","payload":"hello"}"#;
const HELLO: &str = r#"{"t":"entry","room":"den","payload":"hello"}"#;

fn start() -> TestHub {
    TestHub::start(HubConfig::default())
}

fn limited(limits: Limits) -> TestHub {
    TestHub::start(HubConfig {
        limits,
        ..HubConfig::default()
    })
}

async fn member(hub: &TestHub) -> TestConnection {
    let mut connection = hub.connect("parlour.v1").await;
    connection.send(JOIN);
    connection.receives_at_last(r#"{"t":"joined"}"#).await;
    connection
}

#[tokio::test]
async fn a_thousand_clients_in_one_room_are_served_in_a_unit_test() {
    let start_of_test = Instant::now();
    let hub = start();
    let mut clients = Vec::new();
    for _ in 0..1_000 {
        let mut client = hub.connect("parlour.v1").await;
        client.send(JOIN);
        clients.push(client);
    }
    for client in &mut clients {
        client.receives_at_last(r#"{"t":"joined"}"#).await;
    }
    clients[500].send(SAY);
    clients[500].assert_receives(r#"{"t":"ack"}"#).await;
    for client in &mut clients {
        client.assert_receives(HELLO).await;
    }
    hub.settle().await;
    assert_eq!(hub.connections(), 1_000);
    eprintln!("a thousand clients took {:?}", start_of_test.elapsed());
}

#[tokio::test]
async fn time_moves_heartbeats_and_only_when_a_test_moves_it() {
    let hub = start();
    let mut answering = hub.connect("parlour.v1").await;
    let mut silent = hub.connect("parlour.v1").await;
    silent.stop_answering();
    hub.settle().await;
    assert_eq!((answering.pings(), silent.pings()), (0, 0));
    hub.advance(Duration::from_secs(26)).await;
    assert_eq!((answering.pings(), silent.pings()), (1, 1));
    hub.advance(Duration::from_secs(3_600)).await;
    assert!(answering.pings() > 100, "{}", answering.pings());
    assert_eq!(silent.pings(), 1);
    silent
        .receives_at_last(r#"{"t":"closing","why":"silent"}"#)
        .await;
    silent.assert_closed(1008).await;
    answering.assert_receives(r#"{"t":"hello"}"#).await;
    answering.assert_nothing().await;
    assert_eq!(hub.elapsed(), Duration::from_secs(3_626));
}

#[tokio::test]
async fn time_ends_tickets() {
    let hub = start();
    let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
    let routes = Doors::new(&hub, address).routes();
    let request = |method: &str, path: &str| {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:8080")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        request
    };
    let ask = |request| {
        let routes = routes.clone();
        async move { routes.oneshot(request).await.unwrap() }
    };
    for (wait, is_good) in [(4_999, true), (5_001, false)] {
        let answer = ask(request("POST", "/ticket")).await;
        let body = axum::body::to_bytes(answer.into_body(), 1_000)
            .await
            .unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let path = format!("/ws?otp={}", body["otp"].as_str().unwrap());
        hub.advance(Duration::from_millis(wait)).await;
        // There is no connection that could be upgraded here; a bad ticket is refused before that.
        let status = ask(request("GET", &path)).await.status();
        assert_eq!(
            status != 401 && status != 403,
            is_good,
            "{status} after {wait} ms"
        );
    }
}

#[tokio::test]
async fn time_forgets_rooms() {
    let hub = start();
    for (wait, head) in [(59, Some(1)), (61, None)] {
        let mut ann = member(&hub).await;
        ann.send(SAY);
        ann.assert_receives(r#"{"t":"ack"}"#).await;
        drop(ann);
        hub.settle().await;
        hub.advance(Duration::from_secs(wait)).await;
        let mut bob = hub.session(UserName::user("bob").unwrap()).unwrap();
        let den = RoomName::new("den").unwrap();
        let joined = bob.join(Join::next(den)).await.unwrap();
        assert_eq!((joined.head.0 > 0).then_some(joined.head.0), head);
        drop(bob);
        hub.settle().await;
        hub.advance(Duration::from_secs(61)).await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_when_its_time_is_over() {
    let hub = limited(Limits {
        messages_per_second: 0,
        ..Limits::default()
    });
    let mut slow = member(&hub).await;
    let mut ann = member(&hub).await;
    slow.stop_reading();
    let say = SAY.replace("hello", &"x".repeat(10_000));
    for _ in 0..20 {
        ann.send(&say);
    }
    hub.advance(Duration::from_secs(299)).await;
    assert_eq!(hub.stats().stuck_closes, 0);
    hub.advance(Duration::from_secs(2)).await;
    assert_eq!(hub.stats().stuck_closes, 1);
    hub.advance(Duration::from_secs(10)).await;
    assert_eq!(hub.connections(), 1, "it was cut");
    assert!(!ann.is_closed());
}

#[tokio::test]
async fn every_dialect_has_connections() {
    let hub = start();
    let general = Some(RoomName::general());
    let ann = UserName::user("ann").unwrap();
    let mut v1 = hub
        .connect_as("parlour.v1", ann.clone(), general.clone())
        .await;
    let mut events = hub
        .connect_as("parlour.events", ann.clone(), general.clone())
        .await;
    let mut feed = hub.connect_as("parlour.subscribe", ann, general).await;
    let mut plain = hub.connect("parlour.plain").await;
    hub.settle().await;
    for connection in [&mut v1, &mut events, &mut feed, &mut plain] {
        connection.take_all().await;
    }
    plain.send("hello");
    plain
        .assert_receives(r#"{"type":"message","message":"hello"}"#)
        .await;
    v1.assert_receives(r#"{"t":"entry","payload":"hello"}"#)
        .await;
    events
        .assert_receives(r#"{"type":"new_message","payload":{"message":"hello"}}"#)
        .await;
    assert!(matches!(feed.next().await, Some(TestFrame::Text(text)) if text.contains("hello")));

    let mut echo = hub.connect("parlour.echo").await;
    echo.send_binary(b"\x00\xff");
    let bytes = TestFrame::Binary(vec![0, 0xff].into());
    assert_eq!(echo.next().await, Some(bytes));
    echo.close(Some(4000));
    echo.assert_closed(4000).await;
}

#[tokio::test]
async fn raw_connections_are_in_memory_too() {
    let clients = Connections::builder("raw")
        .on_message(|client: Client, message| async move { client.send(message).await })
        .build();
    let hub = TestHub::start(HubConfig::default().connections(&clients));
    let mut one = hub.connect("raw").await;
    one.send("hello");
    one.assert_receives("hello").await;
    assert_eq!(clients.list().len(), 1);
    drop(one);
    hub.settle().await;
    assert!(clients.list().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_at_rest_when_topics_and_their_handlers_are() {
    let hub = start();
    let topic = hub
        .topic::<u64>(RoomName::new("den").unwrap())
        .await
        .unwrap();
    let (sync, asynchronous) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    topic
        .handle_sync({
            let sync = Arc::clone(&sync);
            move |_| {
                std::thread::sleep(Duration::from_millis(1));
                sync.fetch_add(1, Ordering::Relaxed);
            }
        })
        .unwrap();
    topic
        .handle_async({
            let asynchronous = Arc::clone(&asynchronous);
            move |_| {
                let asynchronous = Arc::clone(&asynchronous);
                async move {
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                    asynchronous.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
        .unwrap();
    for round in 1..=20 {
        for _ in 0..5 {
            topic.publish(&7).await.unwrap();
        }
        hub.settle().await;
        let seen = [&sync, &asynchronous].map(|it| it.load(Ordering::Relaxed));
        assert_eq!(seen, [5 * round; 2]);
    }
}

#[tokio::test]
async fn everything_is_at_rest_when_the_handlers_of_events_are() {
    let router = EventRouter::new(()).on("think", || async {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        Reply("thought", 42)
    });
    let hub = TestHub::start(HubConfig::default().router(router));
    let ann = UserName::user("ann").unwrap();
    let mut ann = hub.connect_as("parlour.events", ann, None).await;
    for _ in 0..3 {
        ann.send(r#"{"type":"think","payload":null}"#);
        ann.assert_receives(r#"{"type":"thought","payload":42}"#)
            .await;
        ann.assert_nothing().await;
    }
}

#[tokio::test]
async fn two_runs_are_told_the_same() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let hub = start();
        let mut ann = member(&hub).await;
        hub.advance(Duration::from_millis(1_500)).await;
        ann.send(SAY);
        runs.push(ann.take_all().await);
    }
    assert_eq!(runs[0], runs[1]);
    let TestFrame::Text(entry) = &runs[0][1] else {
        panic!("an entry");
    };
    assert!(entry.contains("2026-01-01T00:00:01.500000000Z"), "{entry}");
}

#[tokio::test]
async fn the_end_of_the_hub_is_told_to_everybody() {
    let hub = start();
    let mut clients = vec![member(&hub).await, member(&hub).await];
    assert_eq!(hub.shutdown().await, 0);
    for client in &mut clients {
        client
            .assert_receives(r#"{"t":"closing","why":"going_away"}"#)
            .await;
        client.assert_closed(1001).await;
    }
}

#[tokio::test]
#[should_panic(expected = r#"got Text("hello")"#)]
async fn what_was_not_expected_is_shown() {
    let hub = start();
    let mut echo = hub.connect("parlour.echo").await;
    echo.send("hello");
    echo.assert_receives("something else").await;
}

#[tokio::test]
#[should_panic(expected = "got nothing")]
async fn nothing_is_not_what_was_expected() {
    let hub = start();
    hub.connect("parlour.echo")
        .await
        .assert_receives("hello")
        .await;
}

#[tokio::test]
#[should_panic(expected = "expected nothing")]
async fn something_is_not_nothing() {
    let hub = start();
    let mut echo = hub.connect("parlour.echo").await;
    echo.send("hello");
    echo.assert_nothing().await;
}

#[tokio::test]
#[should_panic(expected = "does not speak")]
async fn a_dialect_that_the_hub_does_not_speak_is_said_by_name() {
    start().connect("parlour.klingon").await;
}

/// Many times, as the end of a connection and the turn that sees it meet by chance.
#[tokio::test]
async fn rest_waits_for_what_follows_from_a_connection_that_went() {
    for round in 0..300 {
        let hub = TestHub::start(HubConfig {
            shards: NonZeroU16::new(1),
            ..HubConfig::default()
        });
        let mut ann = hub.connect("parlour.plain").await;
        let bob = hub.connect("parlour.plain").await;
        ann.take_all().await;
        drop(bob);
        assert_eq!(ann.take_all().await.len(), 1, "round {round}: no notice");
    }
}
