//! What goes in at `pub` comes out at `sub`.

use std::fmt::Write as _;

use crate::support::{Server, Setup};
use crate::{Run, next_entry, run, sub, words};

#[test]
fn an_entry_is_one_line_of_json_with_all_that_is_known_of_it() {
    let server = Server::start();
    let mut sub = sub(&server, "den", "");
    let mut command = words(&server, "pub den --as ci --json");
    command.arg("a \"b\"\n€");
    let said = run(command, "");
    assert_eq!((said.status, said.out.len(), &*said.told), (0, 1, ""));
    let place: serde_json::Value = serde_json::from_str(&said.out[0]).unwrap();
    let entry = next_entry(&mut sub);
    assert_eq!(entry["payload"], "a \"b\"\n€");
    assert_eq!(
        (&entry["from"], &entry["type"]),
        (&"guest-ci".into(), &"message".into())
    );
    for field in ["room", "epoch", "seq"] {
        assert_eq!(entry[field], place[field], "{field}");
    }
    assert!(entry["id"].is_string() && entry["sent"].is_string());
}

#[test]
fn nothing_is_printed_by_a_pub_that_succeeds() {
    let server = Server::start();
    let said = run(words(&server, "pub den hello"), "");
    assert_eq!(
        (said.status, said.out.is_empty(), &*said.told),
        (0, true, "")
    );
}

#[test]
fn every_line_is_an_entry_in_order_and_no_faster_than_the_server_takes_them() {
    let server = Server::start_with(&["--messages-per-second", "500", "--message-burst", "50"]);
    let mut sub = sub(&server, "den", "");
    let mut input = String::new();
    for n in 1..=400 {
        writeln!(input, "line {n}").unwrap();
    }
    input.push_str("\n  no end, blanks kept ");
    let said = run(words(&server, "pub den -"), &input);
    assert_eq!((said.status, &*said.told), (0, ""));
    for n in 1..=400 {
        assert_eq!(next_entry(&mut sub)["payload"], format!("line {n}"));
    }
    assert_eq!(next_entry(&mut sub)["payload"], "");
    assert_eq!(next_entry(&mut sub)["payload"], "  no end, blanks kept ");
}

#[test]
fn a_line_is_published_as_soon_as_it_comes() {
    let server = Server::start();
    let mut sub = sub(&server, "den", "");
    let mut publisher = Run::start(words(&server, "pub den --json"));
    for n in 1..=3 {
        publisher.say(&n.to_string());
        assert_eq!(next_entry(&mut sub)["payload"], n.to_string());
        assert!(publisher.json()["seq"].is_u64(), "and acknowledged");
    }
    assert_eq!(publisher.end().status, 0);
}

#[test]
fn a_type_of_ones_own_carries_json() {
    let server = Server::start();
    let mut sub = sub(&server, "den", "");
    let mut command = words(&server, "pub den --type app:move");
    command.arg(r#"{"to":[4,2]}"#);
    assert_eq!(run(command, "").status, 0);
    let entry = next_entry(&mut sub);
    assert_eq!(
        (&entry["type"], &entry["payload"]["to"][1]),
        (&"app:move".into(), &2.into())
    );
    let broken = run(words(&server, "pub den --type app:move {"), "");
    assert_eq!(broken.status, 1);
    assert!(broken.told.contains("not JSON"), "{}", broken.told);
}

#[test]
fn a_count_ends_it_and_a_position_goes_on_behind_it() {
    let server = Server::start();
    let _member = sub(&server, "den", "");
    let places = run(
        words(&server, "pub den --json -"),
        "one\ntwo\nthree\nfour\n",
    )
    .out;
    let at = |n: usize| -> String {
        let place: serde_json::Value = serde_json::from_str(&places[n]).unwrap();
        format!("{}:{}", place["epoch"].as_str().unwrap(), place["seq"])
    };
    let behind = run(
        words(&server, &format!("sub den --count 2 --from {}", at(1))),
        "",
    );
    assert_eq!((behind.status, behind.out.len()), (0, 2));
    assert!(behind.out[0].contains("three") && behind.out[1].contains("four"));
    let kept = run(words(&server, "sub den --from start --count 1"), "");
    assert_eq!((kept.status, &*kept.told), (0, ""));
    assert!(kept.out[0].contains(r#""seq":1,"#), "{:?}", kept.out);
}

#[test]
fn a_reader_that_has_read_enough_ends_it_without_a_word() {
    let server = Server::start();
    let mut sub = sub(&server, "den", "");
    // Its reader hangs up; the next line finds nobody.
    sub.out = std::sync::mpsc::channel().1;
    let end = loop {
        assert_eq!(run(words(&server, "pub den next"), "").status, 0);
        if let Some(status) = sub.child.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(end.code(), Some(0));
    assert_eq!(sub.rest_told(), "");
}

#[test]
fn a_user_publishes_under_the_own_name_and_the_password_is_the_first_line() {
    let server = Setup::default().user("ann", "correct horse").start();
    let mut sub = sub(&server, "den", "");
    let command = || words(&server, "pub den - --user ann --password-stdin");
    assert_eq!(run(command(), "correct horse\nfirst\nsecond\n").status, 0);
    for text in ["first", "second"] {
        let entry = next_entry(&mut sub);
        assert_eq!(
            (&entry["from"], &entry["payload"]),
            (&"ann".into(), &text.into())
        );
    }
    let wrong = run(command(), "battery staple\nthird\n");
    assert_eq!(wrong.status, 1);
    assert!(
        wrong.told.contains("name or the password is wrong"),
        "{}",
        wrong.told
    );
    let none = run(command(), "");
    assert!(
        none.status == 1 && none.told.contains("first line"),
        "{}",
        none.told
    );
}
