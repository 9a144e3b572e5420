//! Bounds of HTTP.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};

use super::support::Server;
use super::{SOON, code};

const PAGE: &str = "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n";
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";

/// Whether the server ends this connection by itself, and soon.
fn is_cut(mut stream: TcpStream) -> bool {
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// Whether a request on this connection is answered.
fn is_served(server: &Server, stream: &mut TcpStream) -> bool {
    let mut start = [0; 12];
    stream.write_all(server.named(PAGE).as_bytes()).is_ok()
        && stream.read_exact(&mut start).is_ok()
        && start == *b"HTTP/1.1 200"
}

/// The head of an answer.
fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}

/// An address of this machine that is not loopback, if it has one; nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

effects! {
    "handshake-timeout" => fn who_sends_no_request_is_cut_in_its_time() {
        let server = Server::start_with(&["--handshake-timeout", "300ms"]);
        assert!(is_cut(server.connect()));
        let half = server.raw();
        (&half.stream).write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
        assert!(is_cut(half.stream));
    }

    "max-handshake-bytes" => fn a_larger_head_is_refused() {
        let request = PAGE.replace("\r\n\r\n", &format!("\r\nX: {}\r\n\r\n", "x".repeat(12_000)));
        let small = Server::start_with(&["--max-handshake-bytes", "8KiB"]);
        assert_eq!(small.ask(&request).status, 431);
        let large = Server::start_with(&["--max-handshake-bytes", "32KiB"]);
        assert_eq!(large.ask(&request).status, 200);
    }

    "http-write-timeout" => fn who_takes_no_answer_is_cut_in_its_time() {
        let server = Server::start_with(&["--http-write-timeout", "300ms"]);
        let mut stream = server.connect();
        stream.set_write_timeout(Some(SOON)).unwrap();
        let requests = server.named("GET /app.js HTTP/1.1\r\nHost: {host}\r\n\r\n").repeat(1_000);
        let cut = loop {
            if let Err(error) = stream.write_all(requests.as_bytes()) {
                break error.kind();
            }
        };
        assert!(matches!(cut, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{cut:?}");
    }

    "max-http-connections" => fn there_are_so_many_connections_of_http() {
        let server = Server::start_with(&["--max-http-connections", "4"]);
        let mut held = [(); 3].map(|()| server.connect());
        assert!(held.iter_mut().all(|held| is_served(&server, held)));
        assert!(is_cut(server.connect()), "three quarters are for loopback");
    }

    "max-http-served" => fn who_is_answered_while_others_wait_is_closed_instead_of_kept() {
        let is_ever_closed = |served_max| {
            let server = Server::start_with(&["--max-http-served", served_max]);
            let request = server.named(PAGE);
            let (start, rest) = request.split_at(20);
            (0..20).any(|_| {
                let (mut first, mut second) = (server.connect(), server.connect());
                first.write_all(start.as_bytes()).unwrap();
                // Beside the others: who came before has arrived when this is answered.
                assert_eq!(server.ask(HEALTH).status, 200);
                second.write_all(request.as_bytes()).unwrap();
                assert_eq!(server.ask(HEALTH).status, 200);
                first.write_all(rest.as_bytes()).unwrap();
                let closes = head(&mut first).contains("connection: close");
                assert!(head(&mut second).starts_with("HTTP/1.1 200"));
                closes
            })
        };
        assert!(is_ever_closed("1"));
        assert!(!is_ever_closed("256"));
    }

    "max-http-connections-per-address" => fn an_address_has_so_many_connections_of_http() {
        let Some(own) = own_address() else {
            eprintln!("not shown: this machine has no address but loopback");
            return;
        };
        let limit = ["--max-http-connections-per-address", "2", "--addr", "0.0.0.0:0", "--insecure"];
        let server = Server::start_with(&limit);
        let connect = || TcpStream::connect(SocketAddr::new(own, server.address().port())).unwrap();
        let mut held = [(); 2].map(|()| connect());
        assert!(held.iter_mut().all(|held| is_served(&server, held)));
        assert!(is_cut(connect()));
    }

    "max-body-bytes" => fn a_larger_body_is_refused() {
        let server = Server::start_with(&["--max-body-bytes", "1KiB"]);
        let body = format!(r#"{{"name":"ann","x":"{}"}}"#, "x".repeat(1_100));
        let answer = server.post("/ticket", "", &body);
        assert_eq!((answer.status, code(&answer).as_str()), (413, "too_large"));
        assert_eq!(Server::start().post("/ticket", "", &body).status, 200);
    }

    "body-timeout" => fn a_body_that_does_not_come_is_not_waited_for() {
        let server = Server::start_with(&["--body-timeout", "300ms"]);
        let mut raw = server.impatient(SOON);
        let head = "POST /ticket HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n\r\n";
        raw.send(server.named(head).as_bytes());
        assert_eq!(raw.answer().status, 408);
    }
}
