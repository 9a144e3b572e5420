//! What the command line says, and how it fails.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use crate::support::{Server, parlour};

fn run(arguments: &[&str]) -> Output {
    parlour().args(arguments).output().unwrap()
}

/// It fails with status 1 and one line, which holds `words`.
fn assert_fails(arguments: &[&str], words: &[&str]) {
    assert_fails_with(1, arguments, words);
}

/// `parlour serve` on this data.
fn serve_on(data: &str) -> [&str; 7] {
    [
        "serve",
        "--log",
        "off",
        "--addr",
        "127.0.0.1:0",
        "--data",
        data,
    ]
}

fn assert_fails_with(status: i32, arguments: &[&str], words: &[&str]) {
    let output = run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for words in words {
        assert!(said.contains(words), "{said} does not say {words}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn the_first_lines_say_what_to_open_and_what_to_paste() {
    let mut server = Server::start();
    let address = server.address();
    let printed = server.printed_up_to("Ctrl+C");
    for line in [
        format!("\n  http://{address}/#general\n"),
        format!("\n  curl -s -X POST 'http://{address}/ticket'\n"),
        format!("\n  parlour chat --url http://{address} --as NAME\n"),
        "\n  /plain (plain text with nicknames), /subscribe (what is published), /publish (POST publishes \
         it), /echo (what you send)\n"
            .to_owned(),
    ] {
        assert!(printed.contains(&line), "{printed}");
    }
}

#[test]
fn only_doors_that_are_open_are_named_and_where_they_are() {
    let everywhere = ["--addr", "0.0.0.0:0", "--insecure", "--guests", "everybody"];
    let printed = |more: &[&str]| {
        let mut server = Server::start_with(&[&everywhere[..], more].concat());
        server.printed_up_to("Ctrl+C")
    };
    assert!(!printed(&[]).contains("without a ticket"));
    let opened = [
        "--door",
        "plain",
        "--plain-path",
        "/p",
        "--ws-path",
        "/e",
        "--ticket-path",
        "/t",
    ];
    let opened = printed(&opened);
    let doors = "Doors without a ticket:\n  /p (plain text with nicknames)\n";
    for words in [doors, "/t'", " --ws-path /e --ticket-path /t "] {
        assert!(opened.contains(words), "{opened}");
    }
}

#[test]
fn a_port_that_is_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    assert_fails(
        &["serve", "--addr", &address, "--data", data, "--log", "off"],
        &[&address, "in use", "--addr"],
    );
}

#[test]
fn bad_settings_are_refused_with_the_fix() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let serve = |status, arguments: &[&'static str], words: &[&str]| {
        let mut all = vec!["serve", "--data", data, "--log", "off"];
        all.extend(arguments);
        assert_fails_with(status, &all, words);
    };
    serve(
        1,
        &["--addr", "0.0.0.0:8080"],
        &[
            "--tls-cert FILE --tls-key FILE",
            "--insecure",
            "--addr 127.0.0.1:8080",
            "ssh -L 8080:127.0.0.1:8080 HOST",
        ],
    );
    serve(
        2,
        &["--addr", "nowhere"],
        &["--addr", "nowhere", "127.0.0.1:8080"],
    );
    serve(
        2,
        &["--max-message-bytes", "0"],
        &["--max-message-bytes", "1 to 64MiB"],
    );
    let log = ["serve", "--data", data, "--log", "=?="];
    assert_fails_with(2, &log, &["--log: `=?=`", "use for example info"]);
    assert_fails(&serve_on("/proc/nowhere"), &["/proc/nowhere", "--data DIR"]);
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let server = Server::start();
    let data = server.data();
    let mode = data.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_fails(
        &serve_on(data.to_str().unwrap()),
        &["another server", "--data"],
    );
}

#[test]
fn usage_errors_have_status_2_and_help_has_examples() {
    assert_eq!(run(&["serve", "--no-such-option"]).status.code(), Some(2));
    assert_eq!(
        run(&["serve", "--max-message-bytes", "many"]).status.code(),
        Some(2)
    );
    assert_eq!(run(&[]).status.code(), Some(2));
    for arguments in [&["--help"][..], &["serve", "--help"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .contains("Examples:")
        );
    }
    let version = String::from_utf8(run(&["--version"]).stdout).unwrap();
    let start = format!("parlour {} (", env!("CARGO_PKG_VERSION"));
    assert!(version.starts_with(&start), "{version}");
    assert!(
        version.contains(std::env::consts::ARCH) && version.ends_with("build)\n"),
        "{version}"
    );
}
