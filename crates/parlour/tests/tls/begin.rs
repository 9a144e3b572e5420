//! Who gets in: TLS in time, with the certificate of now; and what everybody else is told.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use parlour::{Limits, ListenerLimits};

use crate::support::{App, Pair, Stranger, beside, echoes};

/// Everything that comes until the stream ends, in whichever way.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("it never ends"),
        _ => bytes,
    }
}

#[tokio::test]
async fn http_by_tls_is_answered() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let answer = stranger.get(&mut stranger.tls(), "/own");
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("own"),
            "{answer}"
        );
        let absolute = format!("https://{}/own", stranger.address);
        let answer = stranger.get(&mut stranger.tls(), &absolute);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn plain_http_is_told_the_https_address() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let address = stranger.address;
        let answer = stranger.get(&mut stranger.tcp(), "/own");
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(
            answer
                .to_ascii_lowercase()
                .contains("\r\nconnection: close\r\n"),
            "{answer}"
        );
        assert!(answer.contains(&format!("https://{address}/")), "{answer}");

        let mut stream = stranger.tcp();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: <b>\r\n\r\n")
            .unwrap();
        let answer = String::from_utf8(rest(&mut stream)).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400") && !answer.contains("<b>"),
            "{answer}"
        );

        let mut stream = stranger.tcp();
        let long = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "x".repeat(1 << 20)
        );
        let _ = stream.write_all(long.as_bytes()); // It is cut on the way.
        assert!(!String::from_utf8_lossy(&rest(&mut stream)).contains("200"));
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_neither_is_cut_and_disturbs_nobody() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let mut bystander = stranger.socket("/echo");
        for garbage in [
            &b"\x00\x01\x02"[..],
            b"\x80\x2e\x01",
            b"get / http",
            b"\xff\xff",
        ] {
            let mut stream = stranger.tcp();
            stream.write_all(garbage).unwrap();
            assert_eq!(rest(&mut stream), b"", "{garbage:?}");
        }
        // The first byte of a handshake, and then nothing of the kind: an alert at most.
        let mut stream = stranger.tcp();
        stream.write_all(b"\x16\x03\x01\x00\x05hello").unwrap();
        assert!(rest(&mut stream).len() <= 7);
        echoes(&mut bystander, "still here");
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_slow_beginning_is_cut() {
    let bounds = ListenerLimits {
        handshake_time: Duration::from_millis(200),
        ..ListenerLimits::default()
    };
    let app = App::start_with(Limits::default(), bounds).await;
    let stranger = app.stranger();
    beside(move || {
        let mut hello = Vec::new();
        stranger.tls().conn.write_tls(&mut hello).unwrap();
        for begun in [&[][..], &hello[..1], &hello[..hello.len() / 2], b"GET / HT"] {
            let mut stream = stranger.tcp();
            stream.write_all(begun).unwrap();
            rest(&mut stream);
        }
        // TLS is there, the request is not.
        let mut stream = stranger.shaken();
        stream.write_all(b"GET / HT").unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"));
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_for_new_connections() {
    let app = App::start().await;
    let before = app.stranger();
    let mut old = beside({
        let before = before.clone();
        move || {
            let mut old = before.socket("/echo");
            echoes(&mut old, "with the old one");
            old
        }
    })
    .await;

    let folder = std::env::temp_dir().join(format!("parlour-reload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let new = Pair::new();
    std::fs::write(&cert, &new.cert).unwrap();
    std::fs::write(&key, &app.pair.key).unwrap();
    app.keys.reload_from(&cert, &key).unwrap_err();
    let trust = app.pair.trust(); // Nothing of it to resume.
    let still = Stranger { trust, ..before };
    let still = beside(move || {
        echoes(&mut still.socket("/echo"), "a bad pair changes nothing");
        still
    })
    .await;

    std::fs::write(&key, &new.key).unwrap();
    app.keys.reload_from(&cert, &key).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let (new, old_only) = (new.trust(), app.pair.trust());
    beside(move || {
        echoes(&mut old, "it goes on");
        let after = Stranger {
            trust: new,
            ..still
        };
        echoes(&mut after.socket("/echo"), "with the new one");
        let refused = Stranger {
            trust: old_only,
            ..after
        };
        let mut stream = refused.tls();
        let error = stream.conn.complete_io(&mut stream.sock).unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
    })
    .await;
    app.stop().await;
}
