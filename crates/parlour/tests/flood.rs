//! Those who have much to say do not starve those who have little.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use axum::Router;
use parlour::{Doors, Hub, HubConfig, Limits, RoomName};
use tokio::net::TcpListener;
use tungstenite::{Message, WebSocket};

/// More than can have all the credit of a shard among them.
const FLOODERS: usize = 200;
const POLITE_MESSAGES: usize = 20;
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn one_who_has_little_to_say_is_answered_while_many_flood_another_room() {
    let shards = NonZeroU16::new(1);
    // What nobody holds back must be served evenly all the same.
    let limits = Limits {
        messages_per_second: 0,
        ..Limits::default()
    };
    let hub = Hub::start(HubConfig {
        shards,
        limits,
        ..HubConfig::default()
    })
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let doors = Doors::new(&hub, address);
    let door = |room| doors.free_door("parlour.events", Some(RoomName::new(room).unwrap()));
    let app = Router::new()
        .route("/loud", door("loud"))
        .route("/quiet", door("quiet"));
    tokio::spawn(parlour::serve(listener, app, std::future::pending()));

    let answered = tokio::task::spawn_blocking(move || {
        let enough = Arc::new(AtomicBool::new(false));
        let (begun, is_flooded) = channel();
        let flood = thread::spawn({
            let enough = Arc::clone(&enough);
            move || flood_until(address, &begun, &enough)
        });
        is_flooded.recv_timeout(PATIENCE).unwrap();
        let polite = thread::spawn(move || speak_politely(address)).join();
        enough.store(true, Relaxed);
        flood.join().unwrap();
        polite
    });
    answered.await.unwrap().unwrap();
    hub.shutdown(Duration::from_secs(1)).await;
}

/// Each message must come back before the next is sent.
fn speak_politely(address: SocketAddr) {
    let mut socket = connect(address, "/quiet");
    for number in 0..POLITE_MESSAGES {
        socket.send(said(&format!("please {number}"))).unwrap();
        let heard = loop {
            match socket.read().unwrap() {
                Message::Text(text) => break text,
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(heard.contains(&format!("please {number}")), "{heard}");
    }
}

/// Writes as much as the server takes on many connections, reads what comes, and says when the
/// flood has begun.
fn flood_until(address: SocketAddr, begun: &Sender<()>, enough: &AtomicBool) {
    let flooders: Vec<_> = (0..FLOODERS).map(|_| connect(address, "/loud")).collect();
    let frames = masked_frame(said("x").to_text().unwrap()).repeat(1_000);
    let mut places = vec![0; FLOODERS];
    let mut sink = vec![0; 1 << 20];
    for flooder in &flooders {
        flooder.get_ref().set_nonblocking(true).unwrap();
    }
    while !enough.load(Relaxed) {
        let mut blocked = 0;
        for (flooder, place) in flooders.iter().zip(&mut places) {
            let mut stream = flooder.get_ref();
            match stream.write(&frames[*place..]) {
                Ok(taken) => *place = (*place + taken) % frames.len(),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    blocked += 1;
                }
            }
            while matches!(stream.read(&mut sink), Ok(1..)) {}
        }
        // Far more than the server takes: it is behind with nearly all of them.
        if blocked > FLOODERS * 9 / 10 {
            // Nobody listens after the first time.
            let _ = begun.send(());
        }
    }
}

fn connect(address: SocketAddr, path: &str) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    tungstenite::client(format!("ws://{address}{path}"), stream)
        .unwrap()
        .0
}

fn said(text: &str) -> Message {
    Message::text(format!(
        r#"{{"type":"send_message","payload":{{"message":"{text}"}}}}"#
    ))
}

/// A client's frame with a mask of zeros (RFC 6455, 5.2), for a payload below 126 bytes.
fn masked_frame(payload: &str) -> Vec<u8> {
    let mut frame = vec![
        0x81,
        0x80 | u8::try_from(payload.len()).unwrap(),
        0,
        0,
        0,
        0,
    ];
    frame.extend_from_slice(payload.as_bytes());
    frame
}
