//! How it ends: with a word of the room, a word of TLS, and nothing left open.

use std::io::Read as _;
use std::sync::mpsc::channel;
use std::time::Duration;

use parlour::{Limits, ListenerLimits};
use tungstenite::{Message, WebSocket};

use crate::support::{App, Secure, beside, echoes, ends_cleanly};

/// Reads to the close frame, answers it, and says its code and whether TLS ended cleanly after it.
fn end(mut socket: WebSocket<Secure>) -> (u16, bool) {
    let code = loop {
        match socket.read().unwrap() {
            Message::Close(Some(frame)) => break frame.code.into(),
            Message::Close(None) => break 1005,
            _ => {}
        }
    };
    // The answer to it.
    let _ = socket.flush();
    (code, ends_cleanly(socket.get_mut()))
}

#[tokio::test]
async fn a_shutdown_says_1001_and_close_notify() {
    let app = App::start().await;
    let stranger = app.stranger();
    let (ready, is_ready) = channel();
    let clients = tokio::task::spawn_blocking(move || {
        let mut sockets: Vec<_> = (0..8).map(|_| stranger.socket("/echo")).collect();
        sockets.iter_mut().for_each(|socket| echoes(socket, "here"));
        ready.send(()).unwrap();
        sockets.into_iter().map(end).collect::<Vec<_>>()
    });
    beside(move || is_ready.recv().unwrap()).await;
    assert_eq!(app.stop().await, 0, "all have answered");
    assert_eq!(clients.await.unwrap(), [(1001, true); 8]);
}

#[tokio::test]
async fn a_close_of_the_client_is_answered_by_close_frame_and_close_notify() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let mut socket = stranger.socket("/echo");
        socket.close(None).unwrap();
        assert_eq!(end(socket), (1005, true));
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_shutdown_ends_idle_http_connections_and_handshakes_on_the_way() {
    let bounds = ListenerLimits {
        // Long enough that nothing ends by itself while this test has patience.
        handshake_time: Duration::from_secs(3_600),
        ..ListenerLimits::default()
    };
    let app = App::start_with(Limits::default(), bounds).await;
    let stranger = app.stranger();
    let (mut idle, mut fresh, mut begun) = beside(move || {
        let mut idle = stranger.shaken();
        let host = stranger.address;
        let request = format!("GET /own HTTP/1.1\r\nHost: {host}\r\n\r\n");
        std::io::Write::write_all(&mut idle, request.as_bytes()).unwrap();
        crate::support::head(&mut idle);
        let mut body = [0; 3];
        idle.read_exact(&mut body).unwrap();
        let fresh = stranger.shaken();
        let mut hello = Vec::new();
        stranger.tls().conn.write_tls(&mut hello).unwrap();
        let mut begun = stranger.tcp();
        std::io::Write::write_all(&mut begun, &hello[..hello.len() / 2]).unwrap();
        (idle, fresh, begun)
    })
    .await;
    app.stop().await;
    beside(move || {
        assert!(ends_cleanly(&mut idle));
        ends_cleanly(&mut fresh);
        assert_eq!(begun.read(&mut [0; 8]).unwrap_or(0), 0);
    })
    .await;
}

#[tokio::test]
async fn who_answers_no_close_is_cut_in_its_time_whether_it_reads_or_not() {
    const SHORT: Duration = Duration::from_millis(100);
    let limits = Limits {
        close_timeout: SHORT,
        slow_reader_timeout: SHORT,
        ..Limits::default()
    };
    let app = App::start_with(limits, ListenerLimits::default()).await;
    let stranger = app.stranger();
    let sockets = beside(move || {
        let mut silent = stranger.socket("/echo");
        echoes(&mut silent, "and nothing after it");
        // Says more than all buffers hold, and reads nothing of what comes back.
        let mut stuck = stranger.socket("/echo");
        stuck.get_mut().sock.set_nonblocking(true).unwrap();
        let text = "x".repeat(60_000);
        while stuck.send(Message::text(&text)).is_ok() {}
        (silent, stuck)
    })
    .await;
    let cut = app.stop().await;
    assert_eq!(cut, 0, "the hub has ended both before the shutdown had to");
    drop(sockets);
}
