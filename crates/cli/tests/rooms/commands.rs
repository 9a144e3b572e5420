//! `parlour room` on a live server and on a stopped one.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::support::Server;
use super::{come_back, history, publish, say, seqs};

/// Its lines of JSON.
fn lines(printed: &str) -> Vec<Value> {
    let lines = printed.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

/// The status and the one line that it tells when it does not.
fn fails(server: &Server, arguments: &[&str], words: &[&str]) {
    let output = server.try_room(arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    for word in words {
        assert!(told.contains(word), "{told} does not say {word}");
    }
}

/// Everything that looks and changes nothing.
fn looks(server: &Server, epoch: &Value) {
    let listed = lines(&server.room(&["list", "--json"]));
    assert_eq!(listed.len(), 2);
    let den = &listed[1];
    assert_eq!((&den["room"], &den["epoch"]), (&json!("den"), epoch));
    for (field, number) in [("entries", 20), ("first", 1), ("head", 20)] {
        assert_eq!(den[field], number, "{field}: {den}");
    }
    assert!(den["bytes"].as_u64().unwrap() > 200);
    assert!(den["last_sent"].as_str().unwrap().ends_with('Z'));
    let table = server.room(&["list"]);
    assert!(
        table.starts_with("ROOM ") && table.lines().count() == 3,
        "{table}"
    );

    for (arguments, expected) in [
        (&["--limit", "3"][..], 18..21),
        (&["--before", "5", "--limit", "2"], 3..5),
        (&["--before", "3"], 1..3),
        (&["--before", "1000", "--limit", "1"], 20..21),
        (&["--before", "1"], 0..0),
        (&["--after", "17"], 18..21),
        (&["--after", "0", "--limit", "1000000"], 1..21),
        (&["--after", "20"], 0..0),
    ] {
        let printed = server.room(&[&["show", "den", "--json"], arguments].concat());
        let expected: Vec<u64> = expected.collect();
        assert_eq!(seqs(&lines(&printed)), expected, "{arguments:?}");
        let printed = server.room(&[&["show", "den"], arguments].concat());
        assert_eq!(printed.lines().count(), expected.len());
    }
    let newest = lines(&server.room(&["show", "den", "--limit", "1", "--json"]));
    for (field, value) in [("room", "den"), ("id", "m-20"), ("payload", "text 20")] {
        assert_eq!(newest[0][field], value);
    }
    let newest = server.room(&["show", "den", "--limit", "1"]);
    assert!(
        newest.starts_with("20  20") && newest.ends_with("text 20\n"),
        "{newest}"
    );
    let typed = server.room(&["show", "café au lait"]);
    assert!(typed.contains(r#"[app:x] {"a": [1, 2]}"#), "{typed}");

    let all = server.room(&["verify"]);
    assert!(
        all.starts_with("all is as it was written: 21 entries of 2 rooms"),
        "{all}"
    );
    let den = server.room(&["verify", "den", "--json"]);
    let den = &lines(&den)[0];
    assert_eq!((&den["whole"], &den["entries"]), (&json!(true), &json!(20)));

    let flag = format!("--data {}", server.data().display());
    fails(
        server,
        &["show", "hall"],
        &["no room hall", "parlour room list", &flag],
    );
    fails(server, &["verify", "hall"], &["no room hall"]);
    fails(server, &["show", "$all"], &["reserved"]);
    let nobody = &["trim", "den", "--before", "5"];
    fails(server, nobody, &["add --yes"]);
    let too_old = &["trim", "den", "--before", "1", "--yes"];
    fails(server, too_old, &["oldest entry is 1"]);
    let too_new = &["trim", "den", "--before", "22", "--yes"];
    fails(server, too_new, &["newest is 20", "--before 21"]);
}

#[test]
fn rooms_are_looked_at_and_trimmed_on_a_live_server_and_on_a_stopped_one() {
    let mut server = Server::start();
    let first = say(&server, "den", 20);
    let typed = r#"{"payload":{"a": [1, 2]},"type":"app:x"}"#;
    assert_eq!(
        server
            .post("/rooms/caf%C3%A9%20au%20lait/publish", "", typed)
            .status,
        200
    );
    let epoch = &first["epoch"];
    looks(&server, epoch);
    let from = json!({"epoch": epoch, "seq": 1});
    let told = |server: &Server| come_back(server, "den", &from).1;
    assert_eq!(seqs(&told(&server)), (2..=20).collect::<Vec<_>>());

    let said = server.room(&["trim", "den", "--before", "6", "--yes"]);
    assert_eq!(said, "den: 5 entries taken away; the oldest is 6 now\n");
    let gap_to = |last: u64| json!({"t": "gap", "room": "den", "reason": "trimmed", "epoch": epoch, "first": 2, "last": last});
    let after = told(&server);
    assert_eq!(after[0], gap_to(5));
    assert_eq!(seqs(&after[1..]), (6..=20).collect::<Vec<_>>());
    assert_eq!(
        seqs(&history(&server, "den").1),
        (6..=20).collect::<Vec<_>>()
    );
    assert_eq!(publish(&server, "den", &json!({"payload": "x"}))["seq"], 21);
    server.stop();

    let said = server.room(&["trim", "den", "--before", "10", "--yes"]);
    assert_eq!(said, "den: 4 entries taken away; the oldest is 10 now\n");
    let mut server = server.start_again(&[]);
    let after = told(&server);
    assert_eq!(after[0], gap_to(9));
    assert_eq!(seqs(&after[1..]), (10..=21).collect::<Vec<_>>());
    server.stop();
    server.room(&["trim", "den", "--before", "22", "--yes"]);
    let listed = lines(&server.room(&["list", "--json"]));
    let den = &listed[1];
    assert_eq!(
        (&den["entries"], &den["first"], &den["head"]),
        (&json!(0), &json!(22), &json!(21))
    );
    assert_eq!(server.room(&["show", "den"]), "");
    let server = server.start_again(&[]);
    assert_eq!(publish(&server, "den", &json!({"payload": "x"}))["seq"], 22);
}

#[test]
fn a_stopped_server_shows_what_a_live_one_shows() {
    let mut server = Server::start();
    let first = say(&server, "den", 20);
    let typed = r#"{"payload":{"a": [1, 2]},"type":"app:x"}"#;
    assert_eq!(
        server
            .post("/rooms/caf%C3%A9%20au%20lait/publish", "", typed)
            .status,
        200
    );
    server.kill();
    looks(&server, &first["epoch"]);
}

#[test]
fn where_no_room_was_ever_kept_nothing_is_made() {
    let mut server = Server::start_with(&["--rooms", "*=volatile"]);
    fails(&server, &["list"], &["keeps no rooms on disk", "--rooms"]);
    server.stop();
    fails(&server, &["list"], &["no rooms on disk", "--data DIR"]);
    assert!(!server.data().join("rooms").exists());
    let empty = Server::start();
    assert!(empty.room(&["list"]).contains("no rooms on disk"));
    assert_eq!(empty.room(&["list", "--json"]), "");
}

/// Turns over one bit of every copy of `text` in the files of rooms; how many there were.
fn damage(data: &Path, text: &str) -> usize {
    let mut found = 0;
    for file in fs::read_dir(data.join("rooms")).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let text = text.as_bytes();
        let places: Vec<usize> = (0..bytes.len().saturating_sub(text.len()))
            .filter(|at| bytes[*at..].starts_with(text))
            .collect();
        for at in &places {
            bytes[*at] ^= 1;
        }
        found += places.len();
        fs::write(&path, bytes).unwrap();
    }
    found
}

#[test]
fn what_is_damaged_is_named_and_never_shown() {
    let mut server = Server::start();
    for number in 1..=9 {
        publish(
            &server,
            "den",
            &json!({"payload": format!("needle {number}")}),
        );
        publish(&server, "hall", &json!({"payload": "x"}));
    }
    server.stop();
    assert!(damage(&server.data(), "needle 7") > 0);
    let look = |server: &Server| {
        let output = server.try_room(&["verify"]);
        assert_eq!(output.status.code(), Some(1));
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(
            printed.lines().any(|line| line.starts_with("den, seq 1: ")),
            "{printed}"
        );
        assert!(!printed.contains("hall"), "{printed}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("backup") && told.contains("parlour room trim"),
            "{told}"
        );
        let json = server.try_room(&["verify", "--json"]);
        let verdict: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(verdict["whole"], false);
        // The row that it is in begins there.
        assert_eq!(verdict["damaged"][0]["seq"], 1);
        assert!(
            server
                .room(&["verify", "hall"])
                .contains("9 entries of 1 room")
        );
    };
    look(&server);
    let server = server.start_again(&[]);
    look(&server);
    let answer = super::get(&server, "/rooms/den/history?after=0");
    assert!(!answer.body.contains("eedle 7"), "{answer:?}");
}
