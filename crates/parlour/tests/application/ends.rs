//! How raw connections end, and that nothing ever waits for one that does not read.

use std::sync::Arc;
use std::time::Duration;

use parlour::connections::{Client, Connections, ConnectionsBuilder};
use parlour::policy::Policy;
use parlour::testing::TestHub;
use parlour::{CloseCode, CloseReason, EventRouter, HubConfig, Limits, PublishError, SendError};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tungstenite::Message;

use super::support::{Diary, PATIENCE, Server, Socket, ask, close_code, hear, say, until};

fn serve(builder: ConnectionsBuilder) -> (Server, Connections) {
    let clients = builder.build();
    let config = HubConfig::default().connections(&clients);
    (Server::start(config, &["raw"]), clients)
}

/// Notes each end with its reason.
fn noting_ends(diary: &Arc<Diary>) -> ConnectionsBuilder {
    let diary = Arc::clone(diary);
    Connections::builder("raw").on_close(move |_: Client, reason: CloseReason| {
        diary.note(reason.name());
        async {}
    })
}

fn only(clients: &Connections) -> Client {
    until(|| clients.list().len() == 1);
    clients.list().remove(0)
}

#[test]
fn the_end_of_a_connection_is_told_once_however_it_ends() {
    let diary = Arc::new(Diary::default());
    let (server, clients) = serve(noting_ends(&diary));
    type End = fn(&Client, &mut Socket);
    let ends: [(&str, End); 4] = [
        ("requested", |_, socket| socket.close(None).unwrap()),
        ("requested", |_, socket| {
            // Cut without a close.
            socket.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
        }),
        ("application", |client, _| client.close()),
        ("protocol", |_, socket| {
            use std::io::Write as _;
            socket.get_mut().write_all(&[0xff; 16]).unwrap();
        }),
    ];
    let mut expected = Vec::new();
    for (reason, end) in ends {
        let mut socket = server.connect("/raw");
        let client = only(&clients);
        end(&client, &mut socket);
        server.runtime.block_on(client.closed());
        expected.push(reason);
        assert_eq!(diary.read(), expected);
    }
    server.shut_down();
    assert_eq!(diary.read(), expected, "no end is told twice");
}

#[test]
fn closing_twice_or_after_the_end_is_harmless_and_the_first_code_counts() {
    let (server, clients) = serve(Connections::builder("raw"));
    let mut socket = server.connect("/raw");
    let client = only(&clients);
    client.close_with(CloseCode::new(4000).unwrap());
    client.close();
    assert_eq!(close_code(&mut socket), Some(4000));
    drop(socket);
    server.runtime.block_on(client.closed());
    client.close();
    let mut next = server.connect("/raw");
    let other = only(&clients);
    client.close(); // not the next one, which may have its place
    server.runtime.block_on(other.send("here")).unwrap();
    assert_eq!(hear(&mut next), "here");
}

#[test]
fn what_was_sent_before_a_close_comes_before_it() {
    let builder = Connections::builder("raw").on_message(|client: Client, _| async move {
        for n in ["1", "2", "3"] {
            client.send(n).await?;
        }
        client.close();
        Ok::<(), SendError>(())
    });
    let (server, _clients) = serve(builder);
    let mut socket = server.connect("/raw");
    say(&mut socket, "go");
    assert_eq!(
        [hear(&mut socket), hear(&mut socket), hear(&mut socket)],
        ["1", "2", "3"]
    );
    assert_eq!(close_code(&mut socket), Some(1000));
}

#[test]
fn sending_to_who_has_gone_is_a_named_error() {
    let (server, clients) = serve(Connections::builder("raw"));
    let socket = server.connect("/raw");
    let client = only(&clients);
    drop(socket);
    server.runtime.block_on(client.closed());
    let sent = server.runtime.block_on(client.send("hello?"));
    assert_eq!(sent, Err(SendError::Gone));
}

#[test]
fn sending_to_who_does_not_read_is_a_named_error_and_waits_for_nothing() {
    let (server, clients) = serve(Connections::builder("raw"));
    let _stuck = server.connect("/raw");
    let client = only(&clients);
    let refused = server.runtime.block_on(async {
        loop {
            if let Err(error) = client.send(vec![0; 60_000]).await {
                return error;
            }
        }
    });
    assert_eq!(refused, SendError::Full);
}

#[test]
fn one_that_does_not_read_stops_no_broadcast_and_nobody_from_coming_and_going() {
    let builder = Connections::builder("raw")
        .on_message(|client: Client, message| async move { client.send(message).await });
    let (server, clients) = serve(builder);
    let _stuck = server.connect("/raw");
    let mut reader = server.connect("/raw");
    until(|| clients.list().len() == 2);
    // Its answer comes when it is open, and in the room of all.
    ask(&mut reader, "?");
    for n in 0..200 {
        let message = format!("{n} {}", "x".repeat(50_000));
        server.runtime.block_on(clients.broadcast(message)).unwrap();
        while !hear(&mut reader).starts_with(&format!("{n} ")) {}
    }
    drop(server.connect("/raw"));
    assert!(!clients.list().is_empty());
}

