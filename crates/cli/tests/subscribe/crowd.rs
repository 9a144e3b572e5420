//! U.05: sixteen publish at once, and every subscriber sees every message, in one order.

use std::collections::HashMap;
use std::thread;

use serde_json::Value;

use crate::support::{Client, Raw, Server, post};
use crate::{subscriber, told};

const PUBLISHERS: usize = 16;
const MESSAGES: usize = 128;
const READERS: usize = 16;

fn server() -> Server {
    Server::start_with(&["--messages-per-second", "0"])
}

/// Everything of everybody, each one's in his order.
fn assert_whole(said: &[(String, String)]) {
    let mut next: HashMap<&str, usize> = HashMap::new();
    for (name, msg) in said {
        let next = next.entry(name).or_default();
        assert_eq!(*msg, next.to_string(), "of {name}");
        *next += 1;
    }
    assert_eq!(next.len(), PUBLISHERS);
    assert!(next.values().all(|count| *count == MESSAGES));
}

fn read_all(readers: Vec<Client>, read: fn(&mut Client) -> (String, String)) {
    let reading: Vec<_> = readers
        .into_iter()
        .map(|mut client| {
            thread::spawn(move || {
                let said = (0..PUBLISHERS * MESSAGES).map(|_| read(&mut client));
                said.collect::<Vec<_>>()
            })
        })
        .collect();
    let all: Vec<_> = reading.into_iter().map(|it| it.join().unwrap()).collect();
    assert_whole(&all[0]);
    assert!(all.iter().all(|said| *said == all[0]), "all see one order");
}

fn field(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

#[test]
fn u05_every_subscriber_sees_all_of_sixteen_publishers() {
    let server = server();
    let readers = (0..READERS).map(|_| subscriber(&server)).collect();
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let server = &server;
            scope.spawn(move || {
                let mut raw: Raw = server.raw();
                for number in 0..MESSAGES {
                    let body = format!(r#"{{"name":"p{publisher}","msg":"{number}"}}"#);
                    raw.send(
                        server
                            .named(&post("{host}", "/publish", "", &body))
                            .as_bytes(),
                    );
                    assert_eq!(raw.answer().status, 204);
                }
            });
        }
        read_all(readers, |client| {
            let said: Value = serde_json::from_str(&told(client)).unwrap();
            (field(&said, "name"), field(&said, "msg"))
        });
    });
}

#[test]
fn u05_every_member_at_ws_sees_all_of_sixteen_others() {
    let server = server();
    let readers = (0..READERS)
        .map(|it| server.join(&format!("r{it}"), "den"))
        .collect();
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let server = &server;
            scope.spawn(move || {
                let mut client = server.join(&format!("p{publisher}"), "den");
                for number in 0..MESSAGES {
                    client.say(&number.to_string());
                    // It takes its own messages and everybody's, or it would be the slow one.
                    while client.told()["from"] != format!("guest-p{publisher}") {}
                }
            });
        }
        read_all(readers, |client| {
            let said = client.told();
            (field(&said, "from"), field(&said, "message"))
        });
    });
}
