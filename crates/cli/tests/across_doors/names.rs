//! What is said at each door, and who is said to have said it at every other.

use std::thread;

use crate::everybody::{Everybody, Seen, say};
use crate::support::publish;

fn pair((who, what): (&str, &str)) -> Seen {
    (who.to_owned(), what.to_owned())
}

#[test]
fn each_door_shows_its_own_people_by_their_bare_name_and_all_others_in_full() {
    let mut all = Everybody::come(&[]);
    // One after another: seen by somebody before the next is said.
    all.percy.say("at events");
    all.seen_by_percy();
    say(&mut all.ann, "at v1");
    all.seen_by_percy();
    all.kim.say("at plain");
    all.seen_by_percy();
    all.kim.say("/nick kim");
    all.kim.say("as kim");
    all.seen_by_percy();
    all.cid.say("at a terminal");
    all.seen_by_percy();
    assert_eq!(publish(&all.server, "ci", "published").status, 204);
    let body = r#"{"payload":"in the room","from":"bot"}"#;
    assert_eq!(
        all.server.post("/rooms/general/publish", "", body).status,
        200
    );

    let full = [
        ("percy", "at events"),
        ("guest-ann", "at v1"),
        ("guest-AnonymousUser0", "at plain"),
        ("*", "guest-AnonymousUser0 to guest-kim"),
        ("guest-kim", "as kim"),
        ("guest-cid", "at a terminal"),
        ("guest-ci", "published"),
        ("guest-bot", "in the room"),
    ]
    .map(pair);
    let v1 = (0..8).map(|_| all.seen_by_ann()).collect::<Vec<_>>();
    assert_eq!(v1, full);
    let sub = (0..8).map(|_| all.sub.seen_as_json()).collect::<Vec<_>>();
    assert_eq!(sub, full);
    let chat = (0..8).map(|_| all.cid.seen()).collect::<Vec<_>>();
    assert_eq!(chat, full);
    let plain = (0..8).map(|_| all.seen_by_kim()).collect::<Vec<_>>();
    assert_eq!(
        plain,
        [
            ("percy", "at events"),
            ("guest-ann", "at v1"),
            ("AnonymousUser0", "at plain"),
            ("*", "Client AnonymousUser0 changed to kim"),
            ("kim", "as kim"),
            ("guest-cid", "at a terminal"),
            ("guest-ci", "published"),
            ("guest-bot", "in the room"),
        ]
        .map(pair)
    );
    let feed = (0..7).map(|_| all.seen_by_subscriber()).collect::<Vec<_>>();
    assert_eq!(
        feed,
        [
            ("percy", "at events"),
            ("guest-ann", "at v1"),
            ("guest-AnonymousUser0", "at plain"),
            ("guest-kim", "as kim"),
            ("guest-cid", "at a terminal"),
            ("ci", "published"),
            ("bot", "in the room"),
        ]
        .map(pair)
    );
    let events = (0..2).map(|_| all.seen_by_percy()).collect::<Vec<_>>();
    let last = [("guest-ci", "published"), ("guest-bot", "in the room")];
    assert_eq!(events, last.map(pair));
}

#[test]
fn what_all_say_at_once_all_see_in_one_order() {
    const EACH: usize = 100;
    let mut all = Everybody::come(&["--messages-per-second", "0"]);
    thread::scope(|scope| {
        let server = &all.server;
        scope.spawn(move || {
            for number in 0..EACH {
                let msg = format!("published {number}");
                assert_eq!(publish(server, "ci", &msg).status, 204);
            }
        });
        for number in 0..EACH {
            all.percy.say(&format!("events {number}"));
            all.kim.say(&format!("plain {number}"));
            say(&mut all.ann, &format!("v1 {number}"));
            all.cid.say(&format!("terminal {number}"));
        }
    });
    let count = 5 * EACH;
    let texts =
        |seen: &mut dyn FnMut() -> Seen| -> Vec<String> { (0..count).map(|_| seen().1).collect() };
    let order = texts(&mut || all.seen_by_subscriber());
    assert_eq!(texts(&mut || all.seen_by_percy()), order);
    assert_eq!(texts(&mut || all.seen_by_ann()), order);
    assert_eq!(texts(&mut || all.seen_by_kim()), order);
    assert_eq!(texts(&mut || all.cid.seen()), order);
    assert_eq!(texts(&mut || all.sub.seen_as_json()), order);
    for door in ["events", "plain", "v1", "terminal", "published"] {
        let said: Vec<_> = order.iter().filter(|text| text.starts_with(door)).collect();
        let expected: Vec<_> = (0..EACH).map(|number| format!("{door} {number}")).collect();
        assert!(
            said.into_iter().eq(&expected),
            "{door}: each once, in the order of who said it"
        );
    }
}

#[test]
fn presence_tells_who_is_at_plain_and_what_he_is_called_now() {
    use serde_json::json;
    use tungstenite::Message;

    let mut all = Everybody::come(&[]);
    let mut watcher = all.server.v1("watcher");
    let join = json!({"t": "join", "rooms": [{"room": "general", "presence": true}]});
    watcher.send(Message::text(join.to_string()));
    let mut names = std::collections::BTreeSet::new();
    let mut wait_for = |name: &str, is_here: bool| {
        while names.contains(name) != is_here {
            let frame = watcher.next_event();
            let list = |field: &str| -> Vec<String> {
                let names = frame[field].as_array();
                let names = names.into_iter().flatten();
                names.map(|it| it.as_str().unwrap().to_owned()).collect()
            };
            match frame["t"].as_str().unwrap() {
                "presence" => names = list("users").into_iter().collect(),
                "presence_change" => {
                    names.extend(list("came"));
                    for name in list("went") {
                        names.remove(&name);
                    }
                }
                _ => {}
            }
        }
    };
    wait_for("guest-AnonymousUser0", true);
    all.kim.say("/nick kim");
    wait_for("guest-kim", true);
    wait_for("guest-AnonymousUser0", false);
    drop(all.kim);
    wait_for("guest-kim", false);
}
