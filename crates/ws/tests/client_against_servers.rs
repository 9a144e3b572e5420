//! A whole connection in the client's role, against the servers of two other libraries: opening, texts
//! of every length form both ways, fragments, pings, the close.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{Read, Write};

use common::Item;
use futures_util::{SinkExt as _, StreamExt as _};
use parlour_ws::client::Opening;
use parlour_ws::{Limits, Opcode, Receiver, put_masked_close, put_masked_frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tungstenite::handshake::server::{Request, Response};

/// Lengths on both sides of every form.
const LENGTHS: [usize; 7] = [0, 1, 125, 126, 65_535, 65_536, 200_000];
const LIMITS: Limits = Limits {
    max_message_bytes: 1 << 20,
};
const OPENING: Opening<'_> = Opening {
    host: "localhost",
    target: "/",
    key: *b"the sample nonce",
    protocols: &["parlour.v1", "ticket.SECRET"],
    headers: &[],
};

/// What the client says: texts, a ping, its close.
fn said() -> Vec<u8> {
    let mut out = Vec::new();
    for (n, length) in LENGTHS.into_iter().enumerate() {
        let key = [n as u8, 1, 2, 3];
        put_masked_frame(&mut out, Opcode::Text, "x".repeat(length).as_bytes(), key);
    }
    put_masked_frame(&mut out, Opcode::Ping, b"are you there", [9, 8, 7, 6]);
    put_masked_close(&mut out, 1000, "done", [5; 4]);
    out
}

/// What an echo answers to it.
fn answered() -> Vec<Item> {
    let texts = LENGTHS.map(|length| Item::Text("x".repeat(length)));
    let mut items = Vec::from(texts);
    items.push(Item::Pong(b"are you there".to_vec()));
    items
}

/// The texts and the pong in their order, and the code of the close that ended it all.
fn heard(stream: &[u8]) -> (Vec<Item>, Option<u16>) {
    let outcome = common::receive_inputs_as(Receiver::client(), &LIMITS, stream.chunks(1_000));
    assert_eq!(outcome.error, None);
    let mut items = outcome.items;
    match items.pop() {
        Some(Item::Close(frame)) => (items, frame.map(|(code, _)| code)),
        other => panic!("no close at the end but {other:?}"),
    }
}

/// Reads the answer: what follows it.
fn opened(received: &[u8]) -> Option<Vec<u8>> {
    let opened = OPENING.check(received).unwrap()?;
    assert_eq!(opened.protocol, Some("parlour.v1"));
    Some(received[opened.head_bytes..].to_vec())
}

#[test]
fn tungstenite_understands_and_is_understood() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        #[expect(clippy::result_large_err, reason = "tungstenite asks for this type")]
        let choose = |_: &Request, mut response: Response| {
            let protocol = "parlour.v1".parse().unwrap();
            response
                .headers_mut()
                .insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        let mut socket = tungstenite::accept_hdr(stream, choose).unwrap();
        loop {
            match socket.read() {
                Ok(message) if message.is_text() => socket.send(message).unwrap(),
                Ok(_) => {}
                Err(tungstenite::Error::ConnectionClosed) => break,
                Err(error) => panic!("{error}"),
            }
        }
    });

    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(&OPENING.request().unwrap()).unwrap();
    let mut received = Vec::new();
    let mut frames = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        received.push(byte[0]);
        if let Some(frames) = opened(&received) {
            break frames;
        }
    };
    let mut writer = stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(&said()).unwrap());
    stream.read_to_end(&mut frames).unwrap();
    writing.join().unwrap();
    server.join().unwrap();
    let (items, code) = heard(&frames);
    assert_eq!((items, code), (answered(), Some(1000)));
}

#[tokio::test]
async fn tokio_websockets_understands_and_is_understood() {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let server = async {
        let (request, mut socket) = tokio_websockets::ServerBuilder::new()
            .limits(tokio_websockets::Limits::default().max_payload_len(Some(1 << 20)))
            .add_header(
                "sec-websocket-protocol".parse().unwrap(),
                "parlour.v1".parse().unwrap(),
            )
            .unwrap()
            .accept(theirs)
            .await
            .unwrap();
        let offered = request.headers()["sec-websocket-protocol"]
            .to_str()
            .unwrap();
        assert_eq!(offered, "parlour.v1, ticket.SECRET");
        while let Some(message) = socket.next().await {
            let message = message.unwrap();
            if message.is_text() {
                socket.send(message).await.unwrap();
            }
        }
    };
    let ((), frames) = tokio::join!(server, talk(ours));
    let (items, code) = heard(&frames);
    assert_eq!((items, code), (answered(), Some(1000)));
}

async fn talk(mut stream: DuplexStream) -> Vec<u8> {
    stream.write_all(&OPENING.request().unwrap()).await.unwrap();
    let mut received = Vec::new();
    let frames = loop {
        stream.read_buf(&mut received).await.unwrap();
        if let Some(frames) = opened(&received) {
            break frames;
        }
    };
    let (mut reader, mut writer) = tokio::io::split(stream);
    let out = said();
    let writing = async { writer.write_all(&out).await.unwrap() };
    let reading = async {
        let mut frames = frames;
        reader.read_to_end(&mut frames).await.unwrap();
        frames
    };
    tokio::join!(writing, reading).1
}
