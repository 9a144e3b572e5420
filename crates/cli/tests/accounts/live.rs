//! On a running server, through its control socket.

use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server};
use crate::{OTHER, PASSWORD, add, does, fails, list, names};

fn post(server: &Server, path: &str, headers: &str, body: &str) -> Answer {
    server.ask(&format!(
        "POST {path} HTTP/1.1\r\nHost: {{host}}\r\nContent-Type: application/json\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn login(server: &Server, name: &str, password: &str) -> Answer {
    let body = json!({ "username": name, "password": password }).to_string();
    post(server, "/login", "", &body)
}

/// The ticket and the session's secret.
fn signed_in(server: &Server, name: &str) -> (String, String) {
    let answer = login(server, name, PASSWORD);
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let field = |name: &str| body[name].as_str().unwrap().to_owned();
    (field("otp"), field("session"))
}

fn ticket_status(server: &Server, session: &str) -> u16 {
    let bearer = format!("Authorization: Bearer {session}\r\n");
    post(server, "/ticket", &bearer, "").status
}

fn connected(server: &Server, otp: &str) -> Client {
    Client::open(server, &format!("/ws?otp={otp}"), &[]).unwrap()
}

#[test]
fn a_user_who_is_added_can_sign_in_at_once() {
    let server = Server::start();
    let data = server.data();
    assert_eq!(login(&server, "ann", PASSWORD).status, 401);
    add(&data, "Ann");
    let (otp, session) = signed_in(&server, "ann");
    connected(&server, &otp).settle();
    assert_eq!(ticket_status(&server, &session), 200);
    assert_eq!(list(&data), [("Ann".to_owned(), 1)]);
    let exists = ["user Ann already", "parlour user passwd Ann"];
    fails(
        &data,
        &["add", "ann", "--password-stdin"],
        PASSWORD,
        &exists,
    );
    fails(
        &data,
        &["remove", "bob"],
        "",
        &["no user bob", "parlour user list"],
    );
    let socket = data.join("control.sock");
    let mode = socket.symlink_metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn removing_a_user_ends_the_sessions_and_closes_the_connections() {
    let server = Server::start();
    let data = server.data();
    add(&data, "ann");
    add(&data, "bob");
    let (ann_otp, ann_session) = signed_in(&server, "ann");
    let (unused_otp, _) = signed_in(&server, "ann");
    let (bob_otp, bob_session) = signed_in(&server, "bob");
    let mut ann = connected(&server, &ann_otp);
    ann.settle();
    let mut bob = connected(&server, &bob_otp);
    bob.settle();

    let said = does(&data, &["remove", "ANN"], "");
    assert_eq!(said, "removed ann; ended 2 sessions\n");
    assert_eq!(ann.closed(), Some(1008));
    assert_eq!(ticket_status(&server, &ann_session), 401);
    assert!(Client::open(&server, &format!("/ws?otp={unused_otp}"), &[]).is_err());
    assert_eq!(login(&server, "ann", PASSWORD).status, 401);
    bob.settle();
    assert_eq!(ticket_status(&server, &bob_session), 200);
    assert_eq!(names(&data), ["bob"]);
}

#[test]
fn another_password_signs_every_device_out() {
    let server = Server::start();
    let data = server.data();
    add(&data, "ann");
    let (otp, session) = signed_in(&server, "ann");
    let mut ann = connected(&server, &otp);
    ann.settle();
    let said = does(&data, &["passwd", "ann", "--password-stdin"], OTHER);
    assert_eq!(said, "ann has a new password; ended 1 session\n");
    assert_eq!(ann.closed(), Some(1008));
    assert_eq!(ticket_status(&server, &session), 401);
    assert_eq!(login(&server, "ann", PASSWORD).status, 401);
    assert_eq!(login(&server, "ann", OTHER).status, 200);
}

#[test]
fn commands_at_once_are_all_done() {
    let server = Server::start();
    let adding: Vec<_> = (0..6)
        .map(|index| {
            let data = server.data();
            std::thread::spawn(move || add(&data, &format!("user-{index}")))
        })
        .collect();
    for adding in adding {
        adding.join().unwrap();
    }
    assert_eq!(names(&server.data()).len(), 6);
}

#[test]
fn what_was_done_on_a_live_server_is_there_on_the_stopped_one() {
    let mut server = Server::start();
    let data = server.data();
    add(&data, "ann");
    add(&data, "bob");
    signed_in(&server, "ann");
    does(&data, &["remove", "bob"], "");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(!data.join("control.sock").exists(), "taken away");
    assert_eq!(list(&data), [("ann".to_owned(), 1)]);
}

#[test]
fn a_killed_server_leaves_its_users_and_its_socket_and_neither_is_in_the_way() {
    let mut server = Server::start();
    let data = server.data();
    add(&data, "ann");
    signed_in(&server, "ann");
    server.signal(Signal::KILL);
    server.wait();
    assert!(data.join("control.sock").exists(), "left behind");
    assert_eq!(list(&data), [("ann".to_owned(), 1)]);
    add(&data, "bob");
    assert_eq!(names(&data), ["ann", "bob"]);
}

#[test]
fn passwords_are_in_no_log() {
    let mut server = Server::start_with(&["--log", "trace"]);
    let data = server.data();
    add(&data, "ann");
    let (_, session) = signed_in(&server, "ann");
    does(&data, &["passwd", "ann", "--password-stdin"], OTHER);
    server.signal(Signal::TERM);
    server.wait();
    let log = server.log();
    assert!(
        log.contains("user_passwd"),
        "the command is in the log: {log}"
    );
    for secret in [PASSWORD, OTHER, &session, "argon2id"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// How often a row of a session in the file knows of a use after it was opened. Rows are JSON.
fn uses_in_file(data: &std::path::Path) -> usize {
    let bytes = std::fs::read(data.join("accounts.redb")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let number = |text: &str| -> Option<u64> {
        let end = text.find(|it: char| !it.is_ascii_digit())?;
        text[..end].parse().ok()
    };
    let rows = text.split("\"made\":").skip(1).filter_map(|row| {
        let (made, used) = row.split_once(",\"used\":")?;
        Some((made.parse::<u64>().ok()?, number(used)?))
    });
    rows.filter(|(made, used)| used > made).count()
}

#[test]
fn a_stop_writes_down_when_sessions_were_used_last() {
    let mut server = Server::start();
    let data = server.data();
    add(&data, "ann");
    let (_, session) = signed_in(&server, "ann");
    // The last use is known to the millisecond.
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(ticket_status(&server, &session), 200);
    assert_eq!(uses_in_file(&data), 0);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(uses_in_file(&data) > 0);
}
