//! Flags, variables and the file, on the real binary: which one wins, and what mistakes are told.

use std::process::Output;

use tungstenite::Message;

use super::support::{Setup, parlour};

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    parlour()
        .arg("serve")
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// The largest message that the echo door takes of these.
fn limit(setup: Setup) -> usize {
    let server = setup.start();
    let mut client = server.echo();
    for size in [100, 200, 300, 400] {
        client.send(Message::binary(vec![7; size + 1]));
        if matches!(client.next(), Message::Close(_)) {
            return size;
        }
    }
    65_536
}

#[test]
fn a_flag_wins_over_a_variable_which_wins_over_the_file_which_wins_over_the_default() {
    let flag = || Setup::with(&["--max-message-bytes", "300"]);
    let variable = |setup: Setup| setup.variable("PARLOUR_MAX_MESSAGE_BYTES", "200");
    let file = |setup: Setup| setup.config("max-message-bytes = 100\n");
    assert_eq!(limit(variable(file(flag()))), 300);
    assert_eq!(limit(variable(file(Setup::default()))), 200);
    assert_eq!(limit(file(Setup::default())), 100);
    assert_eq!(limit(Setup::default()), 65_536);
}

#[test]
fn the_file_can_be_named_by_a_variable() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.toml");
    std::fs::write(&path, "max-message-bytes = 400\n").unwrap();
    let setup = Setup::default().variable("PARLOUR_CONFIG", path.to_str().unwrap());
    assert_eq!(limit(setup), 400);
}

#[test]
fn what_holds_is_printed_with_its_source_and_nothing_is_served() {
    let variables = [("PARLOUR_PING_INTERVAL", "1500ms")];
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("none");
    let arguments = [
        "--print-config",
        "--max-rooms",
        "7",
        "--data",
        data.to_str().unwrap(),
    ];
    let output = run(&arguments, &variables);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let printed = String::from_utf8(output.stdout).unwrap();
    for line in [
        "max-rooms = 7 # --max-rooms",
        "ping-interval = \"1500ms\" # PARLOUR_PING_INTERVAL",
        "pong-timeout = \"20s\" # default",
    ] {
        assert!(
            printed.lines().any(|it| it == line),
            "{line} is not in:\n{printed}"
        );
    }
    assert!(!data.exists());
}

#[test]
fn a_mistake_stops_the_start_with_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.toml");
    let path = path.to_str().unwrap();
    let told = |status, arguments: &[&str], variables: &[(&str, &str)], words: &[&str]| {
        let output = run(arguments, variables);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            said.starts_with("parlour: ") && output.stdout.is_empty(),
            "{said}"
        );
        for words in words {
            assert!(said.contains(words), "{said} does not say {words}");
        }
    };
    std::fs::write(path, "addr = \"127.0.0.1:0\"\n\nping_interval = 5\n").unwrap();
    told(
        1,
        &["--config", path],
        &[],
        &["x.toml:3:", "`ping-interval`"],
    );
    std::fs::write(path, "ping-interval = true\n").unwrap();
    told(
        1,
        &["--config", path],
        &[],
        &["x.toml:1: ping-interval", "500ms"],
    );
    std::fs::write(path, "ping-interval 5\n").unwrap();
    told(1, &["--config", path], &[], &["x.toml:1:"]);
    told(
        1,
        &["--config", "/nowhere.toml"],
        &[],
        &["/nowhere.toml", "--config"],
    );
    told(
        1,
        &[],
        &[("PARLOUR_PING_INTERVALL", "5")],
        &["`PARLOUR_PING_INTERVAL`"],
    );
    told(
        1,
        &[],
        &[("PARLOUR_PING_INTERVAL", "0")],
        &["PARLOUR_PING_INTERVAL", "100ms to 1h"],
    );
    told(
        2,
        &["--ping-interval", "0"],
        &[],
        &["--ping-interval", "100ms to 1h"],
    );
    told(
        2,
        &["--print-config", "--log", "inof"],
        &[],
        &["--log: `inof` is no level"],
    );
    told(1, &[], &[("PARLOUR_PORT", "9000")], &["`PARLOUR_ADDR`"]);
    told(1, &["--tls-cert", "c.pem"], &[], &["--tls-key FILE"]);
    told(1, &["--insecure"], &[], &["leave it out"]);
    told(
        1,
        &["--addr", "0.0.0.0:1"],
        &[],
        &["--insecure", "--tls-cert FILE --tls-key FILE"],
    );
}

#[test]
fn a_variable_that_is_no_unicode_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::OsStr::from_bytes(b"/srv/\xff");
    let mut command = parlour();
    let output = command
        .arg("serve")
        .env("PARLOUR_DATA", path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("PARLOUR_DATA is no UTF-8"), "{said}");
}

#[test]
fn a_token_that_others_can_read_or_that_is_empty_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let data = directory.path().join("data");
    for (text, mode, words) in [
        ("0123456789abcdef", 0o644, "chmod 600"),
        ("", 0o600, "empty"),
        ("short", 0o600, "16"),
    ] {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let arguments = [
            "--addr",
            "127.0.0.1:0",
            "--log",
            "off",
            "--data",
            data.to_str().unwrap(),
        ];
        let token = [
            "--door",
            "publish",
            "--publish-token-file",
            path.to_str().unwrap(),
        ];
        let output = run(&[&arguments[..], &token].concat(), &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), said.lines().count()),
            (Some(1), 1),
            "{said}"
        );
        assert!(
            said.contains("--publish-token-file") && said.contains(words),
            "{said}"
        );
    }
}
