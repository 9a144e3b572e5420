//! Connections: how many, how silent, how slow.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::SockRef;

use super::support::{Client, Raw, Server, frame};
use super::{SOON, echo, knock};

/// How many bytes the server takes of who sends to the echo door and never reads.
fn taken_unread(server: &Server) -> usize {
    let mut raw = echo(server);
    let patience = Duration::from_millis(500);
    raw.stream.set_write_timeout(Some(patience)).unwrap();
    let messages = frame(0x82, &[7; 120]).repeat(500);
    let mut sent = 0;
    loop {
        match raw.stream.write(&messages[sent % messages.len()..]) {
            Ok(len) => sent += len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return sent;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent < 256 << 20, "there is no bound");
    }
}

/// What the kernel keeps for the server's end of this connection, asked of that very socket.
fn send_buffer_of(server: &Server, client: &Raw) -> usize {
    let client = client.stream.local_addr().unwrap();
    let process = pidfd_open(server.pid(), PidfdFlags::empty()).unwrap();
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid().as_raw_nonzero())).unwrap();
    let numbers = files.filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok());
    for number in numbers {
        let Ok(file) = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) else {
            continue; // It has been closed since.
        };
        let socket = SockRef::from(&file);
        let peer = socket.peer_addr().ok().and_then(|peer| peer.as_socket());
        if peer == Some(client) {
            return socket.send_buffer_size().unwrap();
        }
    }
    panic!("the server has no socket for {client}");
}

/// The code of the close frame with which a connection ends that is sent pings and nothing else.
fn close_code(raw: &mut Raw) -> u16 {
    let rest = raw.rest();
    let close = rest.iter().position(|byte| *byte == 0x88).unwrap();
    u16::from_be_bytes([rest[close + 2], rest[close + 3]])
}

effects! {
    "compression" => fn an_offer_of_compression_is_accepted_unless_it_is_off() {
        let offer = [("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")];
        let agreed = |server: &Server| {
            let client = Client::open(server, "/echo", &offer).unwrap();
            client.response.headers().contains_key("sec-websocket-extensions")
        };
        assert!(agreed(&Server::start()));
        assert!(!agreed(&Server::start_with(&["--compression", "off"])));
    }

    "ping-interval" => fn who_is_silent_is_pinged_in_its_time() {
        let server = Server::start_with(&["--ping-interval", "1s"]);
        let mut raw = echo(&server);
        assert_eq!(raw.take(1), [0x89], "a ping, long before the 25 s of the default");
    }

    "pong-timeout" => fn who_does_not_answer_is_closed_in_its_time() {
        let server = Server::start_with(&["--ping-interval", "200ms", "--pong-timeout", "300ms"]);
        let mut raw = echo(&server);
        assert_eq!(close_code(&mut raw), 1008);
        let patient = Server::start_with(&["--ping-interval", "200ms", "--pong-timeout", "1h"]);
        let mut raw = patient.impatient(Duration::from_secs(2));
        raw.send(patient.named(&super::upgrade("{host}", "/echo", "")).as_bytes());
        assert_eq!(raw.answer().status, 101);
        assert_eq!(raw.take(1), [0x89]);
        raw.take(1);
        let mut byte = [0];
        let waited = std::io::Read::read(&mut raw.stream, &mut byte).unwrap_err();
        assert_eq!(waited.kind(), ErrorKind::WouldBlock, "it is neither pinged again nor closed");
    }

    "slow-reader-timeout" => fn who_takes_nothing_is_closed_in_its_time() {
        let mut server = Server::start_with(&["--slow-reader-timeout", "300ms", "--close-timeout", "200ms"]);
        let mut raw = echo(&server);
        raw.stream.set_write_timeout(Some(SOON)).unwrap();
        let messages = frame(0x82, &[7; 120]).repeat(500);
        let cut = loop {
            if let Err(error) = raw.stream.write_all(&messages) {
                break error.kind();
            }
        };
        assert!(matches!(cut, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{cut:?}");
        server.signal(rustix::process::Signal::TERM);
        server.wait();
        assert!(server.log().contains("slow_closes=1"), "{}", server.log());
    }

    "close-timeout" => fn who_does_not_answer_a_close_is_cut_in_its_time() {
        let server = Server::start_with(&["--max-message-bytes", "16", "--close-timeout", "200ms"]);
        let mut raw = echo(&server);
        raw.stream.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
        raw.send(&frame(0x82, &[7; 17]));
        assert_eq!(close_code(&mut raw), 1009, "and the end, before the 5 s of the default");
    }

    "max-connections" => fn there_are_so_many_connections_and_no_more() {
        let server = Server::start_with(&["--max-connections", "2"]);
        let _first = echo(&server);
        let _second = echo(&server);
        let (_, answer) = knock(&server, "{host}", "");
        assert_eq!(answer.status, 503);
        assert!(answer.header("retry-after").is_some());
    }

    "max-connections-per-address" => fn an_address_has_so_many_connections() {
        let server = Server::start_with(&[
            "--max-connections-per-address", "2", "--trusted-proxy", "127.0.0.0/8", "--door", "echo",
        ]);
        let knock = |address| knock(&server, "chat.example", &format!("X-Forwarded-For: {address}\r\n"));
        let ((_one, first), (_two, second)) = (knock("192.0.2.1"), knock("192.0.2.1"));
        assert_eq!((first.status, second.status), (101, 101));
        assert_eq!(knock("192.0.2.1").1.status, 429);
        assert_eq!(knock("192.0.2.2").1.status, 101);
    }

    "max-connections-per-loopback-address" => fn a_loopback_address_has_so_many_connections() {
        let server = Server::start_with(&["--max-connections-per-loopback-address", "1"]);
        let _first = echo(&server);
        assert_eq!(knock(&server, "{host}", "").1.status, 429);
    }

    "private-buffer-bytes" => fn who_does_not_read_is_read_until_his_buffer_is_full() {
        let small = Server::start_with(&["--private-buffer-bytes", "4KiB"]);
        let large = Server::start_with(&["--private-buffer-bytes", "32MiB"]);
        let (small, large) = (taken_unread(&small), taken_unread(&large));
        assert!(large > small + (16 << 20), "{small} and {large}");
    }

    "send-buffer-bytes" => fn the_kernel_keeps_so_much_for_a_connection() {
        for (bytes, kept) in [("64KiB", 64 << 10), ("200KiB", 200 << 10)] {
            let server = Server::start_with(&["--send-buffer-bytes", bytes]);
            let mut client = echo(&server);
            // What it has echoed it has taken over.
            client.send(&frame(0x81, b"x"));
            client.take(3);
            assert_eq!(send_buffer_of(&server, &client), kept);
        }
    }
}

#[test]
fn the_patience_of_these_tests_is_shorter_than_the_defaults() {
    let defaults = parlour_server::settings::Settings::default();
    for default in [
        defaults.limits.ping_interval,
        defaults.limits.pong_timeout,
        defaults.listener_limits.handshake_time,
        defaults.listener_limits.write_time,
        defaults.door_limits.body_time,
    ] {
        assert!(SOON < default);
    }
}
