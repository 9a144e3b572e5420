//! Who may come in.

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Answer, Server, Setup, post};
use super::{code, upgrade};

const FOREIGN: &str = "chat.example";
const PASSWORD: &str = "correct horse battery";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// So many may sign in as one user at once.
const UNGUARDED: [&str; 4] = [
    "--logins-per-minute",
    "0",
    "--failed-logins-per-minute",
    "0",
];

fn with_ann(arguments: &[&str]) -> Server {
    Setup::with(arguments).user("ann", PASSWORD).start()
}

fn log_in(server: &Server, password: &str) -> Answer {
    let body = json!({ "username": "ann", "password": password }).to_string();
    server.post("/login", "", &body)
}

/// Signs in; the secret of the session.
fn session(server: &Server) -> String {
    let answer = log_in(server, PASSWORD);
    assert_eq!(answer.status, 200, "{answer:?}");
    let given: Value = serde_json::from_str(&answer.body).unwrap();
    given["session"].as_str().unwrap().to_owned()
}

/// The status of asking for a ticket with a session.
fn ticket_with(server: &Server, session: &str) -> u16 {
    server
        .post(
            "/ticket",
            &format!("Authorization: Bearer {session}\r\n"),
            "",
        )
        .status
}

/// The statuses of so many logins at once.
fn log_in_at_once(server: &Server, count: usize) -> Vec<u16> {
    std::thread::scope(|scope| {
        let logins: Vec<_> = (0..count)
            .map(|_| scope.spawn(|| log_in(server, PASSWORD).status))
            .collect();
        logins
            .into_iter()
            .map(|login| login.join().unwrap())
            .collect()
    })
}

/// A file with the token, of this user alone.
fn token_file() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    write(&path, format!("{TOKEN}\n")).unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    (directory, path)
}

effects! {
    "guests" => fn guests_are_let_in_as_far_as_that_is_said() {
        for (guests, here, elsewhere) in
            [("nobody", 403, 403), ("loopback", 200, 403), ("everybody", 200, 200)]
        {
            let server = Server::start_with(&["--guests", guests]);
            assert_eq!(server.post("/ticket", "", "{}").status, here, "{guests}");
            let foreign = server.ask(&post(FOREIGN, "/ticket", "", "{}"));
            assert_eq!(foreign.status, elsewhere, "{guests}");
        }
    }

    "ticket-ttl" => fn a_ticket_lives_as_long_as_it_is_said() {
        let server = Server::start_with(&["--ticket-ttl", "1s"]);
        let answer = server.post("/ticket", "", "{}");
        let given: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(given["expires_in"], 1);
        // A bad ticket is told before a bad origin, and a bad origin spends no ticket.
        let path = format!("/ws?otp={}", given["otp"].as_str().unwrap());
        let asked = upgrade("{host}", &path, "Origin: https://evil.example\r\n");
        assert_eq!(server.ask(&asked).status, 403);
        let longest = Instant::now() + Duration::from_secs(4);
        while server.ask(&asked).status != 401 {
            assert!(Instant::now() < longest, "it lives as long as by default");
        }
    }

    "session-ttl" => fn a_session_that_is_not_used_ends_in_its_time() {
        let server = with_ann(&["--session-ttl", "1s"]);
        let session = session(&server);
        // Asking would keep it open.
        std::thread::sleep(Duration::from_millis(2_100));
        assert_eq!(ticket_with(&server, &session), 401);
    }

    "publish-token-file" => fn who_knows_the_token_publishes_from_elsewhere() {
        let (_directory, path) = token_file();
        let server = Server::start_with(&["--door", "publish", "--publish-token-file", path.to_str().unwrap()]);
        let ask = |headers: &str| {
            server.ask(&post(FOREIGN, "/rooms/den/publish", headers, r#"{"payload":"hello"}"#))
        };
        for wrong in ["", "Authorization: Bearer 0123456789abcdef0123456789abcdee\r\n"] {
            assert_eq!(ask(wrong).status, 401);
        }
        let answer = ask(&format!("Authorization: Bearer {TOKEN}\r\n"));
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    "operator-token-file" => fn who_knows_the_operators_token_sees_the_counters_from_elsewhere() {
        let (_directory, path) = token_file();
        let server = Server::start_with(&["--operator-token-file", path.to_str().unwrap()]);
        let ask = |headers: &str| {
            server.ask(&format!("GET /debug HTTP/1.1\r\nHost: {FOREIGN}\r\n{headers}\r\n")).status
        };
        assert_eq!(ask(""), 401);
        assert_eq!(ask(&format!("Authorization: Bearer {TOKEN}\r\n")), 200);
    }

    "logins-per-minute" => fn an_address_may_try_to_sign_in_so_often() {
        let server = with_ann(&["--logins-per-minute", "2"]);
        let tries = [(); 3].map(|()| log_in(&server, PASSWORD));
        assert_eq!(tries.each_ref().map(|it| it.status), [200, 200, 429]);
        assert_eq!(code(&tries[2]), "too_many_logins");
        let free = with_ann(&["--logins-per-minute", "0"]);
        assert!((0..12).all(|_| log_in(&free, PASSWORD).status == 200));
    }

    "failed-logins-per-minute" => fn a_name_may_be_guessed_at_so_often() {
        let server = with_ann(&["--failed-logins-per-minute", "1", "--logins-per-minute", "0"]);
        assert_eq!([(); 2].map(|()| log_in(&server, "wrong password").status), [401, 429]);
    }

    "passwords-at-once" => fn so_many_passwords_are_checked_at_once() {
        let arguments = [&UNGUARDED[..], &["--password-wait", "0", "--passwords-at-once"]].concat();
        let many = with_ann(&[&arguments[..], &["16"]].concat());
        assert_eq!(log_in_at_once(&many, 16), [200; 16]);
        let one = with_ann(&[&arguments[..], &["1"]].concat());
        assert!(log_in_at_once(&one, 16).contains(&503));
    }

    "password-wait" => fn a_sign_in_waits_for_its_turn_so_long() {
        let arguments = [&UNGUARDED[..], &["--passwords-at-once", "1", "--password-wait"]].concat();
        let patient = with_ann(&[&arguments[..], &["5m"]].concat());
        assert_eq!(log_in_at_once(&patient, 8), [200; 8]);
        let hasty = with_ann(&[&arguments[..], &["0"]].concat());
        assert!(log_in_at_once(&hasty, 8).contains(&503));
    }

    "max-tickets" => fn there_are_so_many_tickets_and_no_more() {
        let server = Server::start_with(&["--max-tickets", "4", "--ticket-ttl", "1h"]);
        let statuses = [(); 4].map(|()| server.post("/ticket", "", "{}").status);
        assert_eq!(statuses, [200, 200, 200, 429], "three quarters are for loopback");
    }

    "max-sessions" => fn the_oldest_of_too_many_sessions_ends() {
        let server = with_ann(&["--max-sessions", "1"]);
        let first = session(&server);
        assert_eq!(ticket_with(&server, &first), 200);
        let second = session(&server);
        assert_eq!((ticket_with(&server, &first), ticket_with(&server, &second)), (401, 200));
    }

    "max-sessions-per-user" => fn the_oldest_of_a_users_too_many_sessions_ends() {
        let server = with_ann(&["--max-sessions-per-user", "2"]);
        let sessions = [(); 3].map(|()| session(&server));
        assert_eq!(sessions.each_ref().map(|it| ticket_with(&server, it)), [401, 200, 200]);
    }
}
