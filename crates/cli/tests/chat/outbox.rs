//! What was said is in the room once, whatever was killed meanwhile.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::away::{hold, revived, until_unread};
use crate::screen::Screen;
use crate::support::Server;
use crate::{Run, run, words};

/// A file that is not there yet, in a folder of its own.
pub(crate) fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    (folder, file)
}

pub(crate) fn with_file(server: &Server, line: &str, file: &Path) -> std::process::Command {
    let mut command = words(server, line);
    command.arg("--outbox").arg(file);
    command
}

/// Everything that is in the room.
pub(crate) fn texts(server: &Server, room: &str) -> Vec<String> {
    assert_eq!(
        run(words(server, &format!("pub {room} the-end")), "").status,
        0
    );
    let mut sub = Run::start(words(server, &format!("sub {room} --from start")));
    let mut texts = Vec::new();
    loop {
        match sub.json()["payload"].as_str() {
            Some("the-end") => return texts,
            Some(text) => texts.push(text.to_owned()),
            None => {}
        }
    }
}

#[test]
fn a_publish_with_the_same_id_is_there_once_and_another_text_is_refused() {
    let server = Server::start();
    let line = "pub den green --as ci --id build-17 --json";
    let first = run(words(&server, line), "");
    let again = run(words(&server, line), "");
    assert_eq!((first.status, again.status), (0, 0), "{}", again.told);
    assert_eq!(first.out, again.out);
    let other = run(words(&server, "pub den red --as ci --id build-17"), "");
    assert_eq!(other.status, 1);
    assert!(
        other.told.contains("something else was published"),
        "{}",
        other.told
    );
    assert_eq!(texts(&server, "den"), ["green"]);
}

#[test]
fn what_a_killed_publisher_had_on_its_way_is_there_once() {
    let server = Server::start();
    let (_folder, file) = file();
    let mut publisher = Run::start(with_file(&server, "pub den --as ci --json", &file));
    publisher.say("one");
    publisher.line();
    hold(&server);
    publisher.say("two");
    until_unread(&server, &publisher);
    publisher.child.kill().unwrap();
    publisher.child.wait().unwrap();
    // The server reads it now, and nobody hears its answer.
    server.signal(Signal::CONT);
    let next = run(
        with_file(&server, "pub den three --as ci --json", &file),
        "",
    );
    assert_eq!((next.status, next.out.len()), (0, 2), "{}", next.told);
    assert!(
        next.told.contains("left over from before, and sent now: 1"),
        "{}",
        next.told
    );
    let last = run(with_file(&server, "pub den four --as ci --json", &file), "");
    assert_eq!((last.status, last.out.len(), &*last.told), (0, 1, ""));
    assert_eq!(texts(&server, "den"), ["one", "two", "three", "four"]);
}

#[test]
fn what_was_said_to_nobody_outlives_a_killed_chat_in_every_room() {
    let mut server = Server::start();
    let (_folder, file) = file();
    let mut kim = Run::start(with_file(&server, "chat den --as kim", &file));
    kim.until_told("1 in den");
    kim.say("/join hall");
    kim.until_told("1 in hall");
    server.signal(Signal::KILL);
    server.wait();
    kim.until_told("trying again in");
    for line in ["in hall", "/join den", "in den"] {
        kim.say(line);
    }
    kim.until_told("waiting for the connection: in den");
    kim.child.kill().unwrap();
    kim.child.wait().unwrap();
    let server = revived(server, &[]);
    let other = run(with_file(&server, "chat den --as bob", &file), "of bob\n");
    assert_eq!(other.status, 0, "{}", other.told);
    let next = run(with_file(&server, "chat den --as kim", &file), "new\n");
    assert_eq!(next.status, 0, "{}", next.told);
    assert_eq!(texts(&server, "hall"), ["in hall"]);
    assert_eq!(texts(&server, "den"), ["of bob", "in den", "new"]);
}

#[test]
fn who_quits_with_words_in_the_outbox_is_told_that_they_are_kept_and_that_is_4() {
    let mut server = Server::start();
    let (_folder, file) = file();
    let mut kim = Run::start(with_file(&server, "chat den --as kim", &file));
    kim.until_told("1 in den");
    server.signal(Signal::KILL);
    server.wait();
    kim.until_told("trying again in");
    kim.say("good night");
    kim.say("/quit");
    let end = kim.wait();
    assert_eq!(end.status, 4, "{}", end.told);
    assert!(
        end.told.contains("it is kept in the outbox"),
        "{}",
        end.told
    );
    let server = revived(server, &[]);
    assert_eq!(
        run(with_file(&server, "chat --as kim", &file), "").status,
        0
    );
    assert_eq!(texts(&server, "den"), ["good night"]);
}

#[test]
fn an_outbox_has_one_owner_at_a_time_and_a_name() {
    let server = Server::start();
    let (_folder, file) = file();
    let mut kim = Run::start(with_file(&server, "chat den --as kim", &file));
    kim.until_told("1 in den");
    let second = run(with_file(&server, "pub den x --as kim", &file), "");
    assert_eq!(second.status, 1);
    assert!(second.told.contains("is in use"), "{}", second.told);
    assert_eq!(kim.end().status, 0);
    let nameless = run(with_file(&server, "pub den x", &file), "");
    assert!(
        nameless.status == 1 && nameless.told.contains("--as NAME"),
        "{}",
        nameless.told
    );
}

#[test]
fn a_terminal_marks_what_waits_and_what_is_delivered() {
    let mut server = Server::start();
    let mut screen = Screen::start(words(&server, "chat den --as kim"));
    screen.until("1 in den");
    screen.type_("hello\r");
    screen.until("guest-kim: hello ✓");
    server.signal(Signal::KILL);
    server.wait();
    screen.until("trying again in");
    screen.type_("patience\r");
    screen.until("-- waiting for the connection: patience");
    let _server = revived(server, &[]);
    screen.until("guest-kim: patience ✓");
    screen.type_("/quit\r");
    assert_eq!(screen.wait(), 0);
}