#[test]
fn one_that_stays_stuck_is_cut_in_its_time() {
    let diary = Arc::new(Diary::default());
    let clients = noting_ends(&diary).build();
    let limits = Limits {
        slow_reader_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let config = HubConfig {
        limits,
        ..HubConfig::default()
    };
    let server = Server::start(config.connections(&clients), &["raw"]);
    let _stuck = server.connect("/raw");
    let client = only(&clients);
    server.runtime.block_on(async {
        while client.send(vec![0; 60_000]).await.is_ok() {}
        client.closed().await;
    });
    assert_eq!(diary.read(), ["stuck"]);
    until(|| server.hub.connections() == 0);
}

#[test]
fn closing_all_closes_all_and_lets_others_in() {
    let (server, clients) = serve(Connections::builder("raw"));
    let mut sockets: Vec<_> = (0..8).map(|_| server.connect("/raw")).collect();
    until(|| clients.list().len() == 8);
    clients.close_all();
    for socket in &mut sockets {
        assert_eq!(close_code(socket), Some(1000));
    }
    until(|| clients.list().is_empty());
    let _late = server.connect("/raw");
    until(|| clients.list().len() == 1);
}

#[test]
fn a_shutdown_closes_everybody_and_afterwards_calls_fail_instead_of_hanging() {
    let diary = Arc::new(Diary::default());
    let (server, clients) = serve(noting_ends(&diary));
    let mut sockets: Vec<_> = (0..4).map(|_| server.connect("/raw")).collect();
    until(|| clients.list().len() == 4);
    let list = clients.list();
    let reading = std::thread::spawn(move || {
        let codes = sockets.iter_mut().map(close_code);
        codes.collect::<Vec<_>>()
    });
    assert_eq!(server.shut_down(), 0);
    assert_eq!(reading.join().unwrap(), [Some(1001); 4]);
    server.runtime.block_on(async {
        for client in &list {
            client.closed().await;
            assert_eq!(client.send("?").await, Err(SendError::Gone));
        }
        let refused = clients.broadcast("?").await;
        assert_eq!(refused, Err(PublishError::GoingAway));
    });
    assert_eq!(diary.read(), ["going_away"; 4]);
    clients.close_all();
    assert!(clients.list().is_empty());
}

/// Every end waits to be let go.
fn waiting_at_the_end(diary: &Arc<Diary>, go: &Arc<Notify>) -> ConnectionsBuilder {
    let (diary, go) = (Arc::clone(diary), Arc::clone(go));
    Connections::builder("raw").on_close(move |_: Client, _| {
        let (diary, go) = (Arc::clone(&diary), Arc::clone(&go));
        async move {
            diary.note("begins");
            go.notified().await;
            diary.note("ends");
        }
    })
}

#[test]
fn the_end_of_a_hub_waits_for_the_handlers_of_ends() {
    let (diary, go) = (Arc::new(Diary::default()), Arc::new(Notify::new()));
    let (server, clients) = serve(waiting_at_the_end(&diary, &go));
    let mut socket = server.connect("/raw");
    only(&clients);
    let hub = server.hub.clone();
    let end = server
        .runtime
        .spawn(async move { hub.shutdown(PATIENCE).await });
    assert_eq!(close_code(&mut socket), Some(1001));
    drop(socket);
    until(|| diary.read() == ["begins"] && server.hub.connections() == 0);
    // Nothing else is left for it to wait for.
    for _ in 0..100_000 {
        assert!(!end.is_finished());
        std::thread::yield_now();
    }
    go.notify_one();
    assert_eq!(server.runtime.block_on(end).unwrap(), 0);
    assert_eq!(diary.read(), ["begins", "ends"]);
}

#[test]
fn the_end_of_a_hub_waits_for_no_handler_longer_than_its_deadline() {
    let (diary, never) = (Arc::new(Diary::default()), Arc::new(Notify::new()));
    let (server, clients) = serve(waiting_at_the_end(&diary, &never));
    drop(server.connect("/raw"));
    until(|| diary.read() == ["begins"]);
    assert!(clients.list().is_empty());
    let end = server.hub.shutdown(Duration::from_millis(10));
    let end = server.runtime.block_on(async move {
        // Less than a handler may take.
        tokio::time::timeout(PATIENCE / 2, end).await
    });
    assert_eq!(end.unwrap(), 0);
}

#[test]
fn a_broadcast_before_the_hub_has_started_is_a_named_error() {
    let clients = Connections::builder("raw").build();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let refused = runtime.block_on(clients.broadcast("?"));
    assert_eq!(refused, Err(PublishError::GoingAway));
}

#[test]
fn the_end_waits_for_the_handler_that_still_runs() {
    let (diary, go) = (Arc::new(Diary::default()), Arc::new(Notify::new()));
    let (noted, wait) = (Arc::clone(&diary), Arc::clone(&go));
    let builder = noting_ends(&diary).on_message(move |_: Client, _| {
        let (diary, go) = (Arc::clone(&noted), Arc::clone(&wait));
        async move {
            diary.note("begins");
            go.notified().await;
            diary.note("ends");
        }
    });
    let (server, clients) = serve(builder);
    let mut socket = server.connect("/raw");
    say(&mut socket, "go");
    let client = only(&clients);
    until(|| diary.read() == ["begins"]);
    client.close();
    assert_eq!(close_code(&mut socket), Some(1000));
    until(|| clients.list().is_empty());
    assert_eq!(diary.read(), ["begins"]);
    go.notify_one();
    server.runtime.block_on(client.closed());
    assert_eq!(diary.read(), ["begins", "ends", "application"]);
}

#[test]
fn a_handler_whose_runtime_goes_ends_its_connection_and_every_later_one() {
    let (diary, handlers) = (Arc::new(Diary::default()), handlers());
    let (noted, begun) = (Arc::clone(&diary), "begins");
    let clients = Connections::builder("raw")
        .on_message(move |_: Client, _| {
            noted.note(begun);
            std::future::pending::<()>()
        })
        .build();
    let config = HubConfig {
        runtime: Some(handlers.handle().clone()),
        ..HubConfig::default()
    };
    let server = Server::start(config.connections(&clients), &["raw"]);
    let mut socket = server.connect("/raw");
    say(&mut socket, "go");
    until(|| diary.read() == [begun]);
    let client = only(&clients);
    drop(handlers);
    assert_eq!(close_code(&mut socket), Some(1011));
    server.runtime.block_on(client.closed());
    let mut late = server.connect("/raw");
    assert_eq!(close_code(&mut late), Some(1011));
    until(|| clients.list().is_empty());
    drop((socket, late));
    until(|| server.hub.connections() == 0);
}

#[tokio::test]
async fn a_question_that_no_runtime_takes_holds_no_place() {
    let handlers = handlers();
    let router = EventRouter::new(()).on("ask", async || ());
    let config = HubConfig {
        runtime: Some(handlers.handle().clone()),
        ..HubConfig::default()
    };
    let hub = TestHub::start(config.router(router).policy(Anything));
    let mut ann = hub.connect("parlour.events").await;
    let mut bob = hub.connect("parlour.v1").await;
    bob.take_all().await;
    // Here it may not wait for its threads.
    std::thread::spawn(move || drop(handlers)).join().unwrap();
    ann.send(r#"{"type":"ask","payload":{}}"#);
    ann.assert_closed(1011).await;
    bob.send(r#"{"t":"join","rooms":[{"room":"den"}]}"#);
    bob.assert_receives(r#"{"t":"closing","why":"failed"}"#)
        .await;
    bob.assert_closed(1011).await;
    drop((ann, bob));
    hub.advance(Duration::from_secs(60)).await;
    assert_eq!(hub.connections(), 0);
}

#[tokio::test]
async fn the_end_of_a_hub_is_the_end_of_its_connections_for_their_handlers() {
    let diary = Arc::new(Diary::default());
    let clients = noting_ends(&diary).build();
    let hub = TestHub::start(HubConfig::default().connections(&clients));
    let peer = hub.connect("raw").await;
    hub.settle().await;
    let client = clients.list().pop().unwrap();
    drop((hub, peer));
    tokio::time::timeout(PATIENCE, client.closed())
        .await
        .unwrap();
    // The shard may see the client go first.
    assert_eq!(diary.read().len(), 1, "{:?}", diary.read());
    assert!(clients.list().is_empty());
}

/// A runtime for nothing but handlers.
fn handlers() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

/// Is asked, and allows all.
struct Anything;

impl Policy for Anything {}

#[test]
fn listing_sending_broadcasting_and_closing_at_once_from_everywhere() {
    let builder = Connections::builder("raw")
        .on_message(|client: Client, message| async move { client.send(message).await });
    let (server, clients) = serve(builder);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..25 {
                    let mut socket = server.connect("/raw");
                    say(&mut socket, &n.to_string());
                    while hear(&mut socket) != n.to_string() {}
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..100 {
                server.runtime.block_on(clients.broadcast("all")).unwrap();
                for client in clients.list() {
                    let _ = server.runtime.block_on(client.send("one"));
                }
            }
        });
    });
    until(|| clients.list().is_empty());
    let mut last = server.connect("/raw");
    assert_eq!(ask(&mut last, "still served"), "still served");
    assert!(last.send(Message::text("x")).is_ok());
}
