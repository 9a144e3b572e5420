//! Files that take nothing: what is refused, what goes on, and who is told.

use std::time::Instant;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use super::support::{PATIENCE, Server, Setup, post};
use super::{get, history, publish, try_publish};

/// No file of the server may grow beyond so many bytes.
fn let_grow_to(server: &Server, bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    let pid: Pid = server.pid();
    prlimit(Some(pid), Resource::Fsize, limit).unwrap();
}

fn large() -> Value {
    json!({"payload": "x".repeat(60_000)})
}

#[test]
fn files_that_take_nothing_are_told_by_healthz_and_all_goes_on_when_they_do() {
    let server = Setup::with(&["--messages-per-second", "0", "--rooms", "game-*=volatile"])
        .surviving_full_files()
        .start();
    publish(&server, "den", &large());
    // No file takes one byte more, and none that is opened again does.
    let_grow_to(&server, Some(0));
    // Only the file knows what it has of this one, so its answer waits for that.
    let mut waits = server.raw();
    let request = post("{host}", "/rooms/den/publish", "", &large().to_string());
    waits.send(server.named(&request).as_bytes());
    let deadline = Instant::now() + PATIENCE;
    let health = loop {
        let health = get(&server, "/healthz");
        if health.status != 200 {
            break health;
        }
        assert!(Instant::now() < deadline, "{}", server.log());
    };
    assert_eq!(health.status, 503);
    let words = "of 2: the server's log says why";
    assert!(health.body.contains(words), "{health:?}");
    publish(&server, "game-1", &large());
    let entries = history(&server, "game-1").1;
    assert_eq!(entries.len(), 1, "rooms in memory live on");
    let debug = get(&server, "/debug?format=json");
    let counters: Value = serde_json::from_str(&debug.body).unwrap();
    assert_eq!(counters["rooms"]["partitions_failing"], 1);

    let_grow_to(&server, None);
    let deadline = Instant::now() + PATIENCE;
    let answered = waits.answer();
    let stored = match answered.status {
        200 => 2,
        status => {
            assert_eq!(status, 503, "{answered:?}");
            assert!(answered.body.contains("not_stored"), "{answered:?}");
            1
        }
    };
    while try_publish(&server, "den", &large()).status != 200 {
        assert!(Instant::now() < deadline, "{}", server.log());
    }
    assert_eq!(get(&server, "/healthz").status, 200);
    let newest = get(&server, "/rooms/den/history?limit=1");
    let newest: Value = serde_json::from_str(&newest.body).unwrap();
    assert_eq!(
        newest["entries"][0]["seq"],
        stored + 1,
        "what was refused took no number"
    );
    assert!(
        server
            .room(&["verify"])
            .starts_with("all is as it was written")
    );
}

#[test]
fn files_that_cannot_be_opened_stop_the_start_with_the_fix() {
    let mut server = Server::start();
    publish(&server, "den", &json!({"payload": "x"}));
    server.stop();
    let first = server.data().join("rooms/partition-00.rooms");
    let moved = server.data().join("moved");
    let fails = |words: &str| {
        let output = super::support::parlour()
            .args(["serve", "--addr", "127.0.0.1:0", "--data"])
            .arg(server.data())
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(output.stdout.is_empty(), "it says that it listens");
        assert!(
            told.contains("partition-00.rooms") && told.contains(words),
            "{told}"
        );
    };
    std::fs::rename(&first, &moved).unwrap();
    fails("restore it");
    std::fs::write(&first, "no database").unwrap();
    fails("restore");
    std::fs::remove_file(&first).unwrap();
    std::fs::rename(&moved, &first).unwrap();
    let server = server.start_again(&[]);
    assert_eq!(history(&server, "den").1.len(), 1);
}
