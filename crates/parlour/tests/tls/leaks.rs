//! Two hundred that come and go in every way leave nothing open.

use std::fs;
use std::io::Write as _;
use std::net::Shutdown;
use std::thread;
use std::time::Instant;

use crate::support::{App, PATIENCE, Stranger, beside, echoes};

const CONNECTIONS: usize = 200;

/// Sockets of the server's port that a process still holds, the listening one excepted.
fn held(port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let local = format!(":{port:04X}");
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
    let is_held = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Without an inode it is the kernel's own, on its way out.
        fields[1].ends_with(&local) && fields[3] != LISTEN && fields[9] != "0"
    };
    table
        .lines()
        .skip(1)
        .filter(is_held)
        .map(str::to_owned)
        .collect()
}

fn come_and_go(stranger: &Stranger, number: usize) {
    match number % 8 {
        0 => {
            let mut socket = stranger.socket("/echo");
            echoes(&mut socket, "and a clean end");
            socket.close(None).unwrap();
            while socket.read().is_ok() {}
        }
        1 => echoes(&mut stranger.socket("/echo"), "and gone"),
        2 => {
            let mut socket = stranger.socket("/room");
            socket.get_mut().conn.send_close_notify();
            let _ = socket.get_mut().flush();
        }
        3 => drop(stranger.shaken()),
        4 => {
            let mut hello = Vec::new();
            stranger.tls().conn.write_tls(&mut hello).unwrap();
            let mut stream = stranger.tcp();
            stream.write_all(&hello[..hello.len() / 2]).unwrap();
        }
        5 => drop(stranger.get(&mut stranger.tcp(), "/own")),
        6 => {
            let mut socket = stranger.socket("/echo");
            echoes(&mut socket, "and then no TLS");
            let stream = &mut socket.get_mut().sock;
            stream.write_all(b"garbage in the middle of it").unwrap();
            let _ = stream.shutdown(Shutdown::Write);
        }
        _ => drop(stranger.get(&mut stranger.tls(), "/own")),
    }
}

#[tokio::test]
async fn two_hundred_connections_leave_no_descriptor() {
    let app = App::start().await;
    let stranger = app.stranger();
    let (hub, port) = (app.hub.clone(), app.address.port());
    beside(move || {
        let here = stranger.socket("/echo");
        assert_eq!(held(port).len(), 1, "the test sees what is open");
        drop(here);
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let stranger = stranger.clone();
                thread::spawn(move || {
                    for number in 0..CONNECTIONS / 4 {
                        come_and_go(&stranger, worker + number);
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .for_each(|worker| worker.join().unwrap());
        let start = Instant::now();
        while !held(port).is_empty() || hub.connections() > 0 {
            assert!(start.elapsed() < PATIENCE, "left open: {:#?}", held(port));
            thread::yield_now();
        }
        echoes(&mut stranger.socket("/echo"), "it still serves");
    })
    .await;
    app.stop().await;
}
