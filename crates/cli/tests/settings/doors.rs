//! Where the doors are, which rooms they have, and whose pages are beside them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tungstenite::Message;

use super::support::{Answer, Client, Server, Setup, free_client, parlour, publish};

fn get(server: &Server, path: &str) -> Answer {
    server.ask(&format!("GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n"))
}

/// Whether a WebSocket's door is there, and none where it usually is.
fn door_is_moved(flag: &str, usual: &str) {
    let server = Server::start_with(&[flag, "/moved/here"]);
    assert_eq!(get(&server, "/moved/here").status, 426, "{flag}");
    assert_eq!(get(&server, usual).status, 404, "{flag}");
}

/// The same for what is asked with POST; the body is one that it refuses.
fn post_is_moved(flag: &str, usual: &str) {
    let server = Server::start_with(&[flag, "/moved/here"]);
    let answer = server.post("/moved/here", "", "[]");
    assert!(
        answer.body.starts_with(r#"{"error":"#),
        "{flag}: {answer:?}"
    );
    assert_eq!(
        server.post(usual, "", "[]").status,
        405,
        "{flag}: only pages are there"
    );
}

/// A directory with one page.
fn pages(page: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("index.html"), page).unwrap();
    directory
}

fn with_pages(directory: &Path) -> Server {
    Server::start_with(&["--web-root", directory.to_str().unwrap()])
}

