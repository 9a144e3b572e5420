//! What the doors do, they do over TLS.

use std::sync::mpsc::channel;
use std::thread;

use parlour::{Limits, ListenerLimits};
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use tungstenite::{Message, WebSocket};

use crate::support::{App, PATIENCE, Secure, Stranger, beside, echoes, heard};

fn say(socket: &mut WebSocket<Secure>, text: &str) {
    let said = format!(r#"{{"type":"send_message","payload":{{"message":"{text}"}}}}"#);
    socket.send(Message::text(said)).unwrap();
}

/// Reads on to the message with this text.
fn hear(socket: &mut WebSocket<Secure>, text: &str) -> String {
    loop {
        let heard = heard(socket);
        if heard.contains(text) {
            return heard;
        }
    }
}

/// A member of the room: who hears itself is in it, which the 101 alone does not say.
fn member(stranger: &Stranger, name: &str) -> WebSocket<Secure> {
    let mut socket = stranger.socket("/room");
    let text = format!("{name} is here");
    say(&mut socket, &text);
    hear(&mut socket, &text);
    socket
}

fn talkative() -> Limits {
    Limits {
        messages_per_second: 0,
        ..Limits::default()
    }
}

#[tokio::test]
async fn echo_goes_over_both_versions() {
    let app = App::start().await;
    let strangers = [&TLS12, &TLS13].map(|version| Stranger {
        trust: app.pair.trust_by(&[version]),
        ..app.stranger()
    });
    beside(move || {
        for stranger in strangers {
            let mut socket = stranger.socket("/echo");
            echoes(&mut socket, "over TLS");
            echoes(&mut socket, &"x".repeat(65_536));
            socket.close(None).unwrap();
            assert!(matches!(socket.read().unwrap(), Message::Close(None)));
        }
    })
    .await;
    assert_eq!(app.stop().await, 0);
}

#[tokio::test]
async fn what_one_says_all_hear() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let names: Vec<String> = (0..8).map(|number| format!("member {number}")).collect();
        let mut sockets: Vec<_> = names.iter().map(|name| member(&stranger, name)).collect();
        for speaker in 0..sockets.len() {
            let text = format!("I am {speaker}");
            say(&mut sockets[speaker], &text);
            for socket in &mut sockets {
                assert!(hear(socket, &text).contains("new_message"));
            }
        }
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_megabyte_goes_both_ways() {
    const MEGABYTE: usize = 1 << 20;
    let limits = Limits {
        message_bytes_max: MEGABYTE,
        private_bytes_max: 2 * MEGABYTE,
        ..talkative()
    };
    let app = App::start_with(limits, ListenerLimits::default()).await;
    let stranger = app.stranger();
    beside(move || {
        let mut socket = stranger.socket("/echo");
        for turn in 0..4_usize {
            let text: String = (0..MEGABYTE)
                .map(|at| char::from(b'a' + ((at / 7 + turn) % 26) as u8))
                .collect();
            echoes(&mut socket, &text);
        }
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn who_stops_reading_disturbs_nobody() {
    const MESSAGES: usize = 4_000;
    let app = App::start_with(talkative(), ListenerLimits::default()).await;
    let stranger = app.stranger();
    beside(move || {
        let stuck = member(&stranger, "stuck");
        let (said, has_heard) = channel();
        let listener = thread::spawn({
            let mut socket = member(&stranger, "listener");
            move || {
                hear(&mut socket, "speaker is here");
                for number in 0..MESSAGES {
                    let heard = heard(&mut socket);
                    assert!(
                        heard.contains(&format!("number {number} ")),
                        "{number}: {heard}"
                    );
                    said.send(()).unwrap();
                }
            }
        });
        let mut speaker = member(&stranger, "speaker");
        let padding = "x".repeat(2_000);
        for number in 0..MESSAGES {
            say(&mut speaker, &format!("number {number} {padding}"));
            // In step with who listens: only the one that is stuck falls behind.
            heard(&mut speaker);
            has_heard.recv_timeout(PATIENCE).unwrap();
        }
        listener.join().unwrap();
        // It has been sent a part, and then told why not the rest.
        let mut stuck = stuck;
        let mut parts = 0;
        loop {
            match stuck.read() {
                Ok(Message::Text(_)) => parts += 1,
                Ok(Message::Close(Some(frame))) => break assert_eq!(u16::from(frame.code), 1008),
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert!(
            (1..MESSAGES).contains(&parts),
            "{parts} were kept for who reads nothing"
        );
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn sessions_are_resumed() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut socket = stranger.socket("/echo");
            echoes(&mut socket, "with what comes behind the handshake");
            assert_eq!(socket.get_ref().conn.handshake_kind(), Some(kind));
        }
    })
    .await;
    app.stop().await;
}
