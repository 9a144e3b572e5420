//! Exit status and words when it does not work: whose fault it is, and what to do.

use crate::support::{Server, Setup, parlour};
use crate::{run, words};

#[test]
fn nobody_there_is_1_and_says_how_to_start_a_server() {
    let server = Server::start();
    for line in ["pub den x", "sub den", "chat den"] {
        let mut command = parlour();
        command
            .args(line.split(' '))
            .args(["--url", "http://127.0.0.1:1"]);
        let end = run(command, "");
        assert_eq!((end.status, end.out.is_empty()), (1, true), "{line}");
        assert!(end.told.contains("parlour serve"), "{}", end.told);
    }
    drop(server);
}

#[test]
fn what_the_server_refuses_is_1_and_says_why() {
    let closed = Server::start_with(&["--guests", "nobody"]);
    for line in ["pub den x", "sub den", "chat den --as kim"] {
        let end = run(words(&closed, line), "");
        assert_eq!(end.status, 1, "{line}");
        assert!(end.told.contains("--user NAME"), "{}", end.told);
    }
    let server = Server::start_with(&["--max-message-bytes", "512"]);
    let long = "x".repeat(600);
    let end = run(
        words(&server, "pub den -"),
        &format!("fits\n{long}\nnot any more\n"),
    );
    assert_eq!(end.status, 1);
    assert!(end.told.contains("the server takes 512"), "{}", end.told);
    let bad_name = run(words(&server, &format!("pub den x --as {long}")), "");
    assert!(
        bad_name.status == 1 && bad_name.told.contains("--as NAME"),
        "{}",
        bad_name.told
    );
}

#[test]
fn no_password_goes_where_others_can_read_it_unless_that_is_meant() {
    let server = Setup::default().user("ann", "correct horse").start();
    // To no address in particular is to this machine, but nobody can know.
    let url = format!("http://0.0.0.0:{}", server.address().port());
    let command = |line: &str, more: &[&str]| {
        let mut command = parlour();
        command.args(line.split(' ')).args(["--url", &url]);
        command
            .args(["--user", "ann", "--password-stdin"])
            .args(more);
        run(command, "correct horse\n")
    };
    for line in ["pub den x", "sub den", "chat den"] {
        let end = command(line, &[]);
        assert_eq!((end.status, end.out.is_empty()), (1, true), "{line}");
        assert!(end.told.contains("--insecure"), "{}", end.told);
    }
    let meant = command("pub den x", &["--insecure"]);
    assert_eq!((meant.status, &*meant.told), (0, ""));
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_asked() {
    let server = Server::start();
    for (line, status, word) in [
        ("pub", 2, "Usage"),
        ("sub den --count 0", 2, "--count"),
        ("sub den --from yesterday", 2, "colon"),
        ("pub den x --as kim --user ann", 2, "cannot be used with"),
        ("pub den x --password-stdin", 2, "--user"),
        ("pub den x --type a/b", 2, "letters"),
        ("pub $den x", 1, "reserved"),
        ("chat den --ca /nowhere.pem", 1, "/nowhere.pem"),
        ("pub den x --ws-path ws", 1, "like /ws"),
    ] {
        let end = run(words(&server, line), "");
        assert_eq!(end.status, status, "{line}: {}", end.told);
        assert!(end.told.contains(word), "{line}: {}", end.told);
    }
    let mut elsewhere = parlour();
    elsewhere.args(["sub", "den", "--url", "localhost:8080"]);
    let end = run(elsewhere, "");
    assert!(
        end.status == 1 && end.told.contains("http://127.0.0.1:8080"),
        "{}",
        end.told
    );
}

#[test]
fn input_that_is_no_text_is_named_by_its_line() {
    use std::io::Write as _;
    let server = Server::start();
    let mut publisher = crate::Run::start(words(&server, "pub den -"));
    publisher
        .input
        .as_mut()
        .unwrap()
        .write_all(b"good\n\xff\n")
        .unwrap();
    let end = publisher.end();
    assert_eq!(end.status, 1);
    assert!(
        end.told.contains("line 2 of standard input is not UTF-8"),
        "{}",
        end.told
    );
}

#[test]
fn a_certificate_of_the_servers_own_is_trusted_where_it_is_named() {
    let server = Server::start_with(&["--tls", "self-signed"]);
    let wary = run(words(&server, "pub den x"), "");
    assert_eq!(wary.status, 1);
    assert!(wary.told.contains("--ca FILE"), "{}", wary.told);
    let mut trusting = words(&server, "pub den x --json");
    trusting.arg("--ca").arg(server.own_certificate());
    let end = run(trusting, "");
    assert_eq!((end.status, end.out.len(), &*end.told), (0, 1, ""));
}

#[test]
fn the_line_that_serve_prints_is_pasted_as_it_is() {
    let moved = [
        "--ws-path",
        "/e",
        "--ticket-path",
        "/t",
        "--login-path",
        "/l",
    ];
    for settings in [&[][..], &["--tls", "self-signed"], &moved] {
        let mut server = Server::start_with(settings);
        let printed = server.printed_up_to("Ctrl+C");
        let line = printed
            .lines()
            .find_map(|it| it.strip_prefix("  parlour chat "));
        let line = line.unwrap_or_else(|| panic!("no line in {printed}"));
        let mut command = parlour();
        command.arg("chat");
        command.args(line.replace("NAME", "kim").split(' '));
        let end = run(command, "hi\n");
        assert_eq!(
            (end.status, end.out.concat()),
            (0, "guest-kim: hi".into()),
            "{}",
            end.told
        );
    }
}

#[test]
fn the_help_of_each_shows_how_and_what_the_status_means() {
    for name in ["chat", "pub", "sub"] {
        let mut command = parlour();
        command.args([name, "--help"]);
        let help = run(command, "").out.join("\n");
        for word in [
            "Examples:",
            "Exit status:",
            "--url",
            "--ca",
            "--password-stdin",
        ] {
            assert!(help.contains(word), "{name}: {word}");
        }
    }
}
