//! `POST /publish` and `GET /subscribe`, by the real binary and a client that shares no code with it:
//! docs/seeds.md, 3.09 to 3.28, E5, E6, E10, E13, D17, D18, D31, U.05.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod crowd;
mod door;
mod feed;
mod publishing;
mod stopping;

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

use support::{Client, Server, free_client, publish};
use tempfile::TempDir;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A directory with a file `token` of this user alone.
fn token_file() -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    write(&path, format!("{TOKEN}\n")).unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

/// A subscriber that hears everything from now on: what is published to find that out is skipped.
fn subscriber(server: &Server) -> Client {
    let mut client = free_client(server, "/subscribe");
    let mark = format!("in as {:?}", client.socket.get_ref().local_addr().unwrap());
    // The handshake's answer comes before the room is entered.
    assert_eq!(publish(server, "in", &mark).status, 204);
    client
        .socket
        .get_ref()
        .set_read_timeout(Some(std::time::Duration::from_millis(200)))
        .unwrap();
    loop {
        match client.socket.read() {
            Ok(told) if told.to_text().unwrap().contains(&mark) => break,
            Ok(_) => {}
            Err(_) => assert_eq!(publish(server, "in", &mark).status, 204),
        }
    }
    client
        .socket
        .get_ref()
        .set_read_timeout(Some(support::PATIENCE))
        .unwrap();
    client
}

/// The next thing that nobody has published in order to get in.
fn told(client: &mut Client) -> String {
    loop {
        let text = client.next().into_text().unwrap().to_string();
        if !text.starts_with(r#"{"name":"in""#) {
            return text;
        }
    }
}
