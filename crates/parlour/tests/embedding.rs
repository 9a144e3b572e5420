//! The hub inside somebody else's axum application, with dialects of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/fragile.rs"]
mod fragile;

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use parlour::{Door, Doors, DoorsConfig, Hub, HubConfig, Limits};
use tokio::net::TcpListener;
use tungstenite::{Message, WebSocket};

use fragile::Fragile;

const PATIENCE: Duration = Duration::from_secs(30);

struct App {
    hub: Hub,
    address: SocketAddr,
}

enum Listener {
    Own,
    Axum,
}

async fn start(listener: Listener, config: HubConfig) -> App {
    let hub = Hub::start(config).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let doors = Doors::new(&hub, address);
    let app = Router::new()
        .merge(doors.routes())
        .route("/fragile", doors.free_door("fragile", None))
        .route("/own", get(|| async { "own" }));
    match listener {
        Listener::Own => {
            let forever = std::future::pending();
            tokio::spawn(parlour::serve(socket, app, forever));
        }
        Listener::Axum => {
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            tokio::spawn(async move { axum::serve(socket, app).await });
        }
    }
    App { hub, address }
}

fn with_fragile() -> HubConfig {
    let mut config = HubConfig::default();
    config.dialects.push(Arc::new(Fragile));
    config
}

fn connect(address: SocketAddr, path: &str) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    tungstenite::client(format!("ws://{address}{path}"), stream)
        .unwrap()
        .0
}

fn echoes(socket: &mut WebSocket<TcpStream>, text: &str) {
    socket.send(Message::text(text)).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text(text));
}

fn close_code(socket: &mut WebSocket<TcpStream>) -> u16 {
    loop {
        if let Message::Close(Some(frame)) = socket.read().unwrap() {
            return frame.code.into();
        }
    }
}

/// Runs blocking clients beside the server.
async fn beside(clients: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(clients).await.unwrap();
}

#[tokio::test]
async fn a_panic_ends_the_connection_that_caused_it_and_nothing_else() {
    let app = start(Listener::Own, with_fragile()).await;
    let address = app.address;
    beside(move || {
        let mut bystanders: Vec<_> = (0..8).map(|_| connect(address, "/fragile")).collect();
        let mut victim = connect(address, "/fragile");
        echoes(&mut victim, "before");
        victim.send(Message::text("fail to decode")).unwrap();
        victim.send(Message::text("not answered any more")).unwrap();
        assert_eq!(close_code(&mut victim), 1011);
        for bystander in &mut bystanders {
            echoes(bystander, "still here");
        }
        echoes(&mut connect(address, "/fragile"), "and new ones come in");
    })
    .await;
    assert_eq!(app.hub.shutdown(PATIENCE).await, 0, "nothing is left of it");
    assert_eq!(app.hub.stats().failures, 1);
}

#[tokio::test]
async fn a_panic_in_encoding_hurts_no_other_connection() {
    let app = start(Listener::Own, with_fragile()).await;
    let address = app.address;
    beside(move || {
        let mut bystander = connect(address, "/fragile");
        let mut victim = connect(address, "/fragile");
        victim.send(Message::text("fail to encode")).unwrap();
        echoes(&mut bystander, "still here");
    })
    .await;
    app.hub.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn an_embedders_door_is_shut_beyond_loopback_until_it_is_opened() {
    for (open_doors, is_open) in [
        (vec![Door::Echo], false),
        (vec![Door::Free("fragile")], true),
    ] {
        let hub = Hub::start(with_fragile()).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let public = SocketAddr::from(([0, 0, 0, 0], address.port()));
        let mut config = DoorsConfig::new(public);
        config.open_doors = open_doors;
        let doors = Doors::with(&hub, config);
        let app = Router::new().route("/fragile", doors.free_door("fragile", None));
        tokio::spawn(parlour::serve(socket, app, std::future::pending()));
        beside(move || {
            let stream = TcpStream::connect(address).unwrap();
            let opened = tungstenite::client(format!("ws://{address}/fragile"), stream);
            assert_eq!(opened.is_ok(), is_open);
        })
        .await;
        hub.shutdown(PATIENCE).await;
    }
}

#[tokio::test]
async fn the_doors_work_in_an_application_that_axum_serves() {
    let app = start(Listener::Axum, HubConfig::default()).await;
    let address = app.address;
    beside(move || {
        let mut first = connect(address, "/echo");
        let mut second = connect(address, "/echo");
        echoes(&mut first, "one");
        echoes(&mut second, "two");
        echoes(&mut first, &"x".repeat(65_536));
        first.close(None).unwrap();
        assert!(matches!(first.read().unwrap(), Message::Close(None)));
    })
    .await;
    app.hub.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_full_hub_says_so_and_has_room_again_when_somebody_goes() {
    let limits = Limits {
        connections_max: 2,
        ..Limits::default()
    };
    let app = start(
        Listener::Own,
        HubConfig {
            limits,
            ..HubConfig::default()
        },
    )
    .await;
    let (address, hub) = (app.address, app.hub.clone());
    beside(move || {
        let mut first = connect(address, "/echo");
        let _second = connect(address, "/echo");
        echoes(&mut first, "one");
        let refused = tungstenite::client(
            format!("ws://{address}/echo"),
            TcpStream::connect(address).unwrap(),
        );
        let refused = format!("{:?}", refused.err().unwrap());
        assert!(
            refused.contains("503") && refused.contains("retry-after"),
            "{refused}"
        );
        first.close(None).unwrap();
        while first.read().is_ok() {}
        drop(first);
        while hub.connections() == 2 {
            std::thread::yield_now();
        }
        echoes(&mut connect(address, "/echo"), "room again");
    })
    .await;
    app.hub.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_door_for_a_dialect_that_the_hub_does_not_speak_is_none() {
    let app = start(Listener::Own, HubConfig::default()).await;
    let address = app.address;
    beside(move || {
        let stream = TcpStream::connect(address).unwrap();
        let refused = tungstenite::client(format!("ws://{address}/fragile"), stream);
        assert!(format!("{:?}", refused.err().unwrap()).contains("404"));
    })
    .await;
    app.hub.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_shutdown_without_time_cuts_who_is_there() {
    let app = start(Listener::Own, HubConfig::default()).await;
    let address = app.address;
    let mut client = tokio::task::spawn_blocking(move || {
        let mut client = connect(address, "/echo");
        echoes(&mut client, "here");
        client
    })
    .await
    .unwrap();
    app.hub.shutdown(Duration::ZERO).await;
    beside(move || while client.read().is_ok() {}).await;
    assert_eq!(app.hub.connections(), 0);
}
