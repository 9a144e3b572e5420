//! Each setting has its effect on the real binary.
//!
//! A test registers itself under the name of its setting, and `every_setting_is_shown_to_work` fails for
//! a setting that has none. Where a default could pass for the effect, the test's patience is shorter
//! than the default, or a server with the default stands beside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

/// Tests, each under the name of the setting that it shows to work.
macro_rules! effects {
    ($($flag:literal => fn $test:ident() $body:block)*) => {
        pub(crate) const SHOWN: &[&str] = &[$($flag),*];
        $(#[test] fn $test() $body)*
    };
}

mod connections;
mod doors;
mod files;
mod http;
mod network;
mod people;
mod process;
mod rooms;
mod start;
mod store;
mod tls;

use std::collections::BTreeSet;
use std::time::Duration;

use parlour_server::settings::Setting;
use support::{Answer, Raw, Server};

/// For what a setting makes happen soon, and a default would not.
const SOON: Duration = Duration::from_secs(6);

#[test]
fn every_setting_is_shown_to_work() {
    let shown = [
        connections::SHOWN,
        doors::SHOWN,
        http::SHOWN,
        network::SHOWN,
        people::SHOWN,
        process::SHOWN,
        rooms::SHOWN,
        store::SHOWN,
        tls::SHOWN,
    ];
    let shown: BTreeSet<&str> = shown.into_iter().flatten().copied().collect();
    let groups = parlour_server::settings::groups().iter();
    let all: BTreeSet<&str> = groups
        .flat_map(|group| group.settings)
        .map(Setting::flag)
        .collect();
    let without: Vec<_> = all.difference(&shown).collect();
    assert!(
        without.is_empty(),
        "no test shows the effect of {without:?}"
    );
    let unknown: Vec<_> = shown.difference(&all).collect();
    assert!(unknown.is_empty(), "{unknown:?} are no settings");
}

/// A request for a WebSocket, with further header lines.
fn upgrade(host: &str, path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// An open connection to the echo door, read with the patience of [`SOON`].
fn echo(server: &Server) -> Raw {
    let (raw, answer) = knock(server, "{host}", "");
    assert_eq!(answer.status, 101);
    raw
}

/// A try to open the echo door, which holds its place as long as the first value lives.
fn knock(server: &Server, host: &str, headers: &str) -> (Raw, Answer) {
    let mut raw = server.impatient(SOON);
    raw.send(server.named(&upgrade(host, "/echo", headers)).as_bytes());
    let answer = raw.answer();
    (raw, answer)
}

/// The code of an error of the HTTP interface.
fn code(answer: &Answer) -> String {
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    body["error"].as_str().unwrap().to_owned()
}