/// What is published at `/publish` comes to these rooms and to no other.
fn told_in(server: &Server, room: &str) -> String {
    let mut client = server.join("ann", room);
    let answer = server.post("/publish", "", r#"{"name":"kim","msg":"hello"}"#);
    assert_eq!(answer.status, 204, "{answer:?}");
    client.told()["from"].as_str().unwrap().to_owned()
}

effects! {
    "web-root" => fn own_pages_take_the_place_of_the_built_in_one() {
        let directory = pages("<title>Ours</title>");
        let server = with_pages(directory.path());
        let answer = get(&server, "/");
        assert_eq!((answer.status, answer.body.as_str()), (200, "<title>Ours</title>"));
        assert_eq!(get(&server, "/app.js").status, 404);
        assert_eq!(get(&server, "/echo").status, 426, "the doors stay");
    }

    "plain-room" => fn plain_text_is_in_this_room() {
        let server = Server::start_with(&["--plain-room", "den"]);
        let mut there = server.join("ann", "den");
        let mut client = free_client(&server, "/plain");
        client.send("hello".into());
        let told = there.told();
        assert_eq!((&told["message"], &told["from"]), (&"hello".into(), &"guest-AnonymousUser0".into()));
    }

    "subscribe-room" => fn what_is_published_is_in_this_room() {
        let server = Server::start_with(&["--subscribe-room", "news"]);
        let mut subscriber = free_client(&server, "/subscribe");
        assert_eq!(told_in(&server, "news"), "guest-kim");
        // Its handshake may have been answered before it was in the room.
        let stream = subscriber.socket.get_ref().try_clone().unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        while !matches!(subscriber.socket.read(), Ok(Message::Text(text)) if text.contains("hello")) {
            assert_eq!(publish(&server, "kim", "hello").status, 204);
        }
    }

    "ws-path" => fn the_door_to_rooms_can_be_moved_and_the_page_is_told() {
        door_is_moved("--ws-path", "/ws");
        let server = Server::start_with(&["--ws-path", "/events"]);
        assert!(get(&server, "/").body.contains(r#"data-ws="/events""#));
        let (otp, _) = server.ticket("ann");
        let mut client = Client::open(&server, &format!("/events?otp={otp}"), &[]).unwrap();
        client.settle();
    }

    "plain-path" => fn the_door_for_plain_text_can_be_moved() {
        door_is_moved("--plain-path", "/plain");
    }

    "subscribe-path" => fn the_door_for_subscribers_can_be_moved() {
        door_is_moved("--subscribe-path", "/subscribe");
    }

    "echo-path" => fn the_echo_can_be_moved() {
        door_is_moved("--echo-path", "/echo");
    }

    "publish-path" => fn publishing_can_be_moved() {
        post_is_moved("--publish-path", "/publish");
    }

    "rooms-path" => fn publishing_in_rooms_can_be_moved() {
        let server = Server::start_with(&["--rooms-path", "/r"]);
        let body = r#"{"payload":"hello"}"#;
        assert_eq!(server.post("/r/den/publish", "", body).status, 200);
        assert_eq!(server.post("/rooms/den/publish", "", body).status, 405);
    }

    "ticket-path" => fn tickets_can_be_moved() {
        post_is_moved("--ticket-path", "/ticket");
    }

    "login-path" => fn the_sign_in_can_be_moved() {
        post_is_moved("--login-path", "/login");
    }

    "logout-path" => fn the_sign_out_can_be_moved() {
        post_is_moved("--logout-path", "/logout");
    }

    "healthz-path" => fn the_look_at_its_health_can_be_moved() {
        let server = Server::start_with(&["--healthz-path", "/well"]);
        assert_eq!((get(&server, "/well").status, get(&server, "/healthz").status), (200, 404));
    }

    "debug-path" => fn the_counters_can_be_moved() {
        let server = Server::start_with(&["--debug-path", "/numbers"]);
        assert_eq!((get(&server, "/numbers").status, get(&server, "/debug").status), (200, 404));
    }
}

/// What `serve` says instead of starting.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let data = tempfile::tempdir().unwrap();
    let output = parlour()
        .args(["serve", "--log", "off", "--addr", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.stdout.is_empty());
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn two_doors_at_one_path_are_refused_by_name() {
    for (arguments, words) in [
        (
            &["--plain-path", "/ws"][..],
            ["--plain-path is /ws", "--ws-path"],
        ),
        (
            &["--publish-path", "/rooms/den/publish"],
            ["--publish-path is", "--rooms-path"],
        ),
        (
            &["--echo-path", "/x", "--debug-path", "/x"],
            ["-path is /x", "choose another path"],
        ),
    ] {
        let (status, said) = refused(arguments);
        assert_eq!((status, said.lines().count()), (Some(1), 1), "{said}");
        assert!(words.iter().all(|words| said.contains(words)), "{said}");
    }
    let swapped = ["--plain-path", "/ws", "--ws-path", "/plain"];
    let server = Server::start_with(&swapped);
    let mut client = free_client(&server, "/ws");
    client.send("hello".into());
    while client.next_event()["message"] != "hello" {}
}

#[test]
fn bad_paths_rooms_and_directories_are_refused_with_the_fix() {
    for path in [
        "ws",
        "/",
        "/a//b",
        "/../ws",
        "/caf\u{e9}",
        "/{room}",
        "/ws/",
    ] {
        let (status, said) = refused(&["--ws-path", path]);
        assert_eq!(status, Some(2), "{said}");
        assert!(
            said.contains("--ws-path") && said.contains("for example /ws"),
            "{said}"
        );
    }
    let (status, said) = refused(&["--plain-room", "$hidden"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("--plain-room"), "{said}");
    let (status, said) = refused(&["--web-root", "/proc/nowhere"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("/proc/nowhere") && said.contains("--web-root a directory"),
        "{said}"
    );
}

#[test]
fn a_path_may_come_from_a_variable_and_from_the_file() {
    let server = Setup::default()
        .variable("PARLOUR_ECHO_PATH", "/e")
        .config("debug-path = \"/d\"\nweb-root = \"/nowhere\"\n")
        .variable("PARLOUR_WEB_ROOT", env!("CARGO_MANIFEST_DIR"))
        .start();
    assert_eq!(
        (get(&server, "/e").status, get(&server, "/d").status),
        (426, 200)
    );
    assert_eq!(
        get(&server, "/Cargo.toml").status,
        200,
        "a directory without an index serves its files"
    );
    assert_eq!(get(&server, "/").status, 404);
}
