//! The way of a TLS session from HTTP to its shard loses no byte, however they come.

use std::io::{Read as _, Write as _};

use crate::support::{App, Secure, beside, frame, head};

/// Text as TLS records, not sent yet.
fn sealed(stream: &mut Secure, bytes: &[u8]) -> Vec<u8> {
    stream.conn.writer().write_all(bytes).unwrap();
    let mut records = Vec::new();
    while stream.conn.wants_write() {
        stream.conn.write_tls(&mut records).unwrap();
    }
    records
}

fn expect_echo(stream: &mut Secure, text: &[u8]) {
    let mut expected = vec![0x81, u8::try_from(text.len()).unwrap()];
    expected.extend_from_slice(text);
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn frames_in_the_record_of_the_request_are_not_lost() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let mut stream = stranger.shaken();
        let third = frame(0x81, b"third");
        let request = stranger.request("/echo");
        let bytes = [
            &request,
            &*frame(0x81, b"first"),
            &frame(0x81, b"second"),
            &third[..4],
        ];
        let record = sealed(&mut stream, &bytes.concat());
        stream.sock.write_all(&record).unwrap();
        assert!(head(&mut stream).starts_with("HTTP/1.1 101"));
        expect_echo(&mut stream, b"first");
        expect_echo(&mut stream, b"second");
        stream.write_all(&third[4..]).unwrap();
        expect_echo(&mut stream, b"third");
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn records_in_the_segment_of_the_request_are_not_lost_whole_or_halved() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let mut stream = stranger.shaken();
        let mut segment = sealed(&mut stream, &stranger.request("/echo"));
        segment.extend(sealed(&mut stream, &frame(0x81, b"first")));
        segment.extend(sealed(&mut stream, &frame(0x81, b"second")));
        let third = sealed(&mut stream, &frame(0x81, b"third"));
        segment.extend(&third[..7]);
        stream.sock.write_all(&segment).unwrap();
        assert!(head(&mut stream).starts_with("HTTP/1.1 101"));
        expect_echo(&mut stream, b"first");
        expect_echo(&mut stream, b"second");
        stream.sock.write_all(&third[7..]).unwrap();
        expect_echo(&mut stream, b"third");
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_request_with_the_last_word_of_the_handshake_is_not_lost() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let mut stream = stranger.tls();
        // Kept by the client until it has its keys, and sent behind its Finished.
        let bytes = [stranger.request("/echo"), frame(0x81, b"early")].concat();
        stream.conn.writer().write_all(&bytes).unwrap();
        assert!(head(&mut stream).starts_with("HTTP/1.1 101"));
        expect_echo(&mut stream, b"early");
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn more_frames_than_one_read_takes_are_not_lost() {
    const FRAMES: usize = 500;
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let mut stream = stranger.shaken();
        let frames = frame(0x81, &[b'x'; 100]).repeat(FRAMES);
        stream.conn.set_buffer_limit(None);
        let records = sealed(&mut stream, &[stranger.request("/echo"), frames].concat());
        stream.sock.write_all(&records).unwrap();
        assert!(head(&mut stream).starts_with("HTTP/1.1 101"));
        for _ in 0..FRAMES {
            expect_echo(&mut stream, &[b'x'; 100]);
        }
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_served() {
    let app = App::start().await;
    let stranger = app.stranger();
    beside(move || {
        let mut stream = stranger.shaken();
        let bytes = [
            stranger.request("/echo"),
            frame(0x01, b"in "),
            frame(0x80, b"parts"),
        ];
        for byte in sealed(&mut stream, &bytes.concat()) {
            stream.sock.write_all(&[byte]).unwrap(); // TCP_NODELAY: each is a packet of its own.
        }
        assert!(head(&mut stream).starts_with("HTTP/1.1 101"));
        expect_echo(&mut stream, b"in parts");
    })
    .await;
    app.stop().await;
}
