//! Nobody to talk to at the start, and files that take nothing: what is kept is said, and what is not.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};

use crate::away::revived;
use crate::outbox::{file, texts, with_file};
use crate::support::Server;
use crate::{Run, run, words};

/// A server that has gone; it can be revived.
fn gone() -> Server {
    let mut server = Server::start();
    server.signal(Signal::KILL);
    server.wait();
    server
}

fn content(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn what_is_published_to_nobody_is_kept_that_is_4_and_the_next_run_delivers_it_once() {
    let server = gone();
    let (_folder, file) = file();
    let one = run(
        with_file(&server, "pub den one --as ci --wait 0", &file),
        "",
    );
    assert_eq!(one.status, 4, "{}", one.told);
    for told in [
        "cannot reach",
        "kept in",
        "waiting for a server: 1",
        "it is kept in the outbox",
    ] {
        assert!(one.told.contains(told), "no `{told}` in: {}", one.told);
    }
    assert!(content(&file).contains("one"));
    // In this run or the next: this one is there when the server comes.
    let mut publisher = Run::start(with_file(&server, "pub den --as ci --json", &file));
    publisher.say("two");
    publisher.until_told("waiting for a server: ");
    let server = revived(server, &[]);
    for _ in ["one", "two"] {
        publisher.json();
    }
    assert_eq!(publisher.end().status, 0);
    assert_eq!(texts(&server, "den"), ["one", "two"]);
}

#[test]
fn a_publisher_that_is_killed_before_there_was_a_server_has_lost_nothing() {
    let server = gone();
    let (_folder, file) = file();
    let mut publisher = Run::start(with_file(&server, "pub den --as ci", &file));
    // More than are on their way at once where there is no file.
    for number in 0..100 {
        publisher.say(&format!("line {number}"));
    }
    let deadline = std::time::Instant::now() + crate::PATIENCE;
    while !content_if_any(&file).contains("line 99") {
        assert!(std::time::Instant::now() < deadline, "not all is taken");
    }
    publisher.child.kill().unwrap();
    publisher.child.wait().unwrap();
    let server = revived(server, &[]);
    let next = run(with_file(&server, "pub den - --as ci", &file), "");
    assert_eq!(next.status, 0, "{}", next.told);
    let expected: Vec<_> = (0..100).map(|number| format!("line {number}")).collect();
    assert_eq!(texts(&server, "den"), expected);
}

fn content_if_any(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

#[test]
fn a_chat_begins_without_a_server_and_what_is_said_is_kept() {
    let server = gone();
    let (_folder, file) = file();
    let mut kim = Run::start(with_file(&server, "chat den --as kim", &file));
    kim.until_told("trying again in");
    kim.say("hello");
    kim.until_told("kept, and waiting for the connection: hello");
    kim.say("/quit");
    let end = kim.wait();
    assert_eq!(end.status, 4, "{}", end.told);
    let mut kim = Run::start(with_file(&server, "chat den --as kim", &file));
    kim.until_told("trying again in");
    kim.say("again");
    kim.until_told("kept, and waiting for the connection: again");
    let server = revived(server, &[]);
    kim.until_told("1 in den");
    assert_eq!(kim.end().status, 0);
    assert_eq!(texts(&server, "den"), ["hello", "again"]);
}

#[test]
fn who_is_never_let_in_is_told_why_and_what_to_do() {
    let server = Server::start_with(&["--guests", "nobody"]);
    let (_folder, file) = file();
    let publisher = run(with_file(&server, "pub den x --as ci", &file), "");
    assert_eq!(publisher.status, 4, "{}", publisher.told);
    assert!(publisher.told.contains("--user NAME"), "{}", publisher.told);
    // A line that comes before the answer is kept.
    let mut server = server;
    server.signal(Signal::KILL);
    server.wait();
    let mut kim = Run::start(with_file(&server, "chat den --as kim", &file));
    kim.say("x");
    kim.until_told("kept, and waiting for the connection: x");
    let _server = revived(server, &["--guests", "nobody"]);
    let kim = kim.wait();
    assert_eq!(kim.status, 4, "{}", kim.told);
    assert!(kim.told.contains("--user NAME"), "{}", kim.told);
    assert!(kim.told.contains("kept in the outbox"), "{}", kim.told);
}

/// One that lives on when a file may not grow.
fn surviving(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    // What is ignored stays ignored in what is executed.
    shell
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    shell
}

fn let_files_grow_to(run: &Run, bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    let pid = Pid::from_child(&run.child);
    prlimit(Some(pid), Resource::Fsize, limit).unwrap();
}

#[test]
fn a_full_disk_refuses_what_is_said_and_all_goes_on_when_there_is_place() {
    let server = Server::start();
    let (_folder, file): (_, PathBuf) = file();
    let command = with_file(&server, "chat den --as kim", &file);
    let mut kim = Run::start(surviving(&command));
    kim.until_told("1 in den");
    kim.say("before");
    assert_eq!(kim.line(), "guest-kim: before");
    let_files_grow_to(&kim, Some(0));
    kim.say("refused");
    let told = kim.until_told("not said: ");
    assert!(
        told.contains("File too large") && told.contains("say it again"),
        "{told}"
    );
    kim.say("refused, too");
    kim.until_told("not said: ");
    let_files_grow_to(&kim, None);
    kim.until_told("the outbox is written again");
    kim.say("after");
    assert_eq!(kim.line(), "guest-kim: after");
    // In a pipe something refused is the end's status.
    assert_eq!(kim.end().status, 1);
    assert_eq!(texts(&server, "den"), ["before", "after"]);
    assert!(!content(&file).contains("refused"));
    let next = run(words(&server, "pub den x --as ci --wait 1"), "");
    assert_eq!(next.status, 0);
}
