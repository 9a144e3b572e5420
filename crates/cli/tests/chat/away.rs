//! A server that goes and comes: nobody has to start anything again.

use rustix::process::Signal;

use crate::support::{Server, Setup};
use crate::{Run, next_entry, run, sub, words};

/// A server that can be started again at the same address.
fn again(server: Server, signal: Signal) -> Server {
    again_with(server, signal, &[])
}

fn again_with(mut server: Server, signal: Signal, settings: &[&str]) -> Server {
    server.signal(signal);
    server.wait();
    revived(server, settings)
}

/// Another one in the place of one that has ended.
pub(crate) fn revived(server: Server, settings: &[&str]) -> Server {
    let address = server.address().to_string();
    drop(server);
    Setup::with(&[&["--addr", &*address], settings].concat()).start()
}

#[test]
fn sub_comes_back_by_itself_and_says_what_is_gone() {
    let server = Server::start();
    let mut sub = sub(&server, "den", "");
    let server = again(server, Signal::TERM);
    sub.until_told("the server is going away; trying again in");
    sub.until_told("back in den");
    sub.until_told("den began anew");
    let said = run(words(&server, "pub den after"), "");
    assert_eq!(said.status, 0);
    let gap = loop {
        let line = sub.json();
        if !line["gap"].is_null() {
            break line;
        }
    };
    assert_eq!(
        (&gap["room"], &gap["gap"]["reason"]),
        (&"den".into(), &"new_epoch".into())
    );
    assert_eq!(next_entry(&mut sub)["payload"], "after");
}

#[test]
fn chat_comes_back_by_itself_and_what_is_typed_meanwhile_is_said_then() {
    let server = Server::start();
    let mut kim = Run::chat(&server, "den --as kim");
    kim.say("before");
    assert_eq!(kim.line(), "guest-kim: before");
    let _server = again(server, Signal::TERM);
    kim.until_told("trying again in");
    kim.say("after");
    kim.until_told("back: connected");
    assert_eq!(kim.line(), "guest-kim: after");
    assert_eq!(kim.end().status, 0);
}

/// Stops all threads of the server: what is sent to it from now on, it does not read.
pub(crate) fn hold(server: &Server) {
    server.signal(Signal::STOP);
    let tasks = format!("/proc/{}/task", server.pid().as_raw_pid());
    let is_held = |task: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
        // Its state stands behind the name, which stands in parentheses (proc_pid_stat(5)).
        stat.rsplit_once(") ").unwrap().1.starts_with('T')
    };
    while !std::fs::read_dir(&tasks).unwrap().all(is_held) {
        std::thread::yield_now();
    }
}

/// Until the server, which was stopped, has bytes of this one that it has not read.
pub(crate) fn until_unread(server: &Server, publisher: &Run) {
    let is_waiting = || {
        let input = std::fs::read_to_string(format!("/proc/{}/net/tcp", publisher.child.id()));
        let port = format!(":{:04X} ", server.address().port());
        // The server's end of the connection holds bytes that it has not read.
        input.unwrap().lines().any(|line| {
            let mut fields = line.split_whitespace();
            let local = fields
                .nth(1)
                .is_some_and(|it| format!("{it} ").ends_with(&port));
            let queues = fields.nth(2).unwrap_or_default().to_owned();
            local
                && queues
                    .split_once(':')
                    .is_some_and(|(_, unread)| unread != "00000000")
        })
    };
    let deadline = std::time::Instant::now() + crate::PATIENCE;
    while !is_waiting() {
        assert!(
            std::time::Instant::now() < deadline,
            "the line was not sent"
        );
        std::thread::yield_now();
    }
}

#[test]
fn what_was_sent_to_a_server_that_died_is_not_known_and_that_is_3() {
    let server = Server::start();
    let mut publisher = Run::start(words(&server, "pub den --json"));
    publisher.say("one");
    publisher.line();
    // It takes the next line's frame into its socket, and dies with it.
    hold(&server);
    publisher.say("two");
    until_unread(&server, &publisher);
    let _server = again(server, Signal::KILL);
    let end = publisher.end();
    assert_eq!((end.status, end.out.len()), (3, 0), "{}", end.told);
    assert!(end.told.contains("it is not known"), "{}", end.told);
}

#[test]
fn who_quits_with_words_unsaid_waits_ten_seconds_and_is_told() {
    let mut server = Server::start();
    let mut kim = Run::chat(&server, "den --as kim");
    server.signal(Signal::KILL);
    server.wait();
    kim.until_told("trying again in");
    kim.say("good night");
    kim.say("/quit");
    kim.until_told("not everything is said; waiting 10 s for the connection");
    let end = kim.wait();
    assert_eq!(end.status, 1);
    assert!(end.told.contains("not said: "), "{}", end.told);
}

#[test]
fn a_server_that_does_not_come_back_can_be_left() {
    let mut server = Server::start();
    let mut kim = Run::chat(&server, "den --as kim");
    server.signal(Signal::KILL);
    server.wait();
    kim.until_told("trying again in");
    kim.say("/quit");
    assert_eq!(kim.wait().status, 0, "nothing was said");
}

#[test]
fn the_end_of_a_pipe_waits_for_twenty_seconds_and_what_is_not_known_is_3() {
    let mut server = Server::start();
    let mut kim = Run::chat(&server, "den --as kim");
    kim.say("before");
    assert_eq!(kim.line(), "guest-kim: before");
    hold(&server);
    kim.say("sent");
    until_unread(&server, &kim);
    server.signal(Signal::KILL);
    server.wait();
    kim.until_told("trying again in");
    kim.say("not sent");
    kim.input = None;
    kim.until_told("not everything is said; waiting 20 s for the connection");
    let end = kim.wait();
    assert_eq!(end.status, 3, "{}", end.told);
    assert!(end.told.contains("it is not known"), "{}", end.told);
    assert!(end.told.contains("not said: "), "{}", end.told);
}

#[test]
fn who_is_not_let_back_into_one_of_several_rooms_is_told_the_servers_words() {
    let server = Server::start();
    let mut kim = Run::chat(&server, "den --as kim");
    kim.say("/join hall");
    kim.until_told("1 in hall: ");
    let _server = again_with(server, Signal::TERM, &["--max-rooms-per-connection", "1"]);
    let told = kim.until_told("parlour: hall: ");
    assert!(told.contains("as many rooms as"), "{told}");
    kim.until_told("left hall");
    kim.say("/join hall");
    kim.until_told("not in hall: ");
}
