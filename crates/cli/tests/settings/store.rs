//! Rooms on disk.

use serde_json::{Value, json};

use super::code;
use super::support::Server;

/// Publishes over HTTP; the answer.
fn publish(server: &Server, room: &str, body: &Value) -> Value {
    let answer = server.post(&format!("/rooms/{room}/publish"), "", &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

/// The numbers of a room's entries from 1 on.
fn kept(server: &Server, room: &str) -> Vec<u64> {
    let path = format!("/rooms/{room}/history?after=0&limit=500");
    let answer = server.ask(&format!("GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let page: Value = serde_json::from_str(&answer.body).unwrap();
    let entries = page["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["seq"].as_u64().unwrap())
        .collect()
}

/// The files of rooms in its data directory.
fn files(server: &Server) -> usize {
    std::fs::read_dir(server.data().join("rooms"))
        .unwrap()
        .count()
}

effects! {
    "rooms" => fn the_first_rule_that_names_a_room_says_how_much_of_it_is_kept() {
        let rules = ["--rooms", "few-*=durable,keep=3", "--rooms", "*=volatile"];
        let mut server = Server::start_with(&rules);
        for room in ["few-1", "den"] {
            for number in 1..=10 {
                publish(&server, room, &json!({"payload": number.to_string()}));
            }
        }
        // Entries go by commits, and each of these is one.
        assert_eq!(kept(&server, "few-1"), [8, 9, 10]);
        assert_eq!(kept(&server, "den").len(), 10);
        server.kill();
        let mut server = server.start_again(&[]);
        assert_eq!(kept(&server, "few-1"), [8, 9, 10]);
        assert!(kept(&server, "den").is_empty());
        publish(&server, "den", &json!({"payload": "x"}));
        server.kill();
        let server = server.start_again(&[]);
        assert_eq!(kept(&server, "den"), [1], "by default rooms are on disk");
    }

    "room-ids" => fn so_many_ids_are_recognised_when_they_come_again() {
        for (ids, is_known) in [("2", false), ("100", true)] {
            let server = Server::start_with(&["--room-ids", ids]);
            let first = publish(&server, "den", &json!({"payload": "x", "id": "m-1"}));
            for number in 2..10 {
                publish(&server, "den", &json!({"payload": "x", "id": format!("m-{number}")}));
            }
            let since = json!({"epoch": first["epoch"], "seq": 0});
            let again = json!({"payload": "x", "id": "m-1", "since": since});
            let answer = server.post("/rooms/den/publish", "", &again.to_string());
            if is_known {
                assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), first);
            } else {
                assert_eq!((answer.status, code(&answer).as_str()), (409, "id_forgotten"));
            }
        }
    }

    "store-partitions" => fn a_new_data_directory_has_so_many_files_of_rooms() {
        for partitions in [1, 5] {
            let server = Server::start_with(&["--store-partitions", &partitions.to_string()]);
            assert_eq!(files(&server), partitions);
        }
    }
}

#[test]
fn a_data_directory_keeps_its_number_of_files_and_what_is_in_them() {
    let mut server = Server::start_with(&["--store-partitions", "3"]);
    for room in ["a", "b", "c", "d"] {
        publish(&server, room, &json!({"payload": "x"}));
    }
    server.stop();
    let server = server.start_again(&["--store-partitions", "7"]);
    assert_eq!(files(&server), 3);
    let words = "--store-partitions 7 is for new data directories; this one was made with 3";
    server.wait_for_log(words);
    for room in ["a", "b", "c", "d"] {
        assert_eq!(kept(&server, room), [1]);
    }
}
