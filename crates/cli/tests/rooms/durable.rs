//! What is there again after a kill, and what is not.

use serde_json::{Value, json};

use super::support::Server;
use super::{come_back, history, publish, say, seqs, try_publish};

#[test]
fn a_kill_loses_nothing_and_repeats_nothing() {
    let mut server = Server::start();
    let epoch = say(&server, "den", 50)["epoch"].clone();
    let before = history(&server, "den");
    assert_eq!(before.0, epoch);
    server.kill();

    let mut server = server.start_again(&[]);
    assert_eq!(history(&server, "den"), before, "same epoch, same entries");
    for number in [1, 25, 50] {
        let body = json!({"payload": format!("text {number}"), "id": format!("m-{number}")});
        let again = publish(&server, "den", &body);
        assert_eq!(
            (&again["epoch"], again["seq"].as_u64()),
            (&epoch, Some(number))
        );
        let other = json!({"payload": "other", "id": format!("m-{number}")});
        assert_eq!(try_publish(&server, "den", &other).status, 409);
    }
    let from = json!({"epoch": epoch, "seq": 10});
    let (mut client, told) = come_back(&server, "den", &from);
    assert_eq!(seqs(&told), (11..=50).collect::<Vec<_>>());
    for entry in &told {
        assert_eq!(entry["payload"], format!("text {}", entry["seq"]));
    }
    assert_eq!(
        publish(&server, "den", &json!({"payload": "new"}))["seq"],
        51
    );
    assert_eq!(
        client.next_event()["seq"],
        51,
        "and what is new comes behind it"
    );

    server.kill();
    let server = server.start_again(&[]);
    assert_eq!(history(&server, "den").1.len(), 51);
}

#[test]
fn a_room_keeps_its_epoch_before_the_first_entry_and_a_volatile_one_begins_anew() {
    let rules = ["--rooms", "game-*=volatile"];
    let mut server = Server::start_with(&rules);
    let position = |place: &Value| json!({"epoch": place["epoch"], "seq": place["seq"]});
    let den = position(&say(&server, "den", 3));
    let game = position(&say(&server, "game-7", 3));
    let quiet = |server: &Server| history(server, "quiet").0;
    let epoch = quiet(&server);
    server.kill();

    let server = server.start_again(&rules);
    assert_eq!(quiet(&server), epoch);
    let (_, told) = come_back(&server, "den", &den);
    assert_eq!(seqs(&told), [2, 3]);
    let (_, told) = come_back(&server, "game-7", &game);
    assert_eq!(told[0]["reason"], "new_epoch", "{told:?}");
    assert_eq!(told[0]["was"], game);
}

#[test]
fn an_orderly_end_leaves_everything_in_order() {
    let mut server = Server::start();
    say(&server, "den", 5);
    let before = history(&server, "den");
    server.stop();
    let log = server.log();
    assert!(!log.contains("not closed in order"), "{log}");
    let server = server.start_again(&[]);
    assert_eq!(history(&server, "den"), before);
}

#[test]
fn ten_thousand_entries_are_there_before_the_server_says_that_it_listens() {
    let mut server = Server::start_with(&["--messages-per-second", "0"]);
    let mut raw = server.raw();
    for number in 0..10_000 {
        let body = json!({"payload": number.to_string()}).to_string();
        let request = super::support::post("{host}", "/rooms/den/publish", "", &body);
        raw.send(server.named(&request).as_bytes());
        if number % 100 == 99 {
            for _ in 0..100 {
                assert_eq!(raw.answer().status, 200);
            }
        }
    }
    server.kill();
    let server = server.start_again(&[]);
    let newest = super::get(&server, "/rooms/den/history?limit=1");
    let page: Value = serde_json::from_str(&newest.body).unwrap();
    assert_eq!(page["entries"][0]["seq"], 10_000);
}
